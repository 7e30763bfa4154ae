"""A deployment of `infra/template.yaml` in the emulator, and what one needs to use it."""

import io
import json
import pathlib
import platform
import secrets
import stat
import sys
import threading
import urllib.parse
import zipfile

import boto3
import botocore.config

from emulator import ACCOUNT, REGION, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUCKET = "code-of-deployments"
# Where the definitions of other stacks' machines are in it.
DEFINITIONS = "definitions"
# Where the emulator's IAM differs from AWS's.
TO_THE_EMULATOR = {
    # The right to this is the right to do it in a batch, but not there.
    "- sqs:ChangeMessageVisibility\n": "- sqs:ChangeMessageVisibility*\n",
}


def package(script):
    """A function's package: a script under the name that the runtime runs."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = (stat.S_IFREG | 0o755) << 16
        archive.writestr(entry, script)
    return held.getvalue()


def deploy(emulator, stack, template, parameters, kind="CREATE"):
    """Makes a stack of a template, or with the kind `UPDATE` changes it: its outputs and the ids of its resources."""
    cloudformation = emulator.client("cloudformation")
    change = {"StackName": stack, "ChangeSetName": kind.lower()}
    cloudformation.create_change_set(
        **change, ChangeSetType=kind, TemplateBody=template, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
    )

    def changes():
        described = cloudformation.describe_change_set(**change)
        assert described["Status"] != "FAILED", described
        return described["Status"] == "CREATE_COMPLETE"

    until("the change set", changes)
    cloudformation.execute_change_set(**change)

    def described():
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        if "ROLLBACK" in found["StackStatus"] or "FAILED" in found["StackStatus"]:
            events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
            raise AssertionError(json.dumps([e for e in events if "FAILED" in e["ResourceStatus"]], default=str))
        return found["StackStatus"] == f"{kind}_COMPLETE" and found

    outputs = until("the stack", described).get("Outputs", [])
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    return (
        {output["OutputKey"]: output["OutputValue"] for output in outputs},
        {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources},
    )


class Deployment:
    """A stack of the template."""

    def __init__(self, emulator, bootstrap, stack="statewright", parameters=None, preload=None):
        """`preload`: a library that the functions are run with."""
        self.emulator, self.stack = emulator, stack
        s3 = emulator.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        # The emulator unpacks the package for every process, so it holds the way to the program and not the program.
        with_library = f"LD_PRELOAD='{preload}' " if preload else ""
        self.package = package(f"#!/bin/sh\n{with_library}exec '{bootstrap}'\n")
        self.code = f"s3://{BUCKET}/{stack}.zip"
        s3.put_object(Bucket=BUCKET, Key=f"{stack}.zip", Body=self.package)
        template = (ROOT / "infra/template.yaml").read_text().replace("CodeUri: bootstrap/", f"CodeUri: {self.code}")
        for here, there in TO_THE_EMULATOR.items():
            assert here in template, here
            template = template.replace(here, there)
        values = {
            "Architecture": "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64",
            # The emulator knows no alarms over several metrics.
            "DeadLetterAlarm": "off",
            "SweepAlarm": "off",
            "FunctionArns": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:*",
            "LogGroupArns": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/vendedlogs/states/*",
            "DefinitionArns": f"arn:aws:s3:::{BUCKET}/{DEFINITIONS}/*",
            **(parameters or {}),
        }
        self.outputs, self.resources = deploy(emulator, stack, template, values)
        for url, function in [("ApiUrl", "ApiFunction"), ("ActivityUrl", "ActivityFunction")]:
            emulator.front.functions[urllib.parse.urlsplit(self.outputs[url]).hostname] = self.resources[function]
        emulator.front.balanced = emulator.front.balanced or self.resources["ApiFunction"]
        self.map(batch=10, concurrency=20)
        # The pair that was made, and beside it a second one, as when it is replaced.
        ssm, name = emulator.client("ssm"), self.outputs["KeysParameter"]
        kept = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        assert kept["Type"] == "SecureString" and len(json.loads(kept["Value"])["keys"]) == 1, kept["Type"]
        self.keys = [*json.loads(kept["Value"])["keys"], {"id": "SECOND", "secret": secrets.token_hex(20)}]
        ssm.put_parameter(Name=name, Type="SecureString", Value=json.dumps({"keys": self.keys}), Overwrite=True)
        self._lock = threading.Lock()

    def client(self, url="ApiUrl", key=None, region=REGION, service="stepfunctions", **settings):
        """A client of Step Functions that asks the deployment, through the function's URL."""
        pair = key or self.keys[0]
        config = botocore.config.Config(
            proxies={"http": self.emulator.front.url}, inject_host_prefix=False,
            retries={"total_max_attempts": settings.pop("attempts", 4)}, read_timeout=320, max_pool_connections=128, **settings,
        )
        # The emulator speaks no TLS.
        endpoint = self.outputs[url].replace("https://", "http://").rstrip("/")
        with self._lock:
            return boto3.client(
                service, endpoint_url=endpoint, region_name=region, aws_access_key_id=pair["id"],
                aws_secret_access_key=pair["secret"], config=config,
            )

    def map(self, batch, concurrency):
        """Sets what the queues' mappings take at a time: the emulator cannot read the template's numbers."""
        client = self.emulator.client("lambda")
        for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
            if mapping["FunctionArn"].split(":")[6] in self.resources.values():
                client.update_event_source_mapping(
                    UUID=mapping["UUID"], BatchSize=batch, ScalingConfig={"MaximumConcurrency": concurrency},
                )

    def logs(self):
        """All that the functions have logged."""
        client = self.emulator.client("logs")
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=self.resources["Logs"])
        return [event["message"] for page in pages for event in page["events"]]

    def role(self, name, statements):
        """A role that state machines may run under."""
        iam = self.emulator.client("iam")
        trust = self.outputs["TaskRoleTrust"]
        role = iam.create_role(RoleName=name, Path="/statewright/", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName=name, PolicyName="tasks", PolicyDocument=document)
        return role


class Functions:
    """The functions that tasks call, and what they have written down."""

    def __init__(self, emulator):
        self.emulator, self.client = emulator, emulator.client("lambda")
        self.attempts_file = emulator.folder / "attempts"
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        self.role = emulator.client("iam").create_role(RoleName="functions", AssumeRolePolicyDocument=document)["Role"]["Arn"]

    def create(self, name, timeout=30):
        """A function; what it does follows from its name."""
        program = pathlib.Path(__file__).with_name("functions.py")
        made = self.client.create_function(
            FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", Role=self.role, Timeout=timeout,
            Code={"ZipFile": package(f"#!/bin/sh\nexec '{sys.executable}' '{program}'\n")},
            Environment={"Variables": {"ATTEMPTS": str(self.attempts_file)}},
        )
        return made["FunctionArn"]

    def attempts(self):
        """The attempts at tasks, in the order in which they began and ended."""
        if not self.attempts_file.exists():
            return []
        return [json.loads(line) for line in self.attempts_file.read_text().splitlines()]

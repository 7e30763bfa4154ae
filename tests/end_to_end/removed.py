"""Deployments that `statewright remove` takes away: one with its data, one without."""

import json
import pathlib
import subprocess
import sys

import botocore.exceptions

from deployment import BUCKET, Deployment, deploy
from emulator import ACCOUNT, REGION, until

STACK = "removed"


def a_deployment_is_removed_and_leaves_behind_what_it_is_told_to(world):
    deployment = _used(world, STACK)
    table = deployment.outputs["TableName"]
    _is_asked_first(world, deployment)

    ran = _remove(world, STACK, typed=f"{STACK}\n")
    assert ran.returncode == 0 and "✔ the stack `removed` is deleted" in ran.stderr, ran
    assert not _left(world, deployment) - {("table", table), ("object", f"{STACK}.zip")}, _left(world, deployment)
    dynamodb = world.emulator.client("dynamodb")
    assert dynamodb.describe_table(TableName=table)["Table"]["DeletionProtectionEnabled"], "its data are as safe as they were"
    assert dynamodb.scan(TableName=table)["Count"] > 0, "they are all there"
    # What is printed does the rest.
    printed = [line.split() for line in ran.stdout.splitlines() if not line.startswith("#")]
    assert [words[:3] for words in printed] == [["aws", "dynamodb", "update-continuous-backups"],
                                                ["aws", "dynamodb", "update-table"], ["aws", "dynamodb", "wait"],
                                                ["aws", "dynamodb", "delete-table"], ["aws", "s3", "rm"]], ran.stdout
    aws = pathlib.Path(sys.executable).with_name("aws")
    for words in printed:
        subprocess.run([aws, *words[1:]], env=world.emulator.account, check=True, capture_output=True)
    assert not _left(world, deployment)

    deployment = _used(world, STACK)
    ran = _remove(world, STACK, "--delete-data", "--yes")
    assert ran.returncode == 0 and ran.stdout == "", ran
    assert not _left(world, deployment), _left(world, deployment)
    missing = _remove(world, STACK, "--delete-data", "--yes")
    assert missing.returncode == 2 and f"there is no stack `{STACK}` in {REGION}" in missing.stderr, missing
    return "nothing is left of it"


def _used(world, stack):
    """A deployment that has run an execution."""
    deployment = Deployment(world.emulator, world.bootstrap, stack)
    sfn, role = deployment.client(), f"arn:aws:iam::{ACCOUNT}:role/statewright/none"
    definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    machine = sfn.create_state_machine(name="m", definition=definition, roleArn=role)["stateMachineArn"]
    execution = sfn.start_execution(stateMachineArn=machine)["executionArn"]
    until("the end", lambda: sfn.describe_execution(executionArn=execution)["status"] == "SUCCEEDED")
    return deployment


def _is_asked_first(world, deployment):
    """What is not confirmed, not a deployment, or imported by somebody, stays."""
    before = _left(world, deployment)
    for typed in ("", "yes\n", "statewright\n"):
        ran = _remove(world, STACK, "--delete-data", typed=typed)
        assert ran.returncode == 2 and "not confirmed: nothing is deleted" in ran.stderr, ran
        assert f"the table `{deployment.outputs['TableName']}`: every execution" in ran.stderr, ran
    value = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::ImportValue": f"{STACK}-TableName"}}}
    deploy(world.emulator, "importing", json.dumps({"Resources": {"Parameter": value}}), {})
    ran = _remove(world, STACK, "--delete-data", "--yes")
    assert ran.returncode == 1 and "aws cloudformation delete-stack --stack-name importing" in ran.stderr, ran
    ran = _remove(world, "importing", "--delete-data", "--yes")
    assert ran.returncode == 2 and "the stack `importing` is no deployment of statewright" in ran.stderr, ran
    assert _left(world, deployment) == before
    _delete(world.emulator.client("cloudformation"), "importing")


def _delete(cloudformation, stack):
    cloudformation.delete_stack(StackName=stack)

    def gone():
        try:
            return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
        except botocore.exceptions.ClientError:
            return True

    until("the end of the stack", gone)


def _remove(world, *arguments, typed=""):
    command = [world.program("statewright"), "remove", *arguments]
    return subprocess.run(command, env=world.emulator.account, input=typed, capture_output=True, text=True)


def _left(world, deployment):
    """What there is of a deployment, wherever it is listed."""
    client = world.emulator.client
    pages = lambda service, operation, **more: client(service).get_paginator(operation).paginate(**more)
    listed = {
        "table": client("dynamodb").list_tables()["TableNames"],
        "parameter": [one["Name"] for page in pages("ssm", "describe_parameters") for one in page["Parameters"]],
        "log": [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]],
        "function": [one["FunctionName"] for page in pages("lambda", "list_functions") for one in page["Functions"]],
        "queue": client("sqs").list_queues(MaxResults=1000).get("QueueUrls", []),
        "role": [role["RoleName"] for page in pages("iam", "list_roles") for role in page["Roles"]],
        "policy": [one["Arn"] for page in pages("iam", "list_policies", Scope="Local") for one in page["Policies"]],
        "alarm": [alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "object": [one["Key"] for one in client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])],
    }
    own = {*deployment.resources.values(), f"{deployment.stack}.zip"}
    return {(kind, name) for kind, names in listed.items() for name in names if name in own}

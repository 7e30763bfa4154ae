"""One order through a deployment in the emulator, by the AWS command line."""

import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

import orders
from deployment import ROOT, Deployment, Functions
from emulator import REGION, Emulator, until


def emulate(bootstrap, stay):
    """Shows what it does, and how the order ends; the exit code."""
    emulator = Emulator()
    try:
        began = time.monotonic()
        print(f"→ an emulator of AWS runs at {emulator.url}; it knows who may do what")
        deployment = Deployment(emulator, pathlib.Path(bootstrap).resolve())
        orders.prepare(emulator, Functions(emulator))
        role = orders.role(deployment)
        print(f"→ infra/template.yaml is deployed there, {time.monotonic() - began:.1f} s")
        variables = {
            "AWS_ENDPOINT_URL_SFN": emulator.front.url,
            "AWS_ACCESS_KEY_ID": deployment.keys[0]["id"],
            "AWS_SECRET_ACCESS_KEY": deployment.keys[0]["secret"],
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        }
        aws = lambda *arguments: _aws(variables, *arguments)
        sample = (orders.SAMPLE / "order-saga.asl.json").relative_to(ROOT)
        machine = aws("create-state-machine", "--name", "order-saga", "--definition", f"file://{sample}", "--role-arn", role)
        given = orders.SAMPLE.relative_to(ROOT) / "input.json"
        started = aws("start-execution", "--state-machine-arn", machine["stateMachineArn"], "--input", f"file://{given}")
        described = lambda: _ended(aws("describe-execution", "--execution-arn", started["executionArn"]))
        ended = until("the end of the order", described, pause=1)
        print(json.dumps({name: ended.get(name) for name in ("name", "status", "startDate", "stopDate")}, indent=2))
        print(json.dumps(json.loads(ended.get("output", "null")), indent=2))
        if stay:
            print("\nAll of it stays until Ctrl-C. In another shell:\n")
            print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()))
            _wait()
        return 0 if ended["status"] == "SUCCEEDED" else 1
    finally:
        emulator.end()


def _aws(variables, *arguments):
    shown = " ".join(shlex.quote(argument) for argument in arguments)
    print(f"$ aws stepfunctions {shown}", flush=True)
    command = [str(pathlib.Path(sys.executable).with_name("aws")), "stepfunctions", *arguments, "--output", "json"]
    environment = {**os.environ, **variables}
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        environment.pop(name, None)
    return json.loads(subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def _ended(described):
    return described["status"] != "RUNNING" and described


def _wait():
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()

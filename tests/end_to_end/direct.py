"""Executions that are driven as soon as they are started, without a queue; and what becomes of those whose function dies."""

import json
import os
import signal

import orders
from deployment import Deployment
from emulator import until

# How long the functions may run. Whoever is killed is certainly gone after that.
TIMEOUT_SECONDS = 20
# So long the longest task may take that a driver waits for itself.
WAIT_SECONDS = 6


def new_executions_are_driven_at_once(world):
    emulator = world.emulator
    deployment = Deployment(emulator, world.bootstrap, "direct", {"DirectStarts": "4", "WaitSeconds": str(WAIT_SECONDS)})
    client, resources = emulator.client("lambda"), deployment.resources
    for function in ("DirectFunction", "DriveFunction"):
        client.update_function_configuration(FunctionName=resources[function], Timeout=TIMEOUT_SECONDS)
    [mapping] = client.list_event_source_mappings(FunctionName=resources["DriveFunction"])["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    role = deployment.role("direct-tasks", [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}])
    world.functions.create("count-direct", WAIT_SECONDS)
    sfn = deployment.client()

    def start(name, states, **given):
        definition = json.dumps({"StartAt": next(iter(states)), "States": states})
        machine = sfn.create_state_machine(name=name, roleArn=role, definition=definition)["stateMachineArn"]
        return sfn.start_execution(stateMachineArn=machine, input=json.dumps({"n": 1, "key": name, **given}))["executionArn"]

    def counted(**more):
        payload = {"FunctionName": "count-direct", "Payload": {"n.$": "$.n", "key.$": "$.key", "seconds.$": "$.seconds"}}
        return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": payload, "OutputPath": "$.Payload", **more}

    tasks = {"A": counted(Next="B"), "B": counted(End=True)}
    for number in range(3):
        ended = orders.ended(sfn, start(f"direct-{number}", tasks, seconds=0))
        assert (ended["status"], json.loads(ended["output"])["n"]) == ("SUCCEEDED", 3), ended
    waiting = start("direct-waits", {"Wait": {"Type": "Wait", "Seconds": 4, "Next": "A"}, **tasks}, seconds=0)
    killed = start("direct-killed", {"A": counted(End=True)}, seconds=3)
    begun = lambda: [one for one in world.functions.attempts() if one["key"] == "direct-killed" and one["at"] == "start"]
    until("the task", begun)
    for process in emulator.processes(resources["DirectFunction"]):
        os.kill(process, signal.SIGKILL)
    status = lambda execution: sfn.describe_execution(executionArn=execution)["status"]
    assert (status(waiting), status(killed)) == ("RUNNING", "RUNNING"), "nobody takes what is in the queue"
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    for execution in (waiting, killed):
        ended = orders.ended(sfn, execution)
        assert ended["status"] == "SUCCEEDED", ended
    assert len(begun()) == 2, begun()

"""Functions that are killed while they work: everything ends as it would have without, and no task is done too often."""

import collections
import json
import os
import random
import signal
import threading

from deployment import Deployment
from emulator import until

KILLS = 100
EXECUTIONS = 60
TASKS = 16
TASK_SECONDS = 0.5
# So soon after one function the next is killed, and so many work at a time: each lives for some seconds.
PAUSE_SECONDS = 0.25
CONCURRENCY = 30
# How long the functions may run. Whoever is killed is certainly gone after that, so it decides how long a test like this takes.
TIMEOUT_SECONDS = 16
# So long the longest task may take that a driver waits for itself.
WAIT_SECONDS = 3


def functions_are_killed_and_nothing_is_lost(world):
    emulator = world.emulator
    deployment = Deployment(emulator, world.bootstrap, "killed", {
        "WaitSeconds": str(WAIT_SECONDS), "AfterCrash": "repeat", "FailAfterCrash": "count-once",
    })
    functions, sqs = emulator.client("lambda"), emulator.client("sqs")
    deployment.map(batch=1, concurrency=CONCURRENCY)
    functions.update_function_configuration(FunctionName=deployment.resources["DriveFunction"], Timeout=TIMEOUT_SECONDS)
    visibility = {"VisibilityTimeout": str(TIMEOUT_SECONDS + 2)}
    sqs.set_queue_attributes(QueueUrl=deployment.resources["Wakes"], Attributes=visibility)
    role = deployment.role("killed-tasks", [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}])
    sfn = deployment.client()
    machines = {}
    names = ("count-again", "count-once")
    for name in names:
        world.functions.create(name, WAIT_SECONDS)
        machines[name] = sfn.create_state_machine(name=name, roleArn=role, definition=json.dumps(_definition(name)))["stateMachineArn"]
    running = {}
    for number in range(EXECUTIONS):
        name = names[number % 2]
        given = json.dumps({"n": 0, "seconds": TASK_SECONDS})
        running[sfn.start_execution(stateMachineArn=machines[name], input=given)["executionArn"]] = name
    killer = Killer(emulator, deployment.resources["DriveFunction"])
    killer.start()
    ends = {}

    def all_ended():
        for execution in running.keys() - ends.keys():
            described = sfn.describe_execution(executionArn=execution)
            if described["status"] != "RUNNING":
                ends[execution] = described
        return len(ends) == len(running)

    try:
        until("the end of all executions", all_ended, 210, 0.5)
    except AssertionError:
        left = {execution: _inspect(emulator, deployment, execution) for execution in running.keys() - ends.keys()}
        raise AssertionError(f"after {killer.at_work} kills some have not ended: {json.dumps(left, indent=1)}") from None
    finally:
        killer.stop()
    return _judge(world, running, ends, killer)


def _inspect(emulator, deployment, execution):
    event = {"headers": {"x-amz-target": "Statewright.InspectExecution"}, "body": json.dumps({"executionArn": execution})}
    answer = emulator.client("lambda").invoke(FunctionName=deployment.resources["ApiFunction"], Payload=json.dumps(event))
    return json.loads(json.loads(answer["Payload"].read())["body"])


def _definition(function):
    """So many tasks in a row. One whose driver was killed may fail; then the next is done."""

    def task(name, following):
        whose = {"execution.$": "$$.Execution.Id", "key.$": f"States.Format('{{}}:{name}', $$.Execution.Id)"}
        payload = {**whose, "n.$": "$.n", "seconds.$": "$.seconds"}
        return {
            "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": function, "Payload": payload},
            "ResultSelector": {"n.$": "$.Payload.n", "seconds.$": "$.Payload.seconds"},
            "Catch": [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": None, "Next": following}], "Next": following,
        }

    names = [f"T{number}" for number in range(TASKS)] + ["End"]
    states = {name: task(name, following) for name, following in zip(names, names[1:])}
    return {"StartAt": "T0", "States": {**states, "End": {"Type": "Succeed"}}}


class Killer(threading.Thread):
    """Kills functions at random, one after the other, until enough of them were at work: the emulator says at once that one has exited
    without an answer. Of one that was idle it hears later."""

    def __init__(self, emulator, function):
        super().__init__(daemon=True)
        self.emulator, self.function = emulator, function
        self.random = random.Random(4711)
        self.over = threading.Event()
        self.at_work = 0

    def run(self):
        while not self.over.is_set() and self.at_work < KILLS:
            before = self.exited()
            victims = self.emulator.processes(self.function)
            if victims:
                try:
                    os.kill(self.random.choice(victims), signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self.over.wait(PAUSE_SECONDS)
            self.at_work += bool(victims) and self.exited() > before

    def exited(self):
        lines = self.emulator.log.read_text(errors="replace").splitlines()
        return sum(1 for line in lines if f"{self.function}: Runtime exited before returning a response" in line)

    def stop(self):
        self.over.set()
        self.join()


def _judge(world, running, ends, killer):
    kills = killer.at_work
    assert kills >= KILLS, f"only {kills} functions were killed at work"
    began = collections.Counter(one["key"] for one in world.functions.attempts() if one["at"] == "start" and one["execution"] in running)
    failed = 0
    for execution, function in running.items():
        end = ends[execution]
        assert end["status"] == "SUCCEEDED", end
        n = json.loads(end["output"])["n"]
        times = [began[f"{execution}:T{number}"] for number in range(TASKS)]
        if function == "count-once":
            assert max(times) <= 1, f"{execution}: a task that must not be repeated was begun {max(times)} times"
            failed += TASKS - n
        else:
            assert n == TASKS and min(times) >= 1, (execution, n, times)
    repeated = sum(times - 1 for times in began.values() if times > 1)
    # A function drives one execution, which does one task at a time.
    assert repeated <= kills, (repeated, kills)
    tasks = f"{repeated} tasks done again, {failed} failed rather than done again"
    return f"{kills} functions killed at work, {len(running)} executions right; {tasks}"

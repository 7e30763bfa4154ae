"""Functions that are killed while they work: everything ends as it would have without, and no task is done too often."""

import collections
import json
import math
import os
import random
import signal
import threading
import traceback

import botocore.exceptions

from deployment import Deployment
from emulator import ACCOUNT, REGION, until
from starts import make_function

KILLS = 100
EXECUTIONS = 60
NAMES = ("count-again", "count-once")
TASKS = 16
TASK_SECONDS = 0.5
# So many of each other function. That of long tasks is one of `moved_clock`: what it was at is known to be lost after a quarter of an hour.
KILLS_OF_EACH = 5
OTHER_EXECUTIONS = 30
OTHER_KILL_PAUSE_SECONDS = 0.5
OTHER_NAMES = ("count-again-other", "count-once-other")
EXPRESS_NAME = "count-again-express"
OTHER_TASKS = 2
# For each so many tasks that are begun a driver may be killed. It loses one of them at most, so all go on however slow the machine is.
TASKS_BETWEEN = 3
KILL_PAUSE_SECONDS = 0.1
# So many drivers work at a time.
CONCURRENCY = 30
# So soon after one thing that is asked for the next one is.
PAUSE_SECONDS = 0.25
# How long the functions may run. Whoever is killed is certainly gone after that, so it decides how long a test like this takes.
TIMEOUT_SECONDS = 20
# So long the longest task may take that a driver waits for itself.
WAIT_SECONDS = 6
# So soon all must have ended, on a slow machine too.
ENDS_SECONDS = 900


def drivers_are_killed_and_nothing_is_lost(world):
    deployment = _deployment(world, "killed")
    sfn = deployment.client()
    machines = _machines(world, deployment, "killed-tasks", NAMES, WAIT_SECONDS, TASKS)
    running = {}
    may_be_killed = lambda: len(_begun(world, running)) // TASKS_BETWEEN
    killer = Killer(world.emulator, deployment.resources["DriveFunction"], KILLS, KILL_PAUSE_SECONDS, may_be_killed)
    killer.start()
    try:
        for number in range(EXECUTIONS):
            name = NAMES[number % 2]
            given = json.dumps({"n": 0, "seconds": TASK_SECONDS})
            running[sfn.start_execution(stateMachineArn=machines[name], input=given)["executionArn"]] = name
        ends = _ends(deployment, running)
    finally:
        killer.stop()
    at_work = killer.at_work()
    assert at_work >= KILLS, f"only {at_work} functions were killed at work"
    return f"{at_work} functions killed at work, {_judge(world, running, ends, TASKS, at_work)}"


def every_other_function_is_killed_and_nothing_is_lost(world):
    """Of each kind some at work, while there is work for all of them. The sweep is asked for again and again, not once a minute."""
    emulator, deployment = world.emulator, _deployment(world, "killed-too")
    machines = _machines(world, deployment, "killed-too-tasks", (*OTHER_NAMES, EXPRESS_NAME), WAIT_SECONDS, OTHER_TASKS)
    work = Work(world, deployment, machines)
    resources = deployment.resources
    functions = {
        "api": resources["ApiFunction"], "start": work.starter, "express": resources["ExpressFunction"],
        "sweep": resources["SweepFunction"],
    }
    killers = {kind: Killer(emulator, function, KILLS_OF_EACH, OTHER_KILL_PAUSE_SECONDS) for kind, function in functions.items()}
    try:
        for thread in [*work.threads, *killers.values()]:
            thread.start()
        killed = lambda: all(killer.at_work() >= killer.kills for killer in killers.values())
        until("enough kills", lambda: len(work.running) >= OTHER_EXECUTIONS and killed())
    except AssertionError:
        at_work = {kind: killer.at_work() for kind, killer in killers.items()}
        raise AssertionError(f"so many were killed at work: {at_work}, and {len(work.running)} executions started") from None
    finally:
        for killer in killers.values():
            killer.stop()
        work.no_more()
    try:
        ends = _ends(deployment, work.running)
        work.all_done()
    finally:
        work.stop()
    # None of them does the tasks of executions that are driven.
    said = _judge(world, work.running, ends, OTHER_TASKS, 0)
    aside = _ask(emulator, deployment, "ListSetAside", {})["executions"]
    assert not aside, aside
    counts = f"{len(work.messages)} started by events, {len(work.express)} Express"
    return f"{KILLS_OF_EACH} each of {', '.join(functions)} killed at work, {said}; {counts}"


def _deployment(world, stack):
    """A deployment whose drivers work for one execution each, and are known to be gone soon."""
    deployment = Deployment(world.emulator, world.bootstrap, stack, {
        "WaitSeconds": str(WAIT_SECONDS), "AfterCrash": "repeat", "FailAfterCrash": "count-once*",
    })
    deployment.map(batch=1, concurrency=CONCURRENCY)
    functions, sqs = world.emulator.client("lambda"), world.emulator.client("sqs")
    functions.update_function_configuration(FunctionName=deployment.resources["DriveFunction"], Timeout=TIMEOUT_SECONDS)
    visibility = {"VisibilityTimeout": str(TIMEOUT_SECONDS + 2)}
    sqs.set_queue_attributes(QueueUrl=deployment.resources["Wakes"], Attributes=visibility)
    return deployment


def _machines(world, deployment, role, names, seconds, tasks):
    """A machine for each function, which is made as well."""
    role = deployment.role(role, [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}])
    sfn, machines = deployment.client(), {}
    for name in names:
        world.functions.create(name, seconds)
        more = {"type": "EXPRESS"} if name == EXPRESS_NAME else {}
        definition = json.dumps(_definition(name, tasks))
        machines[name] = sfn.create_state_machine(name=name, roleArn=role, definition=definition, **more)["stateMachineArn"]
    return machines


def _ends(deployment, running):
    """The ends of executions, as they are described."""
    sfn, ends = deployment.client(), {}

    def all_ended():
        for execution in running.keys() - ends.keys():
            described = sfn.describe_execution(executionArn=execution)
            if described["status"] != "RUNNING":
                ends[execution] = described
        return len(ends) == len(running)

    try:
        until("the end of all executions", all_ended, ENDS_SECONDS, 2)
    except AssertionError:
        about = lambda execution: _ask(deployment.emulator, deployment, "InspectExecution", {"executionArn": execution})
        left = {execution: about(execution) for execution in running.keys() - ends.keys()}
        raise AssertionError(f"some have not ended: {json.dumps(left, indent=1)}") from None
    return ends


def _ask(emulator, deployment, operation, parameters):
    """What an operator's operation answers."""
    event = {"headers": {"x-amz-target": f"Statewright.{operation}"}, "body": json.dumps(parameters)}
    answer = emulator.client("lambda").invoke(FunctionName=deployment.resources["ApiFunction"], Payload=json.dumps(event))
    return json.loads(json.loads(answer["Payload"].read())["body"])


class Work:
    """Work for every function, until there is no more: what was asked for, and what must come of it."""

    def __init__(self, world, deployment, machines):
        self.world, self.deployment, self.machines = world, deployment, machines
        self.sfn, self.client = deployment.client(), world.emulator.client
        self.running, self.messages, self.express, self.wrong = {}, [], [], []
        self.over, self.swept_enough = threading.Event(), threading.Event()
        definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
        role = f"arn:aws:iam::{ACCOUNT}:role/statewright/none"
        self.evented = self.sfn.create_state_machine(name="evented", definition=definition, roleArn=role)["stateMachineArn"]
        self.starter = "killed-starter"
        make_function(deployment, self.starter, self.evented)
        # Soon again what was lost; a real queue's messages stay invisible for longer than the function may run.
        self.queue = self.client("sqs").create_queue(QueueName="killed-starts", Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
        self.client("lambda").create_event_source_mapping(
            EventSourceArn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:killed-starts", FunctionName=self.starter, BatchSize=1,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )
        loops = [(self._start, self.over), (self._sync, self.over), (self._launch, self.over), (self._send, self.over),
                 (self._sweep, self.swept_enough)]
        self.threads = [threading.Thread(target=self._repeat, args=loop, daemon=True) for loop in loops]

    def _repeat(self, step, over):
        number = 0
        try:
            while not over.is_set():
                step(number)
                number += 1
        except Exception:
            self.wrong.append(traceback.format_exc())

    def _insist(self, call, **parameters):
        """Asks until there is an answer, as callers do whose request was lost."""
        return until("an answer", lambda: self._ask(call, parameters))

    @staticmethod
    def _ask(call, parameters):
        try:
            return call(**parameters)
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
                raise
            # By the load balancer, whose function has given no answer.
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 502, error
            return None

    def _start(self, number):
        name, given = OTHER_NAMES[number % 2], json.dumps({"n": 0, "seconds": TASK_SECONDS})
        machine, asked = self.machines[name], []

        def ask():
            asked.append(1)
            try:
                return self._ask(self.sfn.start_execution, {"stateMachineArn": machine, "name": f"e-{number}", "input": given})
            except self.sfn.exceptions.ExecutionAlreadyExists as error:
                # A request that was not answered has started it, and it has ended since.
                assert len(asked) > 1 or error.response["ResponseMetadata"]["RetryAttempts"], error
                return {"executionArn": f"{machine.replace(':stateMachine:', ':execution:')}:e-{number}"}

        started = until("an answer", ask)
        self.running[started["executionArn"]] = name
        self.over.wait(PAUSE_SECONDS)

    def _sync(self, _):
        given = json.dumps({"n": 0, "seconds": TASK_SECONDS})
        answer = self._insist(self.sfn.start_sync_execution, stateMachineArn=self.machines[EXPRESS_NAME], input=given)
        assert (answer["status"], json.loads(answer["output"])["n"]) == ("SUCCEEDED", OTHER_TASKS), answer

    def _launch(self, _):
        given = json.dumps({"n": 0, "seconds": TASK_SECONDS})
        started = self._insist(self.sfn.start_execution, stateMachineArn=self.machines[EXPRESS_NAME], input=given)
        self.express.append(started["executionArn"])
        self.over.wait(PAUSE_SECONDS)

    def _send(self, number):
        self.messages.append(f"message {number}")
        self.client("sqs").send_message(QueueUrl=self.queue, MessageBody=self.messages[-1])
        self.over.wait(PAUSE_SECONDS / 5)

    def _sweep(self, _):
        self.client("lambda").invoke(FunctionName=self.deployment.resources["SweepFunction"], Payload="{}")

    def no_more(self):
        self.over.set()
        for thread in self.threads[:-1]:
            thread.join()
        assert not self.wrong, self.wrong[0]

    def all_done(self):
        """Each message has started one execution, and every Express execution has done its tasks."""
        sfn = self.deployment.client()
        known = {}

        def started():
            pages = sfn.get_paginator("list_executions").paginate(stateMachineArn=self.evented)
            for execution in [one["executionArn"] for page in pages for one in page["executions"]]:
                if execution not in known:
                    known[execution] = json.loads(sfn.describe_execution(executionArn=execution)["input"])["body"]
            return len(known) >= len(self.messages)

        until("an execution for each message", started)
        assert sorted(known.values()) == sorted(self.messages), "one each"

        def ended():
            at_end = [one["execution"] for one in self.world.functions.attempts() if one["at"] == "end"]
            counted = collections.Counter(execution for execution in at_end if execution in self.express)
            return all(counted[execution] >= OTHER_TASKS for execution in self.express)

        until("the tasks of the Express executions", ended, pause=0.5)

    def stop(self):
        self.swept_enough.set()
        self.threads[-1].join()
        assert not self.wrong, self.wrong[0]


def _definition(function, tasks):
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

    names = [f"T{number}" for number in range(tasks)] + ["End"]
    states = {name: task(name, following) for name, following in zip(names, names[1:])}
    return {"StartAt": "T0", "States": {**states, "End": {"Type": "Succeed"}}}


class Killer(threading.Thread):
    """Kills functions at random until enough of them were at work, and at any time no more than `may_be_killed` says.

    None is killed before it has begun to work, however long that takes: then the emulator would end all others of the function as well.
    """

    def __init__(self, emulator, function, kills, pause, may_be_killed=lambda: math.inf):
        super().__init__(daemon=True)
        self.emulator, self.function, self.kills, self.pause, self.may_be_killed = emulator, function, kills, pause, may_be_killed
        self.random = random.Random(4711)
        self.over = threading.Event()

    def run(self):
        killed = 0
        while not self.over.wait(self.pause) and self.at_work() < self.kills:
            victims = self.emulator.processes(self.function) if killed < self.may_be_killed() else []
            if victims and self.emulator.is_asked_by(victim := self.random.choice(victims)):
                try:
                    os.kill(victim, signal.SIGKILL)
                    killed += 1
                except ProcessLookupError:
                    pass

    def at_work(self):
        """How many of those that were killed were at work, as far as it is known: the emulator says so of each, sooner or later."""
        return self.emulator.log.read_text(errors="replace").count(f"Lambda {self.function}: Runtime exited before returning a response")

    def stop(self):
        self.over.set()
        self.join()


def _begun(world, running):
    """The tasks that these executions have begun, as often as they were begun."""
    return [one["key"] for one in world.functions.attempts() if one["at"] == "start" and one["execution"] in running]


def _judge(world, running, ends, tasks, kills):
    """All have ended well. No task was done too often: each of the killed drivers did one at a time."""
    began = collections.Counter(_begun(world, running))
    failed = 0
    for execution, function in running.items():
        end = ends[execution]
        assert end["status"] == "SUCCEEDED", end
        n = json.loads(end["output"])["n"]
        times = [began[f"{execution}:T{number}"] for number in range(tasks)]
        if function.startswith("count-once"):
            assert max(times) <= 1, f"{execution}: a task that must not be repeated was begun {max(times)} times"
            failed += tasks - n
        else:
            assert n == tasks and min(times) >= 1, (execution, n, times)
    repeated = sum(times - 1 for times in began.values() if times > 1)
    assert repeated + failed <= kills, (repeated, failed, kills)
    return f"{len(running)} executions right; {repeated} tasks done again, {failed} failed rather than done again"

"""What takes longer than a queue delays a message, with a clock that is moved: that of the emulator and those of the functions."""

import json
import os
import pathlib
import signal
import subprocess

from deployment import Deployment, Functions
from emulator import Emulator, until

# What a queue delays a message at most.
DELAY_SECONDS_MAX = 900

# The functions of long tasks: what one of them was at may be done again, what the other was at may not. So many tasks of each.
AGAIN, ONCE = "count-far-again", "count-far-once"
LOST = 3

# Python's clock: `sitecustomize` is what every Python begins with.
PYTHON = """
import datetime, os, time

def moved():
    with open(os.environ["CLOCK_MOVED_BY"]) as file:
        return int(file.read() or 0)

class Meta(type):
    def __instancecheck__(cls, value):
        return isinstance(value, real)

class Moved(datetime.datetime, metaclass=Meta):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) + datetime.timedelta(seconds=moved())

    @classmethod
    def utcnow(cls):
        return real.utcnow() + datetime.timedelta(seconds=moved())

real, datetime.datetime = datetime.datetime, Moved
seconds, nanoseconds = time.time, time.time_ns
time.time = lambda: seconds() + moved()
time.time_ns = lambda: nanoseconds() + moved() * 1_000_000_000
"""

# That of every other program.
LIBRARY = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result || clock != CLOCK_REALTIME) return result;
    char text[24] = "";
    int file = open(getenv("CLOCK_MOVED_BY"), O_RDONLY);
    if (file >= 0) {
        if (read(file, text, sizeof text - 1) > 0) now->tv_sec += atol(text);
        close(file);
    }
    return 0;
}
"""


class Clock:
    """A clock that those who are started with its environment have."""

    def __init__(self, folder):
        self.file = folder / "moved-by"
        self.moved = 0
        self.move(0)
        (folder / "sitecustomize.py").write_text(PYTHON)
        (folder / "clock.c").write_text(LIBRARY)
        self.library = folder / "clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.library, folder / "clock.c", "-ldl"], check=True)
        self.environment = {"PYTHONPATH": str(folder), "CLOCK_MOVED_BY": str(self.file)}

    def move(self, seconds):
        self.moved += seconds
        # In one step, so that nobody reads half of it.
        beside = self.file.with_suffix(".new")
        beside.write_text(str(self.moved))
        os.replace(beside, self.file)


def long_waits_and_lost_tasks_outlast_what_a_queue_delays(world):
    """Forty minutes of waiting, and long tasks whose functions were killed: nobody but a reminder knows of them any more."""
    folder = pathlib.Path(world.emulator.folder / "clock")
    folder.mkdir()
    clock = Clock(folder)
    emulator = Emulator(clock.environment)
    try:
        deployment = Deployment(emulator, world.bootstrap, parameters={"FailAfterCrash": ONCE}, preload=clock.library)
        return _pass(clock, emulator, deployment)
    finally:
        emulator.end()


def _pass(clock, emulator, deployment):
    client = emulator.client("lambda")

    def call(operation, **parameters):
        # Signatures are of the hour; who invokes the function directly needs none of the deployment's.
        event = {"headers": {"x-amz-target": f"AWSStepFunctions.{operation}"}, "body": json.dumps(parameters)}
        answer = json.loads(client.invoke(FunctionName=deployment.resources["ApiFunction"], Payload=json.dumps(event))["Payload"].read())
        assert answer["statusCode"] == 200, answer
        return json.loads(answer["body"])

    functions = Functions(emulator)
    far = {name: functions.create(name, timeout=120) for name in (AGAIN, ONCE)}
    role = deployment.role("tasks", [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": list(far.values())}])

    def start(name, state, given):
        definition = json.dumps({"StartAt": "S", "States": {"S": {**state, "End": True}}})
        machine = call("CreateStateMachine", name=name, definition=definition, roleArn=role)["stateMachineArn"]
        return call("StartExecution", stateMachineArn=machine, input=json.dumps(given))["executionArn"]

    status = lambda execution: call("DescribeExecution", executionArn=execution)["status"]
    waiting = start("waits", {"Type": "Wait", "Seconds": 2400}, {})
    lost = {}
    for number, name in enumerate([AGAIN, ONCE] * LOST):
        task = {"Type": "Task", "Resource": far[name]}
        lost[start(f"{name}-{number}", task, {"n": 1, "seconds": 20, "key": f"{name}-{number}"})] = name
    begun = lambda: [one["key"] for one in functions.attempts() if one["at"] == "start"]
    until("the tasks", lambda: len(begun()) == len(lost))
    for process in emulator.processes(deployment.resources["TasksFunction"]):
        os.kill(process, signal.SIGKILL)
    killed = lambda: emulator.log.read_text(errors="replace").count("Runtime exited before returning a response")
    until("the end of the functions", lambda: killed() >= len(lost))
    # It runs once a minute, which is too seldom for a test.
    sweep = lambda: client.invoke(FunctionName=deployment.resources["SweepFunction"], Payload="{}")
    for _ in range(2):
        assert status(waiting) == "RUNNING"
        clock.move(DELAY_SECONDS_MAX + 6)
        sweep()
        until("the end of the tasks, done again or given up", lambda: "RUNNING" not in map(status, lost))
    clock.move(2400 - clock.moved)
    sweep()
    until("the end of the wait", lambda: status(waiting) == "SUCCEEDED")
    for execution, name in lost.items():
        end = call("DescribeExecution", executionArn=execution)
        times = begun().count(execution.split(":")[6])
        if name == AGAIN:
            assert (end["status"], times) == ("SUCCEEDED", 2) and json.loads(end["output"])["n"] == 2, (end, times)
        else:
            assert (end["status"], end["error"], times) == ("FAILED", "States.TaskFailed", 1), (end, times)
    return f"{len(lost)} tasks lost with their functions, the clock moved by {clock.moved} s"

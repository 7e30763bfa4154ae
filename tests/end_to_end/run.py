"""Runs the scenarios, all at once, over one deployment."""

import concurrent.futures
import json
import pathlib
import time
import traceback

import orders
import scenarios
from deployment import Deployment, Functions
from emulator import Emulator, until

# A role that may do what the scenarios' tasks do; which the service asks, since the functions' own roles may not.
TASKS = ["lambda:InvokeFunction", "sqs:SendMessage", "sns:Publish", "dynamodb:PutItem", "dynamodb:GetItem", "events:PutEvents"]


class World:
    """What a scenario has to work with."""

    def __init__(self, emulator, bootstrap):
        self.emulator = emulator
        self.bootstrap = pathlib.Path(bootstrap).resolve()
        self.deployment = Deployment(emulator, self.bootstrap)
        self.functions = Functions(emulator)
        self.sfn = self.deployment.client()
        self.role = self.deployment.role("tasks", [{"Effect": "Allow", "Action": TASKS, "Resource": "*"}])
        orders.prepare(emulator, self.functions)

    def program(self, name):
        """A program that is built beside that of the functions."""
        program = self.bootstrap.with_name(name)
        assert program.is_file(), f"{program} is not there: cargo build -p {name}"
        return program

    def machine(self, name, definition, **more):
        """Makes a state machine; its definition is JSON, or its text."""
        text = definition if isinstance(definition, str) else json.dumps(definition)
        more = {"roleArn": self.role, **more}
        return self.sfn.create_state_machine(name=name, definition=text, **more)["stateMachineArn"]

    def start(self, machine, given=None, **more):
        return self.sfn.start_execution(stateMachineArn=machine, input=json.dumps(given or {}), **more)["executionArn"]

    def end(self, execution):
        return orders.ended(self.sfn, execution)

    def succeeds(self, execution):
        """The output of an execution that must succeed."""
        ended = self.end(execution)
        assert ended["status"] == "SUCCEEDED", ended
        return json.loads(ended["output"])

    def history(self, execution):
        pages = self.sfn.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [event for page in pages for event in page["events"]]

    def event(self, execution, kind):
        """The event of this type, as soon as there is one."""
        found = lambda: next((event for event in self.history(execution) if event["type"] == kind), None)
        return until(f"{kind} of {execution}", found)


def run(bootstrap, names):
    """Whether all is well, as an exit code."""
    began = time.monotonic()
    chosen = [scenario for scenario in scenarios.ALL if not names or scenario.__name__ in names]
    for skipped in scenarios.ON_LINUX:
        if skipped not in scenarios.ALL:
            print(f"SKIPPED {skipped.__name__}: it needs Linux")
    emulator = Emulator()
    failed = []
    try:
        world = World(emulator, bootstrap)
        print(f"deployed after {time.monotonic() - began:.1f} s", flush=True)
        with concurrent.futures.ThreadPoolExecutor(len(chosen)) as pool:
            running = {pool.submit(_timed, scenario, world): scenario.__name__ for scenario in chosen}
            for done in concurrent.futures.as_completed(running):
                name, (seconds, said, error) = running[done], done.result()
                print(f"{'✘' if error else '✔'} {name}, {seconds:.1f} s{said}", flush=True)
                if error:
                    failed.append(name)
                    print(error, flush=True)
        for complaint in _of_logs(world, all_ran=not names):
            failed.append("logs")
            print(f"✘ logs: {complaint}")
        if failed:
            lines = [line for line in world.deployment.logs() if not line.startswith(("START ", "END ", "REPORT "))]
            print("what the functions have logged last:", *lines[-40:], sep="\n  ")
    finally:
        emulator.end(keep=bool(failed))
    wrong = f"{len(failed)} things are not as they should be" if failed else "all is well"
    print(f"{len(chosen)} scenarios, {wrong}, {time.monotonic() - began:.0f} s")
    if failed:
        print(f"failed: {', '.join(failed)}; the emulator's data are left in {emulator.folder}")
    return 1 if failed else 0


def _timed(scenario, world):
    began = time.monotonic()
    try:
        said = scenario(world)
        return time.monotonic() - began, f": {said}" if said else "", None
    except Exception:
        return time.monotonic() - began, "", traceback.format_exc()


def _of_logs(world, all_ran):
    """What the logs of all functions must not hold."""
    lines = world.deployment.logs()
    if all_ran and not any(line.startswith("START ") for line in lines):
        yield "there are none"
    secrets = [("a secret of the deployment", pair["secret"]) for pair in world.deployment.keys]
    for what, text in [*secrets, ("an input", scenarios.CONFIDENTIAL)]:
        if found := [line for line in lines if text in line]:
            yield f"{what} is in {len(found)} lines: {found[0][:300]}"

"""A template of SAM, packaged for the deployment and deployed beside it: what its machines do, after an update too, and their end.

It is the template by which `statewright package` is tested, to the letter. Nothing but two schedules is touched by hand: what the
template has once a day and on Mondays is due within a minute.
"""

import json
import shutil
import subprocess

import botocore.exceptions

from deployment import BUCKET, DEFINITIONS, ROOT, deploy
from emulator import ACCOUNT, REGION, until

SHOP = ROOT / "local/tests/cli/shop"
STACK = "shop"
PARAMETERS = {"Stage": "yes"}
SOON = "rate(1 minute)"


def a_packaged_template_runs_beside_the_deployment(world):
    folder = world.emulator.folder / "shop"
    shutil.copytree(SHOP, folder)
    outputs, resources = deploy(world.emulator, STACK, _package(world, folder), PARAMETERS)
    order = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:order-yes"
    assert outputs == {"OrderArn": order, "OrderName": "order-yes", "Revision": "INITIAL"}, outputs
    assert resources["Order"] == order, resources
    basket = world.emulator.client("lambda").get_function_configuration(FunctionName=resources["Basket"])
    assert basket["Environment"]["Variables"]["ORDER"] == order, "what Ref gives"
    _is_as_written(world, resources)

    # By an event of each machine that has any: a rule with a pattern, a schedule, a rule with a schedule.
    _soon(world.emulator, resources)
    placed = _placed(world, order, "o-1")
    world.succeeds(placed)
    assert _kept(world, resources) == {"o-1"}
    answer = world.sfn.start_sync_execution(stateMachineArn=resources["Refund"], input="{}")
    assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", "yes"), answer
    _started(world, order, lambda given: given == {"sweep": True})
    weekly = _started(world, resources["Report"], lambda given: given.get("detail-type") == "Scheduled Event")
    assert _ordered(world, weekly) == {"day": "yes-monday"}

    # An update changes machines in place: what they did before is still theirs.
    _replace(folder / "machines/order.asl.json", '"$.id"', "\"States.Format('new-{}', $.id)\"")
    _replace(folder / "machines/report.asl.json", '"day": ', '"id": "w-1", "day": ')
    updated, after = deploy(world.emulator, STACK, _package(world, folder), PARAMETERS, "UPDATE")
    machines = ("Order", "Refund", "Report")
    assert [after[name] for name in machines] == [resources[name] for name in machines], (resources, after)
    assert updated == {**outputs, "Revision": updated["Revision"]} and updated["Revision"] != "INITIAL", updated
    world.succeeds(_placed(world, order, "o-2"))
    assert _ordered(world, world.start(resources["Report"])) == {"id": "w-1", "day": "yes-monday"}
    until("the report's order", lambda: _kept(world, resources) == {"o-1", "new-o-2", "new-w-1"})
    assert placed in [one["executionArn"] for one in world.sfn.list_executions(stateMachineArn=order)["executions"]]

    _delete(world)
    left = {machine["stateMachineArn"] for machine in world.sfn.list_state_machines(maxResults=1000)["stateMachines"]}
    assert not left & {resources[name] for name in machines}, left
    return "a rule, a schedule and a weekly rule started its machines, which an update changed and a deletion took away"


def _package(world, folder):
    """The packaged template; its definitions are in the bucket."""
    stored = ["--s3-bucket", BUCKET, "--s3-prefix", DEFINITIONS, "--code", world.deployment.code]
    ran = subprocess.run(
        [world.program("statewright"), "package", "template.yaml", *stored], env=world.emulator.account, cwd=folder,
        capture_output=True, text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("DefinitionS3Location:") == 3, ran.stdout
    return ran.stdout


def _is_as_written(world, resources):
    """The machines have what the template says, with its functions' and parameters' values in the place of `${Name}`s."""
    described = {name: world.sfn.describe_state_machine(stateMachineArn=resources[name]) for name in ("Order", "Refund", "Report")}
    assert [one["type"] for one in described.values()] == ["STANDARD", "EXPRESS", "STANDARD"], described
    order = json.loads(described["Order"]["definition"])
    charge, keep = order["States"]["Charge"], order["States"]["Keep"]
    assert charge["Resource"].endswith(f":function:{resources['Charge']}") and charge["TimeoutSeconds"] == 30, charge
    assert keep["Parameters"]["TableName"] == resources["Orders"], keep
    assert order["Comment"] == "${Unknown} and é", "what has no value stays"
    assert described["Order"]["roleArn"].endswith(f":role/statewright/{resources['OrderRole']}"), described["Order"]
    assert described["Order"]["loggingConfiguration"]["level"] == "ERROR", described["Order"]


def _soon(emulator, resources):
    scheduler, nightly = emulator.client("scheduler"), resources["OrderStartNightly"]
    schedule = scheduler.get_schedule(Name=nightly)
    assert schedule["ScheduleExpression"] == "rate(1 day)", schedule
    same = {name: schedule[name] for name in ("Name", "FlexibleTimeWindow", "Target")}
    scheduler.update_schedule(**same, ScheduleExpression=SOON)
    events, weekly = emulator.client("events"), resources["ReportStartWeekly"]
    assert events.describe_rule(Name=weekly)["ScheduleExpression"] == "cron(0 6 ? * MON *)"
    events.put_rule(Name=weekly, ScheduleExpression=SOON)


def _placed(world, order, number):
    """The execution that an order of the basket starts."""
    entry = {"Source": "shop", "DetailType": "OrderPlaced", "Detail": json.dumps({"id": number})}
    world.emulator.client("events").put_events(Entries=[entry])
    return _started(world, order, lambda given: given == {"id": number})


def _started(world, machine, is_it):
    """The execution whose input is the one looked for, as soon as there is one."""

    def found():
        for one in world.sfn.list_executions(stateMachineArn=machine)["executions"]:
            if is_it(json.loads(world.sfn.describe_execution(executionArn=one["executionArn"])["input"])):
                return one["executionArn"]
        return None

    return until(f"an execution of {machine}", found, pause=0.5)


def _ordered(world, report):
    """The input of the order that an execution of the report has started."""
    order = world.succeeds(report)["ExecutionArn"]
    return json.loads(world.sfn.describe_execution(executionArn=order)["input"])


def _kept(world, resources):
    items = world.emulator.client("dynamodb").scan(TableName=resources["Orders"])["Items"]
    return {item["id"]["S"] for item in items}


def _replace(file, old, new):
    text = file.read_text()
    assert text.count(old) == 1, (old, text)
    file.write_text(text.replace(old, new))


def _delete(world):
    cloudformation = world.emulator.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)

    def gone():
        try:
            status = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
        except botocore.exceptions.ClientError:
            return True
        assert "FAILED" not in status, cloudformation.describe_stack_events(StackName=STACK)["StackEvents"][:5]
        return status == "DELETE_COMPLETE"

    until("the end of the stack", gone)

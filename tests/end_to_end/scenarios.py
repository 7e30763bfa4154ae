"""What people do with a deployment, and what must come of it."""

import json
import subprocess
import sys
import time

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import urllib3

import orders
from emulator import ACCOUNT, REGION, until
from starts import events_start_executions_once, expressions_choose_inputs_and_filter_events
from direct import new_executions_are_driven_at_once
from kills import drivers_are_killed_and_nothing_is_lost, every_other_function_is_killed_and_nothing_is_lost
from packaged import a_packaged_template_runs_beside_the_deployment
from removed import a_deployment_is_removed_and_leaves_behind_what_it_is_told_to
from moved_clock import long_waits_and_lost_tasks_outlast_what_a_queue_delays

# Part of inputs; no function may log it.
CONFIDENTIAL = "CONFIDENTIAL-4711"


def chain(*states, **more):
    """A definition of states that follow one another."""
    names = [name for name, _ in states]
    following = {name: {"Next": after} for name, after in zip(names, names[1:])} | {names[-1]: {"End": True}}
    return {"StartAt": names[0], "States": {name: {**state, **following[name]} for name, state in states}, **more}


def invoke(function, name, timeout=30, **payload):
    """A task that counts by a function."""
    key = {"execution.$": "$$.Execution.Id", "key.$": f"States.Format('{{}}:{name}:{{}}', $$.Execution.Name, $.n)"}
    return {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": timeout,
        "Parameters": {"FunctionName": function, "Payload": {"n.$": "$.n", **key, **payload}},
        "ResultSelector": {"n.$": "$.Payload.n"},
    }


def refused(call, **parameters):
    """The name of the error that a call is refused with."""
    try:
        call(**parameters)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"{parameters} was not refused")


def types(events):
    return [event["type"] for event in events]


def statewright(world, *arguments, pair=None):
    """What the program `statewright` prints, as JSON."""
    pair = pair or world.deployment.keys[0]
    environment = {
        "AWS_ENDPOINT_URL_SFN": world.emulator.front.url, "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": pair["id"], "AWS_SECRET_ACCESS_KEY": pair["secret"],
    }
    ran = subprocess.run([world.program("statewright"), *arguments], env=environment, cwd=world.emulator.folder, capture_output=True, text=True)
    assert ran.returncode in (0, 1), (arguments, ran.stderr)
    return json.loads(ran.stdout)


def an_order_is_completed_or_undone(world):
    """The sample, under a role that may do what its tasks do and no more; and what the interpreter says of it on a developer's machine."""
    definition = orders.SAMPLE / "order-saga.asl.json"
    machine = world.machine("order-saga", definition.read_text(), roleArn=orders.role(world.deployment))
    start = lambda number: world.sfn.start_execution(stateMachineArn=machine, input=orders.order(number))["executionArn"]
    good, undone, empty = start(f"ORD-{CONFIDENTIAL}"), start(f"NO-CARRIER-{CONFIDENTIAL}"), start("SOLD-OUT-1")
    assert world.succeeds(good)["shipment"] == {"trackingNumber": "TRK-55001", "carrier": "Parcel Post"}
    ended = world.end(undone)
    assert (ended["status"], ended["error"]) == ("FAILED", "CarrierProtocolError"), ended
    entered = [event["stateEnteredEventDetails"]["name"] for event in world.history(undone) if "stateEnteredEventDetails" in event]
    compensations = ["Cancel Shipment", "Refund Payment", "Release Stock", "Mark Order Failed", "Order Failed"]
    assert entered[-5:] == compensations, entered
    table = world.emulator.client("dynamodb")
    item = table.get_item(TableName="orders", Key={"orderId": {"S": f"NO-CARRIER-{CONFIDENTIAL}"}})["Item"]
    assert item["orderStatus"]["S"] == "FAILED", item
    assert world.end(empty)["error"] == "OutOfStock"
    for execution, case in [(good, "HappyPath"), (empty, "OutOfStock")]:
        history = world.emulator.folder / f"{case}.json"
        mocked = ["--mock", orders.SAMPLE / "MockConfigFile.json", "--case", case, "--history", history, "--format", "json"]
        statewright(world, "run", definition, "--input", f"@{orders.SAMPLE / 'input.json'}", *mocked)
        assert types(world.history(execution)) == types(json.loads(history.read_text())["events"]), case


def tasks_may_do_what_their_role_may(world):
    world.functions.create("count-forbidden")
    powerless = world.deployment.role("powerless", [{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}])
    definition = chain(("Count", invoke("count-forbidden", "F")))
    ended = world.end(world.start(world.machine("powerless", definition, roleArn=powerless), {"n": 1}))
    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.AWSLambdaException"), ended
    assert "assumed-role/powerless" in ended["cause"] and "lambda:InvokeFunction" in ended["cause"], ended
    assert not [one for one in world.functions.attempts() if one["function"] == "count-forbidden"]
    elsewhere = f"arn:aws:iam::{ACCOUNT}:role/functions"
    create = dict(name="elsewhere", definition=json.dumps(definition), roleArn=elsewhere)
    assert refused(world.sfn.create_state_machine, **create) == "AccessDeniedException"


def ten_tasks_are_retried_and_caught(world):
    world.functions.create("count-ten")
    tasks = [(f"T{number}", invoke("count-ten", f"T{number}")) for number in range(10)]
    dict(tasks)["T3"]["Parameters"]["Payload"]["failures"] = 1
    dict(tasks)["T3"]["Retry"] = [{"ErrorEquals": ["NotYet"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    dict(tasks)["T7"]["Parameters"]["Payload"]["error"] = "Odd"
    dict(tasks)["T7"]["Catch"] = [{"ErrorEquals": ["Odd"], "ResultPath": "$.caught", "Next": "T8"}]
    machine = world.machine("order-10", chain(*tasks))
    running = [world.start(machine, {"n": 0}) for _ in range(5)]
    for execution in running:
        assert world.succeeds(execution) == {"n": 9}
    tried = [attempt for attempt in world.functions.attempts() if attempt["function"] == "count-ten" and attempt["at"] == "start"]
    for execution in running:
        assert len([attempt for attempt in tried if attempt["execution"] == execution]) == 11, "ten tasks, one of them twice"


def a_callback_ends_a_task(world):
    sqs = world.emulator.client("sqs")
    url = sqs.create_queue(QueueName="approvals")["QueueUrl"]

    def ask(seconds):
        return {
            "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "HeartbeatSeconds": seconds,
            "Parameters": {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token", "execution.$": "$$.Execution.Id"}},
        }

    answered = world.start(world.machine("callback", chain(("Ask", ask(60)))))
    failed = world.start(world.machine("callback-failed", chain(("Ask", ask(60)))))
    silent = world.start(world.machine("callback-silent", chain(("Ask", ask(3)))))
    tokens = {}

    def received():
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", []):
            body = json.loads(message["Body"])
            tokens[body["execution"]] = body["token"]
        return len(tokens) == 3

    until("the messages with tokens", received)
    world.sfn.send_task_heartbeat(taskToken=tokens[answered])
    world.sfn.send_task_success(taskToken=tokens[answered], output=json.dumps({"approved": True}))
    assert world.succeeds(answered) == {"approved": True}
    world.sfn.send_task_failure(taskToken=tokens[failed], error="Refused", cause="no")
    assert world.end(failed)["error"] == "Refused"
    assert world.end(silent)["error"] == "States.Timeout", world.end(silent)
    assert refused(world.sfn.send_task_success, taskToken=tokens[silent], output="{}") == "TaskTimedOut"


def a_map_of_forty_items_counts_them_all(world):
    world.functions.create("count-map")
    each = chain(("Count", invoke("count-map", "Map")))
    machine = world.machine("map", chain(("Each", {"Type": "Map", "ItemProcessor": each, "MaxConcurrency": 8})))
    output = world.succeeds(world.start(machine, [{"n": number} for number in range(40)]))
    assert output == [{"n": number + 1} for number in range(40)], output


def a_worker_does_the_tasks_of_an_activity(world):
    worker = world.deployment.client("ActivityUrl")
    activity = world.sfn.create_activity(name="by-hand")["activityArn"]
    execution = world.start(world.machine("activity", chain(("Do", {"Type": "Task", "Resource": activity}))), {"n": 1})
    other = world.sfn.create_activity(name="idle")["activityArn"]
    assert not worker.get_activity_task(activityArn=other).get("taskToken"), "nothing waits there"
    task = until("the task", lambda: (got := worker.get_activity_task(activityArn=activity)).get("taskToken") and got)
    assert json.loads(task["input"]) == {"n": 1}
    worker.send_task_success(taskToken=task["taskToken"], output=json.dumps({"n": 2}))
    assert world.succeeds(execution) == {"n": 2}


def executions_start_others(world):
    child = world.machine("child", chain(("Add", {"Type": "Pass", "Result": {"n": 2}})))
    failing = world.machine("failing-child", {"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "Odd", "Cause": "no"}}})

    def parent(name, resource, machine):
        parameters = {"StateMachineArn": machine, "Input": {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id"}}
        task = {"Type": "Task", "Resource": f"arn:aws:states:::states:startExecution{resource}", "Parameters": parameters}
        return world.start(world.machine(name, chain(("Start", task))))

    fire, sync, sync2 = parent("fire", "", child), parent("sync", ".sync", child), parent("sync-2", ".sync:2", child)
    fails = parent("sync-fails", ".sync:2", failing)
    assert world.succeeds(fire)["ExecutionArn"].split(":")[6] == "child"
    assert json.loads(world.succeeds(sync)["Output"]) == {"n": 2}
    assert world.succeeds(sync2)["Output"] == {"n": 2}
    ended = world.end(fails)
    assert ended["status"] == "FAILED" and json.loads(ended["cause"])["Error"] == "Odd", ended
    started = world.sfn.list_executions(stateMachineArn=child)["executions"]
    assert len(started) == 3, started


def express_executions_run_with_and_without_somebody_waiting(world):
    world.functions.create("count-express")
    machine = world.machine("express", chain(("Count", invoke("count-express", "E"))), type="EXPRESS")
    answer = world.sfn.start_sync_execution(stateMachineArn=machine, input=json.dumps({"n": 1}))
    assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", {"n": 2}), answer
    assert world.sfn.start_sync_execution(stateMachineArn=machine, input="{}")["status"] == "FAILED"
    running = {world.start(machine, {"n": 7}) for _ in range(5)}
    ended = lambda: {one["execution"] for one in world.functions.attempts() if one["at"] == "end"} >= running
    until("asynchronous Express executions", ended)


def executions_are_logged_as_their_machines_ask_for(world):
    """To the group that the machine names, if the deployment may; if not, its executions go on all the same."""
    logs = world.emulator.client("logs")
    group, forbidden = "/aws/vendedlogs/states/logged", "/forbidden"

    def machine(name, group, level="ALL", **more):
        logged = [{"cloudWatchLogsLogGroup": {"logGroupArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"}}]
        configuration = {"level": level, "includeExecutionData": True, "destinations": logged}
        definition = chain(("Wait", {"Type": "Wait", "Seconds": 3}), ("Done", {"Type": "Pass"}))
        return world.machine(name, definition, loggingConfiguration=configuration, **more)

    def records(execution, group=group):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        found = [json.loads(event["message"]) for page in pages for event in page["events"]]
        return sorted((one for one in found if one["execution_arn"] == execution), key=lambda one: int(one["id"]))

    for name in (group, forbidden):
        logs.create_log_group(logGroupName=name)
    execution = world.start(machine("logged", group), {"n": 1})
    world.succeeds(execution)
    ended = lambda execution: lambda: (found := records(execution)) and found[-1]["type"] == "ExecutionSucceeded" and found
    logged = until("the records", ended(execution))
    history = world.history(execution)
    for event, record in zip(history, logged, strict=True):
        told = record["id"], record["type"], record["previous_event_id"], record["redrive_count"]
        assert told == (str(event["id"]), event["type"], str(event["previousEventId"]), "0"), (event, record)
        assert record["event_timestamp"] == str(round(event["timestamp"].timestamp() * 1000)), (event, record)
        assert record["details"] == next((event[name] for name in event if name.endswith("EventDetails")), {}), (event, record)

    express = machine("logged-express", group, type="EXPRESS")
    answered = world.sfn.start_sync_execution(stateMachineArn=express, input="{}")["executionArn"]
    for one in (answered, world.start(express)):
        expected = ["ExecutionStarted", "WaitStateEntered", "WaitStateExited", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
        assert types(until("the records", ended(one))) == expected
    streams = {stream["logStreamName"].split("/")[1] for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]}
    assert streams == {"logged", "logged-express"}, streams

    elsewhere = world.start(machine("logged-elsewhere", forbidden))
    world.succeeds(elsewhere)
    told = lambda: [line for line in world.deployment.logs() if "not logged" in line and "logged-elsewhere" in line]
    assert "LogGroupArns" in until("the warning", told)[0]
    assert not records(elsewhere, forbidden)


def what_is_not_signed_well_is_refused(world):
    """Each as bytes, so that nothing is made good on the way."""
    machine = world.machine("guarded", chain(("Wait", {"Type": "Wait", "Seconds": 600})))
    url = world.deployment.outputs["ApiUrl"].replace("https://", "http://")
    pool = urllib3.ProxyManager(world.emulator.front.url)
    body = json.dumps({"stateMachineArn": machine, "input": json.dumps({"of": CONFIDENTIAL})})
    headers = {"X-Amz-Target": "AWSStepFunctions.StartExecution", "Content-Type": "application/x-amz-json-1.0"}
    good = world.deployment.keys[0]

    def signed(pair=good, service="states", region=REGION, body=body, **more):
        request = botocore.awsrequest.AWSRequest("POST", url, headers | more, body)
        credentials = botocore.credentials.Credentials(pair["id"], pair["secret"])
        botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
        return dict(request.headers)

    def send(headers, body=body):
        answer = pool.request("POST", url, headers=headers, body=body, retries=False)
        said = json.loads(answer.data)
        return answer.status, said.get("__type", "").rpartition("#")[2], said

    hour_ago = time.time() - 3600
    original = botocore.auth.get_current_datetime
    botocore.auth.get_current_datetime = lambda *_, **__: original().fromtimestamp(hour_ago, original().tzinfo)
    try:
        stale = signed()
    finally:
        botocore.auth.get_current_datetime = original
    for what, sent, expected in [
        ("unsigned", send(headers), "MissingAuthenticationTokenException"),
        ("a wrong secret", send(signed({**good, "secret": "x" * 40})), "InvalidSignatureException"),
        ("an unknown key", send(signed({**good, "id": "AKIDNOBODY"})), "UnrecognizedClientException"),
        ("another service", send(signed(service="lambda")), "InvalidSignatureException"),
        ("another region", send(signed(region="eu-west-1")), "InvalidSignatureException"),
        ("an altered body", send(signed(), body.replace("{", " {", 1)), "InvalidSignatureException"),
        ("an hour old", send(stale), "InvalidSignatureException"),
    ]:
        status, code, said = sent
        assert status in (400, 403) and code == expected, (what, sent)
    assert not world.sfn.list_executions(stateMachineArn=machine)["executions"], "what was refused has no effect"
    # As the AWS CLI and boto3 sign it: equal calls of the same second are several; one that is sent again later does nothing.
    valid = signed()
    heard = send(valid)
    assert heard[0] == 200, heard
    time.sleep(5.5)
    status, code, said = send(valid)
    assert (status, code) == (503, "ServiceUnavailable"), (status, code, said)
    assert len(world.sfn.list_executions(stateMachineArn=machine)["executions"]) == 1
    # As other SDKs do: a number of its own for each call. Sent again, it is the same execution, whether it still runs or not.
    unique = {"amz-sdk-invocation-id": "0d2f3c1e-7f0b-4a5e-9d1c-2b7a4f7f1e55"}
    brief = world.machine("brief", chain(("P", {"Type": "Pass"})))
    for of in (machine, brief):
        asked = body.replace(machine, of)
        valid = signed(body=asked, **unique)
        first = send(valid, asked)
        assert first[0] == 200, first
        if of == brief:
            world.succeeds(first[2]["executionArn"])
        again = send(valid, asked)
        assert first == again, (first, again)
        assert len(world.sfn.list_executions(stateMachineArn=of)["executions"]) == (2 if of == machine else 1)
    assert send(signed(world.deployment.keys[1]))[0] == 200, "the second pair is as good"
    large = json.dumps({"stateMachineArn": machine, "input": json.dumps("x" * 300_000)})
    status, code, said = send(signed(body=large), large)
    assert status == 400 and code in ("ValidationException", "InvalidExecutionInput"), (status, code, said)


def a_long_task_is_waited_for_by_the_function_of_tasks(world):
    """Its message is handed on. At first the function has no room, so Lambda gives it up, and the sweep finds it among the dead letters."""
    world.functions.create("count-long", timeout=120)
    sqs, client, resources = world.emulator.client("sqs"), world.emulator.client("lambda"), world.deployment.resources
    attempts = lambda: [one for one in world.functions.attempts() if one["execution"] == execution and one["at"] == "start"]

    def given_up():
        letters = {"QueueUrl": resources["WakesDeadLetters"], "VisibilityTimeout": 0, "MaxNumberOfMessages": 10}
        received = [json.loads(one["Body"]) for one in sqs.receive_message(**letters).get("Messages", []) if one["Body"][0] == "{"]
        return [one for one in received if execution in json.dumps(one["requestPayload"])]

    client.put_function_concurrency(FunctionName=resources["TasksFunction"], ReservedConcurrentExecutions=0)
    try:
        task = invoke("count-long", "Long", timeout=600, seconds=1)
        execution = world.start(world.machine("long", chain(("Long", task))), {"n": 1})
        until("the task among the dead letters", given_up)
        assert not attempts(), "nobody but the function of tasks does it"
    finally:
        client.delete_function_concurrency(FunctionName=resources["TasksFunction"])
    client.invoke(FunctionName=resources["SweepFunction"], Payload="{}")
    assert world.succeeds(execution) == {"n": 2}
    assert len(attempts()) == 1, attempts()
    assert not given_up()


def what_runs_can_be_stopped(world):
    machine = world.machine("waiting", chain(("Wait", {"Type": "Wait", "Seconds": 3600})))
    execution = world.start(machine)
    world.event(execution, "WaitStateEntered")
    world.sfn.stop_execution(executionArn=execution, error="Enough", cause="said a person")
    ended = world.end(execution)
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Enough", "said a person"), ended
    assert types(world.history(execution)) == ["ExecutionStarted", "WaitStateEntered", "ExecutionAborted"]


def what_cannot_be_read_is_set_aside_and_can_be_stopped(world):
    """A commit is damaged in the table. Its wake-ups are in vain until the queue gives one up, which the sweep finds."""
    machine = world.machine("damaged", chain(("Wait", {"Type": "Wait", "Seconds": 3600})))
    execution = world.start(machine)
    world.event(execution, "WaitStateEntered")
    table, name = world.emulator.client("dynamodb"), world.deployment.outputs["TableName"]
    name_of = execution.split(":")
    partition = {":p": {"S": f"x#{name_of[6]}:{name_of[7]}"}}
    items = table.query(TableName=name, KeyConditionExpression="p = :p", ExpressionAttributeValues=partition)["Items"]
    assert items, "the execution is in the table"
    for item in items:
        for attribute in item.values():
            if "B" in attribute:
                attribute["B"] = bytes(byte ^ 0x55 for byte in attribute["B"])
        table.put_item(TableName=name, Item=item)
    sqs, wakes = world.emulator.client("sqs"), world.deployment.resources
    sqs.send_message(QueueUrl=wakes["Wakes"], MessageBody=execution)
    in_vain = lambda: any("could not be driven" in line and execution in line for line in world.deployment.logs())
    until("a driver that cannot read it", in_vain)
    # As the queue does after a hundred times, which take a day.
    sqs.send_message(QueueUrl=wakes["WakesDeadLetters"], MessageBody=execution)
    world.emulator.client("lambda").invoke(FunctionName=wakes["SweepFunction"], Payload="{}")

    def set_aside():
        return [one for one in statewright(world, "inspect", "--set-aside", "--json")["executions"] if one["executionArn"] == execution]

    [aside] = until("the execution among those that were set aside", set_aside)
    world.sfn.stop_execution(executionArn=execution, error="Damaged")
    ended = world.end(execution)
    assert (ended["status"], ended["error"]) == ("ABORTED", "Damaged"), ended
    return aside.get("reason")


# These look into processes and move their clocks, by ways that only Linux has.
ON_LINUX = [
    drivers_are_killed_and_nothing_is_lost,
    every_other_function_is_killed_and_nothing_is_lost,
    new_executions_are_driven_at_once,
    long_waits_and_lost_tasks_outlast_what_a_queue_delays,
]
ALL = [
    *(ON_LINUX if sys.platform == "linux" else []),
    a_packaged_template_runs_beside_the_deployment,
    a_deployment_is_removed_and_leaves_behind_what_it_is_told_to,
    events_start_executions_once,
    expressions_choose_inputs_and_filter_events,
    an_order_is_completed_or_undone,
    tasks_may_do_what_their_role_may,
    ten_tasks_are_retried_and_caught,
    a_callback_ends_a_task,
    a_map_of_forty_items_counts_them_all,
    a_worker_does_the_tasks_of_an_activity,
    executions_start_others,
    express_executions_run_with_and_without_somebody_waiting,
    executions_are_logged_as_their_machines_ask_for,
    what_is_not_signed_well_is_refused,
    a_long_task_is_waited_for_by_the_function_of_tasks,
    what_runs_can_be_stopped,
    what_cannot_be_read_is_set_aside_and_can_be_stopped,
]

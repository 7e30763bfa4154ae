"""Executions that events start, and what a second delivery of the same event does: nothing."""

import datetime
import json

from emulator import ACCOUNT, REGION, until


def make_function(deployment, name, machine, **variables):
    """A function that starts executions of a machine, beside the deployment and with its rights."""
    client, iam = deployment.emulator.client("lambda"), deployment.emulator.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    for policy in ("TablePolicyArn", "StartPolicyArn"):
        iam.attach_role_policy(RoleName=name, PolicyArn=deployment.outputs[policy])
    environment = {
        "STATEWRIGHT_FUNCTION": "start", "STATEWRIGHT_TABLE": deployment.outputs["TableName"],
        "STATEWRIGHT_WAKES": deployment.outputs["WakesUrl"], "STATEWRIGHT_STATE_MACHINE": machine,
        "STATEWRIGHT_DIRECT": f"{deployment.stack}-direct", **variables,
    }
    made = client.create_function(
        FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", Role=role, Timeout=30,
        Code={"ZipFile": deployment.package}, Environment={"Variables": environment},
    )
    return made["FunctionArn"]


def events_start_executions_once(world):
    definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    machine = world.machine("started", definition)
    function = make_function(world.deployment, "starter", machine)
    client = world.emulator.client
    _event_bridge(client, function)
    _queue(client, function)
    _topic(client, function)
    _bucket(client, function)
    _table(client, function)
    _stream(client, function)
    _schedule(client, function)
    invoked = {"startExecution": {"name": "by-hand", "input": {"by": "invoke"}}}
    client("lambda").invoke(FunctionName=function, Payload=json.dumps(invoked))

    inputs = {}
    sources = {"events", "sqs", "sns", "s3", "dynamodb", "kinesis", "scheduler", "invoke"}

    def all_started():
        for one in world.sfn.list_executions(stateMachineArn=machine)["executions"]:
            if one["executionArn"] not in inputs:
                given = json.loads(world.sfn.describe_execution(executionArn=one["executionArn"])["input"])
                inputs[one["executionArn"]] = given
        return {_source(given) for given in inputs.values()} >= sources

    try:
        until("executions of all sources", all_started)
    except AssertionError:
        raise AssertionError(f"nothing was started by {sources - {_source(given) for given in inputs.values()}}") from None
    assert len(inputs) == len(sources), inputs
    # What the sources delivered, once more.
    again = [_delivered(given) for given in inputs.values() if _source(given) not in ("scheduler", "invoke")] + [invoked]
    for event in again:
        answer = client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        assert "FunctionError" not in answer, (event, answer["Payload"].read())
    assert len(world.sfn.list_executions(stateMachineArn=machine)["executions"]) == len(sources)
    return f"by {', '.join(sorted(sources))}; {len(again)} of them delivered twice"


def expressions_choose_inputs_and_filter_events(world):
    machine = world.machine("mapped", json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}))
    mapping = {"STATEWRIGHT_INPUT": "detail[state = 'PAID']", "STATEWRIGHT_NAME": "'order-' & detail.id"}
    function = make_function(world.deployment, "mapper", machine, **mapping)
    for number, state in [(1, "PAID"), (2, "OPEN"), (1, "PAID")]:
        event = {"id": f"e{number}", "source": "shop", "detail-type": "order", "detail": {"id": number, "state": state}}
        answer = world.emulator.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        assert "FunctionError" not in answer, answer["Payload"].read()
    [one] = world.sfn.list_executions(stateMachineArn=machine)["executions"]
    given = json.loads(world.sfn.describe_execution(executionArn=one["executionArn"])["input"])
    assert (one["name"], given) == ("order-1", {"id": 1, "state": "PAID"}), (one, given)


def _source(given):
    """Where an input came from."""
    if "by" in given:
        return given["by"]
    source = given.get("eventSource") or given.get("EventSource") or given.get("source")
    return source.removeprefix("aws:").removeprefix("of-")


def _delivered(given):
    """The event of which an input was made."""
    return given if _source(given) == "events" else {"Records": [given]}


def _event_bridge(client, function):
    events = client("events")
    events.put_rule(Name="starts", EventPattern=json.dumps({"source": ["of-events"], "detail": {"n": [{"numeric": [">", 0]}]}}))
    events.put_targets(Rule="starts", Targets=[{"Id": "1", "Arn": function}])
    entry = {"Source": "of-events", "DetailType": "t"}
    events.put_events(Entries=[{**entry, "Detail": json.dumps({"n": number})} for number in (0, 1)])


def _queue(client, function):
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="starts")["QueueUrl"]
    client("lambda").create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:starts", FunctionName=function, BatchSize=5,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    sqs.send_message(QueueUrl=url, MessageBody="hello")


def _topic(client, function):
    sns = client("sns")
    topic = sns.create_topic(Name="starts")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    sns.publish(TopicArn=topic, Message="hello")


def _bucket(client, function):
    s3 = client("s3")
    s3.create_bucket(Bucket="starts")
    configuration = {"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="starts", NotificationConfiguration={"LambdaFunctionConfigurations": [configuration]},
    )
    s3.put_object(Bucket="starts", Key="a key", Body=b"hello")


def _table(client, function):
    dynamodb = client("dynamodb")
    made = dynamodb.create_table(
        TableName="starts", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    client("lambda").create_event_source_mapping(
        EventSourceArn=made["TableDescription"]["LatestStreamArn"], FunctionName=function, StartingPosition="TRIM_HORIZON",
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    dynamodb.put_item(TableName="starts", Item={"k": {"S": "hello"}})


def _stream(client, function):
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="starts", ShardCount=1)
    described = lambda: kinesis.describe_stream(StreamName="starts")["StreamDescription"]
    until("the stream", lambda: described()["StreamStatus"] == "ACTIVE")
    client("lambda").create_event_source_mapping(
        EventSourceArn=described()["StreamARN"], FunctionName=function, StartingPosition="TRIM_HORIZON",
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    kinesis.put_record(StreamName="starts", Data=b"hello", PartitionKey="p")


def _schedule(client, function):
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=10)
    target = {"Arn": function, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/functions"}
    client("scheduler").create_schedule(
        Name="starts", ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})", FlexibleTimeWindow={"Mode": "OFF"},
        Target={**target, "Input": json.dumps({"startExecution": {"name": "scheduled", "input": {"by": "scheduler"}}})},
    )

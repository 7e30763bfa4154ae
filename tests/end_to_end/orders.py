"""The sample `order-saga` in a deployment: what it needs there, and how it ends."""

import json

from deployment import ROOT
from emulator import until

SAMPLE = ROOT / "statemachines/order-saga"
FUNCTIONS = ["reserve-stock", "charge-payment", "request-shipment", "cancel-shipment", "refund-payment", "release-stock"]


def prepare(emulator, functions):
    """Makes the table, the topic and the functions that the saga names."""
    emulator.client("dynamodb").create_table(
        TableName="orders", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "orderId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "orderId", "KeyType": "HASH"}],
    )
    emulator.client("sns").create_topic(Name="operators")
    for name in FUNCTIONS:
        functions.create(name)


def role(deployment):
    """The role that the saga runs under: it may do what its tasks do."""
    arn = lambda service, resource: f"arn:aws:{service}:us-east-1:123456789012:{resource}"
    return deployment.role("order-saga", [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": [arn("lambda", f"function:{name}") for name in FUNCTIONS]},
        {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem"], "Resource": arn("dynamodb", "table/orders")},
        {"Effect": "Allow", "Action": "events:PutEvents", "Resource": arn("events", "event-bus/default")},
        {"Effect": "Allow", "Action": "sns:Publish", "Resource": arn("sns", "operators")},
    ])


def order(number):
    """An order like the sample's, with a number of its own."""
    return json.dumps({**json.loads((SAMPLE / "input.json").read_text()), "orderId": number})


def ended(client, arn):
    """An execution when it has ended."""

    def described():
        execution = client.describe_execution(executionArn=arn)
        return execution["status"] != "RUNNING" and execution

    return until(f"the end of {arn}", described)

"""The functions that tasks call: what runs in each, told apart by the function's name.

It is a custom runtime and no handler of Python, because the emulator keeps names of errors for those alone. Each attempt at a task is
written down, at its beginning and at its end, where `ATTEMPTS` says.
"""

import http.client
import json
import os
import time


class Refused(Exception):
    """An error with a name of its own."""

    def __init__(self, name, message):
        super().__init__(message)
        self.name = name


def reserve_stock(event):
    if event["orderId"].startswith("SOLD-OUT"):
        raise Refused("OutOfStock", "0 left in every warehouse")
    return {"reservationId": "RSV-310", "warehouse": "EAST-1"}


def charge_payment(event):
    return {"paymentId": "PAY-9001", "chargedCents": event["amountCents"]}


def request_shipment(event):
    if event["orderId"].startswith("NO-CARRIER"):
        raise Refused("CarrierProtocolError", "The carrier closed the connection before it answered")
    return {"trackingNumber": "TRK-55001", "carrier": "Parcel Post"}


def count(event):
    """One more. `failures` says how many attempts fail before, `error` that all do, `seconds` how long it takes."""
    if "error" in event:
        raise Refused(event["error"], "as it was asked to")
    if event.get("failures", 0) > attempts_before(event):
        raise Refused("NotYet", "try again")
    time.sleep(event.get("seconds", 0))
    return {**event, "n": event["n"] + 1}


def attempts_before(event):
    with open(os.environ["ATTEMPTS"], encoding="utf-8") as lines:
        notes = [json.loads(line) for line in lines]
    # This one has been noted already.
    return sum(1 for one in notes if one["key"] == event["key"] and one["at"] == "start") - 1


KINDS = {
    "reserve-stock": reserve_stock,
    "charge-payment": charge_payment,
    "request-shipment": request_shipment,
    "cancel-shipment": lambda event: {"cancelled": False},
    "refund-payment": lambda event: {"refundedCents": 7450},
    "release-stock": lambda event: {"released": True},
    "count": count,
}


def note(**what):
    # One write at the end of the file, so that lines of several processes do not mix.
    line = json.dumps(what).encode() + b"\n"
    file = os.open(os.environ["ATTEMPTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, line)
    os.close(file)


def main():
    function = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    kind = KINDS[next(name for name in sorted(KINDS, key=len, reverse=True) if function.startswith(name))]
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def ask(method, path, body=None):
        connection.request(method, f"/2018-06-01/runtime/invocation/{path}", body)
        answer = connection.getresponse()
        return answer, answer.read()

    while True:
        answer, body = ask("GET", "next")
        invocation = answer.getheader("Lambda-Runtime-Aws-Request-Id")
        event = json.loads(body)
        # The emulator hands no client context to a custom runtime, so tasks say in their input whose they are.
        about = {"function": function, "execution": event.get("execution"), "key": event.get("key")}
        try:
            note(**about, at="start")
            result = json.dumps(kind(event))
            note(**about, at="end")
            ask("POST", f"{invocation}/response", result)
        except Refused as refused:
            ask("POST", f"{invocation}/error", json.dumps({"errorType": refused.name, "errorMessage": str(refused)}))


if __name__ == "__main__":
    main()

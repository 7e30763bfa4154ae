"""An emulator of AWS that enforces IAM, and the ways to it that an emulator lacks."""

import base64
import ctypes
import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import boto3
import botocore.config

REGION = "us-east-1"
# That of the samples.
ACCOUNT = "123456789012"
# How long may be waited for anything: several times as long as a slow machine takes. Only what is broken takes longer.
LIMIT_SECONDS = 300
# How long the emulator may take until it has ended.
END_SECONDS = 30


def until(what, ask, seconds=LIMIT_SECONDS, pause=0.1):
    """What `ask` gives, as soon as it gives something; an error when that takes too long."""
    end = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come within {seconds} s; last: {found!r}")
        time.sleep(pause)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _end_with_parent():
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Emulator:
    """The emulator, on a port of its own, with its data in a folder of its own; both go with it."""

    def __init__(self, more=None):
        """`more`: what else its environment, and so that of the functions, has."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="statewright-end-to-end-"))
        self.log = self.folder / "emulator.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # What a program is told that works in the account, in the name of its root user.
        self.account = {
            "AWS_ENDPOINT_URL": self.url, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        }
        # Functions see the whole environment of the emulator, so it is given none but this.
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "AWS_ENDPOINT_URL": self.url,
            # Else it would listen for the Internet of Things, on every address.
            "IOT_MTLS_ENABLED": "0",
            # It verifies signatures and asks the policies of roles.
            "AUTH": "true",
            # Each invocation that goes on takes one.
            "MINISTACK_WORKER_THREADS": "256",
            **(more or {}),
        }
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(pathlib.Path(sys.executable).with_name("ministack"))],
                env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_end_with_parent,
            )
        until("the emulator", self._answers, pause=0.05)
        self.front = Front(self)

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the emulator ended: {self.log.read_text()[-2000:]}")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def client(self, service, **settings):
        """A client of the emulator in the name of its root user."""
        config = botocore.config.Config(retries={"total_max_attempts": 5}, read_timeout=320, max_pool_connections=64)
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test",
            config=config, **settings,
        )

    def processes(self, function):
        """The processes that run a function now."""
        return [process for process in self._children() if function in _names(process)]

    def is_asked_by(self, process):
        """Whether a process is connected to the emulator, as functions are once they have been invoked."""
        connections = [line.split() for line in _read(pathlib.Path(f"/proc/{process}/net/tcp")).splitlines()]
        to_here = {f"socket:[{one[9]}]" for one in connections if one[2].endswith(f":{self.port:04X}")}
        try:
            return any(os.readlink(file) in to_here for file in os.scandir(f"/proc/{process}/fd"))
        except OSError:
            # It has ended, or closes one just now.
            return False

    def _children(self):
        listed = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(child) for children in listed for child in _read(children).split()]

    def end(self, keep=False):
        """Ends the emulator and what it has started, and takes its data away, unless somebody wants to look at them."""
        self.front.server.shutdown()
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def _read(path):
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _names(process):
    variables = _read(pathlib.Path(f"/proc/{process}/environ")).split("\0")
    return [variable.partition("=")[2] for variable in variables if variable.startswith("AWS_LAMBDA_FUNCTION_NAME=")]


class Front:
    """The way over HTTP to functions whose callers IAM does not know: the emulator asks IAM about every caller of a function's URL.

    As a proxy it answers for the names of function URLs, with the events of a function URL. Asked itself, it is a load balancer before
    one function, with the events of a load balancer. In both, host, path, headers and body are those that were signed.
    """

    def __init__(self, emulator):
        front, client = self, emulator.client("lambda")
        self.functions = {}
        self.balanced = None

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                target = urllib.parse.urlsplit(self.path)
                function, event = front.event(target, {name.lower(): value for name, value in self.headers.items()})
                event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
                payload = client.invoke(FunctionName=function, Payload=json.dumps(event))["Payload"].read()
                answer = json.loads(payload)
                if "statusCode" not in answer:
                    answer = {"statusCode": 502, "headers": {}, "body": payload.decode()}
                said = answer["body"].encode()
                self.send_response(answer["statusCode"])
                for name, value in answer["headers"].items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def event(self, target, headers):
        """Which function a request is for, and the event but for its body."""
        path, query = target.path or "/", target.query
        if target.hostname is None:
            group = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/t/1"
            event = {"requestContext": {"elb": {"targetGroupArn": group}}, "httpMethod": "POST", "path": path, "headers": headers}
            return self.balanced, {**event, "queryStringParameters": dict(urllib.parse.parse_qsl(query))}
        http_context = {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}
        event = {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers}
        return self.functions[target.hostname], {**event, "requestContext": {"accountId": "anonymous", "http": http_context}}

//! `deploy`, `inspect`, `release` and `proxy`, against a deployment on the loopback that verifies every signature.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command};

use serde_json::{Value, json};
use statewright_engine::journal::Aside;
use statewright_engine::{Clock, ExecutionArn};
use statewright_tests::deployment::{Deployment, KEY_ID, REGION, SECRET};

use crate::folder::{Folder, Ran};

const ROLE: &str = "arn:aws:iam::111111111111:role/role";
const PASS: &str =
    "{\n  \"StartAt\": \"P\",\n  \"States\": {\n    \"P\": {\"Type\": \"Pass\", \"Result\": 1, \"End\": true}\n  }\n}\n";
const MACHINE_ARN: &str = "arn:aws:states:us-east-1:111111111111:stateMachine:m";

/// The binary in `folder`, with nothing of the environment but what is said.
pub(crate) fn bare(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = folder.command(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.env("HOME", folder.path());
    command
}

pub(crate) fn with_keys(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = bare(folder, arguments);
    command.env("AWS_ACCESS_KEY_ID", KEY_ID).env("AWS_SECRET_ACCESS_KEY", SECRET).env("AWS_REGION", REGION);
    command
}

/// A folder, and a deployment that its commands talk to.
struct Site {
    folder: Folder,
    deployment: Deployment,
}

impl Site {
    fn new() -> Self {
        Self { folder: Folder::with(PASS), deployment: Deployment::new("states").unwrap() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = with_keys(&self.folder, arguments);
        command.env("AWS_ENDPOINT_URL_SFN", self.deployment.url());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn api(&self, operation: &str, request: &Value) -> Value {
        let operation = statewright_engine::api::Operation::from_name(operation).unwrap();
        self.deployment.stage.call(operation, request).unwrap()
    }

    fn deployed(&self) -> String {
        self.api("DescribeStateMachine", &json!({"stateMachineArn": MACHINE_ARN}))["definition"].as_str().unwrap().to_owned()
    }

    /// The operations that were asked for since the last time.
    fn operations(&self, since: usize) -> Vec<String> {
        let asked = self.deployment.asked();
        asked[since..].iter().map(|asked| asked.target.rsplit('.').next().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_machine_is_created_updated_and_rolled_back() {
    let site = Site::new();
    let created = site.run(&["deploy", "m.asl.json", "--role-arn", ROLE, "--json"]).code(0).says(&["✔", MACHINE_ARN, "created"]);
    let answer = created.json();
    assert_eq!(
        (&answer["action"], &answer["stateMachineArn"], &answer["name"]),
        (&json!("create"), &json!(MACHINE_ARN), &json!("m"))
    );
    assert_eq!(site.deployed(), PASS, "it is sent as it is written");
    let needs =
        [&*format!("`{ROLE}` must trust the functions of the deployment"), "TaskRoleTrust", "\"source\": [\"statewright\"]"];
    created.says(&needs);

    let second = PASS.replace("\"Result\": 1", "\"Result\": 2");
    site.write("m.asl.json", &second);
    let before = site.deployment.asked().len();
    let dry = site.run(&["deploy", "m.asl.json", "--dry-run"]).code(0).says(&["would be updated"]);
    assert!(dry.stdout.contains("\n-      \"Result\": 1,\n+      \"Result\": 2,\n"), "{}", dry.stdout);
    assert_eq!(site.operations(before), ["ListStateMachines", "DescribeStateMachine"]);
    assert_eq!(site.folder.names(), ["m.asl.json"]);

    let updated = site.run(&["deploy", "m.asl.json"]).code(0).says(&["updated"]);
    assert!(!updated.stderr.contains("note:"), "who has the machine knows: {}", updated.stderr);
    assert_eq!((updated.stdout, site.deployed()), (dry.stdout, second.clone()));
    assert_eq!(site.folder.names(), ["m.asl.json", "m.asl.json.deployed"]);

    // What stands in the file does not matter to go back.
    site.write("m.asl.json", "{");
    let back = site.run(&["deploy", "m.asl.json", "--roll-back"]).code(0).says(&["rolled back"]);
    assert!(back.stdout.contains("\n-      \"Result\": 2,\n+      \"Result\": 1,\n"), "{}", back.stdout);
    assert_eq!(site.deployed(), PASS);
    site.run(&["deploy", "m.asl.json", "--roll-back"]).code(0);
    assert_eq!(site.deployed(), second, "a second time undoes the first");
}

#[test]
fn what_differs_in_blanks_alone_is_unchanged() {
    let site = Site::new();
    site.run(&["deploy", "m.asl.json", "--role-arn", ROLE]).code(0);
    site.write("m.asl.json", &PASS.replace(['\n', ' '], ""));
    let before = site.deployment.asked().len();
    let same = site.run(&["deploy", "m.asl.json", "--role-arn", ROLE]).code(0).says(&["unchanged"]);
    assert_eq!((same.stdout.as_str(), site.operations(before).len()), ("", 2));
    let other = site.run(&["deploy", "m.asl.json", "--role-arn", &format!("{ROLE}2"), "--json"]).code(0).json();
    assert_eq!(other["action"], "update");
    assert!(other["diff"].as_str().unwrap().contains(&format!("-{ROLE}\n+{ROLE}2\n")), "{other}");
    assert!(other["revisionId"].is_string(), "{other}");
    site.run(&["deploy", "m.asl.json", "--roll-back"]).code(0);
    assert_eq!(site.api("DescribeStateMachine", &json!({"stateMachineArn": MACHINE_ARN}))["roleArn"], ROLE);
}

#[test]
fn whose_role_changes_is_told_what_the_role_must_trust() {
    let site = Site::new();
    site.run(&["deploy", "m.asl.json", "--role-arn", ROLE]).code(0);
    let other = format!("{ROLE}2");
    let dry = site.run(&["deploy", "m.asl.json", "--role-arn", &other, "--dry-run"]).code(0);
    assert!(!dry.stderr.contains("note:"), "{}", dry.stderr);
    let told = site.run(&["deploy", "m.asl.json", "--role-arn", &other]).code(0).says(&["role2` must trust", "TaskRoleTrust"]);
    assert!(!told.stderr.contains("\"source\""), "rules are there already: {}", told.stderr);
    let same = site.run(&["deploy", "m.asl.json", "--role-arn", &other]).code(0);
    assert!(!same.stderr.contains("note:"), "{}", same.stderr);
}

#[test]
fn several_machines_with_substitutions_and_yaml_are_deployed_at_once() {
    let site = Site::new();
    site.write("a.asl.json", &PASS.replace('1', "\"${Stage} \\\"x\\\"\""));
    site.write("b.asl.yaml", "StartAt: P\nStates:\n  P:\n    Type: Pass\n    Result: ${Stage}\n    End: true\n");
    let files = ["deploy", "a.asl.json", "b.asl.yaml", "--role-arn", ROLE, "--type", "EXPRESS", "--json"];
    site.run(&files).code(2).says(&["`a.asl.json` has substitutions without a value: `Stage`", "--substitute NAME=VALUE"]);
    assert!(site.deployment.asked().is_empty(), "nothing is done by halves");
    let both = site.run(&[&files[..], &["--substitute", "Stage=test"]].concat()).code(0).json();
    assert_eq!([&both[0]["name"], &both[1]["name"]], ["a", "b"]);
    for (name, result) in [("a", "test \"x\""), ("b", "test")] {
        let described =
            site.api("DescribeStateMachine", &json!({"stateMachineArn": MACHINE_ARN.replace(":m", &format!(":{name}"))}));
        let definition: Value = serde_json::from_str(described["definition"].as_str().unwrap()).unwrap();
        assert_eq!((&definition["States"]["P"]["Result"], &described["type"]), (&json!(result), &json!("EXPRESS")));
    }
    site.run(&["deploy", "a.asl.json", "--type", "STANDARD", "--substitute", "Stage=x"]).code(2).says(&["`a` is EXPRESS"]);
}

#[test]
fn what_cannot_be_deployed_is_explained() {
    let site = Site::new();
    site.write("wrong.asl.json", "{\"StartAt\": \"X\", \"States\": {}}");
    site.run(&["deploy", "wrong.asl.json", "--role-arn", ROLE]).code(2).says(&["is not a sound definition", "wrong.asl.json:1"]);
    site.run(&["deploy", "nowhere.asl.json"]).code(2).says(&["does not exist"]);
    site.run(&["deploy", "m.asl.json", "--name", "a b"]).code(2).says(&["the machine's name `a b`"]);
    site.run(&["deploy", "m.asl.json", "m.asl.json", "--name", "n"]).code(2).says(&["one name cannot be that of several machines"]);
    assert!(site.deployment.asked().is_empty());
    site.run(&["deploy", "m.asl.json"]).code(2).says(&["there is no machine `m` yet", "--role-arn"]);
    site.run(&["deploy", "m.asl.json", "--roll-back"]).code(2).says(&["there is no machine `m` to roll back"]);
    let refused = site.run(&["deploy", "m.asl.json", "--role-arn", "role", "--json"]);
    assert_eq!(refused.json()["error"], "InvalidArn");
    refused.code(1).says(&["CreateStateMachine was refused: InvalidArn: Invalid Role Arn: 'role'"]);
    site.run(&["deploy", "m.asl.json", "--role-arn", ROLE]).code(0);
    site.run(&["deploy", "m.asl.json", "--roll-back"])
        .code(2)
        .says(&["nothing is known of what `m` was before", "m.asl.json.deployed"]);
    site.write("m.asl.json.deployed", "mine");
    site.run(&["deploy", "m.asl.json", "--roll-back"]).code(2).says(&["is not what `statewright deploy` wrote"]);
}

#[test]
fn an_update_that_is_refused_leaves_the_record_as_it_was() {
    let site = Site::new();
    site.run(&["deploy", "m.asl.json", "--role-arn", ROLE]).code(0);
    let second = PASS.replace("\"Result\": 1", "\"Result\": 2");
    site.write("m.asl.json", &second);
    site.run(&["deploy", "m.asl.json", "--role-arn", "role"]).code(1).says(&["UpdateStateMachine was refused"]);
    assert_eq!(site.folder.names(), ["m.asl.json"]);
    site.run(&["deploy", "m.asl.json"]).code(0);
    let record = || std::fs::read_to_string(site.folder.path().join("m.asl.json.deployed")).unwrap();
    let before = record();
    site.write("m.asl.json", PASS);
    site.run(&["deploy", "m.asl.json", "--role-arn", "role"]).code(1);
    assert_eq!((record(), site.folder.names()), (before, vec!["m.asl.json".to_owned(), "m.asl.json.deployed".to_owned()]));
}

#[test]
fn an_update_whose_answer_is_lost_is_in_the_record() {
    let definition = |result: u16| PASS.replace("\"Result\": 1", &format!("\"Result\": {result}"));
    for status in [429, 502, 503] {
        let site = Site::new();
        site.run(&["deploy", "m.asl.json", "--role-arn", ROLE]).code(0);
        site.write("m.asl.json", &definition(2));
        site.run(&["deploy", "m.asl.json"]).code(0);
        site.write("m.asl.json", &definition(3));
        site.deployment.lose("UpdateStateMachine", status);
        site.run(&["deploy", "m.asl.json"]).code(1).says(&["UpdateStateMachine was refused", &format!("HTTP {status}")]);
        assert_eq!(site.deployed(), definition(3), "it was carried out");
        site.deployment.lose("nothing", 0);
        site.run(&["deploy", "m.asl.json", "--roll-back"]).code(0);
        assert_eq!(site.deployed(), definition(2), "one step and not two");
    }
}

#[test]
fn credentials_and_the_region_are_found_where_the_command_line_finds_them() {
    let site = Site::new();
    std::fs::create_dir(site.folder.path().join(".aws")).unwrap();
    let keys = format!(
        "[mine]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n[empty]\n[wrong]\naws_access_key_id=X\naws_secret_access_key=Y\n"
    );
    site.write(".aws/credentials", &keys);
    site.write(".aws/config", &format!("[profile mine]\nregion = {REGION}\n"));
    let url = site.deployment.url();
    let run = |arguments: &[&str], environment: &[(&str, &str)]| {
        let list = ["inspect", "--set-aside", "--endpoint-url", &url];
        let mut command = bare(&site.folder, &[&list, arguments].concat());
        Ran::of(command.envs(environment.iter().copied()).output().unwrap())
    };
    let region = ("AWS_REGION", REGION);
    run(&["--profile", "mine"], &[]).code(0).says(&["no execution is set aside"]);
    run(&[], &[("AWS_PROFILE", "mine")]).code(0);
    run(&["--profile", "mine"], &[("AWS_ACCESS_KEY_ID", "X"), ("AWS_SECRET_ACCESS_KEY", "Y")]).code(0);
    run(&["--region", REGION], &[("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET)]).code(0);
    let session = [("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_SESSION_TOKEN", "t"), region];
    run(&[], &session).code(1).says(&["come without a session token: unset AWS_SESSION_TOKEN"]);
    run(&["--profile", "mine"], &session).code(0);
    run(&[], &[region]).code(2).says(&["there are no credentials", "AWS_ACCESS_KEY_ID"]);
    run(&["--profile", "empty"], &[region])
        .code(2)
        .says(&["`empty` holds no aws_access_key_id", "export-credentials --profile empty"]);
    run(&["--profile", "none"], &[region]).code(2).says(&["there is no profile `none`"]);
    run(&[], &[]).code(2).says(&["there is no region", "--region"]);
    run(&["--profile", "mine", "--region", "a/b"], &[]).code(2).says(&["`a/b` is not a region"]);
    let wrong = run(&["--profile", "wrong"], &[region]);
    wrong.code(1).says(&[
        "UnrecognizedClientException: The security token included in the request is invalid",
        "does not know this access key",
    ]);
    run(&["--profile", "mine", "--region", "eu-west-1"], &[]).code(1).says(&["a valid region, not 'eu-west-1'"]);

    // A profile may say where the deployment is.
    let own = |environment: &[(&str, &str)]| {
        let mut command = bare(&site.folder, &["inspect", "--set-aside", "--profile", "mine"]);
        Ran::of(command.envs(environment.iter().copied()).output().unwrap())
    };
    own(&[]).code(2).says(&["there is no endpoint to ask", "endpoint_url of the profile"]);
    site.write(".aws/config", &format!("[profile mine]\nregion = {REGION}\nendpoint_url = {url}\n"));
    own(&[]).code(0).says(&["no execution is set aside"]);
    own(&[("AWS_ENDPOINT_URL_SFN", "nowhere")]).code(2).says(&["`nowhere` is not the URL"]);
}

#[test]
fn an_endpoint_that_does_not_answer_as_it_should_is_explained() {
    let folder = Folder::with(PASS);
    let run = |url: &str| Ran::of(with_keys(&folder, &["inspect", "--set-aside", "--endpoint-url", url]).output().unwrap());
    run("127.0.0.1:80").code(2).says(&["is not the URL of an endpoint", "https://HOST"]);
    run("ftp://127.0.0.1").code(2).says(&["is not the URL of an endpoint"]);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    run(&format!("http://{closed}")).code(2).says(&["could not be asked", "is it up?"]);
    Ran::of(with_keys(&folder, &["inspect", "--set-aside"]).output().unwrap())
        .code(2)
        .says(&["there is no endpoint", "--endpoint-url"]);
    for (answer, code, says) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n<ok>", 2, "answered ListSetAside with something else: <ok>"),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 23\r\n\r\n{\"Message\":\"Forbidden\"}", 1, "HTTP 403: Forbidden"),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 23\r\n\r\n{\"Message\":\"Forbidden\"}", 1, "statewright proxy"),
        ("HTTP/1.1 502 -\r\ncontent-length: 4\r\n\r\n\x1b[2K", 1, "HTTP 502: \\u{1b}[2K"),
        ("", 2, "could not be asked"),
    ] {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        run(&url).code(code).says(&[says]);
        thread.join().unwrap();
    }
}

#[test]
fn an_execution_is_inspected_and_released() {
    let site = Site::new();
    let wait = json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": true}}}).to_string();
    site.api("CreateStateMachine", &json!({"name": "m", "definition": wait, "roleArn": ROLE}));
    let started = site.api("StartExecution", &json!({"stateMachineArn": MACHINE_ARN, "name": "e"}));
    let arn = started["executionArn"].as_str().unwrap();
    let shown = site.run(&["inspect", arn]).code(0).stdout;
    let line = |name: &str, value: &str| shown.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.trim() == value));
    assert!(line("status", "RUNNING") && line("states", "W") && line("executionArn", arn), "{shown}");
    assert_eq!(site.run(&["inspect", arn, "--json"]).code(0).json()["status"], "RUNNING");

    let at = site.deployment.stage.clock.now();
    let aside =
        Aside { execution: ExecutionArn(arn.into()), at, reminder: at, reason: "woken 12 times in vain".to_owned(), version: None };
    let journal = site.deployment.stage.engine().journal();
    let put = std::pin::pin!(journal.put_aside(&aside));
    assert!(matches!(put.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())), std::task::Poll::Ready(Ok(()))));
    let listed = site.run(&["inspect", "--set-aside"]).code(0).stdout;
    assert!(listed.contains(arn) && listed.contains("in vain"), "{listed}");
    assert_eq!(site.run(&["inspect", "--set-aside", "--json"]).code(0).json()["executions"][0]["executionArn"], arn);
    let released = site.run(&["release", arn, "--json"]).code(0).says(&["it was set aside: woken 12 times in vain"]);
    assert_eq!(released.json()[0]["executionArn"], arn);
    site.run(&["release", arn]).code(0).says(&["it was not set aside"]);
    site.run(&["inspect", "--set-aside"]).code(0).says(&["no execution is set aside"]);

    let nobody = format!("{arn}-nobody");
    site.run(&["inspect", &nobody]).code(1).says(&["InspectExecution was refused: ExecutionDoesNotExist"]);
    site.run(&["release", &nobody, arn]).code(1).says(&["ExecutionDoesNotExist", "it was not set aside"]);
    site.run(&["inspect"]).code(2).says(&["EXECUTION_ARN"]);
}

/// A proxy that runs until it is dropped.
struct Proxy {
    child: Child,
    address: String,
}

impl Proxy {
    fn start(folder: &Folder, to: &str) -> Self {
        let mut command = with_keys(folder, &["proxy", "--to", to, "--listen", "127.0.0.1:0"]);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "export AWS_DISABLE_HOST_PREFIX_INJECTION=true");
        let address = first.strip_prefix("export AWS_ENDPOINT_URL_SFN=http://").unwrap().to_owned();
        Self { child, address }
    }

    /// Sends a request with these lines in its head: the status and the body.
    fn send(&self, head: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(stream, "{head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn list(&self, host: &str, more: &str) -> (u16, String) {
        let target = "x-amz-target: AWSStepFunctions.ListStateMachines";
        self.send(&format!("POST / HTTP/1.1\r\nhost: {host}\r\n{target}{more}"), "{}")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_proxy_signs_for_the_function_what_clients_send() {
    let (folder, deployment) = (Folder::new(), Deployment::new("lambda").unwrap());
    let proxy = Proxy::start(&folder, &deployment.url());
    assert_eq!(proxy.list(&proxy.address, ""), (200, "{\"stateMachines\":[]}".to_owned()));
    assert_eq!(proxy.list(&format!("sync-{}", proxy.address), "\r\nauthorization: AWS4-HMAC-SHA256 whatever").0, 200);
    let create = format!("POST / HTTP/1.1\r\nhost: {}\r\nX-Amz-Target: AWSStepFunctions.CreateActivity", proxy.address);
    let (status, body) = proxy.send(&create, "{\"name\": \"a b\"}");
    assert!(status == 400 && body.contains("InvalidName"), "{status} {body}");
    let asked = deployment.asked();
    assert!(asked.len() == 3 && asked.iter().all(|asked| asked.verified.is_ok()), "{asked:?}");
}

/// The two variables are all that a client needs; what it signs with does not matter.
const SYNC: &str = r#"
import boto3, json
sfn = boto3.client("stepfunctions", region_name="eu-west-3", aws_access_key_id="any", aws_secret_access_key="thing")
definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": "done", "End": True}}})
machine = sfn.create_state_machine(name="m", type="EXPRESS", definition=definition, roleArn="arn:aws:iam::111111111111:role/r")
print(sfn.start_sync_execution(stateMachineArn=machine["stateMachineArn"])["output"])
"#;

#[test]
fn unchanged_clients_work_through_a_proxy() {
    let Some(python) = statewright_tests::components::python() else { return };
    let (folder, deployment) = (Folder::new(), Deployment::new("lambda").unwrap());
    let proxy = Proxy::start(&folder, &deployment.url());
    let mut client = Command::new(python);
    let url = format!("http://{}", proxy.address);
    client.args(["-c", SYNC]).env("AWS_ENDPOINT_URL_SFN", url).env("AWS_DISABLE_HOST_PREFIX_INJECTION", "true");
    assert_eq!(Ran::of(client.output().unwrap()).code(0).stdout.trim_end(), "\"done\"");
    let operations: Vec<_> = deployment.asked().into_iter().map(|asked| (asked.target, asked.status)).collect();
    let target = |name: &str| (format!("AWSStepFunctions.{name}"), 200);
    assert_eq!(operations, [target("CreateStateMachine"), target("StartSyncExecution")]);
}

#[test]
fn a_proxy_keeps_out_who_is_no_client_on_this_machine() {
    let (folder, deployment) = (Folder::new(), Deployment::new("lambda").unwrap());
    let proxy = Proxy::start(&folder, &deployment.url());
    let is_refused = |answer: (u16, String), status: u16, says: &str| {
        assert!(answer.0 == status && answer.1.contains(says), "{answer:?}");
    };
    is_refused(proxy.list("evil.example.org", ""), 403, "under its own name");
    is_refused(proxy.list(&proxy.address, "\r\norigin: https://evil.example.org"), 403, "not for web pages");
    is_refused(proxy.send(&format!("POST / HTTP/1.1\r\nhost: {}", proxy.address), "{}"), 400, "X-Amz-Target");
    is_refused(proxy.send(&format!("OPTIONS / HTTP/1.1\r\nhost: {}\r\nx-amz-target: x", proxy.address), ""), 400, "POSTs");
    assert!(deployment.asked().is_empty());

    let run = |arguments: &[&str]| Ran::of(with_keys(&folder, &[&["proxy"], arguments].concat()).output().unwrap());
    let to = ["--to", "https://abc.lambda-url.us-east-1.on.aws"];
    run(&[&to[..], &["--listen", "0.0.0.0:0"]].concat()).code(2).says(&["could do all that your credentials may", "--any-address"]);
    run(&[&to[..], &["--listen", "here"]].concat()).code(2).says(&["`here` is not an address"]);
    run(&[&to[..], &["--listen", &proxy.address]].concat()).code(2).says(&["nobody can listen on", "--listen"]);
    run(&["--to", "abc"]).code(2).says(&["is not the URL of an endpoint"]);
    let bare = bare(&folder, &["proxy", "--to", "https://abc.lambda-url.us-east-1.on.aws"]).output().unwrap();
    Ran::of(bare).code(2).says(&["there are no credentials"]);
}

#[test]
fn a_proxy_says_when_the_function_cannot_be_reached() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = Folder::new();
    let proxy = Proxy::start(&folder, &format!("http://{closed}"));
    let (status, body) = proxy.list(&proxy.address, "");
    assert!(status == 502 && body.contains("ServiceUnavailable") && body.contains("the function's URL"), "{status} {body}");
}

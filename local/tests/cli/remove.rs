//! `remove`, against an account on the loopback that answers as it is told: what an emulator cannot be brought to. The rest is
//! `tests/end_to_end/removed.py`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::folder::{Folder, Ran};
use crate::remote::{bare, with_keys};

/// An account with the stack `statewright`. It answers an operation as `differently` does, and else as if all went well.
struct Account {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

type Answer = (u16, String);

impl Account {
    fn new(differently: impl Fn(&str) -> Option<Answer> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let operation = operation(&stream);
                noted.lock().unwrap().push(operation.clone());
                let is_deleted = noted.lock().unwrap().contains(&"DeleteStack".to_owned());
                let (status, body) = differently(&operation).unwrap_or_else(|| usual(&operation, is_deleted));
                let length = body.len();
                write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").unwrap();
            }
        });
        Self { url, asked }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let folder = Folder::new();
        let mut command = with_keys(&folder, &[&["remove"], arguments].concat());
        Ran::of(command.env("AWS_ENDPOINT_URL", &self.url).output().unwrap())
    }

    fn was_asked(&self, operation: &str) -> bool {
        self.asked.lock().unwrap().iter().any(|asked| asked == operation)
    }
}

/// Which operation a request is for.
fn operation(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut line, mut target, mut length) = (String::new(), None, 0);
    reader.read_line(&mut line).unwrap();
    let method = line.split(' ').next().unwrap().to_owned();
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(':') else { break };
        match &*name.to_ascii_lowercase() {
            "x-amz-target" => target = value.rsplit('.').next().map(str::to_owned),
            "content-length" => length = value.trim().parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action=")).map(str::to_owned);
    target.or(action).unwrap_or(method)
}

fn usual(operation: &str, is_deleted: bool) -> Answer {
    let output = |name: &str, value: &str| {
        let export = format!("<ExportName>statewright-{name}</ExportName>");
        format!("<member><OutputKey>{name}</OutputKey><OutputValue>{value}</OutputValue>{export}</member>")
    };
    let resource = |name: &str, of: &str, id: &str| {
        format!(
            "<member><LogicalResourceId>{name}</LogicalResourceId><PhysicalResourceId>{id}</PhysicalResourceId>\
             <ResourceType>AWS::{of}</ResourceType></member>"
        )
    };
    let body = match operation {
        "DescribeStacks" => {
            let status = if is_deleted { "DELETE_COMPLETE" } else { "UPDATE_COMPLETE" };
            let outputs = output("TableName", "t") + &output("ServiceToken", "f");
            format!("<Stacks><member><StackId>arn:s</StackId><StackStatus>{status}</StackStatus><Outputs>{outputs}</Outputs></member></Stacks>")
        }
        "DescribeStackResources" => {
            let resources = resource("Table", "DynamoDB::Table", "t") + &resource("Logs", "Logs::LogGroup", "l");
            format!("<StackResources>{resources}</StackResources>")
        }
        "GetTemplate" => {
            "<TemplateBody>Resources: {F: {Properties: {CodeUri: s3://b/c/d}}, G: {Properties: {CodeUri: s3://b/c/d}}}</TemplateBody>"
                .to_owned()
        }
        "ListImports" => return refused("ValidationError", "Export 'x' is not imported by any stack."),
        "DescribeTable" => return (400, r#"{"__type":"com.amazonaws#ResourceNotFoundException","message":"none"}"#.to_owned()),
        "DELETE" => return (204, String::new()),
        _ => "{}".to_owned(),
    };
    (200, if body.starts_with('<') { format!("<r><Result>{body}</Result></r>") } else { body })
}

fn refused(code: &str, message: &str) -> Answer {
    (400, format!("<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"))
}

#[test]
fn everything_is_deleted_in_the_right_order() {
    let account = Account::new(|_| None);
    let ran =
        account.run(&["--delete-data", "--yes"]).code(0).says(&["✔ the stack `statewright` is deleted", "s3://b/c/d is deleted"]);
    assert_eq!(ran.stdout, "");
    let changing =
        |operation: &&String| !operation.starts_with("Describe") && !operation.starts_with("Get") && *operation != "ListImports";
    let asked = account.asked.lock().unwrap();
    let order: Vec<&str> = asked.iter().filter(changing).map(String::as_str).collect();
    assert_eq!(order, ["DeleteStack", "UpdateContinuousBackups", "UpdateTable", "DeleteTable", "DeleteLogGroup", "DELETE"]);
}

#[test]
fn a_stack_that_cannot_be_deleted_keeps_its_data() {
    let failed = "<r><StackId>arn:s</StackId><StackStatus>DELETE_FAILED</StackStatus><StackStatusReason>a role is in use</StackStatusReason></r>";
    let begun = std::sync::atomic::AtomicBool::new(false);
    let account = Account::new(move |operation| {
        if operation == "DeleteStack" {
            begun.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        let is_failed = operation == "DescribeStacks" && begun.load(std::sync::atomic::Ordering::Relaxed);
        is_failed.then(|| (200, failed.to_owned()))
    });
    account.run(&["--delete-data", "--yes"]).code(1).says(&["DELETE_FAILED: a role is in use; no data are lost"]);
    assert!(!account.was_asked("DeleteTable"));
    let protected = Account::new(|operation| {
        (operation == "DeleteStack")
            .then(|| refused("ValidationError", "Stack [statewright] cannot be deleted while TerminationProtection is enabled"))
    });
    protected.run(&["--delete-data", "--yes"]).code(1).says(&["TerminationProtection is enabled"]);
    assert!(!protected.was_asked("DeleteTable"));
}

#[test]
fn what_is_left_when_the_rest_is_refused_is_said() {
    let denied = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"not authorized to perform: dynamodb:UpdateTable"}"#;
    let account = Account::new(move |operation| (operation == "UpdateTable").then(|| (400, denied.to_owned())));
    account.run(&["--delete-data", "--yes"]).code(1).says(&[
        "UpdateTable was refused: AccessDeniedException: not authorized",
        "the stack is deleted; this is left to do:",
        "aws dynamodb update-continuous-backups --region us-east-1 --table-name t --point-in-time-recovery-specification PointInTimeRecoveryEnabled=false",
        "aws dynamodb delete-table --region us-east-1 --table-name t",
        "aws logs delete-log-group --region us-east-1 --log-group-name l",
        "aws s3 rm --region us-east-1 s3://b/c/d",
    ]);
    assert!(!account.was_asked("DeleteTable"));
}

#[test]
fn nobody_who_knows_the_account_is_a_refusal() {
    let folder = Folder::new();
    let run = |command: &mut std::process::Command| Ran::of(command.output().unwrap());
    run(&mut bare(&folder, &["remove"])).code(2).says(&["there is no region", "--region"]);
    run(bare(&folder, &["remove"]).env("AWS_REGION", "us-east-1")).code(2).says(&["there are no credentials", "--profile"]);
    let nobody = "http://127.0.0.1:1";
    let alone = run(with_keys(&folder, &["remove", "--yes"]).env("AWS_ENDPOINT_URL", nobody));
    alone.code(2).says(&["`cloudformation` in us-east-1 could not be asked", "--region"]);
    let stranger =
        Account::new(|_| Some(refused("InvalidClientTokenId", "The security token included in the request is invalid.")));
    stranger.run(&["--yes"]).code(1).says(&["DescribeStacks was refused: InvalidClientTokenId", "does not know this access key"]);
}

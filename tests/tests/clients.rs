//! Clients as they are, against a deployment that verifies every signature: boto3 and the AWS command line.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::process::{Command, Output};

use statewright_tests::components;
use statewright_tests::deployment::{Deployment, KEY_ID, REGION, SECRET};

/// Creates a machine, runs an execution twice by its name and once without, and stops nothing: what people do.
const BOTO3: &str = r#"
import boto3, json, sys
sfn = boto3.client("stepfunctions", endpoint_url=sys.argv[1])
definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": "é", "End": True}}})
machine = sfn.create_state_machine(name="m", definition=definition, roleArn="arn:aws:iam::111111111111:role/r")["stateMachineArn"]
started = sfn.start_execution(stateMachineArn=machine, name="e", input=json.dumps({"ü": 1}))["executionArn"]
sfn.start_execution(stateMachineArn=machine)
print(sfn.describe_execution(executionArn=started)["status"])
try:
    sfn.describe_execution(executionArn=started + "x")
except sfn.exceptions.ExecutionDoesNotExist as error:
    print(error.response["Error"]["Code"])
"#;

/// One refused call: the error's name.
const BOTO3_REFUSED: &str = r#"
import boto3, botocore, sys
try:
    boto3.client("stepfunctions", endpoint_url=sys.argv[1]).list_state_machines()
except botocore.exceptions.ClientError as error:
    print(error.response["Error"]["Code"])
"#;

fn with_keys(command: &mut Command, secret: &str, region: &str) -> Output {
    let environment = [
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_REGION", region),
        ("AWS_MAX_ATTEMPTS", "1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let command = command.envs(environment).env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN");
    command.env_remove("AWS_ENDPOINT_URL").env_remove("AWS_ENDPOINT_URL_SFN").output().unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\r', "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// Every request has verified.
fn all_verified(deployment: &Deployment, count: usize) {
    let asked = deployment.asked();
    assert_eq!(asked.len(), count, "{asked:#?}");
    for asked in asked {
        let verified = asked.verified.unwrap();
        assert_eq!(verified.key_id, KEY_ID);
        // Neither signs a number of its own for each call: two calls within a second may be the same.
        assert!(!verified.is_unique, "{}", asked.target);
    }
}

#[test]
fn what_boto3_signs_verifies() {
    let Some(python) = components::python() else { return };
    let deployment = Deployment::new("states").unwrap();
    let run = |script: &str, secret: &str, region: &str| {
        said(&with_keys(Command::new(&python).args(["-c", script, &deployment.url()]), secret, region))
    };
    assert_eq!(run(BOTO3, SECRET, REGION), "SUCCEEDED\nExecutionDoesNotExist\n");
    all_verified(&deployment, 5);
    assert_eq!(run(BOTO3_REFUSED, "another secret", REGION), "InvalidSignatureException\n");
    assert_eq!(run(BOTO3_REFUSED, SECRET, "eu-west-1"), "InvalidSignatureException\n");
}

#[test]
fn what_the_command_line_signs_verifies() {
    let Some(python) = components::python() else { return };
    let deployment = Deployment::new("states").unwrap();
    let run = |secret: &str| {
        let mut command = Command::new(&python);
        command.args(["-m", "awscli", "stepfunctions", "create-activity", "--name", "a", "--endpoint-url", &deployment.url()]);
        with_keys(command.args(["--query", "activityArn", "--output", "text"]), secret, REGION)
    };
    assert_eq!(said(&run(SECRET)), "arn:aws:states:us-east-1:111111111111:activity:a\n");
    all_verified(&deployment, 1);
    let refused = run("another secret");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("InvalidSignatureException"), "{words}");
}

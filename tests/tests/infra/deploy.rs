//! The template is deployed, as its README says, into an emulator.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use statewright_tests::components;

use super::{FOLDER, TIMEOUTS};

/// The largest template that CloudFormation takes by itself; source: CloudFormation user guide, "Understand CloudFormation quotas".
const TEMPLATE_BYTES_MAX: u64 = 51_200;
/// The longest name of a bucket, which each function's program is named by.
const BUCKET_NAME_MAX: u64 = 63;

/// A folder that goes when the test is over.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// Calls the AWS command line in `folder`; what it prints must be JSON, or nothing.
fn aws(folder: &Path, endpoint: &str, python: &str, arguments: &[&str]) -> Value {
    let mut command = Command::new(Path::new(python).with_file_name("aws"));
    command.args(arguments).args(["--output", "json"]).current_dir(folder).env("AWS_ENDPOINT_URL", endpoint);
    let output = command.output().unwrap_or_else(|error| panic!("{error}"));
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

#[test]
fn the_template_can_be_deployed() {
    let (Some(endpoint), Some(python)) = (components::aws(), components::python()) else { return };
    let folder = Folder(std::env::temp_dir().join(format!("statewright-deploy-{}", std::process::id())));
    let make = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder.0.join("bootstrap"))?;
        std::fs::write(folder.0.join("bootstrap/bootstrap"), "#!/bin/sh\n")?;
        std::fs::copy(format!("{FOLDER}/template.yaml"), folder.0.join("template.yaml")).map(drop)
    };
    make().unwrap_or_else(|error| panic!("{error}"));
    let aws = |line: &str| aws(&folder.0, &endpoint, &python, &line.split_whitespace().collect::<Vec<_>>());
    aws("s3api create-bucket --bucket deployment-of-a-test");
    aws(
        "cloudformation package --template-file template.yaml --s3-bucket deployment-of-a-test --output-template-file packaged.yaml",
    );
    let bytes = std::fs::metadata(folder.0.join("packaged.yaml")).unwrap_or_else(|error| panic!("{error}")).len();
    let longest = bytes + (BUCKET_NAME_MAX - "deployment-of-a-test".len() as u64) * TIMEOUTS.len() as u64;
    assert!(longest <= TEMPLATE_BYTES_MAX, "packaged, the template may have {longest} bytes");
    // The emulator knows no alarms over several metrics; and keys are made by a program that is not there.
    aws("cloudformation deploy --template-file packaged.yaml --stack-name tested --capabilities CAPABILITY_IAM \
         --parameter-overrides SweepAlarm=off ApiAuthType=AWS_IAM DirectStarts=5 OwnQueues=on");
    let stack = aws("cloudformation describe-stacks --stack-name tested --query Stacks[0]");
    assert_eq!(stack["StackStatus"], "CREATE_COMPLETE");
    let output = |name: &str| -> String {
        let outputs = stack["Outputs"].as_array().into_iter().flatten();
        let found = outputs.filter(|output| output["OutputKey"] == name).find_map(|output| output["OutputValue"].as_str());
        found.unwrap_or_else(|| panic!("no {name}")).to_owned()
    };
    let table = aws(&format!("dynamodb describe-table --table-name {} --query Table", output("TableName")));
    assert_eq!(table["DeletionProtectionEnabled"], true);
    let functions = aws("lambda list-functions --query Functions");
    for (name, seconds) in TIMEOUTS {
        let mode = name.to_lowercase();
        let mut all = functions.as_array().into_iter().flatten();
        let variable = |function: &Value, name: &str| function["Environment"]["Variables"][name].clone();
        let function = all.find(|function| variable(function, "STATEWRIGHT_FUNCTION") == mode.as_str());
        let function = function.unwrap_or_else(|| panic!("no function {mode}"));
        assert_eq!(function["Timeout"], seconds, "{mode}");
        assert_eq!(variable(function, "STATEWRIGHT_TABLE"), output("TableName").as_str());
        assert_eq!(variable(function, "STATEWRIGHT_WAKES"), output("WakesUrl").as_str());
        assert_eq!(variable(function, "STATEWRIGHT_ROLES"), "arn:aws:iam::*:role/statewright/*");
    }
    let mappings = aws("lambda list-event-source-mappings --query EventSourceMappings");
    assert_eq!(mappings.as_array().map(Vec::len), Some(3));
    let roles = output("TaskRoleArns");
    let trusted: Vec<&str> = roles.split(',').collect();
    assert_eq!(trusted.len(), 5);
    let trust: Value = serde_json::from_str(&output("TaskRoleTrust")).unwrap();
    assert_eq!(trust["Statement"][0]["Principal"]["AWS"], serde_json::json!(trusted));
}

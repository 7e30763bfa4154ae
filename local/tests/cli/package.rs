//! `package`

use std::path::Path;
use std::process::Command;

use statewright_template::{Node, Syntax, compact, parse};
use statewright_tests::components;

use crate::folder::{Folder, Ran};

const TEMPLATE: &str = include_str!("shop/template.yaml");

/// A shop of three state machines, and the program that starts them.
fn shop() -> Folder {
    Folder::new()
        .file("template.yaml", TEMPLATE)
        .file("machines/order.asl.json", include_str!("shop/machines/order.asl.json"))
        .file("machines/refund.asl.yaml", include_str!("shop/machines/refund.asl.yaml"))
        .file("machines/report.asl.json", include_str!("shop/machines/report.asl.json"))
        .file("bootstrap/bootstrap", "")
}

fn package(folder: &Folder, more: &[&str]) -> Ran {
    folder.run(&[&["package", "template.yaml", "--code", "bootstrap"], more].concat())
}

fn read(text: &str) -> Node {
    parse(text, Syntax::of(text)).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A template with one machine: `properties` at its own indentation.
fn one(of: &str, properties: &str) -> Folder {
    let indented: String = properties.lines().map(|line| format!("      {line}\n")).collect();
    let transform = if of.contains("Serverless") { "Transform: AWS::Serverless-2016-10-31\n" } else { "" };
    let template = format!("{transform}Resources:\n  M:\n    Type: {of}\n    Properties:\n{indented}");
    Folder::new().file("template.yaml", template).file("m.asl.json", crate::run::PASS).file("bootstrap/bootstrap", "")
}

const SAM: &str = "AWS::Serverless::StateMachine";
const STEP_FUNCTIONS: &str = "AWS::StepFunctions::StateMachine";
const MACHINE: [&str; 3] = ["Resources", "M", "Properties"];

/// The resources that come out for a machine with these properties.
fn becomes(of: &str, properties: &str) -> Node {
    read(&package(&one(of, properties), &[]).code(0).stdout)
}

fn property(template: &Node, name: &str) -> String {
    template.at(&MACHINE).and_then(|properties| properties.get(name)).map(compact).unwrap_or_default()
}

#[test]
fn a_shop_is_packaged() {
    let folder = shop();
    let ran = package(&folder, &["--output-template-file", "packaged.yaml"]).code(0);
    assert_eq!(ran.stdout, "");
    let packaged = std::fs::read_to_string(folder.path().join("packaged.yaml")).unwrap();
    insta::assert_snapshot!("package", packaged);
    insta::assert_snapshot!("package_screen", ran.screen());
    assert_eq!(package(&folder, &[]).code(0).stdout, packaged, "standard output is the default");
}

#[test]
fn what_is_not_about_machines_stays_to_the_letter() {
    let packaged = package(&shop(), &[]).code(0).stdout;
    let (head, _) = TEMPLATE.split_once("  Order:\n").unwrap();
    assert!(packaged.starts_with(head));
    let (_, tail) = TEMPLATE.split_once("\n  Logs:").unwrap();
    assert!(packaged.ends_with(tail));
    assert!(packaged.contains("\n\n  # Gives the money back.\n  Refund:\n"), "comments between resources stay");
}

#[test]
fn templates_in_json_stay_json_and_mean_the_same() {
    let json = statewright_template::block(&read(TEMPLATE), Syntax::Json, 0);
    let folder = shop().file("template.json", json.trim_start());
    let from_json = folder.run(&["package", "template.json", "--code", "bootstrap"]).code(0).stdout;
    assert!(from_json.starts_with("{\n  \"AWSTemplateFormatVersion\""));
    assert_eq!(compact(&read(&from_json)), compact(&read(&package(&folder, &[]).code(0).stdout)));
}

#[test]
fn templates_in_flow_style_and_with_other_line_ends_are_changed_too() {
    let flow = statewright_template::flow(&read(TEMPLATE));
    let folder = shop().file("flow.yaml", format!("# all on one line\n{flow}\n")).file("crlf.yaml", TEMPLATE.replace('\n', "\r\n"));
    let expected = compact(&read(&package(&folder, &[]).code(0).stdout));
    let packaged = |file: &str| folder.run(&["package", file, "--code", "bootstrap"]).code(0).stdout;
    let from_flow = packaged("flow.yaml");
    assert_eq!(compact(&parse(&from_flow, Syntax::Yaml).unwrap()), expected);
    assert!(from_flow.starts_with("# all on one line\n"));
    let from_crlf = packaged("crlf.yaml");
    assert!(!from_crlf.replace("\r\n", "").contains('\n'), "no line ends otherwise than the others");
    assert_eq!(compact(&read(&from_crlf)), expected);
}

#[test]
fn another_deployment_and_another_handler_can_be_named() {
    let with = |more: &[&str]| read(&package(&shop(), more).code(0).stdout);
    let token = |template: &Node| compact(template.at(&["Resources", "Order", "Properties", "ServiceToken"]).unwrap());
    let table = |template: &Node| {
        compact(template.at(&["Resources", "OrderStart", "Properties", "Environment", "Variables", "STATEWRIGHT_TABLE"]).unwrap())
    };
    let other = with(&["--deployment", "staging"]);
    assert_eq!(token(&other), r#"{"Fn::ImportValue":"staging-ServiceToken"}"#);
    assert_eq!(table(&other), r#"{"Fn::ImportValue":"staging-TableName"}"#);
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:resource";
    assert_eq!(token(&with(&["--service-token", arn])), format!("\"{arn}\""));
    assert_eq!(token(&with(&["--service-token", "an-export"])), r#"{"Fn::ImportValue":"an-export"}"#);
}

#[test]
fn definitions_come_in_every_form() {
    let role = "RoleArn: !Ref Role\n";
    let pass: serde_json::Value = serde_json::from_str(crate::run::PASS).unwrap();
    let text = |template: &Node| serde_json::from_str::<String>(&property(template, "DefinitionString")).unwrap();

    let object = becomes(
        STEP_FUNCTIONS,
        &format!(
            "{role}Definition:\n  StartAt: Call\n  States:\n    Call:\n      Type: Task\n      Resource: !GetAtt F.Arn\n      TimeoutSeconds: 5\n      End: true\n"
        ),
    );
    let definition: serde_json::Value = serde_json::from_str(&text(&object)).unwrap();
    assert_eq!(definition.pointer("/States/Call/Resource").unwrap(), "${definition_substitution_1}");
    assert_eq!(definition.pointer("/States/Call/TimeoutSeconds").unwrap(), 5);
    assert_eq!(property(&object, "DefinitionSubstitutions"), r#"{"definition_substitution_1":{"Fn::GetAtt":["F","Arn"]}}"#);

    let one_line = pass.to_string().replace('\'', "''");
    assert_eq!(text(&becomes(STEP_FUNCTIONS, &format!("{role}DefinitionString: '{one_line}'\n"))), pass.to_string());
    let sub = becomes(STEP_FUNCTIONS, &format!("{role}DefinitionString: !Sub '{one_line}'\n"));
    assert!(property(&sub, "DefinitionString").starts_with(r#"{"Fn::Sub":"#), "it is CloudFormation's to fill in");
    let location = format!("{role}DefinitionS3Location: {{Bucket: b, Key: k, Version: v}}\n");
    assert_eq!(property(&becomes(STEP_FUNCTIONS, &location), "DefinitionS3Location"), r#"{"Bucket":"b","Key":"k","Version":"v"}"#);
    let uri = becomes(SAM, "DefinitionUri: s3://b/a/k.json\n");
    assert_eq!(property(&uri, "DefinitionS3Location"), r#"{"Bucket":"b","Key":"a/k.json"}"#);
    let yaml = becomes(SAM, "DefinitionUri: m.asl.json\nRole: arn:aws:iam::123456789012:role/r\n");
    assert_eq!(text(&yaml), crate::run::PASS, "to the letter");
}

#[test]
fn definitions_are_checked_where_they_stand() {
    let wrong = |of: &str, properties: &str, parts: &[&str]| {
        package(&one(of, properties), &[]).code(1).says(parts).says(&["1 definition is wrong: nothing is packaged"]);
    };
    let role = "RoleArn: arn:aws:iam::123456789012:role/r\n";
    let object = format!("{role}Definition:\n  StartAt: A\n  States:\n    A: {{Type: Wait, Seconds: soon, End: true}}\n");
    wrong(STEP_FUNCTIONS, &object, &["--> template.yaml:9:36", "A: {Type: Wait, Seconds: soon, End: true}"]);
    let text = format!("{role}DefinitionString: '{{\"StartAt\": \"A\"}}'\n");
    wrong(STEP_FUNCTIONS, &text, &["--> template.yaml:M.DefinitionString:1:1"]);
    let sub = format!("{role}DefinitionString: !Sub '{{\"StartAt\": \"${{X}}\"}}'\n");
    wrong(STEP_FUNCTIONS, &sub, &["--> template.yaml:M.DefinitionString"]);
    let join = format!("{role}DefinitionString: !Join ['', ['{{\"StartAt\": \"', !Ref A, '\"}}']]\n");
    wrong(STEP_FUNCTIONS, &join, &["{\"StartAt\": \"${part 1}\"}"]);
    let folder = shop().file("machines/refund.asl.yaml", "StartAt: No\nStates:\n  Yes:\n    Type: Pass\n    End: true\n");
    package(&folder, &[]).code(1).says(&["machines/refund.asl.yaml:1:10", "1 definition is wrong"]);
    // A value that is known is put in before the definition is checked.
    let folder = shop().file("template.yaml", TEMPLATE.replace("Patience: 30", "Patience: soon"));
    package(&folder, &[]).code(1).says(&["machines/order.asl.json:8:"]);
}

#[test]
fn what_cannot_be_translated_is_refused_by_name() {
    let uri = "DefinitionUri: m.asl.json\n";
    let refuses = |of: &str, properties: &str, message: &str, help: &str| {
        package(&one(of, properties), &[]).code(1).says(&[&format!("error: template.yaml:{message}"), help]);
    };
    let sam = |properties: &str, message: &str, help: &str| refuses(SAM, &format!("{uri}{properties}"), message, help);
    sam(
        "AutoPublishAlias: live\n",
        "7:7: `M` has `AutoPublishAlias`, which cannot be translated",
        "the deployment has no aliases yet",
    );
    sam("Colour: red\n", "7:7: `M` has `Colour`, which cannot be translated", "leave it away");
    sam("DefinitionString: '{}'\n", "3:3: `M` has several definitions", "keep one of them");
    refuses(SAM, "Name: m\n", "3:3: `M` has no definition", "give it a `DefinitionUri`");
    refuses(SAM, "DefinitionUri: gone.json\n", "6:22: the definition `gone.json` does not exist", "beside the template");
    let api = "Events:\n  Web: {Type: Api, Properties: {Path: /, Method: post}}\n";
    sam(api, "8:9: the event `Web` of `M` is of the type `Api`", "StartExecution of the deployment's API");
    let rule = |more: &str| {
        format!("Events:\n  On:\n    Type: EventBridgeRule\n    Properties:\n      Pattern: {{source: [a]}}\n      {more}\n")
    };
    sam(&rule("Enabled: true"), "12:13: the event `On` of `M` has `Enabled`", "State: ENABLED");
    let schedule = "Events:\n  On: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day), RoleArn: r}}\n";
    sam(schedule, "8:78: the event `On` of `M` has `RoleArn`", "a role that invokes the function is made");
    let input = "Events:\n  On: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day), Input: hello}}\n";
    sam(input, "8:85: the Input of the event `On` of `M` is no JSON", "write a JSON text");
    sam("Policies: AWSLambdaRole\n", "7:17: `M` has the policy `AWSLambdaRole` by its name", "write its ARN");
    sam(
        "Policies: [{S3CrudPolicy: {BucketName: b}}]\n",
        "7:19: `M` has the policy template `S3CrudPolicy`",
        "write the statement itself",
    );
    sam(
        "Policies: [{LambdaInvokePolicy: {Name: f}}]\n",
        "7:39: `LambdaInvokePolicy` of `M` has no `FunctionName`",
        "FunctionName: NAME",
    );
    let definition = "DefinitionString: '{}'\nRoleArn: r\n";
    let encrypted = format!("{definition}EncryptionConfiguration: {{Type: AWS_OWNED_KEY}}\n");
    refuses(STEP_FUNCTIONS, &encrypted, "7:7: `M` has `EncryptionConfiguration`", "give the deployment a KmsKeyArn");
    refuses(STEP_FUNCTIONS, "DefinitionString: '{}'\n", "2:3: `M` has no RoleArn", "name the role");
}

#[test]
fn resources_that_count_on_step_functions_are_refused_by_name() {
    let beside = |resource: &str, message: &str, help: &str| {
        let template = format!(
            "Transform: AWS::Serverless-2016-10-31\nResources:\n  M:\n    Type: {SAM}\n    Properties:\n      DefinitionUri: m.asl.json\n{resource}"
        );
        let folder = Folder::new().file("template.yaml", template).file("m.asl.json", crate::run::PASS);
        package_without_code(&folder).code(1).says(&[message, help]);
    };
    let resource = |of: &str, properties: &str| format!("  X:\n    Type: {of}\n    Properties: {properties}\n");
    let rule = resource("AWS::Events::Rule", "{Targets: [{Id: a, Arn: !GetAtt M.Arn}]}");
    beside(&rule, "7:3: `X` (AWS::Events::Rule) is about `M`", "write it as an event of the machine");
    let pipe = resource("AWS::Pipes::Pipe", "{Target: !Sub 'x ${M}'}");
    beside(&pipe, "`X` (AWS::Pipes::Pipe) is about `M`", "StartExecution of the deployment's API");
    let connector = resource("AWS::Serverless::Connector", "{Source: {Id: M}, Destination: {Id: F}, Permissions: [Read]}");
    beside(&connector, "`X` (AWS::Serverless::Connector) is about `M`", "write `Policies`");
    beside(&resource("AWS::StepFunctions::Activity", "{Name: a}"), "`X` is an activity of Step Functions", "by CreateActivity");
    let taken = resource("AWS::IAM::Role", "{}").replace("X:", "MRole:");
    beside(&taken, "`M` would bring a resource `MRole`, and there is one", "give it another name");
    let inner = format!("  Fn::ForEach::All:\n    - N\n    - [a, b]\n    - ${{N}}:\n        Type: {STEP_FUNCTIONS}\n");
    beside(&inner, "a resource of the type `AWS::StepFunctions::StateMachine` stands inside another", "a resource of its own");
    let started = "      Events: {E: {Type: Schedule, Properties: {Schedule: rate(1 day)}}}\n";
    beside(started, "7:15: `M` is started by events", "`--code FOLDER`");
    beside("      Tags: &tags {a: b}\n", "`M` holds an anchor", "write out what its aliases stand for");
}

fn package_without_code(folder: &Folder) -> Ran {
    folder.run(&["package", "template.yaml"])
}

#[test]
fn a_wrong_call_is_refused() {
    let folder = shop()
        .file("none.yaml", "a: b\n")
        .file("broken.json", "{\"Resources\": }")
        .file("plain.yaml", "Resources:\n  A: {Type: B}\n");
    folder.run(&["package", "gone.yaml"]).code(2).says(&["the template `gone.yaml` does not exist"]);
    folder.run(&["package", "none.yaml"]).code(2).says(&["`none.yaml` has no `Resources`"]);
    folder.run(&["package", "broken.json"]).code(2).says(&["`broken.json` cannot be read: line 1 column 15"]);
    folder.run(&["package", "template.yaml", "--code", "gone"]).code(2).says(&["the code `gone` does not exist", "`bootstrap`"]);
    folder.run(&["package", "template.yaml", "--s3-prefix", "p"]).code(2).says(&["--s3-bucket"]);
    let ran = folder.run(&["package", "plain.yaml"]).code(0).says(&["there is no state machine in `plain.yaml`"]);
    assert_eq!(ran.stdout, "Resources:\n  A: {Type: B}\n");
    package(&folder, &["--output-template-file", "gone/x.yaml"]).code(2).says(&["`gone/x.yaml` cannot be written"]);
}

/// Calls S3 by the AWS command line.
fn s3(endpoint: &str, python: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(Path::new(python).with_file_name("aws"));
    let output = command.args(arguments).env("AWS_ENDPOINT_URL", endpoint).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn definitions_are_stored_in_a_bucket() {
    let (Some(endpoint), Some(python)) = (components::aws(), components::python()) else { return };
    let bucket = format!("definitions-{}", std::process::id());
    let folder = shop();
    let package = |bucket: &str| {
        let mut command =
            folder.command(&["package", "template.yaml", "--code", "bootstrap", "--s3-bucket", bucket, "--s3-prefix", "a b/"]);
        Ran::of(command.env("AWS_ENDPOINT_URL", &endpoint).output().unwrap())
    };
    package(&bucket).code(2).says(&["cannot be stored: 404", "--s3-bucket"]);
    s3(&endpoint, &python, &["s3api", "create-bucket", "--bucket", &bucket]);
    let packaged = read(&package(&bucket).code(0).stdout);
    let location = packaged.at(&["Resources", "Order", "Properties", "DefinitionS3Location"]).unwrap();
    let key = location.get("Key").and_then(Node::as_text).unwrap();
    assert!(key.starts_with("a b/") && key.ends_with(".asl.json"), "{key}");
    let object = format!("s3://{bucket}/{key}");
    assert_eq!(s3(&endpoint, &python, &["s3", "cp", &object, "-"]), include_str!("shop/machines/order.asl.json"));
}

#[test]
fn what_comes_out_is_a_sound_template() {
    let Some(python) = components::python() else { return };
    // What has no value would be a finding, and so is that the order waits for the table that it refers to anyway.
    let order = include_str!("shop/machines/order.asl.json").replace("${Unknown}", "");
    let folder = shop().file("machines/order.asl.json", order);
    package(&folder, &["--output-template-file", "packaged.yaml"]).code(0);
    let program = Path::new(&python).with_file_name("cfn-lint");
    let lint = Command::new(program)
        .args(["--ignore-checks", "W3005", "--", "packaged.yaml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(lint.status.success(), "{}{}", String::from_utf8_lossy(&lint.stdout), String::from_utf8_lossy(&lint.stderr));
}

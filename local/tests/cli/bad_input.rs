//! Everything that may be wrong with what one is given: one clear message, an exit code, and nothing half-written.

use std::io::Read;

use crate::folder::{Folder, Ran};
use crate::run::PASS;

#[test]
fn a_definition_that_cannot_be_read_is_explained() {
    let deep = "[".repeat(200_000);
    let table: [(&str, &[u8], &[&str]); 8] = [
        ("empty.json", b"", &["`empty.json` is empty"]),
        ("blank.json", b" \n\t", &["`blank.json` is empty"]),
        ("utf16.json", b"\xff\xfe{\0}\0", &["`utf16.json`", "UTF-16", "save it as UTF-8"]),
        ("utf16be.json", b"\0{\0}", &["UTF-16"]),
        ("latin1.json", b"{\n\"\xe4\": 1}", &["`latin1.json`", "not UTF-8", "line 2"]),
        ("broken.json", b"{\"StartAt\": }", &["broken.json:1:", "INVALID_JSON_DESCRIPTION"]),
        ("text.json", b"hello", &["INVALID_JSON_DESCRIPTION"]),
        ("deep.json", deep.as_bytes(), &["deep.json"]),
    ];
    for (name, content, texts) in table {
        let folder = Folder::new().file(name, content);
        let ran = folder.run(&["run", name, "--history", "h.json"]).code(2).says(texts);
        assert_eq!(ran.stdout, "");
        assert_eq!(folder.names(), [name]);
        let validated = folder.run(&["validate", name]);
        assert!([1, 2].contains(&validated.code), "{name}: {}", validated.stderr);
    }
    let folder = Folder::new().file("d/a.asl.json", PASS);
    folder.run(&["run", "nowhere.json"]).code(2).says(&["the definition `nowhere.json` does not exist"]);
    folder.run(&["run", "d"]).code(2).says(&["`d` is a directory", "`a.asl.json`"]);
}

#[test]
fn a_byte_order_mark_is_ignored_and_told() {
    let folder = Folder::new().file("bom.json", format!("\u{feff}{PASS}")).file("in.json", "\u{feff}{}");
    folder.run(&["run", "bom.json"]).code(0).says(&["note:", "`bom.json`", "byte order mark"]);
    folder.run(&["validate", "bom.json"]).code(0).says(&["byte order mark"]);
    folder.run(&["run", "bom.json", "--input", "@in.json"]).code(0).says(&["`in.json`", "byte order mark"]);
}

#[test]
fn an_input_that_is_no_json_is_explained() {
    let table = [
        ("{\"a\": }", &["the input", "line 1 column 7"][..]),
        ("{\"a\": 1, \"b\": {\"a\": 1, \"a\": 2}}", &["the member `a` twice", "`/b`"]),
        ("[18446744073709551616]", &["the input", "line 1"]),
        ("\"\\ud800\"", &["the input", "line 1"]),
        ("\"\\ud800x\"", &["the input"]),
        ("1 2", &["the input", "line 1"]),
        ("", &["the input is empty"]),
        ("@nowhere.json", &["the input `nowhere.json` does not exist"]),
        ("@d", &["`d` is a directory"]),
        ("@lines.json", &["the input `lines.json`", "line 3"]),
    ];
    for (input, texts) in table {
        let folder = Folder::with(PASS).file("d/x", "").file("lines.json", "{\n\"a\": 1,\n\"b\": nul\n}");
        let ran = folder.execute(&["--input", input, "--history", "h.json"]).code(2).says(texts);
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.lines().filter(|line| line.starts_with("error")).count()),
            ("", 1),
            "{}",
            ran.stderr
        );
        assert!(!folder.names().contains(&"h.json".to_owned()));
    }
    let large = format!("[{}]", "1,".repeat(200_000).trim_end_matches(','));
    Folder::with(PASS).file("large.json", large).execute(&["--input", "@large.json"]).code(2).says(&["bytes", "262144"]);
    Folder::with(PASS)
        .run_with_stdin(&["run", "m.asl.json", "-i", "-"], b"")
        .code(2)
        .says(&["the input on standard input is empty"]);
}

#[test]
fn other_files_and_values_are_explained() {
    let folder = Folder::with(PASS).file("s.txt", "a=1\nb\n").file("s.json", "{\"a\": 1,}");
    folder.execute(&["--substitutions", "s.txt"]).code(2).says(&["`s.txt`", "line 2"]);
    folder.execute(&["--substitutions", "s.json"]).code(2).says(&["`s.json`", "line 1"]);
    folder.execute(&["--substitutions", "nowhere"]).code(2).says(&["`nowhere` does not exist"]);
    folder.execute(&["--substitute", "a"]).code(2).says(&["NAME=VALUE"]);
    folder.execute(&["--mock", "nowhere"]).code(2).says(&["the mock file `nowhere` does not exist"]);
    folder.execute(&["--task", "x"]).code(2).says(&["PATTERN=COMMAND"]);
    folder.run(&["run", "m.asl.json", "--start-time", "today"]).code(2).says(&["--start-time", "RFC 3339"]);
    folder.execute(&["--account", "12"]).code(2).says(&["12 digits"]);
    folder.execute(&["--region", "US"]).code(2).says(&["--region"]);
    folder.execute(&["--machine-name", "a b"]).code(2).says(&["--machine-name"]);
    folder.run(&["run", "m.asl.json", "--name", "a/b"]).code(2).says(&["the execution's name"]);
    folder.execute(&["--context", "[]"]).code(2).says(&["--context", "object"]);
    folder.execute(&["--context", r#"{"Execution": {"Name": 1}}"#]).code(2).says(&["Execution.Name must be a string"]);
}

#[test]
fn a_history_that_cannot_be_written_is_told_before_the_run() {
    let folder = Folder::with(PASS).file("d/x", "");
    folder.execute(&["--history", "nowhere/h.json"]).code(2).says(&["`nowhere/h.json`", "no directory `nowhere`"]);
    folder.execute(&["--history", "d"]).code(2).says(&["`d`", "directory"]);
    folder.execute(&["--history", "-"]).code(2).says(&["`--history -`", "needs a file"]);
    folder.execute(&["--history", "/dev/null"]).code(0);
}

#[test]
fn a_history_that_was_there_stays_when_nothing_is_run() {
    let folder = Folder::with(PASS).file("h.json", "before");
    folder.execute(&["--history", "h.json", "--input", "{"]).code(2);
    assert_eq!(std::fs::read_to_string(folder.path().join("h.json")).unwrap(), "before");
    folder.execute(&["--history", "h.json"]).code(0);
    assert!(std::fs::read_to_string(folder.path().join("h.json")).unwrap().starts_with("{\"events\":["));
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let large = format!("\"{}\"", "x".repeat(250_000));
    let folder = Folder::with(PASS).file("in.json", large);
    for closed in ["stdout", "stderr"] {
        let mut child = folder.command(&["run", "m.asl.json", "--input", "@in.json", "--verbose"]).spawn().unwrap();
        let mut errors = String::new();
        if closed == "stdout" {
            drop(child.stdout.take());
            child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        } else {
            drop(child.stderr.take());
            child.stdout.take().unwrap().read_to_string(&mut errors).unwrap();
        }
        assert!(!errors.contains("panicked"), "{errors}");
        assert_eq!(child.wait().unwrap().code(), Some(0), "{closed}");
    }
    let mut child = folder.command(&["--help"]).spawn().unwrap();
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.stderr, "");
}

#[test]
fn names_from_files_cannot_move_the_cursor() {
    let definition = "{\"StartAt\": \"A\\u001b[2J\", \"States\": {\"A\\u001b[2J\": {\"Type\": \"Pass\", \"End\": true}}}";
    let ran = Folder::with(definition).execute(&[]);
    assert!(!ran.stderr.contains('\x1b'), "{:?}", ran.stderr);
}

#[test]
fn templates_are_recognised_and_lead_on() {
    let table = [
        (
            "template.yaml",
            "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  M:\n    Type: AWS::Serverless::StateMachine\n    Properties:\n      DefinitionUri: sm/order.asl.json\n",
            &["SAM or CloudFormation", "`sm/order.asl.json`"][..],
        ),
        (
            "serverless.yml",
            "service: x\nprovider:\n  name: aws\nstepFunctions:\n  stateMachines:\n    m:\n      definition: ${file(sm/order.yml)}\n",
            &["Serverless Framework", "`sm/order.yml`"],
        ),
        (
            "main.tf",
            "resource \"aws_sfn_state_machine\" \"m\" {\n  definition = templatefile(\"${path.module}/order.asl.json\", {})\n}\n",
            &["Terraform", "`order.asl.json`"],
        ),
        (
            "App.template.json",
            "{\"Resources\": {\"M\": {\"Type\": \"AWS::StepFunctions::StateMachine\", \"Metadata\": {\"aws:cdk:path\": \"x\"}}}}",
            &["CDK", "inside it"],
        ),
        ("cdk.out/manifest.json", "{}", &[]),
    ];
    for (name, content, texts) in table {
        let folder = Folder::new().file(name, content).file("cdk.out/App.template.json", "{}");
        if texts.is_empty() {
            folder.run(&["run", "cdk.out"]).code(2).says(&["CDK", "`App.template.json`"]);
            folder.run(&["validate", "cdk.out"]).code(2).says(&["CDK"]);
        } else {
            folder.run(&["run", name]).code(2).says(texts);
            folder.run(&["validate", name]).code(2).says(texts);
        }
    }
}

#[test]
fn places_in_json_are_exact() {
    let table = [
        ("{\"a\": tru\n}", "expected `true`, `false` or `null` at line 1 column 10"),
        ("{\"a\": 1\n", "the text ends inside an object at line 1 column 8"),
        ("{\"a\": 1,\n \"a\": 2}", "the member `a` twice in one object, the second time at line 2 column 2"),
        ("{\"a\": \"\\ud800\"}", "a `\\u` escape is half of a surrogate pair at line 1"),
    ];
    for (text, message) in table {
        Folder::with(PASS).file("in.json", text).execute(&["--input", "@in.json"]).code(2).says(&["`in.json`", message]);
    }
    Folder::with(PASS).execute(&["--input", "@"]).code(2).says(&["`@` without a file", "@FILE"]);
    let ran = Folder::new().file("m.json", "{\"a\": 1\n").run(&["validate", "m.json"]).code(1);
    assert!(!ran.stderr.contains("\\n at [Source"), "{}", ran.stderr);
    let utf32 = "{}".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<_>>();
    let marked = [&[0xff, 0xfe, 0, 0][..], &utf32].concat();
    Folder::with(PASS).file("in.json", marked).execute(&["--input", "@in.json"]).code(2).says(&["UTF-32"]);
}

#[test]
fn files_that_have_no_definition_are_not_said_to_have_one() {
    let table = [
        ("vars.tf", "variable \"x\" {}\n", "it has no state machine"),
        ("t.yaml", "AWSTemplateFormatVersion: 2010-09-09\nResources: {}\n", "it has no state machine"),
        ("mocks.json", "{\"StateMachines\": {}, \"MockedResponses\": {}}", "`statewright run FILE --mock mocks.json`"),
    ];
    for (name, content, text) in table {
        Folder::new().file(name, content).run(&["run", name]).code(2).says(&[text]);
    }
    Folder::new().run(&["validate", "-"]).code(2).says(&["`-` does not exist", "`/dev/stdin`"]);
    Folder::with(PASS).execute(&["--task-timeout", "x"]).code(2).says(&["whole number"]);
}

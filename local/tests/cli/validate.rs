//! `validate`

use serde_json::json;

use crate::folder::Folder;
use crate::run::PASS;

const WRONG: &str = r#"{
  "StartAt": "A",
  "States": {
    "A": {"Type": "Wait", "Seconds": "10", "Next": "B"},
    "B": {"Type": "Pass", "Next": "Cc"},
    "C": {"Type": "Succeed"}
  }
}
"#;

/// Sound, with a warning.
const WARNED: &str = r#"{
  "StartAt": "A",
  "States": {
    "A": {
      "Type": "Choice",
      "Choices": [{"Variable": "$.x", "IsPresent": true, "Next": "B"}]
    },
    "B": {"Type": "Succeed"}
  }
}
"#;

#[test]
fn diagnostics_show_the_source() {
    let folder = Folder::with(WRONG).file("warned.asl.json", WARNED).file("broken.asl.json", "{\n  \"StartAt\": \"A\",\n}\n");
    insta::assert_snapshot!("wrong", folder.run(&["validate", "m.asl.json"]).code(1).screen());
    insta::assert_snapshot!("warned", folder.run(&["validate", "warned.asl.json"]).code(0).screen());
    insta::assert_snapshot!("broken", folder.run(&["validate", "broken.asl.json"]).code(1).screen());
    folder.run(&["validate", "--deny-warnings", "warned.asl.json"]).code(1);
}

#[test]
fn programs_get_the_services_answer() {
    let folder = Folder::with(WRONG).file("sound.json", PASS).file("warned.asl.json", WARNED);
    let ran = folder.run(&["validate", "--format", "json", "sound.json"]).code(0);
    assert_eq!((ran.json(), ran.stderr.as_str()), (json!({"result": "OK", "diagnostics": [], "truncated": false}), ""));
    let wrong = folder.run(&["validate", "--format", "json", "m.asl.json"]).code(1).json();
    assert_eq!(wrong.get("result"), Some(&json!("FAIL")));
    let first = wrong.pointer("/diagnostics/0").unwrap();
    assert_eq!(first.get("code"), Some(&json!("SCHEMA_VALIDATION_FAILED")));
    assert_eq!(first.get("severity"), Some(&json!("ERROR")));
    assert_eq!(first.get("location"), Some(&json!("/States/A/Seconds")));
    let both = folder.run(&["validate", "--format", "json", "sound.json", "warned.asl.json"]).code(0).json();
    assert_eq!(both.pointer("/0/file"), Some(&json!("sound.json")));
    assert_eq!(both.pointer("/1/result"), Some(&json!("OK")));
    assert_eq!(both.pointer("/1/diagnostics/0/severity"), Some(&json!("WARNING")));
    assert!(folder.run(&["validate", "--format", "json", "."]).code(1).json().is_array(), "a folder may hold several");
}

#[test]
fn folders_are_searched() {
    let folder = Folder::new().file("a/b/sound.asl.json", PASS).file("a/package.json", "{}").file("a/c.asl.yaml", "StartAt: A\n");
    folder.run(&["validate", "a/b"]).code(0).says(&["1 definition sound"]);
    folder.run(&["validate", "a"]).code(1).says(&["1 definition sound, 1 definition wrong", "c.asl.yaml"]);
    folder.run(&["validate", "a/b/sound.asl.json", "nowhere"]).code(2).says(&["`nowhere` does not exist", "1 not read"]);
    let empty = Folder::new().file("x/readme.txt", "");
    empty.run(&["validate", "x"]).code(2).says(&["no definitions in `x`", "*.asl.json"]);
}

#[test]
fn substitutions_may_stay_open() {
    let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": ${Pause}, "End": true}}}"#;
    let folder = Folder::with(definition);
    folder.run(&["validate", "m.asl.json"]).code(0);
    folder.run(&["validate", "m.asl.json", "--substitute", "Pause=3"]).code(0);
    folder.run(&["validate", "m.asl.json", "--substitute", "Pause=true"]).code(1).says(&["/States/A/Seconds"]);
}

#[test]
fn the_type_of_the_machine_counts() {
    let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Task", "End": true, "TimeoutSeconds": 9,
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"}}}}"#;
    let folder = Folder::with(definition);
    folder.run(&["validate", "m.asl.json"]).code(0);
    folder.run(&["validate", "m.asl.json", "--type", "EXPRESS"]).code(1).says(&["waitForTaskToken"]);
}

//! Ctrl-C.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::folder::Folder;

#[test]
fn an_interrupted_run_is_aborted_and_its_history_whole() {
    let definition = r#"{"StartAt": "T", "States": {"T": {"Type": "Task", "End": true,
        "Resource": "arn:aws:lambda:us-east-1:123456789012:function:F"}}}"#;
    let folder = Folder::with(definition);
    let arguments = ["run", "m.asl.json", "--task", "F=sleep 60", "--format", "json", "--history", "h.json"];
    let started = std::time::Instant::now();
    let mut child = folder.command(&arguments).spawn().unwrap();
    // The name of the machine is shown when it runs.
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut String::new()).unwrap();
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let (mut said, mut data) = (String::new(), String::new());
    stderr.read_to_string(&mut said).unwrap();
    child.stdout.take().unwrap().read_to_string(&mut data).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(started.elapsed().as_secs() < 20);
    assert!(said.contains("ABORTED (interrupted)"), "{said}");
    assert!(data.starts_with("{\"status\":\"ABORTED\""), "{data}");
    let history = std::fs::read_to_string(folder.path().join("h.json")).unwrap();
    assert!(history.contains("\"ExecutionAborted\"") && history.ends_with("]}\n"), "{history}");
}

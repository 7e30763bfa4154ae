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

#[test]
fn an_ended_run_leaves_no_program_behind() {
    let definition = r#"{"StartAt": "T", "States": {"T": {"Type": "Task", "End": true,
        "Resource": "arn:aws:lambda:us-east-1:123456789012:function:F"}}}"#;
    let folder = Folder::with(definition);
    let mut child = folder.command(&["run", "m.asl.json", "--task", "F=echo $$ > pid; sleep 60"]).spawn().unwrap();
    let pid = loop {
        match std::fs::read_to_string(folder.path().join("pid")).ok().and_then(|text| text.trim().parse::<i32>().ok()) {
            Some(pid) => break Pid::from_raw(pid),
            None => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    };
    let process = Pid::from_raw(i32::try_from(child.id()).unwrap());
    for _ in 0..3 {
        // Whoever is in a hurry sends several.
        let _ = kill(process, Signal::SIGTERM);
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let ends = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while kill(pid, None).is_ok() && std::time::Instant::now() < ends {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if state.is_empty() || state.contains(") Z ") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(kill(pid, None).is_err(), "the program still runs");
}

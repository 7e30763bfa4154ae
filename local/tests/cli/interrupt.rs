//! Ctrl-C.

#![cfg(unix)]

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::Command;

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
    let pipe = folder.path().join("alive");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Whatever the program starts holds the pipe open, too: it ends when the last of them does.
    let task = "F=exec 3> alive; echo started >&3; sleep 60; echo slept >&3";
    let mut child = folder.command(&["run", "m.asl.json", "--task", task]).spawn().unwrap();
    let (mut alive, mut line) = (BufReader::new(File::open(&pipe).unwrap()), String::new());
    alive.read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    let process = Pid::from_raw(i32::try_from(child.id()).unwrap());
    for _ in 0..3 {
        // Whoever is in a hurry sends several.
        let _ = kill(process, Signal::SIGTERM);
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    alive.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "the program has slept to its end");
}

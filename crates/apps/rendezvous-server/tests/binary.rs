//! The process: what it prints, what it refuses.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
};

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto-rendezvous"));
    command.env_remove("RUST_LOG");
    command
}

fn run(arguments: &[&str], rust_log: Option<&str>) -> Output {
    let mut command = command();
    command.args(arguments);
    if let Some(value) = rust_log {
        command.env("RUST_LOG", value);
    }
    command.output().unwrap()
}

#[test]
fn what_is_not_there_yet_or_not_safe_is_refused_with_status_2() {
    for (arguments, log, part) in [
        (&["--listen", "127.0.0.1:0", "--nats", "nats://x"][..], None, "not there yet"),
        (&["--listen", "127.0.0.1:0", "--policy", "f"][..], None, "not there yet"),
        (&["--listen", "127.0.0.1:0"][..], Some("debug"), "--insecure-debug"),
        (&[][..], None, "--listen"),
    ] {
        let output = run(arguments, log);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(part), "{text}");
    }
    let plain = run(&["--listen", "0.0.0.0:0"], None);
    assert_eq!(plain.status.code(), Some(1));
}

#[test]
fn it_says_ready_counts_on_request_and_ends_when_told() {
    let mut child = command()
        .args(["--listen", "127.0.0.1:0", "--tls-self-signed", "--embedded-relay"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut line = || serde_json::from_str::<serde_json::Value>(&lines.next().unwrap().unwrap()).unwrap();
    let ready = line();
    assert_eq!(ready["event"], "ready");
    assert!(ready["url"].as_str().unwrap().starts_with("wss://127.0.0.1:"));
    assert_eq!(ready["spki"].as_str().unwrap().len(), 43);
    assert!(ready["relay"].as_str().unwrap().starts_with("turn:127.0.0.1:"));
    rustix::process::kill_process(pid, rustix::process::Signal::USR1).unwrap();
    let counters = line();
    assert_eq!(counters["event"], "counters");
    assert_eq!(counters["connections"], 0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

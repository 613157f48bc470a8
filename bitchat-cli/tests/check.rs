//! `bitchat check` against a member that runs as a user runs it, and against nobody.

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::process::Process;
use common::{fail, run, succeed};
use std::net::UdpSocket;

/// A port that is free now: a member is told to use it, so that the test knows where it is.
fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_member_passes_every_check() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    succeed(path, &["new", "--name", "checked", "-o", "talk.chat"]);
    let port = free_port().to_string();
    let member =
        Process::start(path, &["join", "talk.chat", "--dir", "ada", "--port", &port, "--local"]);
    member.prints("* ready");
    let address = format!("127.0.0.1:{port}");
    let printed = succeed(path, &["check", &address, "talk.chat", "--write"]);
    assert!(printed.contains("ok        a probe is acknowledged"), "{printed}");
    assert!(!printed.contains("FAILED") && printed.contains("0 were not tried"), "{printed}");
    member.prints("bitchat check was here");
}

#[test]
fn nobody_fails_with_a_list_of_requirements() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    succeed(path, &["new", "--name", "checked", "-o", "talk.chat"]);
    // Bound, and deaf.
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    let output = run(path, &["check", &address, "talk.chat", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = &printed["checks"][0];
    assert_eq!(
        (first["result"].as_str(), first["stage"].as_str()),
        (Some("failed"), Some("answered"))
    );
    assert!(first["requirements"].as_array().unwrap().contains(&"BC-04.12".into()));
    assert!(printed["failed"].as_u64().unwrap() > 0);
    let complaint = fail(path, &["check", &address, "missing.chat"]);
    assert!(complaint.contains("missing.chat"), "{complaint}");
}

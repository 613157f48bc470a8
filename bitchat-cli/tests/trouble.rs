//! What goes wrong is said in one line, with what to do.

#![allow(clippy::unwrap_used)]

mod common;

use common::process::Process;
use common::{fail, succeed};
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use tempfile::TempDir;

fn channel(trackers: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut arguments = vec!["new", "-o", "talk.chat"];
    trackers.iter().for_each(|url| arguments.extend(["--tracker", url]));
    succeed(directory.path(), &arguments);
    directory
}

fn own(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

const JOIN: [&str; 4] = ["join", "talk.chat", "--dir", "me"];

#[test]
fn a_port_in_use() {
    let directory = channel(&[]);
    let taken = UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let complaint = fail(directory.path(), &[&JOIN[..], &["--port", &port]].concat());
    assert!(complaint.contains(&format!("UDP port {port}")), "{complaint}");
    assert!(complaint.contains("is in use by another program; choose another"), "{complaint}");
}

#[test]
fn a_store_in_use() {
    let directory = channel(&[]);
    let first = Process::start(directory.path(), &JOIN);
    first.prints("* ready");
    let complaint = fail(directory.path(), &JOIN);
    assert!(complaint.contains("in use by another running instance; stop that one"), "{complaint}");
}

#[test]
fn a_store_that_is_none() {
    let directory = channel(&[]);
    let home = directory.path().join("me");
    fs::create_dir(&home).unwrap();
    let store = home.join("store.db");
    fs::write(&store, "once upon a time there was no database in this file").unwrap();
    own(&store);
    let complaint = fail(directory.path(), &JOIN);
    assert!(complaint.contains("is not a Bit Chat store; move that file away"), "{complaint}");
}

#[test]
fn a_damaged_store() {
    let directory = channel(&[]);
    let mut first = Process::start(directory.path(), &JOIN);
    first.prints("* ready");
    first.types("/quit");
    assert!(first.ends().0.success());
    let store = directory.path().join("me").join("store.db");
    let whole = fs::read(&store).unwrap();
    fs::write(&store, &whole[..whole.len() - 4_096]).unwrap();
    let complaint = fail(directory.path(), &JOIN);
    assert!(complaint.contains("is damaged"), "{complaint}");
    assert!(complaint.contains("move it away and start again"), "{complaint}");
}

#[test]
fn a_file_that_points_into_this_network() {
    for url in ["http://127.0.0.1:6969/announce", "udp://192.168.1.1:80", "http://[::1]:1/a"] {
        let directory = channel(&[url]);
        let complaint = fail(directory.path(), &JOIN);
        assert!(complaint.contains("not on the public Internet"), "{complaint}");
        assert!(complaint.contains("bitchat join --local"), "{complaint}");
    }
}

#[test]
fn a_tracker_that_cannot_be_reached() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/announce");
    let directory = channel(&[&url]);
    let member = Process::start(directory.path(), &[&JOIN[..], &["--local"]].concat());
    let complaint = member.complains("tried again");
    assert!(complaint.contains(&format!("tracker {url}: ")), "{complaint}");
}

#[test]
fn a_tracker_on_a_port_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let complaint = fail(directory.path(), &["tracker", "--bind", &address]);
    assert!(complaint.contains(&address) && complaint.contains("--bind"), "{complaint}");
}

#[test]
fn what_cannot_be_said_is_said() {
    let directory = channel(&[]);
    let mut member = Process::start(directory.path(), &JOIN);
    member.prints("* ready");
    member.types("/dance");
    member.complains("unknown command");
    member.types("//dance");
    assert!(member.prints("you #").ends_with(": /dance"));
    member.types(&"x".repeat(70_000));
    member.complains("not sent: ");
    member.types("still here");
    member.prints(": still here");
}

//! People who have only the file meet through other people's nodes of the DHT.

#![allow(clippy::unwrap_used)]

mod common;

use common::process::Process;
use common::story::{Place, quits};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SCRIPT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../bitchat-core/tests/foreign/dht_peer.py");

/// Five nodes of libtorrent on loopback that know each other, and where they are; says that the test is
/// skipped if there is none.
fn nodes() -> Option<(Process, Vec<String>)> {
    let mut probe = Command::new("python3");
    probe.args(["-c", "import libtorrent"]).stderr(Stdio::null());
    if !probe.status().is_ok_and(|status| status.success()) {
        println!("FOREIGN TEST SKIPPED: pip install libtorrent");
        return None;
    }
    let mut command = Command::new("python3");
    command.args(["-W", "ignore", SCRIPT]);
    let process = Process::spawn(command);
    let line = process.prints("127.0.");
    Some((process, line.split_whitespace().map(str::to_owned).collect()))
}

#[test]
fn two_who_have_only_the_file_meet_through_nodes_of_libtorrent_and_talk() {
    let Some((_nodes, addresses)) = nodes() else { return };
    assert_eq!(addresses.len(), 5);
    let place = Place::with_nodes(addresses.iter().take(3).map(String::as_str));
    let begin = Instant::now();
    let mut ada = place.join("ada");
    let mut ben = place.join("ben");
    ada.prints("is here");
    ben.prints("is here");
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(10), "they met after {took:?}");
    ada.types("no tracker");
    ben.prints(": no tracker");
    ben.types("none at all");
    ada.prints(": none at all");
    quits(ben);
    quits(ada);
    println!("FOREIGN TEST RAN: two members met through nodes of libtorrent in {took:?}");
}

//! Members that meet through a tracker and talk: separate processes, real sockets, real files.

#![allow(clippy::unwrap_used)]

mod common;

use common::process::Process;
use common::succeed;
use std::path::Path;
use tempfile::TempDir;

/// A tracker on loopback and a channel that names it.
struct Place {
    directory: TempDir,
    _tracker: Process,
}

impl Place {
    fn new(bind: &str, scheme: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tracker = Process::start(directory.path(), &["tracker", "--bind", bind]);
        let line = tracker.prints("tracker at ");
        let url = line.split(' ').find(|word| word.starts_with(scheme)).unwrap();
        succeed(directory.path(), &["new", "--tracker", url, "-o", "talk.chat"]);
        Self { directory, _tracker: tracker }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Joins as somebody; returns once the channel is live.
    fn join(&self, who: &str) -> Process {
        let member = Process::start(self.path(), &["join", "talk.chat", "--dir", who, "--local"]);
        member.prints("* ready");
        member
    }
}

fn quits(mut member: Process) {
    member.types("/quit");
    let (status, transcript) = member.ends();
    assert!(status.success(), "{transcript}");
}

/// Two members talk both ways, one leaves and returns, one is killed and returns.
fn story(bind: &str, scheme: &str) {
    let place = Place::new(bind, scheme);
    let mut ada = place.join("ada");
    let mut ben = place.join("ben");
    ada.prints("is here");
    ben.prints("is here");
    ada.types("hello Ben");
    ben.prints(": hello Ben");
    ada.prints("stored by 1 of 1");
    ben.types("hello Ada");
    ada.prints(": hello Ada");
    ben.prints("stored by 1 of 1");
    ada.types("/who");
    ada.prints("1 here besides you");

    quits(ada);
    ben.prints("is gone");
    ben.types("while you were away");
    ben.prints("you #");
    let mut ada = place.join("ada");
    ada.prints(": hello Ada");
    ada.prints(": while you were away");
    assert_eq!(ada.count("hello Ben"), 1, "history is shown once");

    ben.types("keep this");
    ada.prints(": keep this");
    ada.types("and this");
    ben.prints(": and this");
    ben.kill();
    ada.types("are you there?");
    let ben = place.join("ben");
    for text in ["hello Ben", "hello Ada", "while you were away", "keep this", "and this"] {
        ben.prints(&format!(": {text}"));
        assert_eq!(ben.count(&format!(": {text}")), 1, "{text}");
    }
    ben.prints(": are you there?");
    quits(ben);
    quits(ada);
}

#[test]
fn two_members_over_ipv4_and_an_http_tracker() {
    story("127.0.0.1:0", "http://");
}

#[test]
fn two_members_over_ipv4_and_a_udp_tracker() {
    story("127.0.0.1:0", "udp://");
}

#[test]
fn two_members_over_ipv6_and_an_http_tracker() {
    story("[::1]:0", "http://");
}

#[test]
fn two_members_over_ipv6_and_a_udp_tracker() {
    story("[::1]:0", "udp://");
}

#[test]
fn an_address_by_hand_does_without_a_tracker() {
    let directory = tempfile::tempdir().unwrap();
    succeed(directory.path(), &["new", "-o", "talk.chat"]);
    let join = |who, more: &[&str]| {
        let arguments = [&["join", "talk.chat", "--dir", who, "--local"], more].concat();
        Process::start(directory.path(), &arguments)
    };
    let ada = join("ada", &[]);
    let line = ada.prints("listening on 0.0.0.0:");
    let port = line.rsplit(':').next().unwrap();
    let mut ben = join("ben", &["--peer", &format!("127.0.0.1:{port}")]);
    ben.prints("is here");
    ben.types("found you");
    ada.prints(": found you");
}

#[test]
fn a_flood_of_lines_arrives_whole() {
    let place = Place::new("127.0.0.1:0", "http://");
    let (mut ada, ben) = (place.join("ada"), place.join("ben"));
    ada.prints("is here");
    // More than the node lets wait for its disk: the program holds the rest back.
    for number in 1..=1_500 {
        ada.types(&format!("line {number}."));
    }
    ben.prints(": line 1500.");
    assert_eq!(ben.count(": line "), 1_500);
    ada.prints("up to #1500 stored by 1 of 1");
}

#[cfg(unix)]
#[test]
fn being_interrupted_is_a_good_bye() {
    let place = Place::new("127.0.0.1:0", "http://");
    let ada = place.join("ada");
    for signal in ["INT", "TERM"] {
        let ben = place.join("ben");
        ben.prints("is here");
        ben.signal(signal);
        let (status, transcript) = ben.ends();
        assert!(status.success(), "{transcript}");
    }
    ada.prints("is gone");
    let mut cleo = place.join("cleo");
    cleo.hang_up();
    let (status, transcript) = cleo.ends();
    assert!(status.success(), "the end of the input is one, too: {transcript}");
}

#[test]
fn terminal_commands_in_a_message_stay_text() {
    let place = Place::new("127.0.0.1:0", "udp://");
    let (mut ada, ben) = (place.join("ada"), place.join("ben"));
    ada.prints("is here");
    ada.types("look: \u{1b}[2J\u{202e}gone");
    assert!(ben.prints(": look").contains("look: \u{fffd}[2J\u{fffd}gone"));
}

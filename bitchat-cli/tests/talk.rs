//! Members that meet through a tracker and talk: separate processes, real sockets, real files.

#![allow(clippy::unwrap_used)]

mod common;

use common::process::Process;
use common::story::{Place, quits, story};
use common::{fail, succeed};

#[test]
fn two_members_over_ipv4_and_an_http_tracker() {
    story(&Place::new("127.0.0.1:0", "http://"));
}

#[test]
fn two_members_over_ipv4_and_a_udp_tracker() {
    story(&Place::new("127.0.0.1:0", "udp://"));
}

#[test]
fn two_members_over_ipv6_and_an_http_tracker() {
    story(&Place::new("[::1]:0", "http://"));
}

#[test]
fn two_members_over_ipv6_and_a_udp_tracker() {
    story(&Place::new("[::1]:0", "udp://"));
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

/// Ada makes a channel and passes its link on, which Ben is given as `given` turns it; Ben has
/// nothing else, in the second stay least of all.
fn by_link(more: &[&str], scheme: &str, given: impl Fn(&str) -> String) {
    let place = Place::with_access("127.0.0.1:0", "http://", more);
    let shown = succeed(place.path(), &["show", "talk.chat"]);
    let link = shown.split_whitespace().find(|word| word.starts_with(scheme)).unwrap();
    let link = given(link);
    let mut ada = place.join("ada");
    ada.types("before you came");
    let join =
        |channel: &str| Process::start(place.path(), &["join", channel, "--dir", "ben", "--local"]);
    let mut ben = join(&link);
    ben.prints("as the link says; it is ready once");
    ben.prints("* this is the channel tea");
    ben.prints(": before you came");
    ben.types("I had but a link");
    ada.prints(": I had but a link");
    quits(ben);
    quits(ada);
    std::fs::write(place.path().join("link.txt"), format!("{link}\n")).unwrap();
    let ben = join("link.txt");
    ben.prints("* this is the channel tea");
    assert_eq!(ben.count("is here"), 0, "he remembers");
    ben.prints(": before you came");
    quits(ben);
}

#[test]
fn a_link_to_a_keyed_channel_is_enough() {
    by_link(&[], "dotchat:join/", str::to_owned);
}

/// The first links had another scheme.
#[test]
fn a_link_of_the_old_scheme_is_enough() {
    by_link(&[], "dotchat:join/", |link| link.replacen("dotchat:", "bitchat:", 1));
}

#[test]
fn a_magnet_link_to_a_public_channel_is_enough() {
    by_link(&["--public"], "magnet:?", str::to_owned);
}

#[test]
fn a_bad_link_is_refused_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    for (link, why) in [
        ("dotchat:join/abc", "typing error"),
        ("magnet:?dn=x", "xt=urn:btih:"),
        ("bitchat:peer/abc", "dotchat:join/"),
    ] {
        let complaint = fail(directory.path(), &["join", link, "--dir", "me"]);
        assert!(complaint.contains(why), "{complaint}");
    }
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
    for signal in ["INT", "TERM", "HUP"] {
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

/// `nohup` sets the signal aside: the program goes on.
#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_that_is_ignored_ends_nothing() {
    let place = Place::new("127.0.0.1:0", "http://");
    let script = "trap '' HUP; exec \"$0\" join talk.chat --dir ada --local";
    let mut command = std::process::Command::new("sh");
    command.current_dir(place.path()).args(["-c", script, env!("CARGO_BIN_EXE_bitchat")]);
    let mut ada = Process::spawn(command);
    ada.prints("* ready");
    ada.signal("HUP");
    ada.types("still here");
    ada.prints(": still here");
    quits(ada);
}

/// Half a fingerprint, 40 bits, could be another member's: a key for it is found in hours.
#[test]
fn a_message_is_from_a_whole_fingerprint() {
    let place = Place::new("127.0.0.1:0", "http://");
    let (ada, mut ben) = (place.join("ada"), place.join("ben"));
    ada.prints("is here");
    ben.types("hello");
    let line = ada.prints(": hello");
    let said = succeed(place.path(), &["id", "--dir", "ben"]);
    let fingerprint = said.lines().next().unwrap().split_whitespace().last().unwrap();
    assert_eq!(fingerprint.len(), 19, "80 bits");
    assert!(line.ends_with(&format!("Z] {fingerprint}: hello")), "{line}");
    ada.prints(&format!("* {fingerprint} is here"));
    quits(ben);
}

#[test]
fn terminal_commands_in_a_message_stay_text() {
    let place = Place::new("127.0.0.1:0", "udp://");
    let (mut ada, ben) = (place.join("ada"), place.join("ben"));
    ada.prints("is here");
    ada.types("look: \u{1b}[2J\u{202e}gone");
    assert!(ben.prints(": look").contains("look: \u{fffd}[2J\u{fffd}gone"));
}

#[test]
fn bytes_that_are_no_text_are_refused_and_the_rest_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    succeed(directory.path(), &["new", "-o", "talk.chat"]);
    let mut ada = Process::start(directory.path(), &["join", "talk.chat", "--dir", "ada"]);
    ada.types_bytes(b"h\xe9llo\nworld\n");
    ada.complains("not sent: the line is not UTF-8");
    ada.prints(": world");
    quits(ada);
}

#[test]
fn what_was_typed_before_the_end_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    succeed(directory.path(), &["new", "-o", "talk.chat"]);
    let join = || Process::start(directory.path(), &["join", "talk.chat", "--dir", "ada"]);
    let mut ada = join();
    ada.types("hello\n/quit\nnot this");
    let (status, transcript) = ada.ends();
    assert!(status.success() && transcript.contains("you #1: hello"), "{transcript}");
    let mut ada = join();
    ada.types("and hello again");
    ada.hang_up();
    let (status, transcript) = ada.ends();
    assert!(status.success() && transcript.contains("you #1: hello"), "{transcript}");
    assert!(transcript.contains("you #2: and hello again"), "{transcript}");
}

/// A link's channel is ready once a member was met. Until then commands are obeyed, and texts kept.
#[test]
fn who_has_met_nobody_can_leave() {
    let directory = tempfile::tempdir().unwrap();
    succeed(directory.path(), &["new", "-o", "talk.chat"]);
    let shown = succeed(directory.path(), &["show", "talk.chat"]);
    let link = shown.split_whitespace().find(|word| word.starts_with("dotchat:join/")).unwrap();
    let join = || Process::start(directory.path(), &["join", link, "--dir", "ben"]);
    let mut ben = join();
    ben.types("/who");
    ben.prints("0 here besides you");
    quits(ben);
    let mut ben = join();
    ben.hang_up();
    let (status, transcript) = ben.ends();
    assert!(status.success(), "{transcript}");
    let mut ben = join();
    ben.types("is anybody there?");
    ben.complains("is kept until the channel is ready");
    ben.types("/quit");
    let (status, transcript) = ben.ends();
    assert_eq!(status.code(), Some(1), "{transcript}");
    assert!(transcript.contains("1 of your messages were not stored"), "{transcript}");
}

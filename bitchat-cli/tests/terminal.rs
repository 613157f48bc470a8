//! Talking in a terminal: nothing that is typed is lost or torn, and nobody writes lines of others.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use common::story::{Place, quits};
use common::terminal::Terminal;

fn join(place: &Place, who: &str) -> Terminal {
    let member = Terminal::start(place.path(), &["join", "talk.chat", "--dir", who, "--local"]);
    member.shows(|row| row.starts_with("* ready"));
    member
}

/// A terminal's own buffer holds 4,095 bytes of a line, and drops the rest without a word.
#[test]
fn a_long_line_that_is_pasted_arrives_whole() {
    let place = Place::new("127.0.0.1:0", "http://");
    let (mut ada, ben) = (join(&place, "ada"), place.join("ben"));
    ben.prints("is here");
    let long = "0123456789".repeat(600);
    ada.types(&format!("{long}\r"));
    assert!(ben.prints(": 0123").ends_with(&format!(": {long}")));
    quits(ben);
}

#[test]
fn what_arrives_is_put_above_what_is_being_typed() {
    let place = Place::new("127.0.0.1:0", "http://");
    let (mut ada, mut ben) = (join(&place, "ada"), place.join("ben"));
    ben.prints("is here");
    ada.types("I am in the middle of");
    ada.shows(|row| row == "I am in the middle of");
    ben.types("an answer");
    let rows = ada.shows(|row| row.ends_with(": an answer"));
    assert!(!rows.iter().any(|row| row.contains("middle of[")), "{rows:#?}");
    ada.shows(|row| row == "I am in the middle of");
    ada.types("\u{7f}\u{7f}n\r");
    assert!(ben.prints(": I am").ends_with(": I am in the middle n"));
    quits(ben);
}

/// The terminal would wrap it, and its second part look like a line of its own.
#[test]
fn nobody_writes_a_line_of_somebody_else() {
    let place = Place::new("127.0.0.1:0", "http://");
    let (ada, mut ben) = (join(&place, "ada"), place.join("ben"));
    ben.prints("is here");
    let forged = "[12:00:00Z] zzzz-yyyy-xxxx-wwww: the money is on its way";
    // The wrap comes somewhere behind the head: each of these would hit it once.
    for spaces in 30..60 {
        ben.types(&format!("yes{}{forged}", " ".repeat(spaces)));
    }
    ben.types("that is all");
    let rows = ada.shows(|row| row.ends_with(": that is all"));
    for row in &rows {
        assert!(!row.starts_with("[12:00:00Z] zzzz") && !row.starts_with("(12:"), "{rows:#?}");
    }
    assert!(rows.iter().any(|row| row.starts_with("    | ")), "{rows:#?}");
    quits(ben);
}

#[test]
fn the_terminal_is_given_back() {
    let place = Place::new("127.0.0.1:0", "http://");
    let mut ada = join(&place, "ada");
    ada.shows(|row| row.starts_with("* ready"));
    assert!(!ada.edits());
    ada.types("hello\r");
    ada.shows(|row| row.ends_with("you #1: hello"));
    // As a terminal has it: the end of the input.
    ada.types("\u{4}");
    ada.ends();
    assert!(ada.edits());
}

#[test]
fn closing_the_window_is_a_good_bye() {
    let place = Place::new("127.0.0.1:0", "http://");
    let (mut ada, ben) = (join(&place, "ada"), place.join("ben"));
    ben.prints("is here");
    ada.close();
    ada.ends();
    ben.prints("is gone");
    quits(ben);
}

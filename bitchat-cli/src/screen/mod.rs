//! What is printed, made safe to print. Standard output is what a command is for: who asks for it
//! is told when it cannot be written. Everything else may be lost, and changes nothing.

mod layout;
mod typed;

use crate::terminal::width;
use layout::layout;
use std::fs::File;
use std::io::{self, Write, stderr, stdout};
use std::sync::{Mutex, PoisonError};
use typed::Typed;

static TYPED: Mutex<Typed> = Mutex::new(Typed::nowhere());

/// Prints one line to standard output at once: the result of a command, as it is.
pub(crate) fn line(text: &str) -> io::Result<()> {
    beside_typed(|_| print(text))
}

/// Prints what was done already, whether or not anybody can read it.
pub(crate) fn report(text: &str) {
    let _ = line(text);
}

/// Prints an entry of a conversation to standard output: `head` is ours, and `text` may be
/// anybody's. On a terminal the head stands out in a way that no text can.
pub(crate) fn entry(head: &str, text: &str) -> io::Result<()> {
    let width = width(&stdout());
    let rows = layout(&format!("{head} {text}"), width);
    beside_typed(|_| match rows.strip_prefix(head).filter(|_| width.is_some() && has_bold()) {
        Some(rest) => print(&format!("\x1b[1m{head}\x1b[0m{rest}")),
        None => print(&rows),
    })
}

/// Says something to the user that is no result, on standard error.
pub(crate) fn note(text: &str) {
    let rows = layout(text, width(&stderr()));
    // In one piece; a reader that left and a full disk are no reason to do anything else.
    beside_typed(|_| drop(stderr().write_all(format!("{rows}\n").as_bytes())));
}

/// What is being typed; printable.
pub(crate) fn typed(text: String) {
    beside_typed(|row| row.set(text));
}

/// Where that is shown.
pub(crate) fn typed_on(terminal: Option<File>) {
    beside_typed(|row| row.put(terminal));
}

/// Standard error for log lines: never fails.
pub(crate) struct Notes;

impl Write for Notes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        beside_typed(|_| drop(stderr().write_all(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn print(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(format!("{text}\n").as_bytes())?;
    out.flush()
}

/// Does `work` while the row of what is being typed is away.
fn beside_typed<T>(work: impl FnOnce(&mut Typed) -> T) -> T {
    let mut typed = TYPED.lock().unwrap_or_else(PoisonError::into_inner);
    typed.hide();
    let done = work(&mut typed);
    typed.show();
    done
}

fn has_bold() -> bool {
    std::env::var_os("TERM").is_some_and(|kind| !kind.is_empty() && kind != "dumb")
}

/// `text` without anything that would move the cursor, change colours or reorder letters: others
/// write it, and a terminal obeys. Nor does anything in it look like the time in front of a
/// message: who makes a window narrower lets the terminal wrap what is there.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        match letter {
            '\n' => shown.push('\n'),
            '\t' => shown.push(' '),
            '[' if is_time(&text.as_bytes()[at + 1..]) => shown.push('('),
            _ if letter.is_control() || reorders(letter) => shown.push('\u{fffd}'),
            _ => shown.push(letter),
        }
    }
    shown
}

/// Whether a time of day comes first, even one that is not known.
const fn is_time(bytes: &[u8]) -> bool {
    matches!(bytes, [b'0'..=b'9' | b'-', b'0'..=b'9' | b'-', b':', ..])
}

/// Line separators and the controls of bidirectional text (UAX #9).
const fn reorders(letter: char) -> bool {
    matches!(
        letter,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_stranger_cannot_command_the_terminal() {
        assert_eq!(printable("plain, ünïcode 🙂"), "plain, ünïcode 🙂");
        assert_eq!(printable("\x1b[2Jgone\r\x07"), "\u{fffd}[2Jgone\u{fffd}\u{fffd}");
        assert_eq!(printable("a\u{202e}b\u{2066}"), "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn a_stranger_cannot_write_the_head_of_a_message() {
        assert_eq!(printable("a [12:00:00Z] b: c"), "a (12:00:00Z] b: c");
        assert_eq!(printable("[--:--:--] you #3: yes"), "(--:--:--] you #3: yes");
        assert_eq!(printable("see [1], [x] and ["), "see [1], [x] and [");
    }
}

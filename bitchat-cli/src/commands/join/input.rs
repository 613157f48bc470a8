//! What is typed.

use std::io::{BufRead, stdin};
use tokio::sync::mpsc;

/// Lines read ahead of the conversation.
const LINES: usize = 16;

/// The lines of standard input, from a thread of its own: reading a terminal cannot be cancelled. The
/// channel closes at the end of the input.
pub(super) fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(LINES);
    std::thread::spawn(move || read(stdin().lock(), |line| sender.blocking_send(line).is_ok()));
    lines
}

/// Hands each line to `take` until the input ends or nobody takes more.
fn read(mut input: impl BufRead, mut take: impl FnMut(String) -> bool) {
    loop {
        let mut bytes = Vec::new();
        match input.read_until(b'\n', &mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                eprintln!("nothing more can be read: {error}");
                return;
            }
        }
        // A message is signed and kept: better none than one that nobody typed.
        match String::from_utf8(bytes) {
            Ok(line) => {
                if !take(line) {
                    return;
                }
            }
            Err(_) => eprintln!("not sent: the line is not UTF-8; set the terminal to UTF-8"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_line_that_is_not_text_does_not_end_the_input() {
        let mut lines = Vec::new();
        read(&b"h\xe9llo\nworld\r\n\nlast"[..], |line| {
            lines.push(line.trim().to_owned());
            true
        });
        assert_eq!(lines, ["world", "", "last"]);
    }
}

//! What is printed, made safe to print.

use std::io::{self, Write};

/// Prints one line to standard output at once.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// `text` without anything that would move the cursor, change colours or reorder letters: others
/// write it, and a terminal obeys. Line breaks are indented, so that nobody can forge a line of
/// somebody else's.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => shown.push_str("\n    "),
            '\t' => shown.push(' '),
            _ if letter.is_control() || reorders(letter) => shown.push('\u{fffd}'),
            _ => shown.push(letter),
        }
    }
    shown
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
        assert_eq!(printable("one\n[12:00:00Z] you: two"), "one\n    [12:00:00Z] you: two");
    }
}

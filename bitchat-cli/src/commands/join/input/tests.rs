use super::editor::{self, Editor};
use super::{Collector, Fault, TERMINAL_LINE, read};
use crate::terminal::Keys;

fn piped(input: &[u8], cut: usize) -> Vec<String> {
    let mut lines = Vec::new();
    read(input, cut, |line| {
        lines.push(line.trim().to_owned());
        true
    });
    lines
}

fn typed(input: &[u8]) -> Vec<String> {
    let keys = Keys { erase: 0x7f, kill: 0x15, end: 4 };
    let mut lines = Vec::new();
    editor::read(input, Editor::new(keys), |line| {
        lines.push(line);
        true
    });
    lines
}

#[test]
fn a_line_that_is_not_text_does_not_end_the_input() {
    let lines = piped(b"h\xe9llo\nworld\r\n\nlast", usize::MAX);
    assert_eq!(lines, ["world", "", "last"]);
    assert_eq!(typed(b"h\xe9llo\nworld\r\nlast"), ["world", ""]);
}

#[test]
fn a_line_too_long_is_forgotten_whole() {
    let long = "x".repeat(200_000);
    let input = format!("before\n{long}\nafter\n{long}");
    assert_eq!(piped(input.as_bytes(), usize::MAX), ["before", "after"]);
    assert_eq!(typed(input.as_bytes()), ["before", "after"]);
    let mut line = Collector::default();
    let faults = (0..300).filter(|_| line.extend(&[b'x'; 1_000]) == Err(Fault::TooLong)).count();
    assert_eq!((faults, line.len()), (1, 0), "told once, and not kept");
    assert!(!line.is_empty(), "its end is still to come");
}

#[test]
fn what_a_terminal_cuts_is_not_sent() {
    let input = format!("{}\n{}\n", "x".repeat(TERMINAL_LINE), "y".repeat(TERMINAL_LINE - 1));
    let lines = piped(input.as_bytes(), TERMINAL_LINE);
    assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [TERMINAL_LINE - 1]);
    assert_eq!(piped(input.as_bytes(), usize::MAX).len(), 2, "a pipe cuts nothing");
    assert_eq!(typed(input.as_bytes()).len(), 2, "nor does it without its own buffer");
}

#[test]
fn a_line_is_edited_as_in_a_terminal() {
    assert_eq!(typed("añ\u{7f}b\r".as_bytes()), ["ab"]);
    assert_eq!(typed(b"\x7f\x08ab\x08c\n"), ["ac"]);
    assert_eq!(typed(b"one two  \x17three\n"), ["one three"]);
    assert_eq!(typed(b"gone\x15here\n"), ["here"]);
    assert_eq!(typed(b"a\x1b[D\x1b[1;5C\x1bOAb\x1b\n"), ["ab"], "arrows mean nothing");
    assert_eq!(typed(b"a\x04b\n\x04not this\n"), ["ab"], "the end comes in front of a line only");
    assert_eq!(typed(b"tab\there\n"), ["tab\there"]);
    assert_eq!(typed(b"never sent"), Vec::<String>::new());
}

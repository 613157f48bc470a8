//! A line that is typed into a terminal which leaves the editing to us.

use super::collector::{Collector, Fault, complain, finish};
use crate::screen::{note, printable, typed};
use crate::terminal::Keys;
use std::io::BufRead;

const ESCAPE: u8 = 0x1b;
const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;
/// Ctrl-W.
const ERASE_WORD: u8 = 0x17;
/// Bytes of a line that its row can show: what is further ahead is not looked at.
const SEEN: usize = 4_096;

/// How far into a key that sends several bytes (an arrow, say) the input is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sequence {
    None,
    Begun,
    /// Behind `ESC [`.
    Parameters,
    /// Behind `ESC O`.
    Last,
}

/// What became of a byte.
enum Typed {
    /// The line is not at its end.
    More,
    /// The line is.
    Line,
    /// Nothing more will come.
    End,
}

pub(super) struct Editor {
    keys: Keys,
    line: Collector,
    sequence: Sequence,
}

impl Editor {
    pub(super) fn new(keys: Keys) -> Self {
        Self { keys, line: Collector::default(), sequence: Sequence::None }
    }

    fn take(&mut self, byte: u8) -> Typed {
        if self.skips(byte) {
            return Typed::More;
        }
        match byte {
            b'\n' | b'\r' => return Typed::Line,
            ESCAPE => self.sequence = Sequence::Begun,
            // As a terminal has it: with text in front of it, it ends nothing.
            _ if byte == self.keys.end => {
                return if self.line.is_empty() { Typed::End } else { Typed::More };
            }
            _ if byte == self.keys.kill => self.line.clear(),
            ERASE_WORD => self.line.erase_word(),
            BACKSPACE | DELETE => self.line.erase(),
            _ if byte == self.keys.erase => self.line.erase(),
            _ => {
                if self.line.extend(&[byte]) == Err(Fault::TooLong) {
                    complain(Fault::TooLong);
                }
            }
        }
        Typed::More
    }

    /// Whether the byte belongs to a key that means nothing here.
    fn skips(&mut self, byte: u8) -> bool {
        let (next, skips) = match (self.sequence, byte) {
            (Sequence::None, _) => return false,
            (Sequence::Begun, b'[') => (Sequence::Parameters, true),
            (Sequence::Begun, b'O') => (Sequence::Last, true),
            // The key Escape alone; what follows is a key of its own.
            (Sequence::Begun, _) => (Sequence::None, false),
            (Sequence::Parameters, 0x20..=0x3f) => (Sequence::Parameters, true),
            (Sequence::Parameters | Sequence::Last, 0x40..=0x7e) => (Sequence::None, true),
            (Sequence::Parameters | Sequence::Last, _) => (Sequence::None, false),
        };
        self.sequence = next;
        skips
    }

    /// The end of the line, as it may be shown.
    fn shown(&self) -> String {
        let bytes = self.line.bytes();
        let seen = &bytes[bytes.len().saturating_sub(SEEN)..];
        printable(&String::from_utf8_lossy(seen))
    }
}

/// Hands each line to `take` until the input ends or nobody takes more. What is not at its end then
/// nobody has sent.
pub(super) fn read(
    mut input: impl BufRead,
    mut editor: Editor,
    mut take: impl FnMut(String) -> bool,
) {
    loop {
        let bytes = match input.fill_buf() {
            Ok([]) => return,
            Ok(bytes) => bytes,
            Err(error) => return note(&format!("nothing more can be read: {error}")),
        };
        let length = bytes.len();
        let bytes = bytes.to_vec();
        input.consume(length);
        for byte in bytes {
            match editor.take(byte) {
                Typed::More => {}
                Typed::End => return,
                Typed::Line => {
                    typed(String::new());
                    if !finish(&mut editor.line, usize::MAX, &mut take) {
                        return;
                    }
                }
            }
        }
        typed(editor.shown());
    }
}

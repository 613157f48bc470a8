//! What is typed, or comes out of a pipe.

mod collector;
mod editor;

use crate::screen::note;
use crate::terminal::Keys;
use collector::{Collector, Fault, complain, finish};
use editor::Editor;
use std::io::{BufRead, IsTerminal, stdin};
use tokio::sync::mpsc;

/// Lines read ahead of the conversation.
const LINES: usize = 16;
/// So much of a line a terminal's own buffer holds (Linux, `N_TTY_BUF_SIZE`); the rest it drops.
const TERMINAL_LINE: usize = 4_095;

/// The lines of standard input, from a thread of its own: reading a terminal cannot be cancelled.
/// The channel closes at the end of the input. With `keys` a terminal leaves editing to us.
pub(super) fn lines(keys: Option<Keys>) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(LINES);
    let take = move |line| sender.blocking_send(line).is_ok();
    std::thread::spawn(move || match keys {
        Some(keys) => editor::read(stdin().lock(), Editor::new(keys), take),
        None if stdin().is_terminal() => read(stdin().lock(), TERMINAL_LINE, take),
        None => read(stdin().lock(), usize::MAX, take),
    });
    lines
}

/// Hands each line to `take` until the input ends or nobody takes more. A line of `cut` bytes may
/// have had more.
fn read(mut input: impl BufRead, cut: usize, mut take: impl FnMut(String) -> bool) {
    let mut line = Collector::default();
    loop {
        let bytes = match input.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) => return note(&format!("nothing more can be read: {error}")),
        };
        if bytes.is_empty() {
            if !line.is_empty() {
                finish(&mut line, cut, &mut take);
            }
            return;
        }
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let length = end.map_or(bytes.len(), |end| end + 1);
        if line.extend(&bytes[..end.unwrap_or(length)]) == Err(Fault::TooLong) {
            complain(Fault::TooLong);
        }
        input.consume(length);
        if end.is_some() && !finish(&mut line, cut, &mut take) {
            return;
        }
    }
}

#[cfg(test)]
mod tests;

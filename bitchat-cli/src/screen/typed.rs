//! The row on which the user types: what arrives is put above it, not into it.

use super::layout::tail;
use crate::terminal::width;
use std::fs::File;
use std::io::Write;

/// What stands on the terminal of what is being typed: one row, the end of the line.
pub(super) struct Typed {
    terminal: Option<File>,
    text: String,
    /// Columns that the terminal shows of it now.
    columns: usize,
}

impl Typed {
    pub(super) const fn nowhere() -> Self {
        Self { terminal: None, text: String::new(), columns: 0 }
    }

    /// From now on it is shown on `terminal`, or nowhere. It must be away.
    pub(super) fn put(&mut self, terminal: Option<File>) {
        self.terminal = terminal;
    }

    /// It must be away.
    pub(super) fn set(&mut self, text: String) {
        self.text = text;
    }

    /// Takes the row away. A terminal that is gone shows nothing, which is no reason to end.
    pub(super) fn hide(&mut self) {
        if let Some(terminal) = self.terminal.as_mut().filter(|_| self.columns > 0) {
            let _ = write!(terminal, "\r{:columns$}\r", "", columns = self.columns);
            self.columns = 0;
        }
    }

    /// Shows the row, which must be away.
    pub(super) fn show(&mut self) {
        let Some(terminal) = &mut self.terminal else { return };
        let room = width(terminal).map_or(0, |width| width.saturating_sub(1));
        let (text, columns) = tail(&self.text, room);
        if terminal.write_all(text.as_bytes()).is_ok() {
            self.columns = columns;
        }
    }
}

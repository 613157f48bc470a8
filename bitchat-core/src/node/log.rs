//! What a node says of its work, for people who look for a fault: off unless asked for.

use crate::base::ids::Device;
use crate::base::time::Timestamp;
use core::fmt::{self, Display, Write};
use std::collections::VecDeque;

/// Bytes of a record's text; more is cut.
const TEXT_LEN: usize = 512;

/// How much a node says of its work: each level includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogLevel {
    /// Nothing; costs nothing.
    #[default]
    Off,
    /// What keeps the node from its work and somebody should look at.
    Warn,
    /// What happened to channels, links and the store. Up to this level no text holds an address.
    Info,
    /// Why it happened: every attempt to meet somebody, every tracker, with addresses.
    Debug,
    /// Every datagram of a meeting, every packet that was dropped.
    Trace,
}

/// Something that the node did or saw. Texts are for people and change from version to version. They
/// hold no key, no message, and no path of a tracker's URL (which may be a password).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub level: LogLevel,
    /// Which part of the node speaks: `meeting`, `link`, `tracker`, `store`, `channel` or `node`.
    pub target: &'static str,
    /// One line of at most 512 bytes.
    pub text: String,
    /// Records before this one that were lost, because nobody took them in time.
    pub lost: u64,
}

/// The latest records that nobody has taken yet.
#[derive(Debug)]
pub(super) struct Log {
    level: LogLevel,
    limit: usize,
    records: VecDeque<LogRecord>,
    /// Records lost before the oldest that is kept.
    lost: u64,
}

impl Log {
    pub(super) const fn new(level: LogLevel, limit: usize) -> Self {
        Self { level, limit, records: VecDeque::new(), lost: 0 }
    }

    /// Notes `text`, which is put into words only if somebody wants to read it.
    pub(super) fn add(
        &mut self,
        at: Timestamp,
        level: LogLevel,
        target: &'static str,
        text: impl Display,
    ) {
        if level > self.level {
            return;
        }
        if self.records.len() >= self.limit {
            self.lost += 1 + self.records.pop_front().map_or(0, |oldest| oldest.lost);
        }
        let mut line = Line(String::new());
        // It fails where it is cut.
        let _ = write!(line, "{text}");
        self.records.push_back(LogRecord { at, level, target, text: line.0, lost: 0 });
    }

    pub(super) fn poll(&mut self) -> Option<LogRecord> {
        let mut record = self.records.pop_front()?;
        record.lost = core::mem::take(&mut self.lost);
        Some(record)
    }
}

/// One line of bounded length: others had a hand in some texts, and must not write lines of their own.
struct Line(String);

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            let letter = if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
            if self.0.len() + letter.len_utf8() > TEXT_LEN {
                return Err(fmt::Error);
            }
            self.0.push(letter);
        }
        Ok(())
    }
}

/// Enough of a device's name to tell it from others.
pub(super) struct Short(pub Device);

impl Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |bytes: &[u8], f: &mut fmt::Formatter<'_>| {
            bytes.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
        };
        hex(self.0.peer.as_bytes(), f)?;
        f.write_str("/")?;
        hex(self.0.id.as_bytes(), f)
    }
}

#[cfg(test)]
mod tests;

//! What happened, as a hash of every line and, if wanted, as text.

use bitchat_core::base::time::Timestamp;
use bitchat_core::crypto::suite;
use core::fmt::{Arguments, Write as _};
use std::collections::VecDeque;

/// Lines kept for the report of a failure when no full text is.
const TAIL: usize = 60;

/// The record of a run. Two runs of one seed have equal traces.
#[derive(Debug, Default)]
pub struct Trace {
    hash: [u8; 32],
    outward: [u8; 32],
    lines: u64,
    text: Option<String>,
    tail: VecDeque<String>,
}

impl Trace {
    /// An empty trace; with `text`, every line is kept.
    #[must_use]
    pub fn new(text: bool) -> Self {
        let (hash, outward, lines, tail) = ([0; 32], [0; 32], 0, VecDeque::new());
        Self { hash, outward, lines, text: text.then(String::new), tail }
    }

    /// Notes that something happened.
    pub fn line(&mut self, at: Timestamp, what: Arguments<'_>) {
        let mut line = String::new();
        // Writing to a String cannot fail.
        let _ = write!(line, "{at:?} {what}");
        self.hash = suite::hash(&[&self.hash, line.as_bytes()]);
        self.lines += 1;
        if let Some(text) = &mut self.text {
            text.push_str(&line);
            text.push('\n');
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line);
    }

    /// Notes what left a host: a datagram, bytes of a stream, a batch for the disk.
    pub fn outward(&mut self, at: Timestamp, what: Arguments<'_>) {
        self.outward = suite::hash(&[&self.outward, format!("{at:?} {what}").as_bytes()]);
        self.line(at, what);
    }

    /// Stands for everything that left a host, and when. Two programs that differ inside only, and in
    /// the words of their events, have equal ones.
    #[must_use]
    pub fn outward_hash(&self) -> [u8; 32] {
        self.outward
    }

    /// Stands for everything that happened.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// How many lines there were.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// All lines, if they were kept.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The last lines, always kept.
    #[must_use]
    pub fn tail(&self) -> String {
        self.tail.iter().fold(String::new(), |all, line| all + line + "\n")
    }
}

impl Drop for Trace {
    /// A run that fails half-way shows what led to it.
    fn drop(&mut self) {
        if let Some(text) = self.text.as_ref().filter(|_| std::thread::panicking()) {
            println!("{text}");
        }
    }
}

/// A short name for some bytes.
#[must_use]
pub fn fingerprint(data: &[u8]) -> String {
    suite::hash(&[data])
        .iter()
        .take(4)
        .fold(String::new(), |all, byte| all + &format!("{byte:02x}"))
}

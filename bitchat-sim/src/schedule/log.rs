//! What happened in a schedule: a hash always, words only where somebody wants to read them.

use bitchat_core::base::time::Timestamp;
use core::fmt::{Arguments, Write as _};
use core::hash::Hasher as _;
use std::hash::DefaultHasher;

/// The record of a schedule. Two runs of one seed by one program have equal hashes.
#[derive(Debug)]
pub(super) struct Log {
    hash: DefaultHasher,
    words: Option<String>,
}

impl Log {
    pub(super) fn new(words: bool) -> Self {
        Self { hash: DefaultHasher::new(), words: words.then(String::new) }
    }

    /// Something happened, and these bytes say what.
    pub(super) fn mix(&mut self, at: Timestamp, bytes: &[u8]) {
        self.hash.write_u64(at.as_nanos());
        self.hash.write(bytes);
    }

    /// Says it in words.
    pub(super) fn note(&mut self, at: Timestamp, what: Arguments<'_>) {
        if let Some(words) = &mut self.words {
            // Writing to a String cannot fail.
            let _ = writeln!(words, "{at:?} {what}");
        }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash.finish()
    }

    pub(super) fn into_words(self) -> String {
        self.words.unwrap_or_default()
    }
}

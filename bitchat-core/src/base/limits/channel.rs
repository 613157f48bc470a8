//! What one channel holds of its log, and what it waits for.

use super::ranges;

/// What one channel holds of its log, and what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelLimits {
    /// Bytes of one text.
    pub text_bytes: usize,
    /// Log entries of one channel kept in memory.
    pub log_entries: usize,
    /// Bytes of those entries; each author counts 4,096 more.
    pub log_bytes: usize,
    /// Authors of one channel that are taken unasked; more only where others build on their
    /// entries.
    pub authors: usize,
    /// Entries of one channel that wait for an earlier one.
    pub waiting_entries: usize,
}

impl Default for ChannelLimits {
    fn default() -> Self {
        Self {
            text_bytes: 64 * 1024,
            log_entries: 100_000,
            log_bytes: 64 * 1024 * 1024,
            authors: 4_096,
            waiting_entries: 1_024,
        }
    }
}

ranges! { ChannelLimits;
    text_bytes: 1 to 65_536,
    log_entries: 1 to 16_777_216,
    log_bytes: 1_024 to 4_294_967_295,
    authors: 1 to 1_048_576,
    waiting_entries: 1 to 1_048_576,
}

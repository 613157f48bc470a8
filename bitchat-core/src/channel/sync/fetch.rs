//! The running request for missing entries: how long it may take, and how its answer ended.

use super::message::{BATCH, Role};
use crate::base::ids::LinkId;
use crate::base::time::Timestamp;
use crate::log::Log;
use core::time::Duration;

/// A request is given up after this long without anything of an answer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// And after this long in all, unless new entries come at least at [`FETCH_RATE`]: no member keeps
/// others from being asked (BC-09.59).
const FETCH_LIMIT: Duration = Duration::from_secs(30);
/// Bytes a second.
const FETCH_RATE: u64 = 4_096;

/// A running request for missing entries; there is one at a time.
#[derive(Debug)]
pub(in crate::channel) struct Fetch {
    pub(super) link: LinkId,
    began: Timestamp,
    heard: Timestamp,
    entries: usize,
    new_bytes: u64,
    dropped: bool,
}

/// One message of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::channel) struct Part {
    pub(in crate::channel) entries: usize,
    /// Of entries that were new and could be taken at once.
    pub(in crate::channel) new_bytes: usize,
    /// Some had no room.
    pub(in crate::channel) dropped: bool,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// Anything of it was new.
    pub(super) new: bool,
    /// The peer is to be asked at once to go on.
    pub(super) goes_on: bool,
}

impl Fetch {
    pub(super) const fn new(now: Timestamp, link: LinkId) -> Self {
        Self { link, began: now, heard: now, entries: 0, new_bytes: 0, dropped: false }
    }

    /// Whether the log can take an answer.
    pub(super) fn may_begin(log: &Log) -> bool {
        // An answer begins behind what is visible: half of it must be more than what is pending.
        let busy = log.pending() > BATCH.min(log.config().limits.channel.waiting_entries) / 2;
        // Room for a smaller entry than the one that was refused is not worth asking for ever.
        !busy && !log.has_refused()
    }

    pub(super) fn deadline(&self) -> Timestamp {
        let earned = Duration::from_secs(self.new_bytes / FETCH_RATE);
        (self.heard + FETCH_TIMEOUT).min(self.began + FETCH_LIMIT + earned)
    }

    /// Counts a message of the answer. Says how the answer ended, if it did.
    pub(super) fn on_part(&mut self, now: Timestamp, role: Role, part: Part) -> Option<End> {
        self.entries += part.entries;
        self.new_bytes += part.new_bytes as u64;
        self.dropped |= part.dropped;
        self.heard = now;
        let more = match role {
            Role::Last { more } => more,
            // BC-09.18
            _ if self.entries > BATCH => true,
            _ => return None,
        };
        let soon = now.saturating_since(self.began) < FETCH_TIMEOUT;
        let new = self.new_bytes > 0;
        let goes_on = more && soon && self.entries >= BATCH && !self.dropped && new;
        Some(End { new, goes_on })
    }
}

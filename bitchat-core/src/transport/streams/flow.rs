//! Credit: how much a side may send before the other has consumed it (RFC 9000 §4).

use crate::base::time::Timestamp;
use core::time::Duration;

/// A window that is consumed in fewer round trips grows.
const WINDOW_ROUNDS: u128 = 6;
/// The same where much of it waited for what was lost.
const HELD_WINDOW_ROUNDS: u128 = 12;

/// By how much buffers may still grow beyond the sizes that they began with, and have grown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growth {
    left: u64,
    used: u64,
}

impl Growth {
    pub(super) const fn new(left: u64) -> Self {
        Self { left, used: 0 }
    }

    /// As much of `wanted` as is left.
    pub(super) fn take(&mut self, wanted: u64) -> u64 {
        let taken = wanted.min(self.left);
        self.left -= taken;
        self.used += taken;
        taken
    }

    pub(super) fn give_back(&mut self, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
        self.left += bytes;
    }

    pub(super) const fn allow(&mut self, left: u64) {
        self.left = left;
    }

    pub(super) const fn used(&self) -> u64 {
        self.used
    }
}

/// Credit that we grant.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiveCredit {
    /// Bytes that may be unread at once.
    window: u64,
    received: u64,
    consumed: u64,
    /// The limit that the peer knows of, or will once our frame arrives.
    granted: u64,
    /// When that was, and how much had been consumed.
    granted_at: Option<(Timestamp, u64)>,
    /// The most that was unread since then.
    held: u64,
}

/// The peer used more than it was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded;

impl ReceiveCredit {
    /// Before anything is received the peer may send `initial` bytes.
    pub(super) const fn new(initial: u64, window: u64) -> Self {
        Self { window, received: 0, consumed: 0, granted: initial, granted_at: None, held: 0 }
    }

    pub(super) fn on_received(&mut self, bytes: u64) -> Result<(), Exceeded> {
        let received = self.received.saturating_add(bytes);
        if received > self.granted {
            return Err(Exceeded);
        }
        self.received = received;
        self.held = self.held.max(self.unread());
        Ok(())
    }

    /// Bytes left the buffer. True if the peer is to be told of new credit: not for every byte, but
    /// long before it runs out.
    pub(super) fn on_consumed(&mut self, bytes: u64) -> bool {
        self.consumed = (self.consumed + bytes).min(self.received);
        self.consumed + self.window >= self.granted + self.window / 4
    }

    /// Credit is about to be announced: by how much the window should grow first. If since the last
    /// time so much was consumed that a window would take less than six round trips, the peer could
    /// send more than the window lets it (BC-07.80). What comes behind a gap waits for the
    /// repetition of what was lost, sometimes for several: where that filled a quarter of the
    /// window, it is twelve (BC-07.83).
    pub(super) fn wanted_growth(&mut self, now: Timestamp, round_trip: Option<Duration>) -> u64 {
        if self.granted_at.is_some_and(|(_, consumed)| self.consumed < consumed + self.window / 4) {
            // An announcement that was lost is repeated.
            return 0;
        }
        let held = core::mem::take(&mut self.held);
        let rounds = if held * 4 > self.window { HELD_WINDOW_ROUNDS } else { WINDOW_ROUNDS };
        let last = self.granted_at.replace((now, self.consumed));
        let fast = last.zip(round_trip).is_some_and(|((at, consumed), round_trip)| {
            let consumed = u128::from(self.consumed - consumed);
            let time = now.saturating_since(at).as_nanos();
            u128::from(self.window) * time < consumed * round_trip.as_nanos() * rounds
        });
        if fast { self.window } else { 0 }
    }

    /// Makes the window at least `window`.
    pub(super) fn widen(&mut self, window: u64) {
        self.window = self.window.max(window);
    }

    /// Makes the window `window` again if the peer was granted no more. Returns by how much it
    /// shrank.
    pub(super) fn narrow(&mut self, window: u64) -> u64 {
        if self.granted > self.consumed + window {
            return 0;
        }
        let before = self.window;
        self.window = self.window.min(window);
        before - self.window
    }

    pub(super) const fn window(&self) -> u64 {
        self.window
    }

    /// The limit to announce.
    pub(super) fn grant(&mut self) -> u64 {
        self.granted = self.granted.max(self.consumed + self.window);
        self.granted
    }

    pub(super) const fn received(&self) -> u64 {
        self.received
    }

    pub(super) const fn unread(&self) -> u64 {
        self.received - self.consumed
    }
}

#[cfg(test)]
mod tests;

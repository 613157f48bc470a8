//! Small urgent data rides twice.
//!
//! On a quiet link nothing follows a message whose acknowledgements would show that it was lost, so
//! its recovery takes a probe timeout. Sent again a moment later, it is late only if both copies are
//! lost (BC-07.31).

use crate::base::time::Timestamp;
use core::time::Duration;
use std::collections::VecDeque;

/// When the second copy leaves.
const DELAY: Duration = Duration::from_millis(15);
/// Bytes in flight beyond which later packets reveal a loss soon enough.
const LITTLE: u64 = 4 * 1_200;
/// Packets that wait for their second copy.
const MAX_WAITING: usize = 4;
/// Bytes a second that second copies may take, and at once.
const RATE: u64 = 16_384;
const BURST: u64 = 4 * 1_200;

#[derive(Debug)]
pub(super) struct Repeater {
    /// Packet numbers in the order of their times.
    waiting: VecDeque<(Timestamp, u64)>,
    allowance: u64,
    filled_at: Timestamp,
}

impl Repeater {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { waiting: VecDeque::new(), allowance: BURST, filled_at: now }
    }

    /// A packet with urgent data left that was never sent before; `in_flight` includes it.
    pub(super) fn on_sent(&mut self, now: Timestamp, pn: u64, size: u64, in_flight: u64) {
        let earned = now.saturating_since(self.filled_at).as_nanos() * u128::from(RATE);
        let earned = u64::try_from(earned / 1_000_000_000).unwrap_or(u64::MAX);
        if earned > 0 {
            self.allowance = self.allowance.saturating_add(earned).min(BURST);
            self.filled_at = now;
        }
        let affordable = size <= self.allowance;
        if in_flight <= LITTLE && affordable && self.waiting.len() < MAX_WAITING {
            self.allowance -= size;
            self.waiting.push_back((now + DELAY, pn));
        }
    }

    /// The next packet whose time has come.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<u64> {
        self.waiting.front().filter(|(at, _)| *at <= now)?;
        self.waiting.pop_front().map(|(_, pn)| pn)
    }

    /// Packets that were acknowledged need no second copy; `in_flight` says which did not.
    pub(super) fn retain(&mut self, in_flight: impl Fn(u64) -> bool) {
        self.waiting.retain(|&(_, pn)| in_flight(pn));
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.waiting.front().map(|&(at, _)| at)
    }
}

#[cfg(test)]
mod tests;

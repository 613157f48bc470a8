//! Small urgent data rides twice, on a bad line three times.
//!
//! On a quiet link nothing follows a message whose acknowledgements would show that it was lost, so
//! its recovery takes a probe timeout. Sent again a moment later, it is late only if all copies are
//! lost (BC-07.31).

use crate::base::time::Timestamp;
use core::time::Duration;
use std::collections::VecDeque;

/// When further copies leave: apart from each other, so that one burst of losses does not take all.
const DELAYS: [Duration; MAX_COPIES] = [Duration::from_millis(15), Duration::from_millis(30)];
const MAX_COPIES: usize = 2;
/// With more bytes in flight, later packets reveal a loss soon enough, where less than
/// [`SOME_LOSS`] is lost.
const LITTLE: u64 = 4 * 1_200;
/// Loss, in thousandths, from which on copies leave even then, and a third one leaves.
const SOME_LOSS: u64 = 5;
const MUCH_LOSS: u64 = 30;
/// Packets that wait for each of their copies.
const MAX_WAITING: usize = 16;
/// Bytes a second that copies may take, and at once; and which share of what the path carries.
const RATE: u64 = 16_384;
const BURST: u64 = 4 * 1_200;
const SHARE: u64 = 8;

/// How the path fares when a packet leaves.
#[derive(Clone, Copy, Debug)]
pub(in crate::transport) struct PathLoad {
    /// Bytes in flight, the packet included.
    pub(in crate::transport) in_flight: u64,
    /// Packets that it loses, in thousandths.
    pub(in crate::transport) loss: u64,
    /// Bytes a second that may leave.
    pub(in crate::transport) rate: u64,
}

#[derive(Debug)]
pub(in crate::transport) struct Repeater {
    /// Packet numbers in the order of their times, for each copy.
    waiting: [VecDeque<(Timestamp, u64)>; MAX_COPIES],
    allowance: u64,
    filled_at: Timestamp,
}

impl Repeater {
    pub(in crate::transport) const fn new(now: Timestamp) -> Self {
        let waiting = [const { VecDeque::new() }; MAX_COPIES];
        Self { waiting, allowance: BURST, filled_at: now }
    }

    fn earn(&mut self, now: Timestamp, rate: u64) {
        let rate = RATE.min(rate / SHARE);
        let elapsed = now.as_nanos().saturating_sub(self.filled_at.as_nanos());
        let earned = elapsed.saturating_mul(rate) / 1_000_000_000;
        if earned > 0 {
            self.allowance = self.allowance.saturating_add(earned).min(BURST);
            self.filled_at = now;
        }
    }

    /// A packet left with urgent data that was never sent before; a copy of it takes `size` bytes.
    pub(in crate::transport) fn on_sent(
        &mut self,
        now: Timestamp,
        pn: u64,
        size: u64,
        path: PathLoad,
    ) {
        self.earn(now, path.rate);
        if path.in_flight > LITTLE && path.loss < SOME_LOSS {
            return;
        }
        let copies = if path.loss >= MUCH_LOSS { MAX_COPIES } else { 1 };
        for (waiting, delay) in self.waiting.iter_mut().zip(DELAYS).take(copies) {
            if size <= self.allowance && waiting.len() < MAX_WAITING {
                self.allowance -= size;
                waiting.push_back((now + delay, pn));
            }
        }
    }

    /// The next packet whose time has come.
    pub(in crate::transport) fn pop_due(&mut self, now: Timestamp) -> Option<u64> {
        let due = |waiting: &&mut VecDeque<(Timestamp, u64)>| {
            waiting.front().is_some_and(|&(at, _)| at <= now)
        };
        self.waiting.iter_mut().find(due)?.pop_front().map(|(_, pn)| pn)
    }

    /// Packets that were acknowledged need no further copy; `in_flight` says which were not.
    pub(in crate::transport) fn retain(&mut self, in_flight: impl Fn(u64) -> bool) {
        for waiting in &mut self.waiting {
            waiting.retain(|&(_, pn)| in_flight(pn));
        }
    }

    /// Gives memory back while nothing waits.
    pub(in crate::transport) fn shrink(&mut self) {
        self.waiting.iter_mut().for_each(VecDeque::shrink_to_fit);
    }

    pub(in crate::transport) fn deadline(&self) -> Option<Timestamp> {
        self.waiting.iter().filter_map(|waiting| waiting.front()).map(|&(at, _)| at).min()
    }
}

#[cfg(test)]
mod tests;

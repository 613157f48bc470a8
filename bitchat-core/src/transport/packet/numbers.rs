//! Packet numbers: each once, and now and then one left out.
//!
//! A peer that acknowledges packets before they arrive would make us send faster than the path can
//! carry. It cannot know which numbers were never sent, so sooner or later it acknowledges one
//! (RFC 9000 §21.4, BC-07.11).

use crate::wire::varint;
use core::hash::Hasher;
use core::ops::Range;
use siphasher::sip::SipHasher24;

/// Skipped numbers that are remembered.
const REMEMBERED: usize = 8;
/// Shortest and longest distance of two skipped numbers.
const SKIP_EVERY: Range<u64> = 64..576;

#[derive(Debug)]
pub(in crate::transport) struct PacketNumbers {
    next: u64,
    skip_at: u64,
    skipped: [u64; REMEMBERED],
    skips: usize,
    key: [u8; 16],
}

impl PacketNumbers {
    pub(in crate::transport) fn new(key: [u8; 16]) -> Self {
        let mut numbers =
            Self { next: 0, skip_at: 0, skipped: [u64::MAX; REMEMBERED], skips: 0, key };
        numbers.skip_at = numbers.distance();
        numbers
    }

    fn distance(&self) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        // Not `write_usize`, which is not the same on every machine.
        hasher.write_u64(self.skips as u64);
        SKIP_EVERY.start + hasher.finish() % (SKIP_EVERY.end - SKIP_EVERY.start)
    }

    /// The number that [`take`](Self::take) gives next.
    pub(in crate::transport) const fn next(&self) -> u64 {
        self.next
    }

    /// Numbers above 2^62 - 1 cannot be acknowledged; keys are renewed long before.
    pub(in crate::transport) const fn exhausted(&self) -> bool {
        self.next > varint::MAX
    }

    pub(in crate::transport) fn take(&mut self) -> u64 {
        let pn = self.next;
        self.next += 1;
        if self.next == self.skip_at {
            self.skipped[self.skips % REMEMBERED] = self.next;
            self.skips += 1;
            self.next += 1;
            self.skip_at = self.next + self.distance();
        }
        pn
    }

    /// Whether every number of `range` may have been sent.
    pub(in crate::transport) fn plausible(&self, range: &Range<u64>) -> bool {
        range.end <= self.next && !self.skipped.iter().any(|pn| range.contains(pn))
    }
}

#[cfg(test)]
mod tests;

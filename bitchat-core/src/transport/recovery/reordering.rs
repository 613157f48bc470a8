//! Losses that were none (after RFC 8985 and RFC 4653).
//!
//! Packet numbers are never used twice, so an acknowledgement of a packet that counted as lost
//! proves that it was only late. Then the thresholds of loss detection were too strict for the
//! path: they grow until such a packet would have been waited for, and shrink again with time.

use super::sent::SentPacket;
use crate::base::time::Timestamp;
use core::ops::Range;
use core::time::Duration;
use std::collections::VecDeque;

/// A packet is lost once one that left this many numbers later was acknowledged, unless the path is
/// known to reorder.
const PACKET_THRESHOLD: u64 = 3;
/// Lost packets that are remembered (BC-07.45).
const REMEMBERED: usize = 256;
/// The time threshold of RFC 9002, in eighths of a round trip.
const TIME_THRESHOLD: u32 = 9;
/// What the thresholds grow to: one round trip more, and as many packets as may ever be overtaken
/// in it (BC-07.46).
const MAX_TIME_THRESHOLD: u32 = 17;
const MAX_PACKET_THRESHOLD: u64 = 1_024;
/// Round trips without a late packet after which the thresholds shrink a step.
const PATIENCE: u32 = 16;
/// Probe timeouts after which a lost packet is forgotten.
const HORIZON: u32 = 4;

/// A packet that counted as lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LostPacket {
    pub(super) pn: u64,
    pub(super) sent_at: Timestamp,
    pub(super) bytes: u64,
    /// The pass of loss detection that found it.
    pub(super) pass: u64,
}

/// The thresholds of loss detection, and the lost packets that may yet prove to be late.
#[derive(Debug)]
pub(super) struct Reordering {
    /// In order of their numbers.
    lost: VecDeque<LostPacket>,
    packets: u64,
    eighths: u32,
    /// When the thresholds last changed.
    changed_at: Timestamp,
}

impl Default for Reordering {
    fn default() -> Self {
        Self {
            lost: VecDeque::new(),
            packets: PACKET_THRESHOLD,
            eighths: TIME_THRESHOLD,
            changed_at: Timestamp::ZERO,
        }
    }
}

impl Reordering {
    /// A packet is lost once one that left so many numbers later was acknowledged.
    pub(super) const fn packets(&self) -> u64 {
        self.packets
    }

    /// How much later than a round trip, in eighths of it, a packet is lost if a later one arrived.
    pub(super) const fn eighths(&self) -> u32 {
        self.eighths
    }

    /// A packet counts as lost; numbers only grow.
    pub(super) fn remember(&mut self, packet: &SentPacket, pass: u64) {
        if self.lost.len() >= REMEMBERED {
            self.lost.pop_front();
        }
        let SentPacket { pn, sent_at, size: bytes, .. } = *packet;
        self.lost.push_back(LostPacket { pn, sent_at, bytes, pass });
    }

    /// The next packet of `range` that counted as lost: it has arrived.
    pub(super) fn take(&mut self, range: &Range<u64>) -> Option<LostPacket> {
        let at = self.lost.partition_point(|packet| packet.pn < range.start);
        self.lost.get(at).filter(|packet| packet.pn < range.end)?;
        self.lost.remove(at)
    }

    /// `packet` was late by then: `overtaken` numbers later had arrived.
    pub(super) fn on_late(
        &mut self,
        now: Timestamp,
        packet: &LostPacket,
        overtaken: u64,
        round: Duration,
    ) {
        let took = now.saturating_since(packet.sent_at).as_nanos() * 8;
        let eighths = took.div_ceil(round.as_nanos().max(1));
        let eighths = u32::try_from(eighths).unwrap_or(u32::MAX).min(MAX_TIME_THRESHOLD);
        self.eighths = self.eighths.max(eighths);
        self.packets = self.packets.max(overtaken.saturating_add(1).min(MAX_PACKET_THRESHOLD));
        self.changed_at = now;
    }

    /// The state at the beginning of the next path. Lost packets of this one may still arrive, and
    /// must be known as such then (BC-07.67).
    pub(super) fn next_path(&self) -> Self {
        Self { lost: self.lost.clone(), ..Self::default() }
    }

    /// Forgets all that was lost, and gives its memory back.
    pub(super) fn forget(&mut self) {
        self.lost = VecDeque::new();
    }

    /// Forgets what is too old to matter, and takes the thresholds back a step if nothing was late
    /// for a while.
    pub(super) fn age(&mut self, now: Timestamp, round: Duration, probe_timeout: Duration) {
        let old = |packet: &LostPacket| {
            now.saturating_since(packet.sent_at) > probe_timeout.saturating_mul(HORIZON)
        };
        while self.lost.front().is_some_and(old) {
            self.lost.pop_front();
        }
        if self.lost.is_empty() && self.lost.capacity() > 0 {
            // A link that is idle keeps nothing.
            self.forget();
        }
        if now.saturating_since(self.changed_at) > round.saturating_mul(PATIENCE) {
            self.packets = (self.packets * 3 / 4).max(PACKET_THRESHOLD);
            self.eighths = (self.eighths - 1).max(TIME_THRESHOLD);
            self.changed_at = now;
        }
    }
}

#[cfg(test)]
mod tests;

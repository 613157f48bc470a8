//! What one pass of loss detection found.

use super::sent::SentPacket;
use crate::base::time::Timestamp;
use crate::transport::congestion::rate::Stamp;
use crate::transport::rtt::Rtt;
use core::time::Duration;

/// What one pass of loss detection found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// Which pass it was.
    pub(super) pass: u64,
    /// All packets that were lost.
    pub(super) packets: u64,
    /// Lost packets that say something of the present path. The fields below are about these alone.
    pub(super) judged: u64,
    /// Bytes of these packets, protection included.
    pub(super) bytes: u64,
    /// When the newest of these packets was sent.
    pub(super) newest: Option<Timestamp>,
    /// What had arrived when that packet was sent.
    pub(super) stamp: Stamp,
    /// These packets span persistent congestion.
    pub(super) persistent: bool,
    /// The path turned out to carry smaller packets only.
    pub(super) smaller: bool,
}

impl Losses {
    /// A packet whose loss says something of the present path. `run_start` is when the first of the
    /// losses was sent between which nothing was acknowledged.
    pub(super) fn note(
        &mut self,
        lost: &SentPacket,
        run_start: &mut Option<Timestamp>,
        persistent_after: Duration,
        rtt: &Rtt,
    ) {
        let start = *run_start.get_or_insert(lost.sent_at);
        self.judged += 1;
        self.bytes += lost.size;
        self.newest = Some(lost.sent_at);
        self.stamp = lost.stamp;
        // Before the first sample nothing says how long a round trip is (RFC 9002 §7.6.2).
        self.persistent |=
            rtt.min().is_some() && lost.sent_at.saturating_since(start) > persistent_after;
    }
}

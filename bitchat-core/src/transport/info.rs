//! What a transport says of itself and of the path.

use super::congestion::PathMemory;
use super::packet::datagrams::Datagrams;
use super::recovery::path_state::PathState;
use super::{MAX_ACK_DELAY, PathEstimate, Rtt, Transport, TransportStats};
use crate::base::time::Timestamp;
use core::time::Duration;

impl Transport {
    /// The longest datagram, in bytes. It changes with the path.
    #[must_use]
    pub fn max_datagram(&self) -> usize {
        Datagrams::max_len(self.config.least_payload(self.recovery.path.mtu.size()))
    }

    /// Bytes of the largest UDP payload that the path is known to carry.
    #[must_use]
    pub const fn path_mtu(&self) -> usize {
        self.recovery.path.mtu.size()
    }

    /// Whether the next packet with data will be marked ECT(0).
    #[must_use]
    pub const fn marks_ecn(&self) -> bool {
        self.recovery.path.ecn.mark()
    }

    /// Bytes by which windows and send buffer have grown beyond the sizes that the configuration
    /// gives them.
    #[must_use]
    pub const fn growth(&self) -> u64 {
        self.streams.growth()
    }

    /// Since when something is in flight of which no acknowledgement has come.
    #[must_use]
    pub const fn waiting_since(&self) -> Option<Timestamp> {
        self.recovery.waiting_since()
    }

    /// Probe timeouts in a row without an acknowledgement; one at most if the peer was heard since
    /// (BC-07.13).
    #[must_use]
    pub const fn unanswered_probes(&self) -> u32 {
        self.recovery.unanswered_probes()
    }

    /// The number of the next packet.
    #[must_use]
    pub const fn next_pn(&self) -> u64 {
        self.numbers.next()
    }

    /// The largest packet number that the peer acknowledged: the base of truncated numbers.
    #[must_use]
    pub const fn largest_acked(&self) -> Option<u64> {
        self.recovery.largest_acked
    }

    /// The estimate of the round-trip time.
    #[must_use]
    pub const fn rtt(&self) -> &Rtt {
        &self.recovery.path.rtt
    }

    /// What is known of the path.
    #[must_use]
    pub fn path_estimate(&self) -> PathEstimate {
        let PathState { rtt, controller, losses, .. } = &self.recovery.path;
        PathEstimate {
            rtt: rtt.min().map(|_| rtt.smoothed()),
            min_rtt: rtt.min(),
            rate: rtt.min().map(|_| controller.rate(rtt)),
            window: controller.window(),
            loss: u16::try_from(losses.per_mille()).unwrap_or(u16::MAX),
        }
    }

    /// What was measured of the path, for a later transport over the same one: worth keeping only
    /// if no rule was broken by the peer, since it comes of what the peer acknowledged. `None`
    /// before enough was sent, or if the path holds so little that nothing would be gained.
    #[must_use]
    pub fn path_memory(&self) -> Option<PathMemory> {
        self.recovery.path.memory()
    }

    /// The probe timeout without back-off, the peer's acknowledgement delay included.
    #[must_use]
    pub fn pto(&self) -> Duration {
        self.recovery.path.rtt.pto(MAX_ACK_DELAY)
    }

    /// Counters and estimates.
    #[must_use]
    pub fn stats(&self) -> TransportStats {
        TransportStats {
            packets_lost: self.recovery.packets_lost,
            packets_late: self.recovery.packets_late,
            probe_timeouts: self.recovery.probe_timeouts,
            bytes_resent: self.streams.resent,
            datagrams_dropped: self.datagrams.dropped,
            bytes_in_flight: self.recovery.sent.bytes(),
            congestion_window: self.recovery.path.controller.window(),
            bytes_buffered: self.streams.buffered(),
            bytes_unread: self.streams.unread(),
            streams: self.streams.len(),
            ..self.stats
        }
    }
}

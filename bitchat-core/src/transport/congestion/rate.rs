//! How fast packets arrive: delivery-rate samples (draft-ietf-ccwg-bbr §4.5.2).
//!
//! Each packet carries a [`Stamp`] of what had arrived when it left. What has arrived since, over
//! the longer of the times that sending and acknowledging it took, is a rate that the path can
//! carry; neither bursts of packets nor bunched ACKs exaggerate it.

use super::RateSample;
use crate::base::time::Timestamp;
use core::time::Duration;

/// The state of the sampler when a packet left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::transport) struct Stamp {
    /// Bytes that had been acknowledged, and when the last of them was.
    delivered: u64,
    delivered_at: Timestamp,
    /// When the packet left whose acknowledgement began this flight.
    first_sent_at: Timestamp,
    /// Bytes that had been lost.
    pub(in crate::transport) lost: u64,
    /// Bytes in flight, the packet included.
    pub(in crate::transport) in_flight: u64,
    pub(in crate::transport) app_limited: bool,
}

/// Counts what arrives on one path.
#[derive(Debug)]
pub(in crate::transport) struct RateSampler {
    delivered: u64,
    delivered_at: Timestamp,
    first_sent_at: Timestamp,
    lost: u64,
    /// Samples are limited by the application until so much is delivered.
    app_limited_until: Option<u64>,
}

impl RateSampler {
    /// Nothing was sent on the path before `now`.
    pub(in crate::transport) const fn new(now: Timestamp) -> Self {
        Self {
            delivered: 0,
            delivered_at: now,
            first_sent_at: now,
            lost: 0,
            app_limited_until: None,
        }
    }

    /// A packet leaves; `others` bytes are in flight besides its own `size`.
    pub(in crate::transport) fn on_sent(
        &mut self,
        now: Timestamp,
        others: u64,
        size: u64,
    ) -> Stamp {
        if others == 0 {
            self.first_sent_at = now;
            self.delivered_at = now;
        }
        Stamp {
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
            lost: self.lost,
            in_flight: others + size,
            app_limited: self.app_limited_until.is_some(),
        }
    }

    /// There was nothing to send although more could have left.
    pub(in crate::transport) fn on_app_limited(&mut self, in_flight: u64) {
        self.app_limited_until = Some(self.delivered + in_flight);
    }

    /// A packet that counted as lost had arrived.
    pub(in crate::transport) fn on_spurious(&mut self, now: Timestamp, bytes: u64) {
        self.lost = self.lost.saturating_sub(bytes);
        self.delivered += bytes;
        self.delivered_at = now;
    }

    pub(in crate::transport) fn on_lost(&mut self, bytes: u64) {
        self.lost += bytes;
    }

    /// Bytes lost since `stamp` was made.
    pub(in crate::transport) fn lost_since(&self, stamp: &Stamp) -> u64 {
        self.lost.saturating_sub(stamp.lost)
    }

    /// An ACK settled `bytes`; the newest packet of them left at `sent_at` with `stamp`.
    ///
    /// An interval shorter than `min_rtt` says nothing: its rate is 0.
    pub(in crate::transport) fn on_acked(
        &mut self,
        now: Timestamp,
        bytes: u64,
        sent_at: Timestamp,
        stamp: &Stamp,
        min_rtt: Duration,
    ) -> RateSample {
        self.delivered += bytes;
        self.delivered_at = now;
        self.first_sent_at = sent_at;
        if self.app_limited_until.is_some_and(|until| self.delivered > until) {
            self.app_limited_until = None;
        }
        let sending = sent_at.saturating_since(stamp.first_sent_at);
        let acknowledging = self.delivered_at.saturating_since(stamp.delivered_at);
        let interval = sending.max(acknowledging);
        RateSample {
            interval: if interval < min_rtt { Duration::ZERO } else { interval },
            delivered: self.delivered - stamp.delivered,
            lost: self.lost_since(stamp),
            prior_delivered: stamp.delivered,
            total_delivered: self.delivered,
            in_flight_at_send: stamp.in_flight,
            rtt: now.saturating_since(sent_at),
            app_limited: stamp.app_limited,
        }
    }
}

#[cfg(test)]
mod tests;

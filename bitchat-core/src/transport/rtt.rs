//! The round-trip time (RFC 9002 §5).

use super::config::MAX_ACK_DELAY;
use core::time::Duration;

/// The finest step of a timer (RFC 9002 §6.1.2).
pub(super) const GRANULARITY: Duration = Duration::from_millis(1);

/// Estimate of the round-trip time of the path in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rtt {
    latest: Duration,
    smoothed: Duration,
    variation: Duration,
    min: Option<Duration>,
    /// The probe timeout without the peer's delay, which is asked for at each packet.
    timeout: Duration,
}

impl Rtt {
    /// Begins with what the handshake measured, or with a guess.
    pub(super) fn new(initial: Duration) -> Self {
        Self::from(initial, initial, initial / 2, None)
    }

    fn from(
        latest: Duration,
        smoothed: Duration,
        variation: Duration,
        min: Option<Duration>,
    ) -> Self {
        let timeout = smoothed + (variation * 4).max(GRANULARITY);
        Self { latest, smoothed, variation, min, timeout }
    }

    /// The last sample.
    #[must_use]
    pub const fn latest(&self) -> Duration {
        self.latest
    }

    /// The moving average.
    #[must_use]
    pub const fn smoothed(&self) -> Duration {
        self.smoothed
    }

    /// The mean deviation.
    #[must_use]
    pub const fn variation(&self) -> Duration {
        self.variation
    }

    /// The smallest sample; `None` before the first.
    #[must_use]
    pub const fn min(&self) -> Option<Duration> {
        self.min
    }

    /// Takes in a sample; the peer says that it held the packet for `ack_delay`.
    pub(super) fn update(&mut self, sample: Duration, ack_delay: Duration) {
        // BC-07.69: where it is more, a clock jumped, or an answer was held up.
        let sample = sample.min(self.pto(MAX_ACK_DELAY) * 2);
        let Some(min) = self.min else {
            *self = Self { min: Some(sample), ..Self::new(sample) };
            return;
        };
        let min = min.min(sample);
        // The peer's claim must not take the sample below what the path can do.
        let adjusted = sample.checked_sub(ack_delay).filter(|&left| left >= min).unwrap_or(sample);
        let deviation = self.smoothed.abs_diff(adjusted);
        let variation = (self.variation * 3 + deviation) / 4;
        let smoothed = (self.smoothed * 7 + adjusted) / 8;
        *self = Self::from(sample, smoothed, variation, Some(min));
    }

    /// The probe timeout without back-off (RFC 9002 §6.2.1).
    #[must_use]
    pub fn pto(&self, max_ack_delay: Duration) -> Duration {
        self.timeout + max_ack_delay
    }

    /// How long after a later packet's acknowledgement an earlier one may still be late
    /// (RFC 9002 §6.1.2): `eighths` of a round trip.
    pub(super) fn loss_delay(&self, eighths: u32) -> Duration {
        (self.round() * eighths / 8).max(GRANULARITY)
    }

    /// What a round trip takes by the estimate and the last sample.
    pub(super) fn round(&self) -> Duration {
        self.smoothed.max(self.latest)
    }
}

#[cfg(test)]
mod tests;

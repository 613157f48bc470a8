//! The round-trip time (RFC 9002 §5).

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
}

impl Rtt {
    pub(super) fn new(initial: Duration) -> Self {
        Self { latest: initial, smoothed: initial, variation: initial / 2, min: None }
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
        self.latest = sample;
        let Some(min) = self.min else {
            *self = Self { min: Some(sample), ..Self::new(sample) };
            return;
        };
        let min = min.min(sample);
        self.min = Some(min);
        // The peer's claim must not take the sample below what the path can do.
        let adjusted = sample.checked_sub(ack_delay).filter(|&left| left >= min).unwrap_or(sample);
        let deviation = self.smoothed.abs_diff(adjusted);
        self.variation = (self.variation * 3 + deviation) / 4;
        self.smoothed = (self.smoothed * 7 + adjusted) / 8;
    }

    /// The probe timeout without back-off (RFC 9002 §6.2.1).
    #[must_use]
    pub fn pto(&self, max_ack_delay: Duration) -> Duration {
        self.smoothed + (self.variation * 4).max(GRANULARITY) + max_ack_delay
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

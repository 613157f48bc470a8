//! What BBR remembers of the path: round trips, bandwidth, propagation delay, aggregation.

use crate::base::time::Timestamp;
use crate::transport::congestion::RateSample;
use core::time::Duration;

/// How long a smallest round trip is believed (MinRTTFilterLen).
const MIN_RTT_WINDOW: Duration = Duration::from_secs(10);
/// Rounds over which the largest aggregate is remembered (ExtraAckedFilterLen).
const AGGREGATION_ROUNDS: u64 = 10;

/// Bytes in `time` at `rate` bytes a second.
pub(super) fn volume(rate: u64, time: Duration) -> u64 {
    u64::try_from(u128::from(rate) * time.as_nanos() / 1_000_000_000).unwrap_or(u64::MAX)
}

/// Bytes a second of `bytes` in `time`; 0 if `time` is.
pub(super) fn rate(bytes: u64, time: Duration) -> u64 {
    // In 64 bits, whose division is much faster: exact up to 18 GB.
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    bytes.saturating_mul(1_000_000_000).checked_div(nanos).unwrap_or(0)
}

/// Round trips, counted in packets: one ends when a packet is acknowledged that left after the
/// last one had ended.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    pub(super) count: u64,
    /// The present ACK begins a round.
    pub(super) start: bool,
    next_delivered: u64,
}

impl Rounds {
    pub(super) fn update(&mut self, sample: &RateSample) {
        self.start = sample.prior_delivered >= self.next_delivered;
        if self.start {
            self.count += 1;
            self.next_delivered = sample.total_delivered;
        }
    }
}

/// The largest bandwidth of this cycle of probing and the one before.
#[derive(Debug, Default)]
pub(super) struct MaxBandwidth {
    cycles: [u64; 2],
}

impl MaxBandwidth {
    pub(super) fn get(&self) -> u64 {
        let [before, now] = self.cycles;
        before.max(now)
    }

    pub(super) fn update(&mut self, bandwidth: u64) {
        let [_, now] = &mut self.cycles;
        *now = bandwidth.max(*now);
    }

    /// A cycle is over. One without any sample is not: what is known stays.
    pub(super) fn advance(&mut self) {
        let [_, now] = self.cycles;
        if now > 0 {
            self.cycles = [now, 0];
        }
    }
}

/// The smallest round trip of ten seconds.
#[derive(Debug, Default)]
pub(super) struct MinRtt {
    value: Option<Duration>,
    stamp: Timestamp,
}

impl MinRtt {
    /// Zero before the first sample.
    pub(super) fn get(&self) -> Duration {
        self.value.unwrap_or_default()
    }

    /// Takes in a sample; true if nothing near the smallest was seen for ten seconds.
    ///
    /// A sample within 1/32 of the smallest shows that the queue was empty, so nothing need be
    /// probed; the value stays, lest it creep.
    pub(super) fn update(&mut self, now: Timestamp, sample: Duration) -> bool {
        let expired = self.value.is_some() && now.saturating_since(self.stamp) > MIN_RTT_WINDOW;
        let value = self.value.unwrap_or(Duration::MAX);
        if sample <= value || expired {
            self.value = Some(sample);
            self.stamp = now;
        } else if sample <= value + value / 32 {
            self.stamp = now;
        }
        expired && sample > value + value / 32
    }

    /// The queue was drained just now.
    pub(super) fn refresh(&mut self, now: Timestamp) {
        self.stamp = now;
    }
}

/// How much more than expected is acknowledged at once: on such paths more must be in flight.
#[derive(Debug, Default)]
pub(super) struct Aggregation {
    since: Timestamp,
    acked: u64,
    /// The largest of two periods of ten rounds.
    periods: [u64; 2],
    period_start: u64,
}

impl Aggregation {
    pub(super) fn update(&mut self, now: Timestamp, acked: u64, rounds: u64, bandwidth: u64) {
        let mut expected = volume(bandwidth, now.saturating_since(self.since));
        if self.acked <= expected {
            (self.acked, self.since, expected) = (0, now, 0);
        }
        self.acked += acked;
        if rounds.saturating_sub(self.period_start) >= AGGREGATION_ROUNDS {
            let [_, last] = self.periods;
            self.periods = [last, 0];
            self.period_start = rounds;
        }
        let [_, last] = &mut self.periods;
        *last = (*last).max(self.acked.saturating_sub(expected));
    }

    pub(super) fn extra(&self) -> u64 {
        let [before, last] = self.periods;
        before.max(last)
    }

    /// Sending begins again after a pause.
    pub(super) fn restart(&mut self, now: Timestamp) {
        (self.acked, self.since) = (0, now);
    }
}

/// Whether the pipe is full: the bandwidth has not grown by a quarter in three rounds.
#[derive(Debug, Default)]
pub(super) struct FullPipe {
    pub(super) reached: bool,
    bandwidth: u64,
    rounds: u32,
}

impl FullPipe {
    /// Called at the start of each round that the application does not limit.
    pub(super) fn check(&mut self, bandwidth: u64) {
        if bandwidth >= self.bandwidth.saturating_mul(5) / 4 {
            self.bandwidth = bandwidth;
            self.rounds = 0;
            return;
        }
        self.rounds += 1;
        self.reached |= self.rounds >= 3;
    }
}

//! Pacing: a token bucket that spreads a window over a round trip (RFC 9002 §7.7).

use crate::base::time::Timestamp;
use core::time::Duration;

/// Packets that may leave back to back.
const BURST_PACKETS: u64 = 10;
/// Time whose worth may leave back to back on fast paths.
const BURST_TIME: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(super) struct Pacer {
    tokens: u64,
    filled_at: Timestamp,
    packet_size: u64,
}

impl Pacer {
    pub(super) const fn new(now: Timestamp, packet_size: u64) -> Self {
        Self { tokens: BURST_PACKETS * packet_size, filled_at: now, packet_size }
    }

    /// When `bytes` may leave at `rate` bytes a second; `None`: now.
    pub(super) fn wait(&mut self, now: Timestamp, bytes: u64, rate: u64) -> Option<Timestamp> {
        let rate = rate.max(1);
        let capacity = (BURST_PACKETS * self.packet_size).max(worth(BURST_TIME, rate));
        let elapsed = now.saturating_since(self.filled_at);
        self.tokens = self.tokens.saturating_add(worth(elapsed, rate)).min(capacity);
        self.filled_at = now;
        let missing = bytes.min(capacity).saturating_sub(self.tokens);
        (missing > 0).then(|| {
            let nanos = (u128::from(missing) * 1_000_000_000).div_ceil(u128::from(rate));
            now + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        })
    }

    pub(super) fn on_sent(&mut self, bytes: u64) {
        self.tokens = self.tokens.saturating_sub(bytes);
    }
}

/// Bytes that `rate` lets through in `time`.
fn worth(time: Duration, rate: u64) -> u64 {
    u64::try_from(time.as_nanos() * u128::from(rate) / 1_000_000_000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

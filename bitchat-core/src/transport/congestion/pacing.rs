//! Pacing: a token bucket that spreads a window over a round trip (RFC 9002 §7.7).

use crate::base::time::Timestamp;
use core::time::Duration;

/// Packets that may leave back to back, as far as they are small.
const BURST_PACKETS: u64 = 10;
/// Bytes of ten full Ethernet frames: ten larger packets would be too much at once.
const BURST_BYTES: u64 = 15_000;
/// Time whose worth may leave back to back on fast paths.
const BURST_TIME: Duration = Duration::from_millis(2);

/// Tokens are counted in billionths of a byte, so that asking often loses no fraction.
const SCALE: u128 = 1_000_000_000;

#[derive(Debug)]
pub(in crate::transport) struct Pacer {
    tokens: u128,
    filled_at: Timestamp,
    packet_size: u64,
}

impl Pacer {
    pub(in crate::transport) const fn new(now: Timestamp, packet_size: u64) -> Self {
        let tokens = burst(packet_size) as u128 * SCALE;
        Self { tokens, filled_at: now, packet_size }
    }

    /// Packets have another size from now on.
    pub(in crate::transport) const fn set_packet_size(&mut self, bytes: u64) {
        self.packet_size = bytes;
    }

    /// When `bytes` may leave at `rate` bytes a second; `None`: now.
    pub(in crate::transport) fn wait(
        &mut self,
        now: Timestamp,
        bytes: u64,
        rate: u64,
    ) -> Option<Timestamp> {
        let rate = u128::from(rate.max(1));
        let burst = u128::from(burst(self.packet_size)) * SCALE;
        let capacity = burst.max(BURST_TIME.as_nanos() * rate);
        let elapsed = now.saturating_since(self.filled_at).as_nanos();
        self.tokens = (self.tokens + elapsed * rate).min(capacity);
        self.filled_at = now;
        let missing = (u128::from(bytes) * SCALE).min(capacity).saturating_sub(self.tokens);
        (missing > 0).then(|| {
            let nanos = u64::try_from(missing.div_ceil(rate)).unwrap_or(u64::MAX);
            now + Duration::from_nanos(nanos)
        })
    }

    pub(in crate::transport) fn on_sent(&mut self, bytes: u64) {
        self.tokens = self.tokens.saturating_sub(u128::from(bytes) * SCALE);
    }
}

/// Bytes that may leave back to back.
const fn burst(packet_size: u64) -> u64 {
    let (packets, two) = (BURST_PACKETS * packet_size, 2 * packet_size);
    let large = if two > BURST_BYTES { two } else { BURST_BYTES };
    if packets < large { packets } else { large }
}

#[cfg(test)]
mod tests;

//! The window of a controller that answers to loss: what CUBIC and NewReno have in common.

use crate::base::time::Timestamp;

/// Full packets of the first window.
const INITIAL_PACKETS: u64 = 10;
/// Full packets of the smallest window.
const MIN_PACKETS: u64 = 2;

/// Bytes that may be in flight, and up to where they grow by slow start.
#[derive(Debug)]
pub(super) struct LossWindow {
    /// Bytes of a full packet.
    pub(super) packet_size: u64,
    pub(super) bytes: u64,
    pub(super) threshold: u64,
    /// Losses of packets sent until then are one event.
    recovery_started: Option<Timestamp>,
}

impl LossWindow {
    /// Ten packets of `packet_size` bytes.
    pub(super) const fn new(packet_size: u64) -> Self {
        let bytes = INITIAL_PACKETS * packet_size;
        Self { packet_size, bytes, threshold: u64::MAX, recovery_started: None }
    }

    const fn min(&self) -> u64 {
        MIN_PACKETS * self.packet_size
    }

    /// The window grows by what is acknowledged.
    pub(super) const fn is_in_slow_start(&self) -> bool {
        self.bytes < self.threshold
    }

    /// A packet sent at `sent_at` left before the window was last reduced.
    pub(super) fn in_recovery(&self, sent_at: Timestamp) -> bool {
        self.recovery_started.is_some_and(|start| sent_at <= start)
    }

    /// Congestion: the window falls to `bytes`, and slow start ends there.
    pub(super) fn reduce(&mut self, now: Timestamp, bytes: u64) {
        self.recovery_started = Some(now);
        self.bytes = bytes.max(self.min());
        self.threshold = self.bytes;
    }

    /// Persistent congestion: the smallest window (RFC 9002 §7.6.2).
    pub(super) fn collapse(&mut self) {
        self.bytes = self.min();
        self.recovery_started = None;
    }

    /// The congestion was none: `bytes` and `threshold` are what the window had before it.
    pub(super) fn restore(&mut self, bytes: u64, threshold: u64) {
        self.bytes = self.bytes.max(bytes);
        self.threshold = threshold;
        self.recovery_started = None;
    }

    /// Full packets have another size from now on.
    pub(super) fn set_packet_size(&mut self, bytes: u64) {
        self.packet_size = bytes;
        self.bytes = self.bytes.max(self.min());
    }

    /// What a trace calls the present state.
    pub(super) const fn phase(&self) -> &'static str {
        if self.is_in_slow_start() { "slow_start" } else { "congestion_avoidance" }
    }
}

//! NewReno (RFC 9002 §7).

use super::undo::Undo;
use super::{AckedPacket, Congestion, Controller, Rtt, Spurious};
use crate::base::time::Timestamp;

/// Full packets of the first window.
const INITIAL_PACKETS: u64 = 10;
/// Full packets of the smallest window.
const MIN_PACKETS: u64 = 2;

/// Slow start, then one packet more a round trip; half the window upon loss.
#[derive(Debug)]
pub struct NewReno {
    packet_size: u64,
    window: u64,
    threshold: u64,
    /// Bytes acknowledged towards the next packet of growth.
    acked: u64,
    /// Losses of packets sent until then are one event.
    recovery_started: Option<Timestamp>,
    /// Window and threshold before it.
    undo: Undo<(u64, u64)>,
}

impl NewReno {
    /// Starts with ten packets of `packet_size` bytes.
    #[must_use]
    pub fn new(packet_size: u64) -> Self {
        let window = INITIAL_PACKETS * packet_size;
        Self {
            packet_size,
            window,
            threshold: u64::MAX,
            acked: 0,
            recovery_started: None,
            undo: Undo::default(),
        }
    }

    fn in_recovery(&self, sent_at: Timestamp) -> bool {
        self.recovery_started.is_some_and(|start| sent_at <= start)
    }
}

impl Controller for NewReno {
    fn on_acked(&mut self, _now: Timestamp, packet: AckedPacket, _rtt: &Rtt) {
        if packet.app_limited || self.in_recovery(packet.sent_at) {
            return;
        }
        if self.window < self.threshold {
            self.window += packet.bytes;
            return;
        }
        self.acked += packet.bytes;
        if self.acked >= self.window {
            self.acked -= self.window;
            self.window += self.packet_size;
        }
    }

    fn on_congestion(&mut self, now: Timestamp, event: Congestion) {
        let min = MIN_PACKETS * self.packet_size;
        if self.in_recovery(event.sent_at) {
            self.undo.note(&event);
        } else {
            self.undo.begin(now, &event, (self.window, self.threshold));
            self.recovery_started = Some(now);
            self.window = (self.window / 2).max(min);
            self.threshold = self.window;
            self.acked = 0;
        }
        if event.persistent {
            self.window = min;
            self.recovery_started = None;
        }
    }

    fn on_spurious(&mut self, _now: Timestamp, packet: Spurious) {
        if let Some((window, threshold)) = self.undo.on_spurious(&packet) {
            self.window = self.window.max(window);
            self.threshold = threshold;
            self.recovery_started = None;
        }
    }

    fn window(&self) -> u64 {
        self.window
    }

    fn phase(&self) -> Option<&'static str> {
        let starting = self.window < self.threshold;
        Some(if starting { "slow_start" } else { "congestion_avoidance" })
    }

    fn set_packet_size(&mut self, bytes: u64) {
        self.packet_size = bytes;
        self.window = self.window.max(MIN_PACKETS * bytes);
    }

    fn anew(&self, packet_size: u64) -> Box<dyn Controller> {
        Box::new(Self::new(packet_size))
    }
}

#[cfg(test)]
mod tests;

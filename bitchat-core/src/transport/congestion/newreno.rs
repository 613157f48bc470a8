//! NewReno (RFC 9002 §7).

use super::undo::Undo;
use super::window::LossWindow;
use super::{AckedPacket, Congestion, Controller, Rtt, Spurious};
use crate::base::time::Timestamp;

/// Slow start, then one packet more a round trip; half the window upon loss.
#[derive(Debug)]
pub struct NewReno {
    window: LossWindow,
    /// Bytes acknowledged towards the next packet of growth.
    acked: u64,
    /// Window and threshold before the last congestion.
    undo: Undo<(u64, u64)>,
}

impl NewReno {
    /// Starts with ten packets of `packet_size` bytes.
    #[must_use]
    pub fn new(packet_size: u64) -> Self {
        Self { window: LossWindow::new(packet_size), acked: 0, undo: Undo::default() }
    }
}

impl Controller for NewReno {
    fn on_acked(&mut self, _now: Timestamp, packet: AckedPacket, _rtt: &Rtt) {
        if packet.app_limited || self.window.in_recovery(packet.sent_at) {
            return;
        }
        if self.window.is_in_slow_start() {
            self.window.bytes += packet.bytes;
            return;
        }
        self.acked += packet.bytes;
        if self.acked >= self.window.bytes {
            self.acked -= self.window.bytes;
            self.window.bytes += self.window.packet_size;
        }
    }

    fn on_congestion(&mut self, now: Timestamp, event: Congestion) {
        if self.window.in_recovery(event.sent_at) {
            self.undo.note(&event);
        } else {
            self.undo.begin(now, &event, (self.window.bytes, self.window.threshold));
            self.window.reduce(now, self.window.bytes / 2);
            self.acked = 0;
        }
        if event.persistent {
            self.window.collapse();
        }
    }

    fn on_spurious(&mut self, _now: Timestamp, packet: Spurious) {
        if let Some((bytes, threshold)) = self.undo.on_spurious(&packet) {
            self.window.restore(bytes, threshold);
        }
    }

    fn window(&self) -> u64 {
        self.window.bytes
    }

    fn phase(&self) -> Option<&'static str> {
        Some(self.window.phase())
    }

    fn set_packet_size(&mut self, bytes: u64) {
        self.window.set_packet_size(bytes);
    }

    fn anew(&self, packet_size: u64) -> Box<dyn Controller> {
        Box::new(Self::new(packet_size))
    }
}

#[cfg(test)]
mod tests;

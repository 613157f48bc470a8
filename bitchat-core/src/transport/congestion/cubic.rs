//! CUBIC (RFC 9438).
//!
//! All arithmetic is in integers (bytes and milliseconds), the cube root included, so that every
//! platform computes the same window.

use super::undo::Undo;
use super::window::LossWindow;
use super::{AckedPacket, Congestion, Controller, Rtt, Spurious};
use crate::base::time::Timestamp;
use core::time::Duration;

/// Windows above this do not grow, so that no product overflows.
const MAX_WINDOW: u64 = 1 << 40;
/// Distances in time from the inflection point are cut to this: 11 days.
const MAX_MILLIS: i128 = 1_000_000_000;

/// The largest `r` with `r`³ ≤ `n`.
fn cube_root(n: u128) -> u64 {
    let mut root: u128 = 0;
    // Bit by bit; the root of a 128-bit number has at most 43 bits.
    for bit in (0..43).rev() {
        let larger = root | 1 << bit;
        if larger.checked_pow(3).is_some_and(|cube| cube <= n) {
            root = larger;
        }
    }
    u64::try_from(root).unwrap_or(u64::MAX)
}

/// The cubic curve that the window follows in a period without congestion (an "epoch" in RFC 9438).
#[derive(Clone, Copy, Debug)]
struct Curve {
    start: Timestamp,
    /// The window before the last congestion, which the curve approaches (W_max).
    inflection: u64,
    /// Milliseconds until it gets there (K).
    millis: u64,
    /// What Reno would have (W_est).
    reno: u64,
}

/// What a congestion changes.
#[derive(Clone, Copy, Debug)]
struct Before {
    window: u64,
    threshold: u64,
    max_window: u64,
    prior: u64,
    curve: Option<Curve>,
}

/// A window that grows with the cube of the time since the last congestion.
#[derive(Debug)]
pub struct Cubic {
    window: LossWindow,
    /// The window before the last congestion, lowered by fast convergence (W_max).
    max_window: u64,
    /// The window before the last congestion (cwnd_prior).
    prior: u64,
    curve: Option<Curve>,
    /// Bytes² of growth that are not yet a byte: of the window and of Reno's.
    credit: u128,
    reno_credit: u128,
    last_acked: Timestamp,
    undo: Undo<Before>,
}

impl Cubic {
    /// Starts with ten packets of `packet_size` bytes.
    #[must_use]
    pub fn new(packet_size: u64) -> Self {
        Self {
            window: LossWindow::new(packet_size),
            max_window: 0,
            prior: 0,
            curve: None,
            credit: 0,
            reno_credit: 0,
            last_acked: Timestamp::ZERO,
            undo: Undo::default(),
        }
    }

    const fn before(&self) -> Before {
        let LossWindow { bytes: window, threshold, .. } = self.window;
        let Self { max_window, prior, curve, .. } = *self;
        Before { window, threshold, max_window, prior, curve }
    }

    /// The curve at `elapsed` (RFC 9438 §4.2): W_max + C·(t − K)³ packets with C = 0.4.
    fn window_at(&self, curve: &Curve, elapsed: Duration) -> u64 {
        let elapsed = i128::try_from(elapsed.as_millis()).unwrap_or(MAX_MILLIS);
        let t = (elapsed - i128::from(curve.millis)).clamp(-MAX_MILLIS, MAX_MILLIS);
        let grown = t.pow(3) * i128::from(self.window.packet_size) * 4 / 10_000_000_000;
        let window = (i128::from(curve.inflection) + grown).clamp(0, i128::from(MAX_WINDOW));
        u64::try_from(window).unwrap_or(MAX_WINDOW)
    }

    /// The curve that begins with the present window.
    fn begin(&self, now: Timestamp) -> Curve {
        let inflection = self.max_window.max(self.window.bytes);
        let rise = u128::from(inflection - self.window.bytes);
        let millis = cube_root(rise * 10_000_000_000 / (4 * u128::from(self.window.packet_size)));
        Curve { start: now, inflection, millis, reno: self.window.bytes }
    }

    /// What Reno's window would be (§4.3): it grows by 3·(1 − β)/(1 + β) = 9/17 packets a round,
    /// and by a whole one above the window before the congestion.
    fn grow_reno(&mut self, curve: &mut Curve, bytes: u64) {
        let (over, under) = if curve.reno < self.prior { (9, 17) } else { (1, 1) };
        self.reno_credit += u128::from(bytes * self.window.packet_size) * over;
        let per_byte = u128::from(self.window.bytes) * under;
        curve.reno += u64::try_from(self.reno_credit / per_byte).unwrap_or(0);
        self.reno_credit %= per_byte;
    }

    /// Congestion avoidance (§4.4, §4.5).
    fn grow(&mut self, now: Timestamp, bytes: u64, rtt: &Rtt) {
        let mut curve = self.curve.unwrap_or_else(|| self.begin(now));
        let elapsed = now.saturating_since(curve.start);
        self.grow_reno(&mut curve, bytes);
        self.curve = Some(curve);
        if self.window_at(&curve, elapsed) < curve.reno {
            self.window.bytes = self.window.bytes.max(curve.reno);
            return;
        }
        let target = self.window_at(&curve, elapsed + rtt.smoothed());
        let target = target.clamp(self.window.bytes, self.window.bytes + self.window.bytes / 2);
        self.credit += u128::from(target - self.window.bytes) * u128::from(bytes);
        let window = u128::from(self.window.bytes);
        self.window.bytes += u64::try_from(self.credit / window).unwrap_or(0);
        self.credit %= window;
    }
}

impl Controller for Cubic {
    fn on_acked(&mut self, now: Timestamp, packet: AckedPacket, rtt: &Rtt) {
        let pause = now.saturating_since(self.last_acked);
        self.last_acked = now;
        if packet.app_limited {
            // Time in which the window was not used does not count (§5.8).
            if let Some(curve) = &mut self.curve {
                curve.start += pause;
            }
            return;
        }
        if self.window.in_recovery(packet.sent_at) || self.window.bytes >= MAX_WINDOW {
            return;
        }
        if self.window.is_in_slow_start() {
            self.window.bytes += packet.bytes;
            return;
        }
        self.grow(now, packet.bytes, rtt);
    }

    fn on_congestion(&mut self, now: Timestamp, event: Congestion) {
        if self.window.in_recovery(event.sent_at) {
            self.undo.note(&event);
        } else {
            self.undo.begin(now, &event, self.before());
            let window = self.window.bytes;
            self.prior = window;
            // Fast convergence (§4.7): a flow that shrinks twice makes room for a newcomer.
            let shrinking = window < self.max_window;
            self.max_window = if shrinking { window * 17 / 20 } else { window };
            self.window.reduce(now, window * 7 / 10);
            self.curve = None;
            (self.credit, self.reno_credit) = (0, 0);
        }
        if event.persistent {
            self.window.collapse();
            self.curve = None;
        }
    }

    /// As RFC 9438 §4.9.2.
    fn on_spurious(&mut self, _now: Timestamp, packet: Spurious) {
        if let Some(before) = self.undo.on_spurious(&packet) {
            self.window.restore(before.window, before.threshold);
            self.max_window = before.max_window;
            self.prior = before.prior;
            self.curve = before.curve;
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

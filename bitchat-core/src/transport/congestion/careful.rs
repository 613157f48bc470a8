//! Careful resume (RFC 9959): a link to an address that was measured lately begins near what the
//! path carried then, in steps that a changed path survives.
//!
//! [`Careful`] stands around any other controller and only ever gives it a larger window for one
//! flight: half of what was remembered, after the first window came through and the round trip is
//! as remembered. The packets of that flight that arrive teach the controller inside as any other
//! flight does. If too many are lost, the window falls to half of what arrived.

use super::{AckSummary, AckedPacket, Congestion, Controller, Rtt, Spurious};
use crate::base::time::Timestamp;
use core::time::Duration;

/// Full packets of the first window, all of which must come through before the jump.
const INITIAL_PACKETS: u64 = 10;
/// First windows that a path must hold to be remembered: on a smaller path slow start is as fast.
const LEAST_WINDOWS: u64 = 4;
/// Lost packets that are too few to judge by.
const FEW: u64 = 3;
/// What may be lost in addition to what the path lost before, in thousandths.
const TOLERATED: u64 = 20;
/// The loss of a path counts up to this, in thousandths.
const MAX_LOSS: u16 = 150;
/// Round trips after which an allowed jump that was not used is too old.
const JUMP_ROUNDS: u32 = 2;

/// What a transport has measured of a path, for a later one (BC-07.85).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathMemory {
    /// The smallest round trip.
    min_rtt: Duration,
    /// Bytes that the path held without a queue.
    volume: u64,
    /// Packets lost, in thousandths.
    loss: u16,
}

impl PathMemory {
    /// What is worth remembering: nothing of a path that holds little. `rate` is in bytes a second.
    pub(crate) fn new(min_rtt: Duration, rate: u64, loss: u64, packet_size: u64) -> Option<Self> {
        let volume = u128::from(rate) * min_rtt.as_nanos() / 1_000_000_000;
        let volume = u64::try_from(volume).ok()?;
        let loss = u16::try_from(loss).unwrap_or(MAX_LOSS).min(MAX_LOSS);
        let least = LEAST_WINDOWS * INITIAL_PACKETS * packet_size;
        (volume >= least).then_some(Self { min_rtt, volume, loss })
    }

    /// Whether a path of this round trip may be the same one (BC-07.86).
    fn is_like(&self, min_rtt: Duration) -> bool {
        (self.min_rtt / 2..=self.min_rtt * 2).contains(&min_rtt)
    }
}

/// The steps of RFC 9959 §3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The first window is under way, as on a path of which nothing is known. `full`: there was
    /// more to send than it let out.
    Reconnaissance { full: bool },
    /// The jump: what was remembered is believed for one flight, which begins with packet `first`.
    Unvalidated { first: u64, since: Timestamp },
    /// That flight is answered, up to packet `last`; no more may be in flight than when it began to
    /// be.
    Validating { last: u64, window: u64 },
    /// It was too much; until `last` is answered, half of what arrived.
    Retreat { last: u64 },
    /// The controller inside decides alone.
    Normal,
}

/// A controller that begins with what is remembered of its path.
#[derive(Debug)]
pub(in crate::transport) struct Careful {
    inner: Box<dyn Controller>,
    memory: PathMemory,
    packet_size: u64,
    phase: Phase,
    min_rtt: Option<Duration>,
    /// The newest packet that was sent, and that was acknowledged.
    newest_sent: u64,
    newest_acked: Option<u64>,
    /// The first packet behind the jump; 0 before it.
    first: u64,
    /// Bytes since the jump, or since the beginning before it. Losses of earlier packets that show
    /// only then count as well: they tell of the same path.
    sent: u64,
    acked: u64,
    lost: u64,
}

impl Careful {
    pub(in crate::transport) fn new(
        inner: Box<dyn Controller>,
        memory: PathMemory,
        packet_size: u64,
    ) -> Self {
        Self {
            inner,
            memory,
            packet_size,
            phase: Phase::Reconnaissance { full: false },
            min_rtt: None,
            newest_sent: 0,
            newest_acked: None,
            first: 0,
            sent: 0,
            acked: 0,
            lost: 0,
        }
    }

    const fn initial_window(&self) -> u64 {
        INITIAL_PACKETS * self.packet_size
    }

    /// Half of what the path held (BC-07.86).
    const fn jump(&self) -> u64 {
        self.memory.volume / 2
    }

    /// More is lost than this path lost before.
    fn loses_too_much(&self) -> bool {
        let share = self.sent * (TOLERATED + u64::from(self.memory.loss)) / 1_000;
        self.lost > FEW * self.packet_size + share
    }

    fn is_answered(&self, pn: u64) -> bool {
        self.newest_acked.is_some_and(|newest| newest >= pn)
    }

    /// The first window came through: the jump, unless this is another path or it would be none.
    fn leave_reconnaissance(&mut self, now: Timestamp, min_rtt: Duration) {
        if !self.memory.is_like(min_rtt) || self.jump() <= self.inner.window() {
            self.phase = Phase::Normal;
            return;
        }
        self.first = self.newest_sent + 1;
        self.phase = Phase::Unvalidated { first: self.first, since: now };
        (self.sent, self.acked, self.lost) = (0, 0, 0);
    }

    fn step(&mut self, now: Timestamp, ack: &AckSummary) {
        match self.phase {
            Phase::Reconnaissance { full: true } if self.acked >= self.initial_window() => {
                if let Some(min_rtt) = self.min_rtt {
                    self.leave_reconnaissance(now, min_rtt);
                }
            }
            Phase::Unvalidated { first, .. } if self.is_answered(first) => {
                let window = (ack.in_flight + ack.acked).min(self.jump());
                self.phase = Phase::Validating { last: self.newest_sent, window };
            }
            Phase::Validating { last, .. } | Phase::Retreat { last } if self.is_answered(last) => {
                self.phase = Phase::Normal;
            }
            _ => {}
        }
    }
}

impl Controller for Careful {
    fn on_sent(&mut self, now: Timestamp, pn: u64, bytes: u64, in_flight: u64) {
        self.newest_sent = pn;
        match &mut self.phase {
            Phase::Reconnaissance { full } => {
                *full |= in_flight + self.packet_size > self.inner.window();
            }
            Phase::Unvalidated { since, .. } if self.sent == 0 => {
                let longest = self.min_rtt.unwrap_or_default() * JUMP_ROUNDS;
                if now.saturating_since(*since) > longest {
                    self.phase = Phase::Normal;
                }
            }
            _ => {}
        }
        self.sent = self.sent.saturating_add(bytes);
        self.inner.on_sent(now, pn, bytes, in_flight);
    }

    fn on_acked(&mut self, now: Timestamp, packet: AckedPacket, rtt: &Rtt) {
        self.min_rtt = rtt.min();
        self.newest_acked = self.newest_acked.max(Some(packet.pn));
        if packet.pn >= self.first {
            self.acked = self.acked.saturating_add(packet.bytes);
        }
        self.inner.on_acked(now, packet, rtt);
    }

    fn on_ack_end(&mut self, now: Timestamp, ack: &AckSummary) {
        self.inner.on_ack_end(now, ack);
        self.step(now, ack);
    }

    fn on_congestion(&mut self, now: Timestamp, event: Congestion) {
        self.inner.on_congestion(now, event);
        self.lost = self.lost.saturating_add(event.bytes);
        if event.bytes > 0 && !event.persistent && !self.loses_too_much() {
            return;
        }
        match self.phase {
            Phase::Reconnaissance { .. } => self.phase = Phase::Normal,
            // BC-07.87
            Phase::Unvalidated { .. } | Phase::Validating { .. } => {
                self.phase = Phase::Retreat { last: self.newest_sent };
            }
            Phase::Retreat { .. } | Phase::Normal => {}
        }
    }

    fn on_spurious(&mut self, now: Timestamp, packet: Spurious) {
        self.lost = self.lost.saturating_sub(packet.bytes);
        self.inner.on_spurious(now, packet);
    }

    fn window(&self) -> u64 {
        let window = self.inner.window();
        match self.phase {
            Phase::Unvalidated { .. } => window.max(self.jump()),
            Phase::Validating { window: validating, .. } => window.max(validating),
            Phase::Retreat { .. } => window.min((self.acked / 2).max(self.initial_window())),
            Phase::Reconnaissance { .. } | Phase::Normal => window,
        }
    }

    /// The jump is spread over a round trip.
    fn pacing_rate(&self, rtt: &Rtt) -> u64 {
        let rate = self.inner.pacing_rate(rtt);
        match self.phase {
            Phase::Unvalidated { .. } | Phase::Validating { .. } => {
                let round = rtt.smoothed().as_nanos().max(1);
                let spread = u128::from(self.jump()) * 1_000_000_000 / round;
                rate.max(u64::try_from(spread).unwrap_or(u64::MAX))
            }
            _ => rate,
        }
    }

    fn rate(&self, rtt: &Rtt) -> u64 {
        self.inner.rate(rtt)
    }

    fn phase(&self) -> Option<&'static str> {
        match self.phase {
            Phase::Reconnaissance { .. } => Some("careful_reconnaissance"),
            Phase::Unvalidated { .. } => Some("careful_unvalidated"),
            Phase::Validating { .. } => Some("careful_validating"),
            Phase::Retreat { .. } => Some("careful_safe_retreat"),
            Phase::Normal => self.inner.phase(),
        }
    }

    fn set_packet_size(&mut self, bytes: u64) {
        self.packet_size = bytes;
        self.inner.set_packet_size(bytes);
    }

    /// What is remembered was another path's.
    fn anew(&self, packet_size: u64) -> Box<dyn Controller> {
        self.inner.anew(packet_size)
    }
}

#[cfg(test)]
mod tests;

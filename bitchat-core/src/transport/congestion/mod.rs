//! Congestion control: how much may be in flight (BC-07.30).

mod newreno;

pub use newreno::NewReno;

use super::rtt::Rtt;
use crate::base::time::Timestamp;
use core::fmt::Debug;
use core::time::Duration;

/// A packet that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct AckedPacket {
    /// Its number.
    pub pn: u64,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// Its bytes, protection included.
    pub bytes: u64,
    /// The application, not the window, limits what is sent.
    pub app_limited: bool,
}

/// Packets that were declared lost together, or a congestion mark that the peer reported.
#[derive(Clone, Copy, Debug)]
pub struct Congestion {
    /// When the newest of them was sent.
    pub sent_at: Timestamp,
    /// Their bytes; 0 for a mark.
    pub bytes: u64,
    /// All packets of a long period were lost (RFC 9002 §7.6).
    pub persistent: bool,
}

/// Decides how much may be in flight and how fast it leaves.
///
/// It is told of every packet that is sent, acknowledged or lost, with its number and time, so that
/// controllers that measure a delivery rate can keep what they need per packet.
pub trait Controller: Debug + Send {
    /// A packet of `bytes` left; `in_flight` includes it.
    fn on_sent(&mut self, now: Timestamp, pn: u64, bytes: u64, in_flight: u64) {
        let _ = (now, pn, bytes, in_flight);
    }

    /// A packet was acknowledged.
    fn on_acked(&mut self, now: Timestamp, packet: AckedPacket, rtt: &Rtt);

    /// One ACK frame has been processed; `in_flight` is what is left.
    fn on_ack_end(&mut self, now: Timestamp, in_flight: u64) {
        let _ = (now, in_flight);
    }

    /// Loss or a congestion mark.
    fn on_congestion(&mut self, now: Timestamp, event: Congestion);

    /// Bytes that may be in flight; never less than two full packets.
    fn window(&self) -> u64;

    /// Bytes a second at which packets leave; by default the window in 4/5 of a round trip.
    fn pacing_rate(&self, rtt: &Rtt) -> u64 {
        let rtt = rtt.smoothed().max(Duration::from_micros(100)).as_nanos();
        let rate = u128::from(self.window()) * 1_250_000_000 / rtt;
        u64::try_from(rate).unwrap_or(u64::MAX)
    }

    /// Another path: nothing learnt on the old one holds.
    fn reset(&mut self);
}

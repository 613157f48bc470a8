//! Congestion control: how much may be in flight (BC-07.30).

mod bbr;
mod careful;
mod cubic;
mod newreno;
pub(super) mod pacing;
pub(super) mod rate;
mod undo;
mod window;

pub use bbr::Bbr;
pub(super) use careful::Careful;
pub use careful::PathMemory;
pub use cubic::Cubic;
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
#[derive(Clone, Copy, Debug, Default)]
pub struct Congestion {
    /// Counts these events; the first is number 1.
    pub number: u64,
    /// When the newest of them was sent.
    pub sent_at: Timestamp,
    /// Their bytes; 0 for a mark.
    pub bytes: u64,
    /// All packets of a long period were lost (RFC 9002 §7.6).
    pub persistent: bool,
    /// Bytes that were in flight when the newest of them left, itself included.
    pub in_flight_at_send: u64,
    /// Bytes that were lost since it left, themselves included.
    pub lost_since_send: u64,
}

/// A packet that was declared lost, and was only late.
#[derive(Clone, Copy, Debug)]
pub struct Spurious {
    /// The event that told of it.
    pub event: u64,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// Its bytes, protection included.
    pub bytes: u64,
}

/// What one ACK says about how fast packets arrive (draft-ietf-ccwg-bbr §4.5.2). It is measured on
/// the newest packet that the ACK settles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateSample {
    /// The time over which it was measured; zero if that was too short to say anything.
    pub interval: Duration,
    /// Bytes acknowledged in that time.
    pub delivered: u64,
    /// Bytes declared lost in that time.
    pub lost: u64,
    /// Bytes that had been acknowledged when the packet left.
    pub prior_delivered: u64,
    /// Bytes acknowledged by now.
    pub total_delivered: u64,
    /// Bytes that were in flight when the packet left, itself included.
    pub in_flight_at_send: u64,
    /// The packet's round trip.
    pub rtt: Duration,
    /// The application, not the path, may have limited it.
    pub app_limited: bool,
}

/// One ACK frame, once all its packets were reported.
#[derive(Clone, Copy, Debug, Default)]
pub struct AckSummary {
    /// Bytes still in flight.
    pub in_flight: u64,
    /// Bytes that it acknowledged.
    pub acked: u64,
    /// What it says about the path; `None` if all its packets left on an earlier path.
    pub rate: Option<RateSample>,
}

/// Decides how much may be in flight and how fast it leaves.
///
/// It is told of everything that is sent, acknowledged or lost. What a delivery rate is measured
/// from is kept per packet by loss recovery and summed up in a [`RateSample`] for each ACK.
pub trait Controller: Debug + Send {
    /// A packet of `bytes` left; `in_flight` includes it.
    fn on_sent(&mut self, now: Timestamp, pn: u64, bytes: u64, in_flight: u64) {
        let _ = (now, pn, bytes, in_flight);
    }

    /// A packet was acknowledged.
    fn on_acked(&mut self, now: Timestamp, packet: AckedPacket, rtt: &Rtt);

    /// One ACK frame has been processed, the losses that it showed included.
    fn on_ack_end(&mut self, now: Timestamp, ack: &AckSummary) {
        let _ = (now, ack);
    }

    /// Loss or a congestion mark.
    fn on_congestion(&mut self, now: Timestamp, event: Congestion);

    /// A packet that was declared lost, and told of as [`Congestion`], had arrived after all. What
    /// was done about it may be taken back, and no more than that.
    fn on_spurious(&mut self, now: Timestamp, packet: Spurious) {
        let _ = (now, packet);
    }

    /// Bytes that may be in flight; never less than two full packets.
    fn window(&self) -> u64;

    /// Bytes a second at which packets leave; by default the window in 4/5 of a round trip.
    fn pacing_rate(&self, rtt: &Rtt) -> u64 {
        let rtt = rtt.smoothed().max(Duration::from_micros(100)).as_nanos();
        let rate = u128::from(self.window()) * 1_250_000_000 / rtt;
        u64::try_from(rate).unwrap_or(u64::MAX)
    }

    /// Bytes a second that the path carries, by what is known; by default the window in a round
    /// trip.
    fn rate(&self, rtt: &Rtt) -> u64 {
        let rtt = rtt.smoothed().max(Duration::from_micros(100)).as_nanos();
        let rate = u128::from(self.window()) * 1_000_000_000 / rtt;
        u64::try_from(rate).unwrap_or(u64::MAX)
    }

    /// What it is doing, in the terms of its specification, for traces.
    fn phase(&self) -> Option<&'static str> {
        None
    }

    /// Full packets have `bytes` bytes from now on. What is in flight may not grow for it, but for
    /// the least that is always allowed.
    fn set_packet_size(&mut self, bytes: u64);

    /// The same controller for another path, of which nothing is known yet; full packets have
    /// `packet_size` bytes there.
    fn anew(&self, packet_size: u64) -> Box<dyn Controller>;
}

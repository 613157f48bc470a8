//! How often the peer acknowledges: the sender says, because it alone knows its window (after
//! draft-ietf-quic-ack-frequency).
//!
//! A chat wants each packet reported. Bulk needs a report each eighth of a round trip: more cost
//! both ends a packet each and tell the sender nothing. With fewer, CUBIC beside BBR loses much of
//! its share where queues are short, as each ACK lets a larger burst out. On a short path a report
//! each two milliseconds is soon enough for a sender that does not fill the window, and comes long
//! before the second copy of a message would leave.

use crate::transport::config::MAX_ACK_DELAY;
use crate::transport::packet::builder::PacketBuilder;
use crate::transport::packet::contents::SentFrame;
use crate::transport::rtt::Rtt;
use crate::wire::frame::{AckFrequency, Frame};
use core::ops::RangeInclusive;
use core::time::Duration;

/// ACKs in a round trip of bulk (BC-07.43).
const ACKS_PER_ROUND: u64 = 8;
/// Packets that one ACK may cover if this side asks for fewer ACKs (BC-07.43): more would hardly
/// save anything, and a lost ACK would leave a longer pause.
const MOST_ASKED: u64 = 32;
/// Below this number of packets the default policy is as good.
const FEWEST_ASKED: u64 = 4;
/// On a path with a shorter round trip, while the application leaves the window unfilled, one ACK
/// may cover 16 packets and is held back for 2 ms (BC-07.43).
const SHORT_PATH: Duration = Duration::from_millis(4);
const SHORT_PATH_PACKETS: u64 = 16;
const SHORT_PATH_DELAY: Duration = Duration::from_millis(2);
/// What a receiver lets itself be asked for (BC-07.41).
const PACKETS: RangeInclusive<u64> = 1..=64;
const DELAYS: RangeInclusive<Duration> = Duration::from_millis(1)..=MAX_ACK_DELAY;
const REORDERINGS: RangeInclusive<u64> = 1..=1_024;

/// When a receiver acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport) struct AckPolicy {
    /// Ack-eliciting packets that one ACK covers at most.
    pub(in crate::transport) packets: u32,
    /// The longest that an ACK is held back.
    pub(in crate::transport) max_delay: Duration,
    /// A missing packet is reported at once when one numbered so much higher arrives.
    pub(in crate::transport) reordering: u64,
}

impl Default for AckPolicy {
    /// The rules of the beginning (BC-07.09).
    fn default() -> Self {
        Self { packets: 2, max_delay: MAX_ACK_DELAY, reordering: 1 }
    }
}

fn clamp<T: Ord + Copy>(value: T, range: &RangeInclusive<T>) -> T {
    value.clamp(*range.start(), *range.end())
}

impl AckPolicy {
    /// What a peer asks for, as far as a receiver goes along (BC-07.41).
    pub(in crate::transport) fn asked(ask: &AckFrequency) -> Self {
        Self {
            packets: u32::try_from(clamp(ask.packets, &PACKETS)).unwrap_or(2),
            max_delay: clamp(Duration::from_micros(ask.max_delay_micros), &DELAYS),
            reordering: clamp(ask.reordering, &REORDERINGS),
        }
    }

    fn frame(&self, sequence: u64) -> Frame<'static> {
        Frame::AckFrequency(AckFrequency {
            sequence,
            packets: u64::from(self.packets),
            max_delay_micros: u64::try_from(self.max_delay.as_micros()).unwrap_or(u64::MAX),
            reordering: self.reordering,
        })
    }

    /// Too little has changed to say it.
    fn resembles(&self, other: &Self) -> bool {
        let near = |a: u64, b: u64| a < 2 * b && b < 2 * a;
        let micros = |policy: &Self| u64::try_from(policy.max_delay.as_micros()).unwrap_or(0);
        near(u64::from(self.packets), u64::from(other.packets))
            && near(micros(self), micros(other))
            && (other.reordering..2 * other.reordering).contains(&self.reordering)
    }
}

/// What was in flight when a packet left.
#[derive(Clone, Copy, Debug)]
pub(in crate::transport) struct Flight {
    /// Bytes, the packet included.
    pub(in crate::transport) bytes: u64,
    /// Bytes of a full packet.
    pub(in crate::transport) packet_size: u64,
    /// More could have been in flight.
    pub(in crate::transport) app_limited: bool,
}

/// What we ask of the peer.
#[derive(Debug, Default)]
pub(in crate::transport) struct AckAsk {
    told: AckPolicy,
    /// Of the last frame; the first is number 1.
    sequence: u64,
    due: bool,
}

impl AckAsk {
    /// An ACK arrived that reports a packet sent with `flight`; a packet counts as lost
    /// `reordering` numbers behind one that arrived.
    pub(in crate::transport) fn update(&mut self, flight: Flight, reordering: u64, rtt: &Rtt) {
        let Flight { bytes, packet_size, app_limited } = flight;
        let share = bytes / packet_size.max(1) / ACKS_PER_ROUND;
        let share = share.clamp(u64::from(AckPolicy::default().packets), MOST_ASKED);
        let told = u64::from(self.told.packets);
        let bulk = share >= FEWEST_ASKED || share * 2 > told && self.told != AckPolicy::default();
        let wanted = if app_limited && rtt.min().is_some_and(|min| min < SHORT_PATH) {
            let policy = policy(share.max(SHORT_PATH_PACKETS), reordering, rtt);
            AckPolicy { max_delay: SHORT_PATH_DELAY, ..policy }
        } else if bulk {
            policy(share, reordering, rtt)
        } else {
            AckPolicy::default()
        };
        if !wanted.resembles(&self.told) {
            self.told = wanted;
            self.sequence += 1;
            self.due = true;
        }
    }

    /// Rides in a packet that leaves anyway; never makes one.
    pub(in crate::transport) fn write(&mut self, packet: &mut PacketBuilder<'_>) {
        let sent = SentFrame::AckFrequency { sequence: self.sequence };
        if self.due && packet.put_recorded(&self.told.frame(self.sequence), sent) {
            self.due = false;
        }
    }

    pub(in crate::transport) const fn on_lost(&mut self, sequence: u64) {
        self.due |= sequence == self.sequence;
    }
}

fn policy(packets: u64, reordering: u64, rtt: &Rtt) -> AckPolicy {
    let quarter = rtt.min().unwrap_or(rtt.smoothed()) / 4;
    let micros = u64::try_from(quarter.as_micros()).unwrap_or(u64::MAX);
    AckPolicy::asked(&AckFrequency { sequence: 0, packets, max_delay_micros: micros, reordering })
}

#[cfg(test)]
mod tests;

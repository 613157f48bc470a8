//! Packets in flight and the frames that they carried.
//!
//! Two rings, so that steady sending allocates nothing: packets in order of their numbers, and the
//! frames of all packets one after the other.

use crate::base::time::Timestamp;
use crate::transport::congestion::rate::Stamp;
use crate::transport::packet::contents::SentFrame;
use core::ops::Range;
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport) struct SentPacket {
    pub(in crate::transport) pn: u64,
    pub(in crate::transport) sent_at: Timestamp,
    /// Bytes, protection included.
    pub(in crate::transport) size: u64,
    /// Marked ECT(0).
    pub(in crate::transport) ect: bool,
    /// What had arrived when it left.
    pub(in crate::transport) stamp: Stamp,
    /// Number of frames, next in the frame ring.
    frames: usize,
    first_frame: u64,
    in_flight: bool,
}

/// Ack-eliciting packets that are neither acknowledged nor lost, in order of their numbers.
///
/// An acknowledged packet behind one still in flight stays as a mark until that one goes; loss
/// detection sees to it that this is soon.
#[derive(Debug, Default)]
pub(in crate::transport) struct SentPackets {
    packets: VecDeque<SentPacket>,
    frames: SentFrames,
    bytes: u64,
    count: usize,
}

/// The frames of all packets.
#[derive(Debug, Default)]
struct SentFrames {
    ring: VecDeque<SentFrame>,
    /// Frames ever dropped from the front of the ring.
    dropped: u64,
}

impl SentFrames {
    fn of(&self, packet: &SentPacket) -> impl Iterator<Item = SentFrame> + '_ {
        let first = packet.first_frame.saturating_sub(self.dropped);
        let first = usize::try_from(first).unwrap_or(usize::MAX).min(self.ring.len());
        let last = (first + packet.frames).min(self.ring.len());
        self.ring.range(first..last).copied()
    }

    /// Drops the `count` oldest.
    fn drop_front(&mut self, count: usize) {
        self.ring.drain(..count.min(self.ring.len()));
        self.dropped += count as u64;
    }
}

impl SentPackets {
    /// Notes an ack-eliciting packet; numbers only grow.
    #[inline]
    pub(in crate::transport) fn push(
        &mut self,
        meta: NewPacket,
        stamp: Stamp,
        frames: &[SentFrame],
    ) {
        let NewPacket { pn, sent_at, size, ect } = meta;
        debug_assert!(self.packets.back().is_none_or(|last| last.pn < pn));
        let first_frame = self.frames.dropped + self.frames.ring.len() as u64;
        let frame_count = frames.len();
        self.packets.push_back(SentPacket {
            pn,
            sent_at,
            size,
            ect,
            stamp,
            frames: frame_count,
            first_frame,
            in_flight: true,
        });
        self.frames.ring.extend(frames);
        self.bytes += size;
        self.count += 1;
    }

    /// Gives back the memory of the rings if they are empty.
    pub(in crate::transport) fn shrink(&mut self) {
        if self.packets.is_empty() {
            self.packets = VecDeque::new();
            self.frames.ring = VecDeque::new();
        }
    }

    /// Bytes in flight.
    pub(in crate::transport) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Packets in flight.
    pub(in crate::transport) const fn count(&self) -> usize {
        self.count
    }

    /// Entries held, marks of acknowledged packets included.
    pub(in crate::transport) fn len(&self) -> usize {
        self.packets.len()
    }

    /// Takes the packets numbered in `range` out of flight; their frames are appended to `frames`.
    /// The newest of them.
    pub(in crate::transport) fn acknowledge(
        &mut self,
        range: &Range<u64>,
        frames: &mut Vec<SentFrame>,
        mut on_packet: impl FnMut(&SentPacket),
    ) -> Option<SentPacket> {
        let mut newest = None;
        let mut at = self.packets.partition_point(|packet| packet.pn < range.start);
        while let Some(packet) = self.packets.get_mut(at)
            && packet.pn < range.end
        {
            if packet.in_flight {
                packet.in_flight = false;
                self.bytes -= packet.size;
                self.count -= 1;
                frames.extend(self.frames.of(packet));
                on_packet(packet);
                newest = Some(at);
            }
            at += 1;
        }
        newest.and_then(|at| self.packets.get(at)).copied()
    }

    /// The oldest packet if it is in flight; marks in front of it are dropped first, and
    /// `on_mark` is called for each.
    pub(in crate::transport) fn oldest(
        &mut self,
        mut on_mark: impl FnMut(),
    ) -> Option<&SentPacket> {
        while self.packets.front().is_some_and(|packet| !packet.in_flight) {
            self.drop_front();
            on_mark();
        }
        self.packets.front()
    }

    fn drop_front(&mut self) -> Option<SentPacket> {
        let packet = self.packets.pop_front()?;
        self.frames.drop_front(packet.frames);
        Some(packet)
    }

    /// Takes the oldest packet, which is lost; its frames are appended to `frames`.
    pub(in crate::transport) fn lose_oldest(
        &mut self,
        frames: &mut Vec<SentFrame>,
    ) -> Option<SentPacket> {
        let front = *self.packets.front()?;
        frames.extend(self.frames.of(&front));
        self.bytes -= front.size;
        self.count -= 1;
        self.drop_front()
    }

    fn find(&self, pn: u64) -> Option<&SentPacket> {
        let at = self.packets.partition_point(|packet| packet.pn < pn);
        self.packets.get(at).filter(|packet| packet.pn == pn && packet.in_flight)
    }

    pub(in crate::transport) fn is_in_flight(&self, pn: u64) -> bool {
        self.find(pn).is_some()
    }

    /// Appends the frames of packet `pn` if it is in flight, where it stays.
    pub(in crate::transport) fn copy(&self, pn: u64, frames: &mut Vec<SentFrame>) {
        if let Some(packet) = self.find(pn) {
            frames.extend(self.frames.of(packet));
        }
    }

    /// Appends the frames of the `count` oldest packets in flight that hold something to be sent
    /// again (BC-07.88). They stay in flight.
    pub(in crate::transport) fn copy_oldest(&self, count: usize, frames: &mut Vec<SentFrame>) {
        let repeated = |frame: SentFrame| !matches!(frame, SentFrame::Ack { .. });
        let holds = |packet: &&SentPacket| self.frames.of(packet).any(repeated);
        let in_flight = self.packets.iter().filter(|packet| packet.in_flight);
        for packet in in_flight.filter(holds).take(count) {
            frames.extend(self.frames.of(packet));
        }
    }
}

/// A packet that left.
#[derive(Clone, Copy, Debug)]
pub(in crate::transport) struct NewPacket {
    pub(in crate::transport) pn: u64,
    pub(in crate::transport) sent_at: Timestamp,
    pub(in crate::transport) size: u64,
    pub(in crate::transport) ect: bool,
}

#[cfg(test)]
mod tests;

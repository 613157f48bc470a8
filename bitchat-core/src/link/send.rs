//! What a link sends: packets of the transport, packets of its own, and messages of the control
//! stream.

use super::paths::{Due, PathFrame};
use super::{ChannelEpoch, Ended, Link, LinkEvent, PACKET_LEN, State, code};
use crate::base::rng::Rng;
use crate::base::time::Timestamp;
use crate::base::via::Via;
use crate::crypto::suite::{Secret, TAG_LEN};
use crate::transport::{Announcement, SendGate, TransportStreamId};
use crate::wire::frame::Frame;
use crate::wire::packet::Header;

/// A packet that a link built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Where it goes.
    pub via: Via,
    /// Its bytes.
    pub len: usize,
    /// Mark its IP header ECT(0).
    pub ect: bool,
    /// More of the same length may follow it in one batch: it is as large as the path carries.
    pub full: bool,
}

/// Plaintext of a packet that a link builds itself.
const OWN_PAYLOAD: usize = 24;

impl Link {
    /// Appends packets to `buf`, whose first `first.len` bytes hold `first`, as long as they belong
    /// into one batch with it: up to `max` packets of its length, of which the last may be shorter.
    /// The bytes and packets that there are then.
    pub fn poll_batch(
        &mut self,
        now: Timestamp,
        first: &Sealed,
        max: usize,
        buf: &mut [u8],
    ) -> (usize, usize) {
        let (mut len, mut packets) = (first.len, 1);
        // Only full packets are followed by others: behind a shorter one there may be none.
        while first.full && len == packets * first.len && packets < max && self.continues(first) {
            let room = buf.get_mut(len..len + first.len);
            let Some(next) = room.and_then(|room| self.transport_packet(now, room)) else { break };
            len += next.len;
            packets += 1;
        }
        (len, packets)
    }

    /// A packet of the transport would go where `first` goes, in the same way.
    fn continues(&self, first: &Sealed) -> bool {
        self.is_open() && self.via() == first.via && self.transport.marks_ecn() == first.ect
    }

    /// Builds one packet at the front of `buf`, which has room for [`PACKET_LEN`] bytes at least.
    /// The packet is as large as the path carries and `buf` holds.
    pub fn poll_packet(&mut self, now: Timestamp, buf: &mut [u8]) -> Option<Sealed> {
        match &mut self.state {
            State::Dead => return None,
            State::Closing { closing, .. } if !closing.is_due() => return None,
            State::Closing { closing, code, .. } => {
                closing.on_sent();
                let frame = Frame::Close { code: *code, reason: b"" };
                let via = self.via();
                return self.own_packet(now, via, buf, &frame, false);
            }
            State::Open => {}
        }
        if self.addressing.paths.is_due(now)
            && let Some(sealed) = self.path_packet(now, buf)
        {
            return Some(sealed);
        }
        let sealed = self.transport_packet(now, buf)?;
        self.last_sent = now;
        Some(sealed)
    }

    /// A packet of its own on some path.
    fn path_packet(&mut self, now: Timestamp, buf: &mut [u8]) -> Option<Sealed> {
        let own_len = self.header(self.via()).overhead() + 3 + OWN_PAYLOAD;
        let due = self.change_paths(|link| link.addressing.paths.poll(now, own_len));
        let Due { via, frame, padded } = due?;
        let frame = match frame {
            PathFrame::Challenge(token) => Frame::PathChallenge(token),
            PathFrame::Response(token) => Frame::PathResponse(token),
        };
        self.own_packet(now, via, buf, &frame, padded)
    }

    fn transport_packet(&mut self, now: Timestamp, buf: &mut [u8]) -> Option<Sealed> {
        // BC-08.05: user data waits for the first rekey, and for keys that are not too old.
        let gate = if self.session.keys.may_send_user_data(now, self.config.rekey_interval) {
            SendGate::All
        } else {
            SendGate::ControlOnly
        };
        if self.transport.is_idle(now, gate) {
            return None;
        }
        let header = self.header(self.via());
        let size = self.transport.path_mtu();
        let room = buf.len().min(self.transport.packet_len(now)).checked_sub(TAG_LEN)?;
        let meta = self.transport.poll_packet(now, buf.get_mut(header.len()..room)?, gate)?;
        if meta.user_data {
            self.session.keys.on_user_data(now);
        }
        self.grown |= meta.traffic;
        let len = self.seal(now, &header, meta.len, meta.probe, buf)?;
        Some(Sealed { via: self.via(), len, ect: meta.ect, full: !meta.probe && len == size })
    }

    /// A packet with one frame, outside the transport's accounting; `padded` up to [`PACKET_LEN`].
    pub(super) fn own_packet(
        &mut self,
        now: Timestamp,
        via: Via,
        buf: &mut [u8],
        frame: &Frame<'_>,
        padded: bool,
    ) -> Option<Sealed> {
        let header = self.header(via);
        let len = if padded { PACKET_LEN - header.overhead() } else { OWN_PAYLOAD };
        let payload = buf.get_mut(header.len()..header.len() + len)?;
        payload.fill(0);
        frame.encode(&mut &mut payload[..]);
        self.transport.take_pn();
        let len = self.seal(now, &header, len, false, buf)?;
        Some(Sealed { via, len, ect: false, full: false })
    }

    fn header(&self, via: Via) -> Header {
        let pn = self.transport.next_pn();
        let cid = self.addressing.remote_cid(via, self.session.remote_cid);
        Header::new(cid, self.session.keys.phase(), pn, self.transport.largest_acked())
    }

    /// Runs what may forget paths, and then tells the peer which of its connection ids are used no
    /// more.
    pub(super) fn change_paths<T>(&mut self, change: impl FnOnce(&mut Self) -> T) -> T {
        let result = change(self);
        if !self.addressing.paths.retired.is_empty() {
            self.retire_ids();
        }
        result
    }

    fn retire_ids(&mut self) {
        for sequence in core::mem::take(&mut self.addressing.paths.retired) {
            if self.addressing.ids.forget(sequence) {
                self.announce(Announcement::RetireConnectionId(sequence));
            }
        }
    }

    /// Gives the peer as many connection ids as it may have.
    pub(super) fn issue_ids(&mut self, rng: &mut Rng, events: &mut Vec<LinkEvent>) {
        while let Some((cid, announcement)) = self.addressing.ids.issue(&mut rng.public) {
            events.push(LinkEvent::LocalId(cid));
            self.log_id(self.session.role, cid, events);
            self.announce(announcement);
        }
    }

    /// Says something that is repeated until it is acknowledged. A peer that lets too much pile up
    /// acknowledges nothing.
    pub(super) fn announce(&mut self, announcement: Announcement) {
        if self.transport.announce(announcement).is_err() {
            self.ending = Some(Ended::Violation("announcements are not acknowledged".to_owned()));
        }
    }

    /// Protects a packet whose `payload` bytes of frames lie behind the room for its header.
    fn seal(
        &mut self,
        now: Timestamp,
        header: &Header,
        payload: usize,
        probe: bool,
        buf: &mut [u8],
    ) -> Option<usize> {
        let len = header.overhead() + payload;
        let packet = buf.get_mut(..len)?;
        self.tracer.packet_sent(now, header, packet, probe);
        self.session.keys.seal(header, packet).ok()?;
        self.tracer.observe(now, &mut self.transport);
        Some(len)
    }

    /// Writes a message to the control stream. None can be left out, so the link ends when the peer
    /// lets so many pile up that the send buffer is full.
    pub(super) fn send_control(&mut self, message: &[u8]) {
        match self.transport.write_message(TransportStreamId::CONTROL, message) {
            Ok(true) => {}
            Ok(false) | Err(_) => {
                self.ending = Some(Ended::Violation("the control stream is not read".to_owned()));
            }
        }
    }

    /// Shows channels to the peer. A link that has shown as many as it may is worn out; another one
    /// takes its place.
    pub(super) fn offer(&mut self, channels: &[(ChannelEpoch, &Secret)], rng: &mut Rng) {
        match self.carried.slots.offer(channels, &mut rng.public) {
            Some(offer) => self.send_control(&offer),
            None => self.ending = Some(Ended::Local(code::NO_ERROR)),
        }
    }

    /// Finds channels that both sides have.
    pub(super) fn match_slots(&mut self, events: &mut Vec<LinkEvent>) {
        for (chan, mac) in &self.carried.macs {
            if self.carried.slots.match_channel(*chan, mac) {
                events.push(LinkEvent::ChannelUp(*chan));
            }
        }
    }
}

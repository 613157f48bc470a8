//! Taking packets in.

use super::Transport;
use super::ack::AckUrgency;
use super::config::{Ecn, SendGate};
use super::error::TransportError;
use super::sink::TransportSink;
use crate::base::time::Timestamp;
use crate::wire::frame::{Ack, Frame, Frames};
use crate::wire::varint;
use core::time::Duration;

/// On paths with a shorter round trip buffers do not grow: 1 MiB in 2 ms are 4 Gbit/s, and a larger
/// buffer only leaves the processor's cache (BC-07.80).
const SHORT_PATH: Duration = Duration::from_millis(2);

/// From this loss on, in thousandths of the packets, the send buffer keeps more to be repeated
/// (BC-07.84).
const LOSSY: u64 = 10;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Yes,
    /// Not taken for lack of room; the packet is not acknowledged.
    Refused,
}

impl Transport {
    /// Takes in the plaintext of a packet that authenticated under `pn` and was not seen before.
    ///
    /// # Errors
    /// [`TransportError`] if the peer broke the protocol: the link is to be closed with its code.
    /// What the frames before the fault brought has been reported already.
    pub fn on_packet(
        &mut self,
        now: Timestamp,
        pn: u64,
        ecn: Option<Ecn>,
        payload: &[u8],
        sink: &mut impl TransportSink,
    ) -> Result<(), TransportError> {
        let now = self.advance(now);
        self.stats.packets_received += 1;
        self.stats.bytes_received += payload.len() as u64;
        if payload.is_empty() {
            return Err(TransportError::EmptyPacket);
        }
        let mut urgency = AckUrgency::Never;
        let mut taken = Taken::Yes;
        let mut data_only = true;
        for frame in Frames::new(payload) {
            let frame = frame?;
            data_only &= matches!(frame, Frame::Stream(_));
            urgency = urgency.max(AckUrgency::of(&frame));
            if self.on_frame(now, &frame, sink)? == Taken::Refused {
                taken = Taken::Refused;
            }
        }
        if taken == Taken::Refused {
            self.stats.packets_refused += 1;
        } else if pn <= varint::MAX {
            self.acks.on_packet(now, pn, urgency, ecn);
        }
        self.recovery.on_heard();
        // Data alone lets nothing leave that could not have left before, but an ACK or credit.
        if !data_only || self.acks.is_due() || self.is_wanted(SendGate::All) {
            self.wake();
        }
        Ok(())
    }

    fn on_frame(
        &mut self,
        now: Timestamp,
        frame: &Frame<'_>,
        sink: &mut impl TransportSink,
    ) -> Result<Taken, TransportError> {
        match *frame {
            Frame::Padding(_) | Frame::Ping | Frame::ImmediateAck => {}
            Frame::AckFrequency(ask) => self.acks.on_frequency(&ask),
            Frame::Ack(ack) => self.on_ack(now, &ack, sink)?,
            Frame::Stream(stream) => {
                if !self.streams.on_stream(&stream, sink)? {
                    return Ok(Taken::Refused);
                }
            }
            Frame::ResetStream { id, code, final_size } => {
                self.streams.on_reset(id, code, final_size, sink)?;
            }
            Frame::StopSending { id, code } => self.streams.on_stop_sending(id, code, sink)?,
            Frame::MaxData(limit) => self.streams.on_max_data(limit),
            Frame::MaxStreamData { id, limit } => {
                self.streams.on_max_stream_data(id, limit, sink)?;
            }
            Frame::MaxStreams(limit) => self.streams.on_max_streams(limit, sink),
            Frame::Datagram(data) => sink.datagram(data),
            Frame::PathChallenge(token) => sink.path_challenge(token),
            Frame::PathResponse(token) => sink.path_response(token),
            Frame::ObservedAddress(address) => sink.observed_address(address),
            Frame::NewConnectionId(new) => sink.new_connection_id(new),
            Frame::RetireConnectionId { sequence } => sink.retire_connection_id(sequence),
            Frame::Close { code, reason } => sink.closed(code, reason),
        }
        Ok(Taken::Yes)
    }

    fn on_ack(
        &mut self,
        now: Timestamp,
        ack: &Ack<'_>,
        sink: &mut impl TransportSink,
    ) -> Result<(), TransportError> {
        if !ack.ranges().all(|range| self.numbers.plausible(&range)) {
            return Err(TransportError::AckOfUnsent);
        }
        let Self { recovery, acked, lost, .. } = self;
        recovery.on_ack(now, ack, acked, lost, |pn| sink.packet_acked(pn));
        self.on_frames_acked();
        self.repeat_lost();
        self.repeater.retain(|pn| self.recovery.sent.is_in_flight(pn));
        if self.long_round_trip().is_some() {
            let lossy = self.recovery.path.losses.per_mille() >= LOSSY;
            self.streams.tune_send_buffer(self.recovery.path.controller.window(), lossy);
        }
        self.streams.notify_writers(sink);
        Ok(())
    }

    /// The round trip of a path that is long enough that larger buffers help.
    pub(super) fn long_round_trip(&self) -> Option<Duration> {
        let rtt = &self.recovery.path.rtt;
        rtt.min().filter(|min| *min >= SHORT_PATH).map(|_| rtt.smoothed())
    }
}

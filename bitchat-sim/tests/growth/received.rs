//! Packets of a peer that authenticate and bring what it likes.

use crate::{Attack, Job};
use bitchat_core::base::ids::ConnectionId;
use bitchat_core::base::time::Timestamp;
use bitchat_core::transport::{
    Read, SendGate, Side, Transport, TransportConfig, TransportError, TransportSink,
    TransportStreamId,
};
use bitchat_core::wire::frame::{AckFrequency, Frame, NewConnectionId, Stream};
use std::net::SocketAddr;

/// Plaintext of a packet.
pub(crate) const PAYLOAD: usize = 1_170;
/// What a link may hold of what it received: its window at the start, and its books.
pub(crate) const WINDOW: u64 = (1 << 20) + (256 << 10);
/// What is held where nothing of the peer's data is kept.
const BOOKS: u64 = 64 << 10;

/// Which streams have something to read.
#[derive(Default)]
pub(crate) struct Notes {
    readable: Vec<TransportStreamId>,
    opened: Vec<TransportStreamId>,
}

impl TransportSink for Notes {
    fn stream_opened(&mut self, id: TransportStreamId) {
        self.opened.push(id);
    }
    fn stream_readable(&mut self, id: TransportStreamId) {
        self.readable.push(id);
    }
    fn stream_writable(&mut self, _: TransportStreamId) {}
    fn streams_available(&mut self) {}
    fn stream_stopped(&mut self, _: TransportStreamId, _: u64) {}
    fn datagram(&mut self, _: &[u8]) {}
    fn path_challenge(&mut self, _: [u8; 8]) {}
    fn path_response(&mut self, _: [u8; 8]) {}
    fn observed_address(&mut self, _: SocketAddr) {}
    fn new_connection_id(&mut self, _: NewConnectionId) {}
    fn retire_connection_id(&mut self, _: u64) {}
    fn packet_acked(&mut self, _: u64) {}
    fn closed(&mut self, _: u64, _: &[u8]) {}
}

/// A transport that takes packets in as a link does: what may be read is read, what is to be
/// answered leaves.
pub(crate) struct Victim {
    pub(crate) transport: Transport,
    pub(crate) now: Timestamp,
    notes: Notes,
    reads: bool,
}

impl Victim {
    pub(crate) fn new(side: Side, reads: bool) -> Self {
        Self::with_config(TransportConfig::default(), side, reads)
    }

    pub(crate) fn with_config(config: TransportConfig, side: Side, reads: bool) -> Self {
        let transport = Transport::new(config, side, [1; 16], Timestamp::ZERO);
        Self { transport, now: Timestamp::ZERO, notes: Notes::default(), reads }
    }

    /// Takes in a packet, a millisecond after the last.
    pub(crate) fn take(&mut self, pn: u64, payload: &[u8]) -> Result<(), TransportError> {
        self.now += std::time::Duration::from_millis(1);
        let result = self.transport.on_packet(self.now, pn, None, payload, &mut self.notes);
        for id in self.notes.opened.drain(..) {
            let _ = self.transport.finish(id);
        }
        for id in self.notes.readable.drain(..) {
            while self.reads && matches!(self.transport.read(id), Ok(Read::Data(_))) {}
        }
        result
    }

    /// Sends what there is; the number of each packet goes to `sent`.
    pub(crate) fn send(&mut self, mut sent: impl FnMut(u64)) {
        let mut buf = [0; PAYLOAD];
        if self.transport.poll_timeout().is_some_and(|at| at <= self.now) {
            self.transport.handle_timeout(self.now);
        }
        while let Some(meta) = self.transport.poll_packet(self.now, &mut buf, SendGate::All) {
            if meta.ack_eliciting {
                sent(meta.pn);
            }
        }
    }
}

/// As many of the frames in each packet as fit.
fn packed<'a>(frames: impl Iterator<Item = Frame<'a>>, most: usize) -> Vec<Vec<u8>> {
    let mut payloads = vec![Vec::new()];
    let mut count = 0;
    for frame in frames {
        let full = payloads.last().is_some_and(|last| last.len() + frame.encoded_len() > PAYLOAD);
        if full || count == most {
            payloads.push(Vec::new());
            count = 0;
        }
        count += 1;
        frame.encode(payloads.last_mut().expect("one at least"));
    }
    payloads
}

/// The packets, numbered by `number`, arrive at a transport; none of them breaks a rule.
fn arrive(payloads: Vec<Vec<u8>>, reads: bool, number: fn(u64, u64) -> u64) -> Job {
    let mut victim = Victim::new(Side::Responder, reads);
    Box::new(move || {
        let last = payloads.len() as u64 - 1;
        for (at, payload) in payloads.iter().enumerate() {
            victim.take(number(at as u64, last), payload).expect("no rule is broken");
            victim.send(|_| {});
        }
    })
}

const fn in_order(at: u64, _: u64) -> u64 {
    at
}

/// Each frame as often as there are units, as many in a packet as fit.
fn flood(units: usize, frame: impl Fn(u64) -> Frame<'static>) -> Job {
    arrive(packed((0..units as u64).map(frame), usize::MAX), true, in_order)
}

/// One frame in each packet.
fn trickle(units: usize, frame: impl Fn(u64) -> Frame<'static>) -> Job {
    arrive(packed((0..units as u64).map(frame), 1), true, in_order)
}

/// A packet with PING for each unit.
fn numbered(units: usize, number: fn(u64, u64) -> u64) -> Job {
    arrive(packed((0..units).map(|_| Frame::Ping), 1), true, number)
}

const fn piece(id: u64, offset: u64, data: &'static [u8]) -> Frame<'static> {
    Frame::Stream(Stream { id, offset, data, fin: false, to_end: false })
}

/// An order in which neighbours are far apart.
const fn scattered(at: u64, last: u64) -> u64 {
    at * 7_919 % (last + 1)
}

const fn attack(name: &'static str, memory: u64, prepare: fn(usize) -> Job) -> Attack {
    Attack { name, units: 400, memory, prepare }
}

/// The streams that a peer may open at first.
const STREAMS: u64 = 15;

pub(crate) const ATTACKS: &[Attack] = &[
    attack("gaps upwards", WINDOW, |units| trickle(units, |at| piece(2, 2 * at + 1, b"x"))),
    attack("gaps upwards, many in a packet", WINDOW, |units| {
        flood(units, |at| piece(2, 2 * at + 1, b"x"))
    }),
    attack("gaps downwards", WINDOW, |units| trickle(units, |at| piece(2, 100_001 - 2 * at, b"x"))),
    attack("gaps here and there", WINDOW, |units| {
        trickle(units, |at| piece(2, 1 + scattered(at, 99_990), b"x"))
    }),
    attack("gaps in all streams", WINDOW, |units| {
        trickle(units, |at| piece(2 + 2 * (at % STREAMS), 1_000 * (at / STREAMS % 8) + 1, b"x"))
    }),
    attack("a byte in each frame", WINDOW, |units| flood(units, |at| piece(2, at, b"x"))),
    attack("a byte in each packet", WINDOW, |units| trickle(units, |at| piece(2, at, b"x"))),
    attack("a byte in each frame that nobody reads", WINDOW, |units| {
        arrive(packed((0..units as u64).map(|at| piece(2, at, b"x")), usize::MAX), false, in_order)
    }),
    attack("the same byte again", WINDOW, |units| flood(units, |_| piece(2, 0, b"x"))),
    attack("the same byte behind a gap again", WINDOW, |units| flood(units, |_| piece(2, 9, b"x"))),
    attack("pieces that overlap", WINDOW, |units| trickle(units, |at| piece(2, at, &[7; 1_000]))),
    attack("pieces that overlap from behind", WINDOW, |units| {
        trickle(units, |at| piece(2, 100_000 - at, &[7; 1_000]))
    }),
    attack("streams opened and ended", WINDOW, |units| {
        let frame = |at| {
            let id = 2 + 2 * at;
            Frame::Stream(Stream { id, offset: 0, data: b"x", fin: true, to_end: false })
        };
        // Four in a packet: the peer keeps to the number that it is allowed.
        let payloads = packed((0..units as u64).map(frame), 4);
        arrive_with_acks(payloads)
    }),
    attack("streams reset again", BOOKS, |units| {
        flood(units, |at| Frame::ResetStream { id: 2 + 2 * (at % STREAMS), code: 0, final_size: 0 })
    }),
    attack("streams asked to stop", BOOKS, |units| {
        flood(units, |at| Frame::StopSending { id: 2 + 2 * (at % STREAMS), code: 0 })
    }),
    attack("larger limits", BOOKS, |units| flood(units, Frame::MaxData)),
    attack("larger limits of streams", BOOKS, |units| {
        flood(units, |at| Frame::MaxStreamData { id: 2 + 2 * (at % STREAMS), limit: at })
    }),
    attack("more streams", BOOKS, |units| flood(units, Frame::MaxStreams)),
    attack("other frequencies of ACK", BOOKS, |units| {
        flood(units, |sequence| {
            let max_delay_micros = 1_000 + sequence;
            Frame::AckFrequency(AckFrequency {
                sequence,
                packets: 2,
                max_delay_micros,
                reordering: 1,
            })
        })
    }),
    attack("connection ids", BOOKS, |units| {
        flood(units, |sequence| {
            let id = ConnectionId(sequence.to_le_bytes());
            Frame::NewConnectionId(NewConnectionId { sequence, retire_prior_to: sequence, id })
        })
    }),
    attack("challenges", BOOKS, |units| flood(units, |at| Frame::PathChallenge(at.to_le_bytes()))),
    attack("datagrams", BOOKS, |units| flood(units, |_| Frame::Datagram(b"x"))),
    attack("pings, many in a packet", BOOKS, |units| flood(units, |_| Frame::Ping)),
    attack("packets that want an answer at once", BOOKS, |units| {
        trickle(units, |_| Frame::ImmediateAck)
    }),
    attack("padding", BOOKS, |units| trickle(units, |_| Frame::Padding(PAYLOAD))),
    attack("every second number", BOOKS, |units| numbered(units, |at, _| 2 * at)),
    attack("numbers downwards", BOOKS, |units| numbered(units, |at, last| 2 * (last - at))),
    attack("numbers here and there", BOOKS, |units| {
        numbered(units, |at, last| 3 * scattered(at, last))
    }),
    attack("numbers in leaps", BOOKS, |units| numbered(units, |at, _| at << 32)),
    // The report fills up to its 64 ranges first.
    Attack {
        units: 1_000,
        ..attack("numbers that fill gaps", BOOKS, |units| {
            numbered(units, |at, last| if at * 2 <= last { at * 2 } else { (at * 2 - last) | 1 })
        })
    },
];

/// As [`arrive`]; what leaves meanwhile is acknowledged, so that streams are over and make room.
fn arrive_with_acks(payloads: Vec<Vec<u8>>) -> Job {
    let mut victim = Victim::new(Side::Responder, true);
    Box::new(move || {
        let mut pn = 0;
        for payload in &payloads {
            victim.take(pn, payload).expect("no rule is broken");
            pn += 1;
            let mut sent = Vec::new();
            victim.send(|pn| sent.push(pn));
            for number in sent {
                victim.take(pn, &crate::sent::ack(&[number])).expect("it was sent");
                pn += 1;
            }
        }
    })
}

//! The harness: two ends joined by a link that delays, limits, loses, doubles and reorders, always
//! advanced to exactly the earliest deadline.

use crate::base::rangeset::RangeSet;
use crate::base::rng::{Rng, Seed, Stream};
use crate::base::time::Timestamp;
use crate::transport::{
    Ecn, Read, SendGate, Side, StreamError, Transport, TransportConfig, TransportError,
    TransportSink, TransportStreamId,
};
use crate::wire::frame::NewConnectionId;
use bytes::Bytes;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

/// What a sink was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::transport) enum Event {
    Opened(TransportStreamId),
    Readable(TransportStreamId),
    Writable(TransportStreamId),
    Stopped(TransportStreamId, u64),
    StreamsAvailable,
    Datagram(Vec<u8>),
    PathChallenge([u8; 8]),
    PathResponse([u8; 8]),
    ObservedAddress(SocketAddr),
    NewConnectionId(NewConnectionId),
    RetireConnectionId(u64),
    Closed(u64, Vec<u8>),
}

#[derive(Debug, Default)]
pub(in crate::transport) struct Recorder {
    pub(in crate::transport) events: Vec<Event>,
    pub(in crate::transport) acked: u64,
}

impl TransportSink for Recorder {
    fn stream_opened(&mut self, id: TransportStreamId) {
        self.events.push(Event::Opened(id));
    }
    fn stream_readable(&mut self, id: TransportStreamId) {
        self.events.push(Event::Readable(id));
    }
    fn stream_writable(&mut self, id: TransportStreamId) {
        self.events.push(Event::Writable(id));
    }
    fn streams_available(&mut self) {
        self.events.push(Event::StreamsAvailable);
    }
    fn stream_stopped(&mut self, id: TransportStreamId, code: u64) {
        self.events.push(Event::Stopped(id, code));
    }
    fn datagram(&mut self, data: &[u8]) {
        self.events.push(Event::Datagram(data.to_vec()));
    }
    fn path_challenge(&mut self, token: [u8; 8]) {
        self.events.push(Event::PathChallenge(token));
    }
    fn path_response(&mut self, token: [u8; 8]) {
        self.events.push(Event::PathResponse(token));
    }
    fn observed_address(&mut self, address: SocketAddr) {
        self.events.push(Event::ObservedAddress(address));
    }
    fn new_connection_id(&mut self, new: NewConnectionId) {
        self.events.push(Event::NewConnectionId(new));
    }
    fn retire_connection_id(&mut self, sequence: u64) {
        self.events.push(Event::RetireConnectionId(sequence));
    }
    fn packet_acked(&mut self, _pn: u64) {
        self.acked += 1;
    }
    fn closed(&mut self, code: u64, reason: &[u8]) {
        self.events.push(Event::Closed(code, reason.to_vec()));
    }
}

/// One direction of the link.
#[derive(Clone, Copy, Debug)]
pub(in crate::transport) struct Lane {
    pub(in crate::transport) delay: Duration,
    /// Up to this much more, at random: what reorders.
    pub(in crate::transport) jitter: Duration,
    /// Bytes a second.
    pub(in crate::transport) rate: u64,
    /// Bytes that may wait; more are dropped.
    pub(in crate::transport) queue: u64,
    /// Per thousand packets.
    pub(in crate::transport) loss: u64,
    pub(in crate::transport) duplicate: u64,
    /// Marks instead of dropping when half the queue is full.
    pub(in crate::transport) marks: bool,
}

impl Lane {
    pub(in crate::transport) const CLEAN: Self = Self {
        delay: Duration::from_millis(20),
        jitter: Duration::ZERO,
        rate: 1_250_000,
        queue: 125_000,
        loss: 0,
        duplicate: 0,
        marks: false,
    };
}

#[derive(Debug)]
struct InTransit {
    pn: u64,
    ecn: Option<Ecn>,
    payload: Vec<u8>,
}

#[derive(Debug)]
pub(in crate::transport) struct End {
    pub(in crate::transport) transport: Transport,
    pub(in crate::transport) sink: Recorder,
    pub(in crate::transport) gate: SendGate,
    seen: RangeSet,
    busy_until: Timestamp,
    pub(in crate::transport) received: BTreeMap<TransportStreamId, Vec<u8>>,
    pub(in crate::transport) ended: BTreeMap<TransportStreamId, Read>,
}

impl End {
    fn new(side: Side, config: TransportConfig) -> Self {
        Self {
            transport: Transport::new(config, side, [side as u8; 16], Timestamp::ZERO),
            sink: Recorder::default(),
            gate: SendGate::All,
            seen: RangeSet::new(),
            busy_until: Timestamp::ZERO,
            received: BTreeMap::new(),
            ended: BTreeMap::new(),
        }
    }

    /// Reads everything that can be read of `id`.
    pub(in crate::transport) fn read_all(&mut self, id: TransportStreamId) {
        loop {
            match self.transport.read(id) {
                Ok(Read::Data(data)) => self.received.entry(id).or_default().extend(data),
                Ok(end @ (Read::Finished | Read::Reset(_))) => {
                    assert_eq!(self.ended.insert(id, end), None, "{id:?} ended twice");
                    return;
                }
                Ok(Read::Pending) | Err(StreamError::Unknown) => return,
                Err(error) => panic!("reading {id:?}: {error}"),
            }
        }
    }

    /// Reads all streams that were reported readable.
    pub(in crate::transport) fn read_reported(&mut self) {
        let events = core::mem::take(&mut self.sink.events);
        for event in events {
            match event {
                Event::Readable(id) => self.read_all(id),
                other => self.sink.events.push(other),
            }
        }
    }
}

pub(in crate::transport) struct Pair {
    pub(in crate::transport) now: Timestamp,
    pub(in crate::transport) ends: [End; 2],
    pub(in crate::transport) lanes: [Lane; 2],
    transit: [BTreeMap<(Timestamp, u64), InTransit>; 2],
    random: Stream,
    sequence: u64,
    steps: u64,
    pub(in crate::transport) packets: [u64; 2],
    pub(in crate::transport) bytes: [u64; 2],
}

/// Steps that no test needs.
const STEP_BUDGET: u64 = 2_000_000;

impl Pair {
    pub(in crate::transport) fn new(seed: u64, lane: Lane) -> Self {
        Self::with_config(seed, lane, TransportConfig::default())
    }

    pub(in crate::transport) fn with_config(
        seed: u64,
        lane: Lane,
        config: TransportConfig,
    ) -> Self {
        println!("seed {seed}, {lane:?}");
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self {
            now: Timestamp::ZERO,
            ends: [End::new(Side::Initiator, config.clone()), End::new(Side::Responder, config)],
            lanes: [lane; 2],
            transit: [BTreeMap::new(), BTreeMap::new()],
            random: Rng::new(&Seed(bytes)).public,
            sequence: 0,
            steps: 0,
            packets: [0; 2],
            bytes: [0; 2],
        }
    }

    /// What is under way is lost, in both directions.
    pub(in crate::transport) fn cut(&mut self) {
        self.transit.iter_mut().for_each(BTreeMap::clear);
    }

    fn chance(&mut self, per_thousand: u64) -> bool {
        per_thousand > 0 && self.random.below(1_000) < per_thousand
    }

    /// Lets `from` send all it may.
    fn drain(&mut self, from: usize) {
        let mut buf = [0; 1_500];
        loop {
            let end = &mut self.ends[from];
            let Some(meta) = end.transport.poll_packet(self.now, &mut buf, end.gate) else { break };
            assert!(meta.len > 0 && meta.len <= 1_174);
            self.packets[from] += 1;
            self.bytes[from] += meta.len as u64;
            self.carry(from, meta.pn, meta.ect, &buf[..meta.len]);
        }
    }

    fn carry(&mut self, from: usize, pn: u64, ect: bool, payload: &[u8]) {
        let lane = self.lanes[from];
        let size = payload.len() as u64 + 26 + 28;
        let start = self.ends[from].busy_until.max(self.now);
        let waiting = nanos(start.saturating_since(self.now)) * lane.rate / 1_000_000_000;
        if waiting + size > lane.queue || self.chance(lane.loss) {
            return;
        }
        let ce = lane.marks && waiting > lane.queue / 2;
        let ecn = ect.then_some(if ce { Ecn::Ce } else { Ecn::Ect0 });
        let sent = start + Duration::from_nanos(size * 1_000_000_000 / lane.rate);
        self.ends[from].busy_until = sent;
        let copies = if self.chance(lane.duplicate) { 2 } else { 1 };
        for _ in 0..copies {
            let jitter = self.random.below(nanos(lane.jitter) + 1);
            let at = sent + lane.delay + Duration::from_nanos(jitter);
            self.sequence += 1;
            let packet = InTransit { pn, ecn, payload: payload.to_vec() };
            self.transit[1 - from].insert((at, self.sequence), packet);
        }
    }

    fn deliver(&mut self, to: usize) -> Result<(), TransportError> {
        while let Some(entry) = self.transit[to].first_entry()
            && entry.key().0 <= self.now
        {
            let packet = entry.remove();
            let end = &mut self.ends[to];
            if !end.seen.insert_one(packet.pn) {
                continue;
            }
            let InTransit { pn, ecn, payload } = packet;
            end.transport.on_packet(self.now, pn, ecn, &payload, &mut end.sink)?;
        }
        Ok(())
    }

    /// Sends what can be sent and goes to the earliest thing that happens next. False if nothing
    /// will.
    pub(in crate::transport) fn step(&mut self) -> bool {
        self.steps += 1;
        assert!(self.steps < STEP_BUDGET, "no progress at {:?}", self.now);
        for from in 0..2 {
            self.drain(from);
            if let Some(at) = self.ends[from].transport.poll_timeout() {
                assert!(at > self.now, "a deadline that does not advance: {at:?}");
            }
        }
        let timeouts = self.ends.iter().filter_map(|end| end.transport.poll_timeout());
        let arrivals = self.transit.iter().filter_map(|lane| lane.keys().next().map(|key| key.0));
        let Some(next) = timeouts.chain(arrivals).min() else { return false };
        self.now = self.now.max(next);
        for to in 0..2 {
            self.deliver(to).expect("two honest ends agree");
            let transport = &mut self.ends[to].transport;
            if transport.poll_timeout().is_some_and(|at| at <= self.now) {
                transport.handle_timeout(self.now);
            }
        }
        true
    }

    /// Steps until `done`, which sees the pair after every step; false if it went quiet before, or
    /// after `limit`.
    pub(in crate::transport) fn run(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        let until = self.now + limit;
        loop {
            if done(self) {
                return true;
            }
            if !self.step() || self.now > until {
                return done(self);
            }
        }
    }

    /// Steps until `until` exactly, unless `done` before.
    pub(in crate::transport) fn run_until(
        &mut self,
        until: Timestamp,
        mut done: impl FnMut(&mut Self) -> bool,
    ) {
        while !done(self) && self.next().is_some_and(|at| at < until) {
            self.step();
        }
        self.now = self.now.max(until);
    }

    /// When something happens next, once all that may leave has left.
    fn next(&mut self) -> Option<Timestamp> {
        (0..2).for_each(|from| self.drain(from));
        let timeouts = self.ends.iter().filter_map(|end| end.transport.poll_timeout());
        let arrivals = self.transit.iter().filter_map(|lane| lane.keys().next().map(|key| key.0));
        timeouts.chain(arrivals).min()
    }

    /// Runs until nothing is going to happen any more.
    pub(in crate::transport) fn settle(&mut self) {
        self.run(Duration::from_secs(3_600), |pair| {
            pair.ends.iter_mut().for_each(End::read_reported);
            false
        });
        assert!(self.ends.iter().all(|end| end.transport.poll_timeout().is_none()), "not idle");
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("less than centuries")
}

/// Recognisable contents: byte `at` of stream `id`.
pub(in crate::transport) fn byte(id: TransportStreamId, at: u64) -> u8 {
    (at ^ at >> 8 ^ id.get().wrapping_mul(0x9d)).to_le_bytes()[0]
}

pub(in crate::transport) fn contents(id: TransportStreamId, range: core::ops::Range<u64>) -> Bytes {
    range.map(|at| byte(id, at)).collect::<Vec<_>>().into()
}

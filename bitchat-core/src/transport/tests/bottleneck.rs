//! Several flows through one slow place: a rate, a queue that drops what does not fit, a delay, and
//! a line behind it that loses at random.

use crate::base::rng::{Rng, Seed, Stream};
use crate::base::time::Timestamp;
use crate::transport::tests::Recorder;
use crate::transport::{
    Class, CongestionControl, PathMemory, Read, SendGate, Side, Transport, TransportConfig,
    TransportStreamId,
};
use bytes::Bytes;
use core::time::Duration;
use std::collections::BTreeMap;

/// Bytes that UDP and IPv4 add, and the protection.
const OVERHEAD: u64 = 28 + 29;
/// Stream bytes in a full packet of 1,171, and what that is on the wire.
const EFFICIENCY: f64 = 1_163.0 / 1_228.0;

static ZEROS: [u8; 65_536] = [0; 65_536];

/// A flow that always has more to send, or a little now and then.
#[derive(Debug)]
struct Flow {
    ends: [Transport; 2],
    sinks: [Recorder; 2],
    id: TransportStreamId,
    received: u64,
}

impl Flow {
    fn new(control: CongestionControl, seed: u8) -> Self {
        let config = TransportConfig {
            congestion_control: control,
            receive_window: 16 << 20,
            stream_window: 16 << 20,
            send_buffer: 16 << 20,
            reassembly_gaps: 4_096,
            packet_overhead: 29,
            ..TransportConfig::default()
        };
        let new = |side| Transport::new(config.clone(), side, [seed; 16], Timestamp::ZERO);
        let mut ends = [new(Side::Initiator), new(Side::Responder)];
        let id = ends[0].open_stream(Class::File).expect("a stream");
        Self { ends, sinks: [Recorder::default(), Recorder::default()], id, received: 0 }
    }

    fn write(&mut self) {
        let transport = &mut self.ends[0];
        while transport.write(self.id, Bytes::from_static(&ZEROS)).expect("open") == ZEROS.len() {}
    }

    fn read(&mut self) {
        while let Ok(Read::Data(data)) = self.ends[1].read(self.id) {
            self.received += data.len() as u64;
        }
    }
}

/// What passes the slow place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Megabits a second.
    pub(super) mbit: u64,
    /// Packets of a thousand that the line behind it loses.
    pub(super) loss: u64,
    /// One way, in milliseconds.
    pub(super) delay: u64,
    /// Room in the queue, in hundredths of what the path holds.
    pub(super) queue: u64,
    /// Up to so many milliseconds more, at random, without reordering.
    pub(super) jitter: u64,
    /// The same, with reordering.
    pub(super) disorder: u64,
}

impl Place {
    /// 50 ms one way and a queue of one bandwidth-delay product.
    pub(super) const fn new(mbit: u64, loss: u64) -> Self {
        Self { mbit, loss, delay: 50, queue: 100, jitter: 0, disorder: 0 }
    }

    const fn rate(self) -> u64 {
        self.mbit * 125_000
    }

    /// Bytes that the queue holds.
    const fn queue(self) -> u64 {
        self.rate() * 2 * self.delay / 1_000 * self.queue / 100
    }
}

struct Packet {
    flow: usize,
    to: usize,
    pn: u64,
    payload: Vec<u8>,
}

/// What was measured over some time.
#[derive(Debug)]
pub(super) struct Measured {
    /// Shares of what could have arrived, of each flow.
    pub(super) goodput: Vec<f64>,
    /// The mean and the longest wait in the queue, in milliseconds.
    pub(super) queue: (f64, f64),
}

impl Measured {
    pub(super) fn total(&self) -> f64 {
        self.goodput.iter().sum()
    }

    /// Jain's index: 1 if all have the same.
    pub(super) fn fairness(&self) -> f64 {
        let squares: f64 = self.goodput.iter().map(|share| share * share).sum();
        self.total().powi(2) / (squares * self.goodput.len() as f64)
    }
}

pub(super) struct Net {
    pub(super) place: Place,
    now: Timestamp,
    flows: Vec<Flow>,
    busy_until: Timestamp,
    last_arrival: Timestamp,
    transit: BTreeMap<(Timestamp, u64), Packet>,
    sequence: u64,
    random: Stream,
    waits: (u64, Duration, Duration),
}

impl Net {
    pub(super) fn new(place: Place, seed: u8, controls: &[CongestionControl]) -> Self {
        let flows = (seed..).zip(controls);
        Self {
            place,
            now: Timestamp::ZERO,
            flows: flows.map(|(seed, &control)| Flow::new(control, seed)).collect(),
            busy_until: Timestamp::ZERO,
            last_arrival: Timestamp::ZERO,
            transit: BTreeMap::new(),
            sequence: 0,
            random: Rng::new(&Seed([seed; 32])).public,
            waits: (0, Duration::ZERO, Duration::ZERO),
        }
    }

    fn carry(&mut self, packet: Packet) {
        let delay = Duration::from_millis(self.place.delay);
        let mut at = self.now + delay;
        if packet.to == 1 {
            let size = packet.payload.len() as u64 + OVERHEAD;
            let rate = self.place.rate();
            let start = self.busy_until.max(self.now);
            let wait = start.saturating_since(self.now);
            let waiting = u64::try_from(wait.as_nanos()).expect("short") * rate / 1_000_000_000;
            if waiting + size > self.place.queue() {
                return;
            }
            let (count, sum, longest) = self.waits;
            self.waits = (count + 1, sum + wait, longest.max(wait));
            self.busy_until = start + Duration::from_nanos(size * 1_000_000_000 / rate);
            at = self.busy_until + delay;
            if self.place.jitter > 0 {
                let jitter = self.random.below(self.place.jitter * 1_000);
                at = self.last_arrival.max(at + Duration::from_micros(jitter));
                self.last_arrival = at;
            }
            if self.place.disorder > 0 {
                at += Duration::from_micros(self.random.below(self.place.disorder * 1_000));
            }
            if self.random.below(1_000) < self.place.loss {
                return;
            }
        }
        self.sequence += 1;
        self.transit.insert((at, self.sequence), packet);
    }

    fn send(&mut self, flow: usize, from: usize) {
        let mut buf = [0; 1_500];
        let now = self.now;
        while let Some(meta) = self.flows[flow].ends[from].poll_packet(now, &mut buf, SendGate::All)
        {
            let payload = buf[..meta.len].to_vec();
            self.carry(Packet { flow, to: 1 - from, pn: meta.pn, payload });
        }
    }

    fn deliver(&mut self) {
        while let Some(entry) = self.transit.first_entry()
            && entry.key().0 <= self.now
        {
            let Packet { flow, to, pn, payload } = entry.remove();
            let end = &mut self.flows[flow];
            end.ends[to].on_packet(self.now, pn, None, &payload, &mut end.sinks[to]).expect("ours");
            end.sinks[to].events.clear();
            if to == 1 {
                end.read();
            }
        }
    }

    fn step(&mut self) {
        for flow in 0..self.flows.len() {
            self.send(flow, 0);
            self.send(flow, 1);
        }
        let ends = self.flows.iter().flat_map(|flow| &flow.ends);
        let timeouts = ends.filter_map(Transport::poll_timeout);
        let arrival = self.transit.keys().next().map(|key| key.0);
        let next = timeouts.chain(arrival).min().expect("something to come");
        assert!(next > self.now, "a deadline that does not advance: {next:?}");
        self.now = next;
        self.deliver();
        for transport in self.flows.iter_mut().flat_map(|flow| &mut flow.ends) {
            transport.handle_timeout(self.now);
        }
    }

    /// Runs for some seconds with flows that always have more to send.
    pub(super) fn run(&mut self, seconds: u64) -> Measured {
        let start = self.now;
        let before: Vec<_> = self.flows.iter().map(|flow| flow.received).collect();
        self.waits = (0, Duration::ZERO, Duration::ZERO);
        while self.now.saturating_since(start) < Duration::from_secs(seconds) {
            self.flows.iter_mut().for_each(Flow::write);
            self.step();
        }
        let time = self.now.saturating_since(start).as_secs_f64();
        let arrives = 1.0 - self.place.loss as f64 / 1_000.0;
        let possible = self.place.rate() as f64 * arrives * EFFICIENCY * time;
        let goodput = self.flows.iter().zip(before);
        let goodput =
            goodput.map(|(flow, before)| (flow.received - before) as f64 / possible).collect();
        let (count, sum, longest) = self.waits;
        let mean = sum.as_secs_f64() * 1e3 / count.max(1) as f64;
        Measured { goodput, queue: (mean, longest.as_secs_f64() * 1e3) }
    }

    /// Packets that the receivers sent, all of them ACKs.
    pub(super) fn acks(&self) -> u64 {
        self.flows.iter().map(|flow| flow.ends[1].stats().packets_sent).sum()
    }

    /// Packets that counted as lost and were only late.
    pub(super) fn late(&self) -> u64 {
        self.flows.iter().map(|flow| flow.ends[0].stats().packets_late).sum()
    }

    /// What the first flow measured.
    pub(super) fn memory(&self) -> Option<PathMemory> {
        self.flows[0].ends[0].path_memory()
    }

    /// The first flow begins with what an earlier one measured.
    pub(super) fn resume(&mut self, memory: PathMemory) {
        self.flows[0].ends[0].resume(memory);
    }

    /// Packets that all flows sent, and that they found lost.
    pub(super) fn sent(&self) -> (u64, u64) {
        let stats = self.flows.iter().map(|flow| flow.ends[0].stats());
        stats.fold((0, 0), |(sent, lost), stats| {
            (sent + stats.packets_sent, lost + stats.packets_lost)
        })
    }

    /// Waits until all that was written has arrived and been acknowledged.
    pub(super) fn settle(&mut self) {
        while self.flows.iter().any(|flow| flow.ends[0].stats().bytes_buffered > 0) {
            self.step();
        }
    }

    /// Runs for some seconds in which each flow writes `bytes` ten times a second.
    pub(super) fn trickle(&mut self, seconds: u64, bytes: usize) {
        for _ in 0..seconds * 10 {
            let until = self.now + Duration::from_millis(100);
            for flow in &mut self.flows {
                let data = Bytes::from_static(&ZEROS).slice(..bytes);
                assert_eq!(flow.ends[0].write(flow.id, data).expect("open"), bytes);
            }
            self.settle();
            self.now = self.now.max(until);
        }
    }
}

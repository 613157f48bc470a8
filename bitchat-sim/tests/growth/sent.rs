//! What a peer says of the packets that it got.

use crate::received::Victim;
use crate::{Attack, Job};
use bitchat_core::base::rangeset::RangeSet;
use bitchat_core::transport::{Class, CongestionControl, Side, TransportConfig, TransportStreamId};
use bitchat_core::wire::frame::{Frame, encode_ack};
use bytes::Bytes;
use std::time::Duration;

/// Packets in flight, and those that are remembered as lost.
const MEMORY: u64 = 6 << 20;

/// An ACK frame of these numbers.
pub(crate) fn ack(numbers: &[u64]) -> Vec<u8> {
    let mut set = RangeSet::new();
    for number in numbers {
        set.insert_one(*number);
    }
    let mut out = Vec::new();
    assert!(encode_ack(&mut out, 1_170, Duration::ZERO, &set, None), "it fits");
    out
}

/// Someone who sends much to a hostile peer.
struct Sender {
    victim: Victim,
    stream: TransportStreamId,
    /// Numbers that are neither acknowledged nor given up by the peer.
    flying: Vec<u64>,
    pn: u64,
}

impl Sender {
    fn new() -> Self {
        // Many packets are in flight at once where a window is large and opens fast.
        let congestion_control = CongestionControl::NewReno;
        let config =
            TransportConfig { send_buffer: 64 << 20, congestion_control, ..Default::default() };
        let mut victim = Victim::with_config(config, Side::Initiator, true);
        let stream = victim.transport.open_stream(Class::File).expect("the first stream");
        Self { victim, stream, flying: Vec::new(), pn: 0 }
    }

    /// Sends what may leave.
    fn send(&mut self) {
        // A peer that allows everything.
        let data = Bytes::from_static(&[7; 16_384]);
        while self.victim.transport.write(self.stream, data.clone()).is_ok_and(|taken| taken > 0) {}
        let Self { victim, flying, .. } = self;
        victim.send(|pn| flying.push(pn));
        while flying.is_empty() {
            // Its timers let something out at last.
            victim.now = victim.now.max(victim.transport.poll_timeout().expect("much to send"));
            victim.send(|pn| flying.push(pn));
        }
    }

    fn take(&mut self, payload: &[u8]) {
        self.victim.take(self.pn, payload).expect("no rule is broken");
        self.pn += 1;
    }

    fn ack(&mut self, numbers: &[u64]) {
        self.take(&ack(numbers));
    }

    /// The window opens until so many packets are in flight.
    fn grow(&mut self, packets: usize) {
        let limit = 0x3fff_ffff;
        let mut everything = Vec::new();
        Frame::MaxData(limit).encode(&mut everything);
        Frame::MaxStreamData { id: self.stream.get(), limit }.encode(&mut everything);
        self.take(&everything);
        self.send();
        for _ in 0..10_000 {
            if self.flying.len() >= packets {
                return;
            }
            let half: Vec<u64> = self.flying.drain(..self.flying.len().div_ceil(2)).collect();
            half.chunks(64).for_each(|numbers| self.ack(numbers));
            self.send();
        }
        panic!("{} packets in flight, not {packets}", self.flying.len());
    }
}

const fn attack(name: &'static str, prepare: fn(usize) -> Job) -> Attack {
    Attack { name, units: 1_000, memory: MEMORY, prepare }
}

/// In rounds: the window is filled, and what is in flight is acknowledged as `answer` says, until so
/// many ACKs were taken in.
fn rounds(units: usize, answer: fn(&[u64]) -> Vec<Vec<u64>>) -> Job {
    let mut sender = Sender::new();
    sender.grow(20);
    Box::new(move || {
        let start = sender.pn;
        while sender.pn - start < units as u64 {
            sender.send();
            let flying = std::mem::take(&mut sender.flying);
            answer(&flying).iter().for_each(|numbers| sender.ack(numbers));
        }
    })
}

/// So many packets are in flight; then ACKs come as `answer` says. What they let out is not counted:
/// that is as much as the window has grown to.
fn burst(units: usize, answer: fn(&[u64], usize) -> Vec<Vec<u8>>) -> Job {
    let mut sender = Sender::new();
    sender.grow(units);
    let payloads = answer(&sender.flying, units);
    Box::new(move || {
        payloads.iter().for_each(|payload| sender.take(payload));
    })
}

/// ACK frames, as many in a packet as fit.
fn packed(frames: impl Iterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let mut payloads = vec![Vec::new()];
    for frame in frames {
        if payloads.last().is_some_and(|last| last.len() + frame.len() > 1_170) {
            payloads.push(Vec::new());
        }
        payloads.last_mut().expect("one at least").extend(frame);
    }
    payloads
}

pub(crate) const ATTACKS: &[Attack] = &[
    attack("ACKs one by one", |units| {
        rounds(units, |flying| flying.iter().map(|number| vec![*number]).collect())
    }),
    attack("ACKs one by one, backwards", |units| {
        rounds(units, |flying| flying.iter().rev().map(|number| vec![*number]).collect())
    }),
    Attack {
        units: 100,
        ..attack("ACKs of every second packet, then of the others", |units| {
            rounds(units, |flying| {
                let half = |odd: usize| -> Vec<u64> {
                    flying.iter().skip(odd).step_by(2).copied().collect()
                };
                [half(1), half(0)]
                    .iter()
                    .flat_map(|half| half.chunks(60))
                    .map(<[u64]>::to_vec)
                    .collect()
            })
        })
    },
    attack("ACKs of the newest alone", |units| {
        rounds(units, |flying| flying.last().map(|number| vec![*number]).into_iter().collect())
    }),
    attack("ACKs of many in flight, one by one", |units| {
        burst(units, |flying, _| flying.iter().map(|number| ack(&[*number])).collect())
    }),
    attack("ACKs of many in flight, one by one, backwards", |units| {
        burst(units, |flying, _| flying.iter().rev().map(|number| ack(&[*number])).collect())
    }),
    attack("the same ACK again", |units| {
        burst(units, |flying, units| {
            let newest = &flying[flying.len() - 60..];
            packed((0..units).map(|_| ack(newest)))
        })
    }),
    attack("the same ACK with 64 ranges again", |units| {
        burst(units, |flying, units| {
            let numbers: Vec<u64> = flying.iter().copied().step_by(2).take(64).collect();
            packed((0..units).map(|_| ack(&numbers)))
        })
    }),
    attack("ACKs that grow by one", |units| {
        burst(units, |flying, _| {
            packed((1..flying.len()).map(|end| ack(&flying[end.saturating_sub(60)..end])))
        })
    }),
    attack("silence", |units| {
        let mut sender = Sender::new();
        sender.grow(100);
        Box::new(move || {
            for _ in 0..units {
                let Some(at) = sender.victim.transport.poll_timeout() else { break };
                sender.victim.now = sender.victim.now.max(at);
                sender.send();
                sender.flying.clear();
            }
        })
    }),
];

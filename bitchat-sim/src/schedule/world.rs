//! The world of a schedule: two ends, the lines between them, and what is under way.

use super::end::End;
use super::log::Log;
use super::mail::Books;
use super::place::{Places, network};
use super::plan::{Act, Plan};
use super::register::Register;
use super::session::limits;
use crate::dice::Dice;
use crate::net::{Link as Line, Schedule};
use bitchat_core::base::time::Timestamp;
use bitchat_core::link::{Verdict, Via};
use core::net::SocketAddr;
use std::collections::BTreeSet;

/// Headers of IPv4 and UDP.
const HEADERS: usize = 28;
/// What every line carries; longer packets are larger than the path was known to carry at first.
const BASE_DATAGRAM: usize = 1_200;

/// A packet on its way.
#[derive(Debug)]
pub(super) struct Flight {
    to: usize,
    network: usize,
    from: SocketAddr,
    target: SocketAddr,
    /// Which packet it is: copies share the number.
    id: u64,
    whole: bool,
    data: Vec<u8>,
}

/// A handshake that succeeded.
#[derive(Debug)]
pub(super) struct Meeting {
    pub initiator: usize,
    /// The runs of the two ends that took part.
    pub boots: [u8; 2],
}

/// What has left the ends.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// Packets on their way.
    pub under_way: Schedule<Flight>,
    /// Packets that an end took.
    pub taken: BTreeSet<u64>,
    pub packets: u64,
    /// Packets above 1,200 bytes.
    pub large_packets: u64,
    /// Where packets are built.
    pub buf: Vec<u8>,
}

/// A schedule under way.
pub(super) struct Run {
    pub seed: u64,
    pub plan: Plan,
    pub now: Timestamp,
    pub ends: [End; 2],
    /// What each end's packets go through, and whether it is cut.
    pub lines: [Line; 2],
    pub cut: [bool; 2],
    pub places: Places,
    pub address_died: bool,
    pub raced: bool,
    pub traffic: Traffic,
    pub acts: Schedule<Act>,
    pub books: Books,
    pub log: Log,
    pub meetings: Vec<Meeting>,
    pub register: Register,
    pub redialling: [bool; 2],
    pub calm: bool,
    pub over: bool,
    pub dice: Dice,
}

/// The parts of a run that an end may touch.
macro_rules! world {
    ($run:expr) => {
        &mut $crate::schedule::end::World {
            books: &mut $run.books,
            log: &mut $run.log,
            register: &mut $run.register,
            now: $run.now,
            sessions_change: $run.plan.sessions_change,
            over: $run.over,
        }
    };
}
pub(super) use world;

impl Run {
    pub(super) fn new(seed: u64, plan: Plan, mut dice: Dice, words: bool) -> Self {
        let mut acts = Schedule::default();
        plan.acts.iter().for_each(|(at, act)| acts.push(*at, *act));
        let mut end = |name: usize| End::new(name, dice.bytes(), &plan);
        let ends = [end(0), end(1)];
        let line = |of: usize, name| Line::new(plan.storm[of].clone(), dice.fork(name));
        Self {
            seed,
            now: Timestamp::ZERO,
            ends,
            lines: [line(0, "there"), line(1, "back")],
            cut: [false; 2],
            places: Places::default(),
            address_died: false,
            raced: false,
            traffic: Traffic { buf: vec![0; limits().link.datagram_bytes], ..Traffic::default() },
            acts,
            books: Books::default(),
            log: Log::new(words),
            meetings: Vec::new(),
            register: Register::default(),
            redialling: [false; 2],
            calm: false,
            over: false,
            dice,
            plan,
        }
    }

    /// Goes to the next thing that happens, but not past `limit`; false if that is reached.
    pub(super) fn step(&mut self, limit: Timestamp) -> Result<bool, String> {
        let wakes = self.ends.iter().filter_map(|end| end.wake);
        let next = wakes.chain(self.acts.next_at()).chain(self.traffic.under_way.next_at()).min();
        let Some(next) = next.filter(|next| *next <= limit) else {
            self.now = limit;
            return Ok(false);
        };
        self.now = self.now.max(next);
        self.check_stranded()?;
        let touched = if let Some(act) = self.acts.pop_due(self.now) {
            self.act(act)?;
            [true, true]
        } else if let Some(flight) = self.traffic.under_way.pop_due(self.now) {
            let to = flight.to;
            self.arrive(flight)?;
            [to == 0, to == 1]
        } else {
            let due = self.ends.each_ref().map(|end| end.wake.is_some_and(|at| at <= self.now));
            for (end, _) in self.ends.iter_mut().zip(due).filter(|(_, due)| *due) {
                end.on_timeout(world!(self))?;
            }
            due
        };
        for end in (0..2).filter(|end| touched[*end]) {
            self.flush(end)?;
            self.redial(end);
        }
        Ok(true)
    }

    fn flush(&mut self, from: usize) -> Result<(), String> {
        let mut buf = core::mem::take(&mut self.traffic.buf);
        let mut burst = 0;
        while let Some((via, len)) = self.ends[from].poll_packet(self.now, &mut buf) {
            burst += 1;
            self.check_bounds(from, burst)?;
            self.send(from, via, &buf[..len]);
        }
        self.traffic.buf = buf;
        self.ends[from].settle(self.now);
        Ok(())
    }

    fn send(&mut self, from: usize, via: Via, data: &[u8]) {
        self.traffic.packets += 1;
        self.traffic.large_packets += u64::from(data.len() > BASE_DATAGRAM);
        self.log.mix(self.now, data);
        let id = self.traffic.packets;
        let exits = self.lines[from].offer(self.now, data.len() + HEADERS);
        let arrivals = exits.map(|exit| exit.map(|exit| exit.at));
        self.log.note(
            self.now,
            format_args!(
                "{from}: packet {id} to {}, {} bytes, {arrivals:?}",
                via.remote().expect("schedules use UDP only"),
                data.len()
            ),
        );
        if self.cut[from] {
            return;
        }
        let (to, network) = (1 - from, network(via));
        let flight = |from, whole, data| Flight {
            to,
            network,
            from,
            target: via.remote().expect("schedules use UDP only"),
            id,
            whole,
            data,
        };
        for exit in exits.into_iter().flatten() {
            let mut data = data.to_vec();
            exit.damage(&mut data);
            let address = self.ends[from].addresses[network];
            self.traffic.under_way.push(exit.at, flight(address, exit.is_whole(), data));
        }
        let fits = data.len() + HEADERS <= self.lines[from].config.mtu;
        if let Some(racer) = self.places.copies(from, network).filter(|_| fits) {
            let soon = self.now + self.plan.calm.delay / 2;
            self.traffic.under_way.push(soon, flight(racer, true, data.to_vec()));
        }
    }

    fn arrive(&mut self, mut flight: Flight) -> Result<(), String> {
        let to = flight.to;
        let here = self.ends[to].addresses[flight.network];
        if self.places.forwards(to, flight.target) {
            flight.target = here;
        }
        // A router on the way sends nothing to an address that is gone.
        if self.cut[1 - to] || self.places.dead == Some(flight.network) || here != flight.target {
            return Ok(());
        }
        let cid = flight.data.first_chunk::<8>();
        let session = self.ends[to]
            .sessions
            .iter()
            .find(|s| s.link.local_cids().any(|id| Some(&id.0) == cid));
        let Some(number) = session.map(|session| session.number) else {
            return self.arrive_at_greeter(flight);
        };
        let via = Places::way(flight.network, flight.from);
        let data = &mut flight.data;
        let verdict = self.ends[to].on_datagram(number, via, data, world!(self))?;
        let Flight { id, from, .. } = flight;
        self.log.note(self.now, format_args!("{to}: packet {id} from {from}: {verdict:?}"));
        if verdict == Verdict::Authentic {
            if !flight.whole {
                return Err(format!("{to} took the damaged packet {}", flight.id));
            }
            if !self.traffic.taken.insert(flight.id) {
                return Err(format!("{to} took packet {} twice", flight.id));
            }
        }
        Ok(())
    }

    /// A packet of no session, which may be of a handshake.
    fn arrive_at_greeter(&mut self, mut flight: Flight) -> Result<(), String> {
        let Flight { to, id, from, whole, .. } = flight;
        self.log.note(self.now, format_args!("{to}: packet {id} is of no session"));
        let known = self.ends[to].on_stranger(from, &mut flight.data, world!(self))?;
        if known && !whole {
            return Err(format!("{to} took the damaged packet {id} for one of a handshake"));
        }
        Ok(())
    }
}

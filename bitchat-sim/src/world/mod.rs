//! The world: hosts with machines on a network, one clock, and a driver that is as strict as the
//! contract allows.
//!
//! It advances exactly to the earliest deadline of anything, and it fails, naming its seed, when a
//! machine
//! - still has its deadline in the past after it was handled (it would spin),
//! - has something to send, ask or tell that only became ready because time passed (its deadline
//!   was too late: with a patient driver it would have been stranded),
//! - sends without end, asks twice under one name, or uses a socket or stream that is not its own.

mod act;
mod clock;
mod drive;
mod host;

pub use clock::{Clock, EPOCH};
pub use host::Counters;

use crate::dht::DhtHost;
use crate::dice::Dice;
use crate::disk::{Disk, DiskConfig};
use crate::machine::Machine;
use crate::net::{Arrival, HostId, LinkConfig, Network, Schedule};
use crate::trace::Trace;
use crate::tracker::Tracker;
use bitchat_core::base::ids::RequestId;
use bitchat_core::base::rng::Seed;
use bitchat_core::base::time::{Now, Timestamp};
use bitchat_core::node::{Event, Failure, Family, Input, Record};
use core::time::Duration;
use host::Host;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The answer to an action that the disk or the network does not give.
#[derive(Clone, Debug)]
enum Answer {
    Resolved(Vec<IpAddr>),
    Failed(Failure),
    Bound { socket: bitchat_core::base::ids::SocketId, local: SocketAddr },
}

#[derive(Debug)]
enum Planned {
    Answer {
        host: HostId,
        life: u32,
        request: RequestId,
        answer: Answer,
    },
    Disk {
        host: HostId,
    },
    /// A node of the DHT may have something to do.
    Dht {
        host: HostId,
    },
}

/// How the driver of every host behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverConfig {
    /// The most datagrams that it takes from one `poll_transmit` (GSO).
    pub max_segments: usize,
    /// It hands in datagrams that arrive together as one (GRO).
    pub coalesce: bool,
    /// How long a name takes to resolve.
    pub resolve: Duration,
}

impl Default for DriverConfig {
    fn default() -> Self {
        Self { max_segments: 10, coalesce: true, resolve: Duration::from_millis(20) }
    }
}

/// Everything there is, decided by a seed.
#[derive(Debug)]
pub struct World<M> {
    /// The cables.
    pub net: Network,
    /// What names stand for.
    pub names: BTreeMap<String, Vec<IpAddr>>,
    /// How drivers behave.
    pub driver: DriverConfig,
    /// For the scenario's own choices.
    pub dice: Dice,
    seed: u64,
    now: Timestamp,
    hosts: Vec<Host<M>>,
    deadlines: BTreeSet<(Timestamp, HostId)>,
    planned: Schedule<Planned>,
    held: Option<Arrival>,
    sockets: u32,
    buffer: Vec<u8>,
    chance: Dice,
    trace: Trace,
}

impl<M: Machine> World<M> {
    /// An empty world. With `text`, the trace keeps every line.
    #[must_use]
    pub fn new(seed: u64, text: bool) -> Self {
        let dice = Dice::new(seed);
        Self {
            net: Network::new(dice.fork("net"), LinkConfig::default()),
            names: BTreeMap::new(),
            driver: DriverConfig::default(),
            chance: dice.fork("driver"),
            dice: dice.fork("scenario"),
            seed,
            now: Timestamp::ZERO,
            hosts: Vec::new(),
            deadlines: BTreeSet::new(),
            planned: Schedule::default(),
            held: None,
            sockets: 0,
            buffer: Vec::new(),
            trace: Trace::new(text),
        }
    }

    /// The number that decides everything.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The time that has passed since the beginning.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What has happened so far.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Ends the world and keeps what happened.
    #[must_use]
    pub fn into_trace(self) -> Trace {
        self.trace
    }

    /// A new host with one public IPv4 and one public IPv6 address, clocks of its own (skewed by
    /// up to 100 millionths) and an empty disk.
    pub fn add_host(&mut self) -> HostId {
        let number = u8::try_from(self.hosts.len() + 1).unwrap_or(u8::MAX);
        let v6 = Ipv6Addr::new(0x2a00, 0x80, 0, 0, 0, 0, 0, number.into());
        self.add_host_at(&[IpAddr::from([80, 0, 0, number]), v6.into()])
    }

    /// A new host with these addresses.
    pub fn add_host_at(&mut self, addresses: &[IpAddr]) -> HostId {
        let id = self.net.add_host(addresses);
        let mut dice = self.chance.fork(&format!("host {}", id.0));
        let skew_ppm = i32::try_from(dice.below(201)).unwrap_or(0) - 100;
        let clock = Clock { origin: dice.below(1 << 50), skew_ppm, wall: Some(0) };
        let disk = Disk::new(DiskConfig::default(), dice.fork("disk"));
        self.hosts.push(Host::new(clock, disk));
        id
    }

    /// A host that is a tracker on this UDP and TCP port, known as `name`; its TLS certificate is
    /// for that name.
    pub fn add_tracker(&mut self, name: &str, port: u16) -> HostId {
        let host = self.add_host();
        let tracker = Tracker::new(self.chance.fork(&format!("tracker {}", host.0)));
        let state = self.host_mut(host);
        state.tracker = Some(tracker);
        state.tls_name = Some(name.to_owned());
        self.names.insert(name.to_owned(), self.net.addresses(host).to_vec());
        self.net.listen(host, port);
        for family in [Family::V4, Family::V6] {
            if let Err(error) = self.net.bind(host, family, port) {
                self.fail(&format!("no port {port} for the tracker: {error}"));
            }
        }
        host
    }

    /// A host with a public IPv4 address that is nothing but a node of the DHT, and begins with those that
    /// it knows.
    pub fn add_dht_node(&mut self, ip: IpAddr, known: &[SocketAddr]) -> HostId {
        let host = self.add_host_at(&[ip]);
        let now = self.now;
        let seed = Seed(self.chance.fork(&format!("dht {}", host.0)).bytes());
        self.host_mut(host).dht = Some(DhtHost::new(&seed, now, known));
        if let Err(error) = self.net.bind(host, Family::V4, crate::dht::PORT) {
            self.fail(&format!("no port for a node of the DHT: {error}"));
        }
        self.drive_dht(host);
        host
    }

    /// All hosts, in the order in which they were added.
    pub fn hosts(&self) -> impl Iterator<Item = HostId> + use<M> {
        (0..self.hosts.len()).map(|n| HostId(u32::try_from(n).unwrap_or(u32::MAX)))
    }

    /// The tracker on a host.
    ///
    /// # Panics
    /// If the host is none.
    pub fn tracker(&mut self, host: HostId) -> &mut Tracker {
        match &mut self.host_mut(host).tracker {
            Some(tracker) => tracker,
            None => panic!("{host:?} is no tracker"),
        }
    }

    /// The disk of a host.
    pub fn disk(&mut self, host: HostId) -> &mut Disk {
        &mut self.host_mut(host).disk
    }

    /// What a host has stored.
    pub fn records(&self, host: HostId) -> impl Iterator<Item = &Record> {
        self.host(host).disk.records()
    }

    /// What clients did to the tracker on a host, if it is one, that no client may do.
    #[must_use]
    pub fn violations(&self, host: HostId) -> &[String] {
        self.host(host).tracker.as_ref().map_or(&[], Tracker::violations)
    }

    /// The clocks of a host, to set its wall clock. (The monotonic clock of a living machine must
    /// be left alone.)
    pub fn clock(&mut self, host: HostId) -> &mut Clock {
        &mut self.host_mut(host).clock
    }

    /// What a host's clocks show.
    #[must_use]
    pub fn host_now(&self, host: HostId) -> Now {
        self.host(host).now(self.now)
    }

    /// What the machine on a host has done so far.
    #[must_use]
    pub fn counters(&self, host: HostId) -> Counters {
        self.host(host).counters
    }

    /// What the machines of a host have told, over all their lives, with the world's time.
    #[must_use]
    pub fn events(&self, host: HostId) -> &[(Timestamp, Event)] {
        &self.host(host).events
    }

    /// The machine on a host, if one is running.
    #[must_use]
    pub fn machine(&self, host: HostId) -> Option<&M> {
        self.host(host).machine.as_ref()
    }

    /// Starts a machine on a host.
    pub fn start(&mut self, host: HostId, make: impl FnOnce(Now) -> M) {
        if self.host(host).machine.is_some() {
            self.fail(&format!("{host:?} already runs a machine"));
        }
        let now = self.host_now(host);
        self.trace.line(self.now, format_args!("{} starts", host.0));
        self.host_mut(host).machine = Some(make(now));
        self.settle(host);
        let addresses = self.net.addresses(host).to_vec();
        self.input(host, Input::Interfaces(&addresses));
    }

    /// Kills the machine on a host (kill -9). The disk keeps what it had answered; of the rest, a
    /// random part was done.
    pub fn kill(&mut self, host: HostId) {
        self.trace.line(self.now, format_args!("{} dies", host.0));
        let state = &mut self.hosts[host.0 as usize];
        if let Some(deadline) = state.deadline {
            self.deadlines.remove(&(deadline, host));
        }
        state.disk.crash();
        state.clear();
        // The next process may count from any other origin.
        state.clock.origin = self.chance.below(1 << 50);
        self.net.reset_host(self.now, host);
    }

    /// A host goes to sleep: its machine does not run and what is sent to it is lost. Answers of its own
    /// disk and resolver are lost with it: put hosts to sleep that wait for none.
    pub fn sleep(&mut self, host: HostId) {
        self.trace.line(self.now, format_args!("{} sleeps", host.0));
        let now = self.now;
        let state = &mut self.hosts[host.0 as usize];
        if let Some(deadline) = state.deadline.take() {
            self.deadlines.remove(&(deadline, host));
        }
        state.asleep = Some(now);
    }

    /// It wakes up. With `stopped` its monotonic clock stood still meanwhile, and its machine is told that
    /// it slept; else the machine sees no more than that its deadline is past.
    pub fn awake(&mut self, host: HostId, stopped: bool) {
        let world = self.now;
        let state = self.host_mut(host);
        let Some(since) = state.asleep.take() else { return };
        if stopped {
            let slept = state.clock.now(world).mono.saturating_since(state.clock.now(since).mono);
            let slept = u64::try_from(slept.as_nanos()).unwrap_or(u64::MAX);
            // An origin before the world's beginning.
            state.clock.origin = state.clock.origin.saturating_sub(slept);
        }
        state.drained_at = world;
        self.trace.line(world, format_args!("{} is awake", host.0));
        if stopped {
            self.input(host, Input::Resumed);
        } else {
            self.settle(host);
        }
    }

    /// Gives a host another address, and tells its machine.
    pub fn roam(&mut self, host: HostId, address: IpAddr) {
        self.net.readdress(host, address);
        let addresses = self.net.addresses(host).to_vec();
        self.input(host, Input::Interfaces(&addresses));
    }

    /// Lets the machine on a host do something at the user's command, and drains it.
    ///
    /// # Panics
    /// If none is running there.
    pub fn call<R>(&mut self, host: HostId, command: impl FnOnce(&mut M, Now) -> R) -> R {
        self.check_stranded(host);
        let now = self.host_now(host);
        let Some(machine) = &mut self.host_mut(host).machine else {
            panic!("{host:?} runs no machine");
        };
        let result = command(machine, now);
        self.settle(host);
        result
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
    }

    /// Lets time pass until `done`, but no longer than `limit`; whether it is done.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if done(self) {
                return true;
            }
            if !self.step(end) {
                return done(self);
            }
        }
    }

    /// Ends the run: something must not be so.
    ///
    /// # Panics
    /// Always, with the seed and what happened last.
    pub fn fail(&self, what: &str) -> ! {
        let tail = self.trace.tail();
        panic!("{what}\nat {:?} of seed {}; what happened last:\n{tail}", self.now, self.seed);
    }

    fn host(&self, host: HostId) -> &Host<M> {
        &self.hosts[host.0 as usize]
    }

    fn host_mut(&mut self, host: HostId) -> &mut Host<M> {
        &mut self.hosts[host.0 as usize]
    }
}

#[cfg(test)]
mod tests;

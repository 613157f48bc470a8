//! Hosts, cables and what travels on them. It knows datagrams and streams, not what they say, so
//! that any protocol can be run over the very same links.
//!
//! A packet passes up to three [links](LinkConfig): the sender's access up, the path between the
//! pair of hosts, the receiver's access down.

mod arrival;
mod link;
mod schedule;
mod tcp;

pub use arrival::{Arrival, BindError};
pub use link::{Exit, Link, LinkConfig, LinkStats, Loss};
pub use schedule::Schedule;

use crate::dice::Dice;
use bitchat_core::base::ids::StreamId;
use bitchat_core::base::time::Timestamp;
use bitchat_core::node::{Ecn, Family};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tcp::{Segment, Tcp};

/// One machine in the world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HostId(pub u32);

#[derive(Debug, Default)]
struct Host {
    addresses: Vec<IpAddr>,
    bound: BTreeSet<(Family, u16)>,
    listening: BTreeSet<u16>,
    up: Option<Link>,
    down: Option<Link>,
    unreachable: bool,
}

impl Host {
    fn address(&self, family: Family) -> Option<IpAddr> {
        let is = |ip: &&IpAddr| ip.is_ipv4() == (family == Family::V4);
        self.addresses.iter().find(is).copied()
    }
}

#[derive(Clone, Debug)]
enum Cargo {
    Datagram { from: SocketAddr, to: SocketAddr, ecn: Option<Ecn>, data: Vec<u8> },
    Segment(Segment),
}

/// Where on its way a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Up,
    Path,
    Down,
    There,
}

#[derive(Clone, Debug)]
struct Packet {
    from: HostId,
    to: HostId,
    stage: Stage,
    size: usize,
    cargo: Cargo,
}

/// All hosts and the cables between them. It has no clock: times are arguments and never go back.
#[derive(Debug)]
pub struct Network {
    hosts: Vec<Host>,
    by_address: BTreeMap<IpAddr, HostId>,
    default: LinkConfig,
    paths: BTreeMap<(HostId, HostId), Link>,
    groups: BTreeMap<HostId, usize>,
    dead: BTreeSet<IpAddr>,
    planned: Schedule<Packet>,
    arrived: VecDeque<Arrival>,
    tcp: Tcp,
    dice: Dice,
    unroutable: u64,
    tap: Option<Vec<(SocketAddr, SocketAddr, Vec<u8>)>>,
}

impl Network {
    /// No hosts yet; any two will be joined by `default` in both directions.
    #[must_use]
    pub fn new(dice: Dice, default: LinkConfig) -> Self {
        Self {
            hosts: Vec::new(),
            by_address: BTreeMap::new(),
            default,
            paths: BTreeMap::new(),
            groups: BTreeMap::new(),
            dead: BTreeSet::new(),
            planned: Schedule::default(),
            arrived: VecDeque::new(),
            tcp: Tcp::default(),
            dice,
            unroutable: 0,
            tap: None,
        }
    }

    /// A new host with these addresses.
    ///
    /// # Panics
    /// If one of them is taken.
    pub fn add_host(&mut self, addresses: &[IpAddr]) -> HostId {
        let id = HostId(u32::try_from(self.hosts.len()).unwrap_or(u32::MAX));
        for address in addresses {
            let taken = self.by_address.insert(*address, id);
            assert!(taken.is_none(), "{address} belongs to {taken:?}");
        }
        self.hosts.push(Host { addresses: addresses.to_vec(), ..Host::default() });
        id
    }

    /// Gives a host another address in place of one of the same family (a phone that roams).
    ///
    /// # Panics
    /// If the new address is taken.
    pub fn readdress(&mut self, host: HostId, address: IpAddr) {
        let slot = &mut self.hosts[host.0 as usize].addresses;
        let old = slot.iter().position(|old| old.is_ipv4() == address.is_ipv4());
        if let Some(old) = old {
            self.by_address.remove(&slot.remove(old));
        }
        slot.insert(0, address);
        let taken = self.by_address.insert(address, host);
        assert!(taken.is_none(), "{address} belongs to {taken:?}");
    }

    /// The addresses of a host.
    #[must_use]
    pub fn addresses(&self, host: HostId) -> &[IpAddr] {
        &self.hosts[host.0 as usize].addresses
    }

    /// Changes the line between all pairs that have no line of their own, from now on.
    pub fn set_default(&mut self, config: &LinkConfig) {
        self.default = config.clone();
        for link in self.paths.values_mut() {
            link.config = config.clone();
        }
    }

    /// Changes the line from one host to another, in this direction only.
    pub fn set_path(&mut self, from: HostId, to: HostId, config: LinkConfig) {
        self.path(from, to).config = config;
    }

    /// Changes the lines between two hosts, both directions.
    pub fn set_paths(&mut self, one: HostId, other: HostId, config: &LinkConfig) {
        self.set_path(one, other, config.clone());
        self.set_path(other, one, config.clone());
    }

    /// Gives a host an access line that everything it sends and receives shares.
    pub fn set_access(&mut self, host: HostId, up: LinkConfig, down: LinkConfig) {
        let dice = |way: &str| self.dice.fork(&format!("{way} {}", host.0));
        let (up, down) = (Link::new(up, dice("up")), Link::new(down, dice("down")));
        let host = &mut self.hosts[host.0 as usize];
        host.up = Some(up);
        host.down = Some(down);
    }

    /// What has happened on the line from one host to another.
    #[must_use]
    pub fn path_stats(&self, from: HostId, to: HostId) -> LinkStats {
        self.paths.get(&(from, to)).map(|link| link.stats).unwrap_or_default()
    }

    /// Datagrams that were sent to nobody: no such address, or no such port.
    #[must_use]
    pub fn unroutable(&self) -> u64 {
        self.unroutable
    }

    /// Listens in on all datagrams from now on; what was heard so far, as (from, to, data).
    pub fn tap(&mut self) -> Vec<(SocketAddr, SocketAddr, Vec<u8>)> {
        self.tap.replace(Vec::new()).unwrap_or_default()
    }

    /// Cuts the network: hosts of different groups cannot reach each other; a host of no group
    /// reaches everybody. What is on its way across the cut is lost.
    pub fn partition(&mut self, groups: &[&[HostId]]) {
        self.groups.clear();
        for (group, hosts) in groups.iter().enumerate() {
            self.groups.extend(hosts.iter().map(|host| (*host, group)));
        }
    }

    /// Undoes [`Network::partition`].
    pub fn heal(&mut self) {
        self.groups.clear();
    }

    /// Cuts a host off from everybody, or undoes that.
    pub fn set_unreachable(&mut self, host: HostId, unreachable: bool) {
        self.hosts[host.0 as usize].unreachable = unreachable;
    }

    /// Datagrams from and to an address are lost from now on, also those on their way; its host keeps
    /// it and hears nothing of that. Or undoes this.
    pub fn set_dead(&mut self, address: IpAddr, dead: bool) {
        if dead {
            self.dead.insert(address);
        } else {
            self.dead.remove(&address);
        }
    }

    /// Binds a UDP port on all addresses of a family; 0 chooses one.
    ///
    /// # Errors
    /// If the host has no such address or the port is taken.
    pub fn bind(
        &mut self,
        host: HostId,
        family: Family,
        port: u16,
    ) -> Result<SocketAddr, BindError> {
        let state = &mut self.hosts[host.0 as usize];
        if state.address(family).is_none() {
            return Err(BindError::NoAddress);
        }
        let mut port = port;
        while port == 0 || (state.bound.contains(&(family, port)) && port >= 32_768) {
            port = 32_768 + u16::try_from(self.dice.below(28_000)).unwrap_or(0);
        }
        if !state.bound.insert((family, port)) {
            return Err(BindError::InUse);
        }
        let any: IpAddr = match family {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
        };
        Ok(SocketAddr::new(any, port))
    }

    /// Lets a host accept streams on a port.
    pub fn listen(&mut self, host: HostId, port: u16) {
        self.hosts[host.0 as usize].listening.insert(port);
    }

    /// Stops accepting streams on a port; those that are open stay.
    pub fn unlisten(&mut self, host: HostId, port: u16) {
        self.hosts[host.0 as usize].listening.remove(&port);
    }

    /// All ports of a host are freed and its streams break: its process has died.
    pub fn reset_host(&mut self, now: Timestamp, host: HostId) {
        let state = &mut self.hosts[host.0 as usize];
        state.bound.clear();
        state.listening.clear();
        for (from, to, segment) in self.tcp.reset_host(host) {
            self.send_segment(now, from, to, segment);
        }
    }

    /// Sends a datagram from a bound port of a host.
    pub fn send(&mut self, now: Timestamp, host: HostId, port: u16, to: SocketAddr, data: Vec<u8>) {
        self.send_from(now, host, (None, port), to, None, data);
    }

    /// Sends a datagram with an ECN mark from a bound port of a host, and from the wanted one of its
    /// addresses if the host still has it.
    pub fn send_from(
        &mut self,
        now: Timestamp,
        host: HostId,
        (wanted, port): (Option<IpAddr>, u16),
        to: SocketAddr,
        ecn: Option<Ecn>,
        data: Vec<u8>,
    ) {
        let family = Family::of(&to);
        let has = |ip: &IpAddr| self.addresses(host).contains(ip);
        let own = wanted.filter(has).or(self.hosts[host.0 as usize].address(family));
        let (Some(own), Some(target)) = (own, self.target(host, to.ip())) else {
            self.unroutable += 1;
            return;
        };
        let from = SocketAddr::new(if to.ip().is_loopback() { to.ip() } else { own }, port);
        if let Some(tap) = &mut self.tap {
            tap.push((from, to, data.clone()));
        }
        let size = data.len() + if to.is_ipv4() { 28 } else { 48 };
        let cargo = Cargo::Datagram { from, to, ecn, data };
        self.carry(now, Packet { from: host, to: target, stage: Stage::Up, size, cargo });
    }

    /// Opens a stream; answered by [`Arrival::Connected`] or [`Arrival::Refused`].
    pub fn connect(&mut self, now: Timestamp, host: HostId, remote: SocketAddr) -> StreamId {
        let own = self.hosts[host.0 as usize].address(Family::of(&remote));
        let local = SocketAddr::new(
            own.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
            32_768 + u16::try_from(self.dice.below(28_000)).unwrap_or(0),
        );
        let target = own.and_then(|_| self.target(host, remote.ip()));
        let (stream, syn) = self.tcp.connect(host, target, local, remote.port());
        // Nobody there: the opening is planned towards oneself and fails like any lost one.
        self.send_segment(now, host, target.unwrap_or(host), syn);
        stream
    }

    /// Writes to a stream. What is written to a closed one is lost.
    pub fn write(&mut self, now: Timestamp, stream: StreamId, data: &[u8]) {
        for (from, to, segment) in self.tcp.write(stream, data) {
            self.send_segment(now, from, to, segment);
        }
    }

    /// Closes a stream after what was written.
    pub fn close(&mut self, now: Timestamp, stream: StreamId) {
        if let Some((from, to, segment)) = self.tcp.close(stream) {
            self.send_segment(now, from, to, segment);
        }
    }

    /// When something next arrives or moves on.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        self.planned.next_at()
    }

    /// The next thing that has arrived by `now`; call it until it returns `None`.
    pub fn poll(&mut self, now: Timestamp) -> Option<Arrival> {
        if let Some(arrival) = self.arrived.pop_front() {
            return Some(arrival);
        }
        while let Some(packet) = self.planned.pop_due(now) {
            if packet.stage != Stage::There {
                self.carry(now, packet);
            } else if let Some(arrival) = self.arrive(now, packet) {
                return Some(arrival);
            }
        }
        None
    }

    fn target(&self, host: HostId, ip: IpAddr) -> Option<HostId> {
        if ip.is_loopback() { Some(host) } else { self.by_address.get(&ip).copied() }
    }

    fn path(&mut self, from: HostId, to: HostId) -> &mut Link {
        self.paths.entry((from, to)).or_insert_with(|| {
            let dice = self.dice.fork(&format!("path {} {}", from.0, to.0));
            Link::new(self.default.clone(), dice)
        })
    }

    fn cut(&self, from: HostId, to: HostId) -> bool {
        let alone = |host: HostId| self.hosts[host.0 as usize].unreachable;
        let apart = match (self.groups.get(&from), self.groups.get(&to)) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        };
        from != to && (apart || alone(from) || alone(to))
    }

    fn send_segment(&mut self, now: Timestamp, from: HostId, to: HostId, segment: Segment) {
        let (size, cargo) = (segment.wire_size(), Cargo::Segment(segment));
        self.carry(now, Packet { from, to, stage: Stage::Up, size, cargo });
    }

    /// Brings a packet to its next link and plans when it comes out of it.
    fn carry(&mut self, now: Timestamp, mut packet: Packet) {
        let (from, to) = (packet.from, packet.to);
        if from == to {
            packet.stage = Stage::There;
            self.planned.push(now, packet);
            return;
        }
        if self.cut(from, to) {
            self.lost(now, packet);
            return;
        }
        let next = match packet.stage {
            Stage::Up => Stage::Path,
            Stage::Path => Stage::Down,
            Stage::Down | Stage::There => Stage::There,
        };
        let link = match packet.stage {
            Stage::Up => self.hosts[from.0 as usize].up.as_mut(),
            Stage::Path => Some(self.path(from, to)),
            Stage::Down | Stage::There => self.hosts[to.0 as usize].down.as_mut(),
        };
        packet.stage = next;
        let Some(link) = link else {
            self.planned.push(now, packet);
            return;
        };
        let [first, copy] = link.offer(now, packet.size);
        match &packet.cargo {
            Cargo::Datagram { .. } => {
                for exit in [first, copy].into_iter().flatten() {
                    self.planned.push(exit.at, damaged(packet.clone(), &exit));
                }
            }
            // A checksum finds the damage and sequence numbers the copies.
            Cargo::Segment(_) => match first {
                Some(exit) if exit.is_whole() => self.planned.push(exit.at, packet),
                _ => self.lost(now, packet),
            },
        }
    }

    /// Datagrams are gone; segments are sent again, until the stream is given up.
    fn lost(&mut self, now: Timestamp, mut packet: Packet) {
        let Cargo::Segment(segment) = &mut packet.cargo else { return };
        packet.stage = Stage::Up;
        match segment.again() {
            Some(after) => self.planned.push(now + after, packet),
            None => {
                segment.give_up();
                packet.stage = Stage::There;
                self.planned.push(now, packet);
            }
        }
    }

    fn arrive(&mut self, now: Timestamp, packet: Packet) -> Option<Arrival> {
        if packet.from != packet.to && self.cut(packet.from, packet.to) {
            let given_up = matches!(&packet.cargo, Cargo::Segment(segment) if segment.given_up());
            if !given_up {
                self.lost(now, packet);
                return None;
            }
        }
        match packet.cargo {
            Cargo::Datagram { from, to, .. }
                if self.dead.contains(&from.ip()) || self.dead.contains(&to.ip()) =>
            {
                None
            }
            Cargo::Datagram { from, to, ecn, data } => {
                let port = (Family::of(&to), to.port());
                if !self.hosts[packet.to.0 as usize].bound.contains(&port) {
                    self.unroutable += 1;
                    return None;
                }
                Some(Arrival::Datagram { host: packet.to, from, to, ecn, data })
            }
            Cargo::Segment(segment) => {
                let listening = &self.hosts[packet.to.0 as usize].listening;
                let outcome = self.tcp.arrive(packet.to, segment, listening);
                for (from, to, segment) in outcome.replies {
                    self.send_segment(now, from, to, segment);
                }
                self.arrived.extend(outcome.arrivals);
                self.arrived.pop_front()
            }
        }
    }
}

fn damaged(mut packet: Packet, exit: &Exit) -> Packet {
    if let Cargo::Datagram { data, ecn, .. } = &mut packet.cargo {
        exit.damage(data);
        // A congested link marks what says that it may be marked.
        if let (true, Some(ecn)) = (exit.mark, ecn) {
            *ecn = Ecn::Ce;
        }
    }
    packet
}

#[cfg(test)]
mod tests;

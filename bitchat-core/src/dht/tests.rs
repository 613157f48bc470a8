//! Networks of nodes in memory: each datagram takes 50 ms, some nodes are dead.

mod hostile;

use super::krpc::compact_nodes;
use super::*;
use crate::base::rng::{Rng, Seed};
use crate::wire::bencode::Encoded;
use std::collections::{BTreeMap, VecDeque};

const DELAY: Duration = Duration::from_millis(50);

fn config() -> DhtConfig {
    DhtConfig { version: *b"LT\x02\x0b", allow: |_| true, max_hashes: 500, max_peers: 100 }
}

fn address(number: u32) -> SocketAddr {
    let [_, a, b, c] = number.to_be_bytes();
    SocketAddr::from(([10, a, b, c], 6881))
}

/// What a node asked of the world.
#[derive(Debug, Default)]
struct Heard {
    out: Vec<(SocketAddr, Vec<u8>)>,
    peers: Vec<(InfoHash, SocketAddr)>,
    searched: Vec<Searched>,
    observed: Vec<SocketAddr>,
}

impl DhtSink for Heard {
    fn send(&mut self, to: SocketAddr, data: Vec<u8>) {
        assert!(data.len() <= 1400, "a datagram of {} bytes", data.len());
        self.out.push((to, data));
    }

    fn peers(&mut self, hash: InfoHash, peers: &[SocketAddr]) {
        self.peers.extend(peers.iter().map(|peer| (hash, *peer)));
    }

    fn searched(&mut self, _: InfoHash, result: Searched) {
        self.searched.push(result);
    }

    fn observed(&mut self, _: SocketAddr, own: SocketAddr) {
        self.observed.push(own);
    }
}

struct Host {
    dht: Dht,
    rng: Stream,
    heard: Heard,
    alive: bool,
    sent: u64,
}

struct Net {
    now: Timestamp,
    hosts: BTreeMap<SocketAddr, Host>,
    line: VecDeque<(Timestamp, SocketAddr, SocketAddr, Vec<u8>)>,
}

impl Net {
    fn new() -> Self {
        Self { now: Timestamp::from_millis(1_000), hosts: BTreeMap::new(), line: VecDeque::new() }
    }

    fn add(&mut self, number: u32, knows: &[u32]) -> SocketAddr {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&number.to_le_bytes());
        let mut rng = Rng::new(&Seed(seed)).public;
        let mut dht = Dht::new(config(), self.now, &mut rng);
        dht.set_reachable(true);
        dht.set_port(6881);
        dht.add_bootstrap(self.now, knows.iter().map(|number| address(*number)));
        let host = Host { dht, rng, heard: Heard::default(), alive: true, sent: 0 };
        self.hosts.insert(address(number), host);
        address(number)
    }

    fn with(&mut self, addr: SocketAddr, act: impl FnOnce(&mut Host, Timestamp)) {
        let Some(host) = self.hosts.get_mut(&addr).filter(|host| host.alive) else { return };
        act(host, self.now);
        for (to, data) in host.heard.out.drain(..) {
            host.sent += 1;
            self.line.push_back((self.now + DELAY, addr, to, data));
        }
    }

    /// Goes on for `time`, in steps of a delay.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += DELAY;
            while self.line.front().is_some_and(|(at, ..)| *at <= self.now) {
                let Some((_, from, to, data)) = self.line.pop_front() else { break };
                self.with(to, |host, now| {
                    host.dht.on_datagram(now, from, &data, &mut host.rng, &mut host.heard);
                });
            }
            let due = |host: &Host| host.dht.poll_timeout().is_some_and(|at| at <= self.now);
            let due: Vec<_> =
                self.hosts.iter().filter(|(_, host)| due(host)).map(|(a, _)| *a).collect();
            for addr in due {
                self.with(addr, |host, now| {
                    host.dht.on_timeout(now, &mut host.rng, &mut host.heard);
                    let next = host.dht.poll_timeout();
                    assert!(next.is_none_or(|at| at > now), "a deadline stays in the past");
                });
            }
        }
    }

    /// A network of `count` nodes that know each other.
    fn of(count: u32) -> Self {
        let mut net = Self::new();
        for number in 0..count {
            let knows = [number / 2, number / 3];
            net.add(number, if number == 0 { &[] } else { &knows });
            if number % 16 == 0 {
                net.run(Duration::from_millis(300));
            }
        }
        net.run(Duration::from_secs(20));
        net
    }
}

const HASH: InfoHash = InfoHash([0x42; 20]);

#[test]
fn two_who_know_the_hash_find_each_other_with_a_third_of_the_nodes_dead() {
    let mut net = Net::of(200);
    for number in (0..200).filter(|number| number % 10 < 3) {
        if let Some(host) = net.hosts.get_mut(&address(number)) {
            host.alive = false;
        }
    }
    let one = net.add(1_000, &[5, 14, 3]);
    net.with(one, |host, now| assert!(host.dht.announce(now, HASH)));
    net.run(Duration::from_secs(8));
    let other = net.add(1_001, &[7, 28, 39, 1]);
    net.with(other, |host, now| assert!(host.dht.announce(now, HASH)));
    net.run(Duration::from_secs(5));
    let found = &net.hosts[&other].heard;
    assert!(found.peers.contains(&(HASH, one)), "{found:?}");
    let searched = found.searched.last().expect("a look-up that ended");
    assert!(searched.announced >= 6 && searched.asked <= 60, "{searched:?}");
    // Who was first hears of the second as soon as it looks again.
    net.with(one, |host, now| host.dht.search_now(now, HASH));
    net.run(Duration::from_secs(15));
    assert!(net.hosts[&one].heard.peers.contains(&(HASH, other)));
}

#[test]
fn a_network_at_rest_asks_little() {
    let mut net = Net::of(100);
    net.run(Duration::from_secs(60));
    let before: u64 = net.hosts.values().map(|host| host.sent).sum();
    net.run(Duration::from_secs(20 * 60));
    let after: u64 = net.hosts.values().map(|host| host.sent).sum();
    // Queries and answers, of each node in a minute.
    let each = (after - before) / (100 * 20);
    assert!(each <= 40, "{each} messages a minute");
    let least = net.hosts.values().map(|host| host.dht.stats().nodes[0]).min();
    assert!(least >= Some(12), "a table of {least:?} nodes");
}

/// BC-18.07
#[test]
fn a_node_that_is_not_reachable_says_so_and_answers_nothing() {
    let mut net = Net::of(20);
    let shy = net.add(500, &[3]);
    net.with(shy, |host, _| host.dht.set_reachable(false));
    net.run(Duration::from_secs(10));
    assert!(net.hosts[&shy].dht.stats().nodes[0] >= 8);
    assert_eq!(net.hosts[&shy].dht.stats().served, 0);
    for (addr, host) in &net.hosts {
        let told = host.dht.nodes(net.now).any(|(contact, _)| contact.addr == shy);
        assert!(!told, "{addr} has a read-only node in its table");
    }
}

/// BC-18.02, BC-18.03, BC-18.08
#[test]
fn nobody_enters_the_table_by_being_named() {
    let mut net = Net::of(4);
    let victim = address(77_777);
    let liar = address(5_000);
    let asked = net.hosts[&address(1)].dht.tables[0].own();
    let named: Vec<Contact> =
        (0..32_u8).map(|number| Contact { id: NodeId([number; 20]), addr: victim }).collect();
    // A reply that nobody asked for, and queries of the liar, with ids as near as one likes.
    let envelope = Envelope { transaction: b"abcd", version: *b"LT\x02\x0b" };
    let before = net.hosts[&address(1)].dht.stats().ignored;
    let unasked = envelope
        .reply(liar, vec![("id", Encoded::bytes(&asked.0)), ("nodes", compact_nodes(&named))]);
    for _ in 0..50 {
        let query = envelope.query(NodeId([9; 20]), Method::Ping, [false; 2], false);
        net.line.push_back((net.now, liar, address(1), unasked.clone()));
        net.line.push_back((net.now, liar, address(1), query));
        net.run(Duration::from_millis(100));
    }
    let host = &net.hosts[&address(1)];
    let known: Vec<SocketAddr> = host.dht.nodes(net.now).map(|(known, _)| known.addr).collect();
    assert!(!known.contains(&victim) && !known.contains(&liar), "{known:?}");
    let ignored = host.dht.stats().ignored - before;
    assert!(ignored >= 50 - 16 - 6, "{ignored} of 50 queries in five seconds are not answered");
}

/// BC-18.11
#[test]
fn two_networks_that_agree_on_the_address_change_the_id() {
    let mut net = Net::new();
    let one = net.add(0, &[1, 65_536]);
    let ip: IpAddr = [8, 8, 4, 4].into();
    let before = net.hosts[&one].dht.tables[0].own();
    assert!(!before.fits(ip));
    let mut rng = Rng::new(&Seed([9; 32])).public;
    let mut heard = Heard::default();
    let host = net.hosts.get_mut(&one).expect("the host");
    let own = SocketAddr::new(ip, 6881);
    host.dht.on_observed(address(1), own, &mut rng, &mut heard);
    host.dht.on_observed(address(2), own, &mut rng, &mut heard);
    assert_eq!(host.dht.tables[0].own(), before, "one network is one vote");
    host.dht.on_observed(address(65_536), own, &mut rng, &mut heard);
    assert!(host.dht.tables[0].own().fits(ip));
    assert_eq!(heard.observed.len(), 3);
}

#[test]
fn noise_is_no_message_and_ends_nothing() {
    let mut net = Net::of(3);
    let mut rng = Rng::new(&Seed([5; 32])).public;
    let envelope = Envelope { transaction: b"abcd", version: *b"LT\x02\x0b" };
    let sound = envelope.query(NodeId([1; 20]), Method::GetPeers { hash: HASH }, [true; 2], false);
    for round in 0..4_000_u64 {
        let mut bytes = sound.clone();
        for _ in 0..=round % 4 {
            let at = usize::try_from(rng.below(bytes.len() as u64)).expect("small");
            bytes[at] = rng.bytes::<1>()[0];
        }
        let end = usize::try_from(rng.below(bytes.len() as u64 + 1)).expect("small");
        net.with(address(1), |host, now| {
            host.dht.on_datagram(now, address(99), &bytes[..end], &mut host.rng, &mut host.heard);
        });
    }
    net.line.clear();
    net.run(Duration::from_secs(1));
}

#[test]
fn bootstrap_backs_off_and_a_network_change_begins_anew() {
    let mut net = Net::new();
    let one = net.add(0, &[1, 2, 3]);
    net.run(Duration::from_secs(600));
    let tries = net.hosts[&one].sent;
    assert!((15..=36).contains(&tries), "{tries} datagrams into nothing in ten minutes");
    net.add(2, &[]);
    net.with(one, |host, now| host.dht.on_network_change(now));
    net.run(Duration::from_secs(2));
    assert_eq!(net.hosts[&one].dht.stats().nodes[0], 1);
}

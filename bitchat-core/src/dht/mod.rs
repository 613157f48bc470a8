//! Floor 3: the mainline DHT, on the socket that everything else uses (spec 18).
//!
//! [`Dht`] is the whole machine: it finds nodes, looks infohashes up, announces them again and again,
//! and answers others once this node is known to be reachable. It has a table for each address family
//! (BEP 32), and talks like the libtorrent of the disguise that the trackers see.
//!
//! It is driven as every machine of this house: `on_datagram` and `on_timeout` act at once through the
//! [`DhtSink`] given to them, `poll_timeout` says when to call the latter.
//!
//! What others say is a hint. A node enters the table after it has answered a question of ours, never
//! because somebody named it (BC-18.02); of each network the table and each look-up take one; a peer is an address
//! that is worth a probe, no more.

mod announces;
mod answering;
pub mod id;
pub mod krpc;
mod observed;
mod queries;
mod running;
mod search;
mod serving;
mod table;
mod upkeep;

use crate::base::ids::InfoHash;
use crate::base::rng::Stream;
use crate::base::time::{Timestamp, earlier};
use announces::Announces;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use id::NodeId;
use krpc::{Body, Contact, Envelope, Message, Method, Reply};
use observed::Observed;
use queries::{Pending, Purpose, Queries};
use running::{Goal, Key, Running};
use search::Search;
use serving::{Peers, Rates, Tokens};
use std::collections::BTreeMap;
use table::{BUCKET, Table};

/// Addresses to begin with that are remembered.
const MAX_BOOTSTRAP: usize = 64;
/// Look-ups under way.
const MAX_SEARCHES: usize = 32;
/// How often the table is looked after.
const UPKEEP: Duration = Duration::from_secs(6);

/// What a [`Dht`] starts from.
#[derive(Clone, Debug)]
pub struct DhtConfig {
    /// `v` of each message: the program that this node looks like (BC-18.01).
    pub version: [u8; 4],
    /// Which addresses may be spoken to, whoever names them.
    pub allow: fn(IpAddr) -> bool,
    /// Infohashes of others that are remembered.
    pub max_hashes: usize,
    /// Peers of each that are remembered.
    pub max_peers: usize,
}

/// What a [`Dht`] asks of the world and tells it.
pub trait DhtSink {
    /// Send a datagram from the socket that peers are to reach.
    fn send(&mut self, to: SocketAddr, data: Vec<u8>);
    /// A node named peers of an infohash that is looked up. Each is told once for each look-up.
    fn peers(&mut self, hash: InfoHash, peers: &[SocketAddr]);
    /// A look-up of an infohash has ended.
    fn searched(&mut self, hash: InfoHash, result: Searched);
    /// A node says where it sees this one. Nothing that one node says is to be believed.
    fn observed(&mut self, by: SocketAddr, own: SocketAddr);
}

/// What a look-up came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Searched {
    /// Over IPv6.
    pub v6: bool,
    /// Peers that were named.
    pub peers: usize,
    /// Queries sent.
    pub asked: usize,
    /// Queries answered.
    pub answered: usize,
    /// Nodes that were told of this one.
    pub announced: usize,
}

/// How things stand, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DhtStats {
    /// Nodes in the table for IPv4, and for IPv6.
    pub nodes: [usize; 2],
    /// Queries under way.
    pub queries: usize,
    /// Look-ups under way.
    pub searches: usize,
    /// Infohashes of others in memory.
    pub hashes: usize,
    /// Queries of others answered.
    pub served: u64,
    /// Queries of others not answered: too many, or this node is not known to be reachable.
    pub ignored: u64,
}

/// The node's part in the mainline DHT.
#[derive(Debug)]
pub struct Dht {
    config: DhtConfig,
    /// By family: IPv4, IPv6.
    tables: [Table; 2],
    observed: [Observed; 2],
    /// Addresses to begin with, in the order in which they are asked.
    bootstrap: Vec<SocketAddr>,
    /// When the next of them are asked, and how often that came to nothing.
    next_bootstrap: Option<Timestamp>,
    bootstraps: u32,
    queries: Queries,
    running: BTreeMap<Key, Running>,
    announces: Announces,
    next_upkeep: Timestamp,
    /// Where peers reach this node, unless a NAT renumbers it.
    port: u16,
    reachable: bool,
    tokens: Tokens,
    peers: Peers,
    rates: Rates,
    served: u64,
    ignored: u64,
}

const fn family(addr: &SocketAddr) -> usize {
    if addr.is_ipv4() { 0 } else { 1 }
}

impl Dht {
    /// A node that knows nobody yet.
    #[must_use]
    pub fn new(config: DhtConfig, now: Timestamp, rng: &mut Stream) -> Self {
        Self {
            tables: [Table::new(NodeId::random(rng)), Table::new(NodeId::random(rng))],
            observed: Default::default(),
            bootstrap: Vec::new(),
            next_bootstrap: None,
            bootstraps: 0,
            queries: Queries::default(),
            running: BTreeMap::new(),
            announces: Announces::default(),
            next_upkeep: now + UPKEEP,
            port: 0,
            reachable: false,
            tokens: Tokens::new(now, rng),
            peers: Peers::new(config.max_hashes, config.max_peers),
            rates: Rates::default(),
            served: 0,
            ignored: 0,
            config,
        }
    }

    /// Addresses to begin with: of routers, of a `.chat` file, of peers, of the last run. They are asked
    /// while a table is empty, at once and then ever more seldom.
    pub fn add_bootstrap(
        &mut self,
        now: Timestamp,
        addresses: impl IntoIterator<Item = SocketAddr>,
    ) {
        for addr in addresses {
            let fits = addr.port() != 0 && (self.config.allow)(addr.ip());
            if fits && !self.bootstrap.contains(&addr) && self.bootstrap.len() < MAX_BOOTSTRAP {
                self.bootstrap.push(addr);
                self.next_bootstrap = Some(now);
                self.bootstraps = 0;
            }
        }
    }

    /// The port of the socket that all of this goes through; nothing is announced while it is 0.
    pub const fn set_port(&mut self, port: u16) {
        self.port = port;
    }

    /// Whether strangers can reach this node: until then it is read-only (BEP 43) and answers nobody
    /// (BC-18.07).
    pub const fn set_reachable(&mut self, reachable: bool) {
        self.reachable = reachable;
    }

    /// Looks `hash` up and announces this node for it at the port that it sends from, now and from then
    /// on. False if too many are announced already.
    pub fn announce(&mut self, now: Timestamp, hash: InfoHash) -> bool {
        self.announces.add(now, hash)
    }

    /// Looks `hash` up once more, sooner than it would be.
    pub fn search_now(&mut self, now: Timestamp, hash: InfoHash) {
        self.announces.hasten(now, hash);
    }

    /// Announces `hash` no more. Who holds the announcement forgets it within the hour: the DHT has no
    /// word for leaving.
    pub fn stop(&mut self, hash: InfoHash) {
        self.announces.remove(hash);
        self.running.retain(|key, _| key.target != NodeId::from(hash));
    }

    /// The network is another one: back-off and what was seen of the own address are forgotten.
    pub fn on_network_change(&mut self, now: Timestamp) {
        self.observed = Default::default();
        self.bootstraps = 0;
        if !self.bootstrap.is_empty() {
            self.next_bootstrap = Some(now);
        }
        self.announces.hasten_all(now);
    }

    /// Good nodes of both families, to begin with after a restart.
    #[must_use]
    pub fn good_nodes(&self, now: Timestamp, count: usize) -> Vec<SocketAddr> {
        let good = self.tables.iter().flat_map(|table| table.closest(now, table.own(), count));
        good.map(|contact| contact.addr).collect()
    }

    /// Every node of the tables: id, address, and how long ago it was heard.
    pub fn nodes(&self, now: Timestamp) -> impl Iterator<Item = (Contact, Duration)> {
        let entries = self.tables.iter().flat_map(Table::iter);
        entries.map(move |entry| (entry.contact, now.saturating_since(entry.heard)))
    }

    /// How things stand.
    #[must_use]
    pub fn stats(&self) -> DhtStats {
        DhtStats {
            nodes: [self.tables[0].len(), self.tables[1].len()],
            queries: self.queries.len(),
            searches: self.running.len(),
            hashes: self.peers.hashes(),
            served: self.served,
            ignored: self.ignored,
        }
    }

    /// Handles a datagram. False if it is no message of the DHT.
    pub fn on_datagram(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        datagram: &[u8],
        rng: &mut Stream,
        sink: &mut dyn DhtSink,
    ) -> bool {
        let Some(message) = Message::parse(datagram) else { return false };
        match message.body {
            Body::Query(ref query) => self.on_query(now, from, &message, query, rng, sink),
            Body::Reply(ref reply) => {
                let Some(pending) = self.queries.take(message.transaction, from) else {
                    return true;
                };
                if let Some(own) = message.observed {
                    self.on_observed(from, own, rng, sink);
                }
                self.on_reply(now, from, reply, pending, sink);
            }
            Body::Error { .. } => {
                let Some(pending) = self.queries.take(message.transaction, from) else {
                    return true;
                };
                // Who refuses to be pinged is of no more use than who is silent.
                self.on_unanswered(from, &pending, pending.purpose == Purpose::Ping);
            }
        }
        self.proceed(now, rng, sink);
        true
    }

    /// Does what is due.
    pub fn on_timeout(&mut self, now: Timestamp, rng: &mut Stream, sink: &mut dyn DhtSink) {
        for (addr, purpose) in self.queries.take_slow(now) {
            if let Purpose::Search(key) = purpose
                && let Some(running) = self.running.get_mut(&key)
            {
                running.search.on_silence(addr);
            }
        }
        for pending in self.queries.take_expired(now) {
            self.on_unanswered(pending.to, &pending, true);
        }
        if self.next_upkeep <= now {
            self.upkeep(now, rng, sink);
        }
        if self.next_bootstrap.is_some_and(|at| at <= now) {
            self.ask_bootstrap(now, rng, sink);
        }
        self.proceed(now, rng, sink);
    }

    /// When [`Self::on_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let is_idle = self.tables.iter().all(Table::is_empty)
            && self.peers.hashes() == 0
            && !self.lacks_bootstrap();
        let upkeep = (!is_idle).then_some(self.next_upkeep);
        // While nobody is known, announcing waits for the first to answer.
        let announce =
            self.announces.poll_timeout().filter(|_| self.port != 0 && self.knows_somebody());
        [self.queries.poll_timeout(), self.next_bootstrap, upkeep, announce]
            .into_iter()
            .fold(None, earlier)
    }

    /// The nodes of a family are gone, and nothing is planned to find others.
    fn lacks_bootstrap(&self) -> bool {
        let gone = |addr: &SocketAddr| self.tables[family(addr)].is_empty();
        self.next_bootstrap.is_none() && self.bootstrap.iter().any(gone)
    }

    fn knows_somebody(&self) -> bool {
        self.tables.iter().any(|table| !table.is_empty())
    }

    /// Sends a query. False if too many are under way.
    fn ask(
        &mut self,
        now: Timestamp,
        to: SocketAddr,
        method: Method<'_>,
        purpose: Purpose,
        rng: &mut Stream,
        sink: &mut dyn DhtSink,
    ) -> bool {
        let Some(transaction) = self.queries.add(now, to, purpose, rng) else { return false };
        let envelope = Envelope { transaction: &transaction, version: self.config.version };
        let own = self.tables[family(&to)].own();
        sink.send(to, envelope.query(own, method, [false; 2], !self.reachable));
        true
    }

    fn on_reply(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        reply: &Reply<'_>,
        pending: Pending,
        sink: &mut dyn DhtSink,
    ) {
        let allow = self.config.allow;
        let Some(id) = reply.id else {
            return self.on_unanswered(from, &pending, pending.purpose == Purpose::Ping);
        };
        let known = self.tables[family(&from)].on_reply(now, Contact { id, addr: from });
        match pending.purpose {
            Purpose::Ping | Purpose::Announce => {}
            Purpose::Bootstrap => {
                if known {
                    self.search_own(now, family(&from));
                }
            }
            Purpose::Search(key) => {
                let Some(running) = self.running.get_mut(&key) else { return };
                let fits = |contact: &Contact| {
                    family(&contact.addr) == key.family
                        && contact.addr.port() != 0
                        && allow(contact.addr.ip())
                };
                running.search.on_reply(from, reply, fits);
                let peers = running.take_new(&reply.peers, allow);
                if let Goal::Peers(hash) = running.goal
                    && !peers.is_empty()
                {
                    sink.peers(hash, &peers);
                }
            }
        }
    }

    /// A query was refused, or (`silent`) answered in no way that counts.
    fn on_unanswered(&mut self, addr: SocketAddr, pending: &Pending, silent: bool) {
        if silent {
            self.tables[family(&addr)].on_silence(addr);
        }
        if let Purpose::Search(key) = pending.purpose
            && let Some(running) = self.running.get_mut(&key)
        {
            running.search.on_silence(addr);
        }
    }

    /// BEP 42 (BC-18.11): once two networks agree on an address that the own id does not fit, the id
    /// follows.
    fn on_observed(
        &mut self,
        by: SocketAddr,
        own: SocketAddr,
        rng: &mut Stream,
        sink: &mut dyn DhtSink,
    ) {
        // Who is spoken to over one family cannot see the address of the other.
        if family(&by) != family(&own) {
            return;
        }
        sink.observed(by, own);
        let table = &mut self.tables[family(&own)];
        if let Some(ip) = self.observed[family(&own)].add(by.ip(), own.ip())
            && !table.own().fits(ip)
        {
            table.move_to(NodeId::for_address(ip, rng));
        }
    }

    /// Goes on with every look-up, and begins those that are due.
    fn proceed(&mut self, now: Timestamp, rng: &mut Stream, sink: &mut dyn DhtSink) {
        if self.port != 0 && self.knows_somebody() {
            for hash in self.announces.take_due(now, rng) {
                let begun =
                    [0, 1].map(|family| self.begin(now, Goal::Peers(hash), hash.into(), family));
                if begun == [false; 2] {
                    self.announces.on_searched(now, hash, false);
                }
            }
        }
        let keys: Vec<Key> = self.running.keys().copied().collect();
        for key in keys {
            // Without room for a query a look-up waits: an answer or the end of a query makes room.
            while self.queries.has_room()
                && let Some(next) = self.running.get_mut(&key).and_then(|run| run.search.next())
            {
                let method = match self.running.get(&key).map(|running| running.goal) {
                    Some(Goal::Peers(hash)) => Method::GetPeers { hash },
                    _ => Method::FindNode { target: key.target },
                };
                self.ask(now, next.addr, method, Purpose::Search(key), rng, sink);
            }
            if self.running.get(&key).is_some_and(|running| running.search.is_over())
                && let Some(running) = self.running.remove(&key)
            {
                self.on_searched(now, key, &running, rng, sink);
            }
        }
    }

    /// A look-up has come to its end: the nearest nodes are told of this one.
    fn on_searched(
        &mut self,
        now: Timestamp,
        key: Key,
        running: &Running,
        rng: &mut Stream,
        sink: &mut dyn DhtSink,
    ) {
        let Goal::Peers(hash) = running.goal else { return };
        let mut announced = 0;
        for (contact, token) in running.search.announce_to() {
            let method = Method::AnnouncePeer { hash, port: self.port, implied: true, token };
            let asked = self.ask(now, contact.addr, method, Purpose::Announce, rng, sink);
            announced += usize::from(asked);
        }
        let result = Searched {
            v6: key.family == 1,
            peers: running.found(),
            asked: running.search.asked(),
            answered: running.search.answered(),
            announced,
        };
        self.announces.on_searched(now, hash, announced > 0);
        sink.searched(hash, result);
    }

    /// Begins a look-up unless it is under way. False if nobody can be asked, or there are too many.
    fn begin(&mut self, now: Timestamp, goal: Goal, target: NodeId, family: usize) -> bool {
        let key = Key { target, family };
        if self.running.contains_key(&key) {
            return true;
        }
        let known = self.tables[family].closest(now, target, BUCKET * 2);
        if known.is_empty() || self.running.len() >= MAX_SEARCHES {
            return false;
        }
        self.running.insert(key, Running::new(goal, Search::new(target, known)));
        true
    }

    /// Looks for the neighbours of the own id: that fills the table.
    fn search_own(&mut self, now: Timestamp, family: usize) {
        let own = self.tables[family].own();
        self.begin(now, Goal::Nodes, own, family);
    }
}

#[cfg(test)]
mod tests;

//! The DHT as a source of addresses, beside the trackers (spec 18): one machine for the node, begun
//! with the first address where it may find anybody, on the sockets that peers are to reach.

mod names;
mod reach;

use super::trackers::{allow_local, allow_public, may_be_peer};
use super::{Discovery, records};
use crate::base::ids::{ChannelHandle, InfoHash, RequestId};
use crate::base::rng::Stream;
use crate::base::target::TargetPolicy;
use crate::base::time::{Now, Timestamp, earlier};
use crate::chatfile;
use crate::dht::{Dht, DhtConfig, DhtSink, Searched};
use crate::node::api::{Action, Change, Event, NodeUpdate};
use crate::node::config::{Config, DhtMode};
use crate::node::fx::Fx;
use crate::node::log::LogLevel;
use crate::node::outbox::requests::Pending;
use crate::node::store::Store;
use crate::tracker::profile::Profile;
use crate::wire::url::Host;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use names::Names;
use reach::Reach;
use std::collections::BTreeMap;

/// Nodes that are remembered for the next run, and of one `.chat` file or store at most.
pub(crate) const MAX_SAVED: usize = 64;
/// How often they are stored.
const SAVE: Duration = Duration::from_secs(10 * 60);
/// A channel in which nobody is linked is looked up again after this, then after twice that, and so on.
const LONELY: Duration = Duration::from_secs(10);
/// The longest of these waits.
const LONELIEST: Duration = Duration::from_secs(5 * 60);

/// When a channel in which nobody is linked is looked up again.
#[derive(Clone, Copy, Debug)]
struct Lonely {
    next: Timestamp,
    wait: Duration,
}

/// The node's part in the DHT, and what it looks up there.
#[derive(Debug, Default)]
pub(crate) struct DhtSource {
    /// `None` until there is an address to begin with.
    machine: Option<Dht>,
    /// Addresses to begin with that the machine was not told yet.
    addresses: Vec<SocketAddr>,
    names: Names,
    /// What is looked up and announced, and for whom.
    hashes: BTreeMap<InfoHash, ChannelHandle>,
    lonely: BTreeMap<ChannelHandle, Lonely>,
    reach: Reach,
    /// Every socket is open, or could not be opened.
    has_sockets: bool,
    /// When the nodes may be stored again.
    next_save: Timestamp,
    /// The application was told that somebody is known.
    is_known: bool,
    /// The node shuts down: nothing more is said.
    is_over: bool,
}

/// What the machine asked for and told during one call.
#[derive(Debug, Default)]
pub(crate) struct Told {
    sends: Vec<(SocketAddr, Vec<u8>)>,
    peers: Vec<(InfoHash, Vec<SocketAddr>)>,
    searched: Vec<(InfoHash, Searched)>,
    observed: Vec<(SocketAddr, SocketAddr)>,
}

impl DhtSink for Told {
    fn send(&mut self, to: SocketAddr, data: Vec<u8>) {
        self.sends.push((to, data));
    }
    fn peers(&mut self, hash: InfoHash, peers: &[SocketAddr]) {
        self.peers.push((hash, peers.to_vec()));
    }
    fn searched(&mut self, hash: InfoHash, result: Searched) {
        self.searched.push((hash, result));
    }
    fn observed(&mut self, by: SocketAddr, own: SocketAddr) {
        self.observed.push((by, own));
    }
}

impl DhtSource {
    /// Nodes to begin with: of a `.chat` file, or that the user names.
    pub(crate) fn add_nodes(&mut self, now: Timestamp, nodes: &[chatfile::Node]) {
        for node in nodes {
            match &node.host {
                Host::Ip(ip) => self.add_addresses([SocketAddr::new(*ip, node.port)]),
                Host::Name(name) => self.names.add(now, name, node.port),
            }
        }
    }

    /// Addresses to begin with.
    pub(crate) fn add_addresses(&mut self, addresses: impl IntoIterator<Item = SocketAddr>) {
        let room = MAX_SAVED.saturating_sub(self.addresses.len());
        self.addresses.extend(addresses.into_iter().take(room));
    }

    /// A channel is announced under these infohashes, and no others, from now on.
    pub(crate) fn set_hashes(&mut self, now: Timestamp, of: ChannelHandle, hashes: &[InfoHash]) {
        let left =
            |(hash, handle): &(&InfoHash, &ChannelHandle)| **handle == of && !hashes.contains(hash);
        let old: Vec<InfoHash> = self.hashes.iter().filter(left).map(|(hash, _)| *hash).collect();
        for hash in old {
            self.hashes.remove(&hash);
            if let Some(dht) = &mut self.machine {
                dht.stop(hash);
            }
        }
        for hash in hashes {
            self.hashes.insert(*hash, of);
            if let Some(dht) = &mut self.machine {
                dht.announce(now, *hash);
            }
        }
    }

    /// A channel is left.
    pub(super) fn leave(&mut self, now: Timestamp, handle: ChannelHandle) {
        self.set_hashes(now, handle, &[]);
        self.lonely.remove(&handle);
        self.next_save = now;
    }

    /// Nobody is linked in a channel: it is looked up again, soon and then ever more seldom.
    pub(super) fn on_alone(&mut self, now: Timestamp, handle: ChannelHandle) {
        self.lonely.insert(handle, Lonely { next: now, wait: LONELY });
    }

    /// Somebody is linked in a channel.
    pub(super) fn on_company(&mut self, handle: ChannelHandle) {
        self.lonely.remove(&handle);
    }

    /// The node shuts down.
    pub(crate) fn shut_down(&mut self, now: Timestamp) {
        self.next_save = now;
        self.is_over = true;
    }

    /// The network is another one.
    pub(crate) fn on_network_change(&mut self, now: Timestamp) {
        self.reach = Reach::default();
        self.names.hasten(now);
        if let Some(dht) = &mut self.machine {
            dht.set_reachable(false);
            dht.on_network_change(now);
        }
    }

    /// A name could not be looked up.
    pub(crate) fn on_failed(&mut self, now: Timestamp, name: &str, port: u16) {
        self.names.on_failed(now, name, port);
    }

    /// The machine, if there is one.
    pub(crate) const fn machine(&self) -> Option<&Dht> {
        self.machine.as_ref()
    }

    /// When there is something to do.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        if self.is_over {
            return None;
        }
        let dht = self.machine.as_ref().filter(|_| self.has_sockets);
        let machine = dht.and_then(Dht::poll_timeout);
        let lonely = dht.and_then(|_| self.lonely.values().map(|lonely| lonely.next).min());
        [self.names.poll_timeout(), machine, lonely].into_iter().fold(None, earlier)
    }

    /// Begins the machine, once there is somebody to ask.
    fn begin(&mut self, now: Timestamp, config: &Config, rng: &mut Stream) {
        if self.addresses.is_empty() || !self.has_sockets {
            return;
        }
        let dht = self.machine.get_or_insert_with(|| {
            let config = DhtConfig {
                version: Profile::choose(rng).krpc_version,
                allow: if config.local_trackers { allow_local } else { allow_public },
                max_hashes: config.limits.node.dht_hashes,
                max_peers: config.limits.node.dht_peers,
            };
            self.next_save = now + SAVE;
            let mut dht = Dht::new(config, now, rng);
            for hash in self.hashes.keys() {
                dht.announce(now, *hash);
            }
            dht
        });
        dht.add_bootstrap(now, self.addresses.drain(..));
    }

    /// Looks up again the channels that are alone and whose time has come.
    fn search_lonely(&mut self, now: Timestamp) {
        let Some(dht) = &mut self.machine else { return };
        for (handle, lonely) in &mut self.lonely {
            if lonely.next <= now {
                *lonely = Lonely { next: now + lonely.wait, wait: LONELIEST.min(lonely.wait * 2) };
                let own = self.hashes.iter().filter(|(_, of)| *of == handle);
                own.for_each(|(hash, _)| dht.search_now(now, *hash));
            }
        }
    }

    /// Stores the nodes for the next run, if it is time.
    fn save(&mut self, now: Now, store: &mut Store) {
        let Some(dht) = self.machine.as_ref().filter(|_| self.next_save <= now.mono) else {
            return;
        };
        let nodes = dht.good_nodes(now.mono, MAX_SAVED);
        if !nodes.is_empty() {
            store.add_if_room(Change::Put(records::dht_nodes(&nodes, now.wall)));
        }
        self.next_save = now.mono + SAVE;
    }
}

impl Discovery {
    /// Does what is due for the DHT, at the end of each call.
    pub(crate) fn run_dht(&mut self, now: Now, fx: &mut Fx, store: &mut Store) {
        if fx.config.dht == DhtMode::Off {
            return;
        }
        self.dht.save(now, store);
        if self.dht.is_over {
            self.dht.machine = None;
            return;
        }
        self.resolve_names(now.mono, fx);
        let port = self.own.reachable(&fx.outbox).0;
        self.dht.has_sockets = port != 0;
        self.dht.begin(now.mono, &fx.config, &mut fx.rng.public);
        if let Some(dht) = &mut self.dht.machine {
            dht.set_port(port);
        }
        self.dht.search_lonely(now.mono);
        if self.dht.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.with_dht(now, fx, |dht, rng, told| dht.on_timeout(now.mono, rng, told));
        }
    }

    fn resolve_names(&mut self, now: Timestamp, fx: &mut Fx) {
        let policy = target_policy(&fx.config);
        for (host, port) in self.dht.names.take_due(now) {
            // BC-02.19
            if policy.allows_name(&host) {
                let pending = Pending::Dht(host.clone(), port);
                fx.outbox.ask(pending, |request| Action::Resolve { request, host });
            }
        }
    }

    /// A name was looked up. False if the DHT did not ask for it.
    pub(crate) fn on_dht_resolved(
        &mut self,
        now: Timestamp,
        request: RequestId,
        addresses: &[IpAddr],
        fx: &mut Fx,
    ) -> bool {
        let asked = fx.outbox.take_request(request, |pending| match pending {
            Pending::Dht(name, port) => Some((name.clone(), *port)),
            _ => None,
        });
        let Some((name, port)) = asked else { return false };
        let policy = target_policy(&fx.config);
        let allowed = addresses.iter().filter(|ip| policy.allows(**ip));
        let found: Vec<_> = allowed.map(|ip| SocketAddr::new(*ip, port)).collect();
        if found.is_empty() {
            self.dht.names.on_failed(now, &name, port);
        }
        self.dht.add_addresses(found);
        true
    }

    /// A datagram of no link. True if it is a message of the DHT.
    pub(crate) fn on_dht_datagram(
        &mut self,
        now: Now,
        from: SocketAddr,
        datagram: &[u8],
        fx: &mut Fx,
    ) -> bool {
        if datagram.first() != Some(&b'd') || self.dht.is_over {
            return false;
        }
        let taken = self.with_dht(now, fx, |dht, rng, told| {
            dht.on_datagram(now.mono, from, datagram, rng, told)
        });
        taken == Some(true)
    }

    /// Runs the machine and carries out what it asks for.
    fn with_dht<T>(
        &mut self,
        now: Now,
        fx: &mut Fx,
        body: impl FnOnce(&mut Dht, &mut Stream, &mut Told) -> T,
    ) -> Option<T> {
        let mut told = Told::default();
        let result = body(self.dht.machine.as_mut()?, &mut fx.rng.public, &mut told);
        for (to, data) in told.sends {
            self.own.send(&mut fx.outbox, to, data);
        }
        for (by, own) in told.observed {
            if self.own.is_interface(&own) && self.dht.reach.add(by.ip(), own) {
                self.dht.machine.as_mut()?.set_reachable(true);
            }
        }
        for (hash, peers) in told.peers {
            let Some(handle) = self.dht.hashes.get(&hash).copied() else { continue };
            let most = fx.config.limits.node.peers_per_source;
            for peer in peers.into_iter().take(most) {
                if may_be_peer(&fx.config, peer.ip()) {
                    self.add_candidate(now.mono, handle, peer, &mut fx.outbox);
                }
            }
        }
        for (hash, result) in told.searched {
            self.note_searched(hash, &result, fx);
        }
        self.tell_known(fx);
        Some(result)
    }

    fn note_searched(&self, hash: InfoHash, result: &Searched, fx: &mut Fx) {
        let Some(handle) = self.dht.hashes.get(&hash) else { return };
        let Searched { v6, peers, asked, answered, announced } = result;
        let text = format_args!(
            "channel {}: IPv{} look-up: {answered} of {asked} nodes answered and named {peers} \
             peers; {announced} were told of us",
            handle.0,
            if *v6 { 6 } else { 4 },
        );
        fx.outbox.note(LogLevel::Debug, "dht", text);
    }

    /// Tells the application when the first node is known, and when the last is gone.
    fn tell_known(&mut self, fx: &mut Fx) {
        let Some(nodes) = self.dht.machine.as_ref().map(|dht| dht.stats().nodes) else { return };
        let is_known = nodes != [0; 2];
        if core::mem::replace(&mut self.dht.is_known, is_known) != is_known {
            fx.outbox.tell(Event::Node(NodeUpdate::Dht { nodes }));
        }
    }
}

const fn target_policy(config: &Config) -> TargetPolicy {
    if config.local_trackers { TargetPolicy::AllowLocal } else { TargetPolicy::PublicOnly }
}

#[cfg(test)]
mod tests;

//! A host that is nothing but a node of the mainline DHT: other people's machines.

use bitchat_core::base::ids::InfoHash;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::Timestamp;
use bitchat_core::dht::{Dht, DhtConfig, DhtSink, DhtStats, Searched};
use std::net::SocketAddr;

/// The UDP port of every such host.
pub const PORT: u16 = 6_881;

/// What the machine asks for.
#[derive(Debug, Default)]
struct Out(Vec<(SocketAddr, Vec<u8>)>);

impl DhtSink for Out {
    fn send(&mut self, to: SocketAddr, data: Vec<u8>) {
        self.0.push((to, data));
    }
    fn peers(&mut self, _: InfoHash, _: &[SocketAddr]) {}
    fn searched(&mut self, _: InfoHash, _: Searched) {}
    fn observed(&mut self, _: SocketAddr, _: SocketAddr) {}
}

/// A node of the DHT that strangers can reach, and that looks for nothing itself.
#[derive(Debug)]
pub struct DhtHost {
    dht: Dht,
    rng: Rng,
    out: Out,
    /// When it is to be looked after next, if that is planned.
    planned: Option<Timestamp>,
}

impl DhtHost {
    /// A node that begins with those that it knows.
    #[must_use]
    pub fn new(seed: &Seed, now: Timestamp, known: &[SocketAddr]) -> Self {
        let mut rng = Rng::new(seed);
        let config =
            DhtConfig { version: *b"LT\x02\x0b", allow: |_| true, max_hashes: 500, max_peers: 100 };
        let mut dht = Dht::new(config, now, &mut rng.public);
        dht.set_reachable(true);
        dht.set_port(PORT);
        dht.add_bootstrap(now, known.iter().copied());
        Self { dht, rng, out: Out::default(), planned: None }
    }

    /// How it stands.
    #[must_use]
    pub fn stats(&self) -> DhtStats {
        self.dht.stats()
    }

    pub(crate) fn on_datagram(&mut self, now: Timestamp, from: SocketAddr, data: &[u8]) {
        self.dht.on_datagram(now, from, data, &mut self.rng.public, &mut self.out);
    }

    pub(crate) fn on_time(&mut self, now: Timestamp) {
        if self.dht.poll_timeout().is_some_and(|at| at <= now) {
            self.dht.on_timeout(now, &mut self.rng.public, &mut self.out);
        }
    }

    pub(crate) fn take_out(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        core::mem::take(&mut self.out.0)
    }

    /// When it is to be looked after, unless that is planned for then or earlier.
    pub(crate) fn plan(&mut self, now: Timestamp) -> Option<Timestamp> {
        let next = self.dht.poll_timeout()?;
        if self.planned.is_some_and(|planned| planned > now && planned <= next) {
            return None;
        }
        self.planned = Some(next);
        Some(next)
    }
}

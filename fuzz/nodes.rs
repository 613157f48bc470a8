//! What nodes of the DHT say.

use bitchat_core::base::ids::InfoHash;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::Timestamp;
use bitchat_core::dht::krpc::{Body, MAX_MESSAGE, Message};
use bitchat_core::dht::{Dht, DhtConfig, DhtSink, Searched};
use core::net::SocketAddr;

/// What goes out, counted.
#[derive(Default)]
struct Sink {
    datagrams: usize,
    peers: usize,
}

impl DhtSink for Sink {
    fn send(&mut self, to: SocketAddr, data: Vec<u8>) {
        assert!(to.port() != 0 && data.len() <= 1400);
        assert!(Message::parse(&data).is_some(), "what is written can be read");
        self.datagrams += 1;
    }

    fn peers(&mut self, _: InfoHash, peers: &[SocketAddr]) {
        self.peers += peers.len();
    }

    fn searched(&mut self, _: InfoHash, _: Searched) {}

    fn observed(&mut self, _: SocketAddr, _: SocketAddr) {}
}

/// The input is cut into datagrams of different senders: two bytes for the length, one for the sender.
/// A fixed seed makes the ids of queries known, so that answers can be made up.
pub(crate) fn dht(mut data: &[u8]) {
    if let Some(Body::Reply(reply)) = Message::parse(data).map(|message| message.body) {
        assert!(reply.nodes.len() <= 64 && reply.peers.len() <= 300 && data.len() <= MAX_MESSAGE);
    }
    let mut rng = Rng::new(&Seed([0; 32])).public;
    let mut now = Timestamp::from_millis(1_000_000);
    let config =
        DhtConfig { version: *b"LT\x02\x0b", allow: |_| true, max_hashes: 4, max_peers: 4 };
    let mut dht = Dht::new(config, now, &mut rng);
    let mut sink = Sink::default();
    dht.set_port(6881);
    dht.set_reachable(true);
    dht.add_bootstrap(now, (0..8).map(|number| SocketAddr::from(([10, 0, 0, number], 1))));
    dht.announce(now, InfoHash([1; 20]));
    dht.on_timeout(now, &mut rng, &mut sink);
    let mut datagrams = 0;
    while let Some((&[high, low, sender], rest)) = data.split_first_chunk::<3>() {
        let len = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
        let (datagram, rest) = rest.split_at(len);
        data = rest;
        let from = SocketAddr::from(([10, 0, 0, sender], 1));
        dht.on_datagram(now, from, datagram, &mut rng, &mut sink);
        now = dht.poll_timeout().unwrap_or(now).max(now);
        dht.on_timeout(now, &mut rng, &mut sink);
        assert!(dht.poll_timeout().is_none_or(|at| at > now), "a deadline stays in the past");
        datagrams += 1;
    }
    // An answer begins five queries of a look-up at most, and its end eight announces in each family.
    assert!(sink.datagrams <= 8 + datagrams * 64, "{} for {datagrams}", sink.datagrams);
}

//! A blocking driver for an announcer: the smallest embedder that works.

use bitchat_core::base::ids::InfoHash;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::Timestamp;
use bitchat_core::tracker::announcer::Announcer;
use bitchat_core::tracker::interface::{AnnouncerConfig, TrackerQuery, TrackerSink, TrackerStatus};
use bitchat_core::tracker::profile::Profile;
use bitchat_core::wire::url::TrackerUrl;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::time::{Duration, Instant};

enum Effect {
    Resolve(TrackerQuery, String),
    Open(TrackerQuery, SocketAddr),
    Write(TrackerQuery, Vec<u8>),
    Close(TrackerQuery),
    Udp(SocketAddr, Vec<u8>),
}

#[derive(Default)]
struct Sink {
    effects: Vec<Effect>,
    peers: Vec<SocketAddr>,
    statuses: Vec<TrackerStatus>,
}

impl TrackerSink for Sink {
    fn resolve(&mut self, query: TrackerQuery, host: &str) {
        self.effects.push(Effect::Resolve(query, host.into()));
    }
    fn open_stream(&mut self, query: TrackerQuery, addr: SocketAddr, _: &str, tls: bool) {
        assert!(!tls, "the test trackers speak clear text");
        self.effects.push(Effect::Open(query, addr));
    }
    fn write(&mut self, query: TrackerQuery, data: Vec<u8>) {
        self.effects.push(Effect::Write(query, data));
    }
    fn close(&mut self, query: TrackerQuery) {
        self.effects.push(Effect::Close(query));
    }
    fn send_udp(&mut self, to: SocketAddr, data: Vec<u8>) {
        self.effects.push(Effect::Udp(to, data));
    }
    fn peers(&mut self, _: usize, peers: &[SocketAddr]) {
        self.peers.extend(peers);
    }
    fn status(&mut self, _: usize, status: TrackerStatus) {
        self.statuses.push(status);
    }
}

/// An announcer and its world.
pub(crate) struct Host {
    announcer: Announcer,
    rng: Rng,
    sink: Sink,
    clock: Instant,
    sockets: [UdpSocket; 2],
    streams: BTreeMap<TrackerQuery, TcpStream>,
}

impl Host {
    /// Announces `infohash` as reachable at `port`.
    pub(crate) fn new(trackers: &[String], infohash: InfoHash, port: u16, seed: u8) -> Self {
        let mut rng = Rng::new(&Seed([seed; 32]));
        let parse = |url: &String| TrackerUrl::parse(url).expect("a URL");
        let config = AnnouncerConfig {
            tiers: trackers.iter().map(|url| vec![parse(url)]).collect(),
            infohashes: vec![infohash],
            port,
            profile: Profile::choose(&mut rng.public),
            max_trackers: 32,
            max_peers: 200,
            max_reply_bytes: 256 * 1024,
            allow: |ip| ip.is_loopback(),
        };
        let sockets = ["127.0.0.1:0", "[::1]:0"].map(|local| {
            let socket = UdpSocket::bind(local).expect("a socket");
            socket.set_nonblocking(true).expect("a non-blocking socket");
            socket
        });
        let announcer = Announcer::new(config, &mut rng.public);
        let (sink, clock, streams) = (Sink::default(), Instant::now(), BTreeMap::new());
        let mut host = Self { announcer, rng, sink, clock, sockets, streams };
        host.announcer.start(host.now(), &mut host.rng.public, &mut host.sink);
        host
    }

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + Duration::from_secs(1_000) + self.clock.elapsed()
    }

    /// Peers named so far.
    pub(crate) fn peers(&self) -> &[SocketAddr] {
        &self.sink.peers
    }

    /// What the trackers were last said to be doing.
    pub(crate) fn status(&self) -> Option<&TrackerStatus> {
        self.sink.statuses.last()
    }

    /// How long the tracker is left alone.
    pub(crate) fn next_in(&self) -> Duration {
        match self.status() {
            Some(TrackerStatus::Working { next, .. }) => next.saturating_since(self.now()),
            _ => Duration::ZERO,
        }
    }

    /// Runs until `done`; false after `limit`.
    pub(crate) fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = Instant::now() + limit;
        while !done(self) {
            if Instant::now() > end {
                return false;
            }
            self.act();
            self.listen();
            if self.announcer.poll_timeout().is_some_and(|at| at <= self.now()) {
                let now = self.now();
                self.announcer.handle_timeout(now, &mut self.rng.public, &mut self.sink);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// Says goodbye; true if it was heard in time.
    pub(crate) fn stop(&mut self) -> bool {
        self.announcer.stop(self.now(), &mut self.rng.public, &mut self.sink);
        self.run_until(Duration::from_secs(4), |host| host.announcer.is_stopped())
    }

    fn act(&mut self) {
        for effect in core::mem::take(&mut self.sink.effects) {
            let now = self.now();
            let (rng, sink) = (&mut self.rng.public, &mut self.sink);
            match effect {
                Effect::Resolve(query, host) => match (host.as_str(), 1).to_socket_addrs() {
                    Ok(found) => {
                        let ips: Vec<IpAddr> = found.map(|address| address.ip()).collect();
                        self.announcer.on_resolved(now, query, &ips, rng, sink);
                    }
                    Err(error) => {
                        self.announcer.on_failed(now, query, &error.to_string(), rng, sink);
                    }
                },
                Effect::Open(query, to) => {
                    match TcpStream::connect_timeout(&to, Duration::from_secs(2)) {
                        Ok(stream) => {
                            stream.set_nonblocking(true).expect("a non-blocking stream");
                            self.streams.insert(query, stream);
                            self.announcer.on_opened(now, query, rng, sink);
                        }
                        Err(error) => {
                            self.announcer.on_failed(now, query, &error.to_string(), rng, sink);
                        }
                    }
                }
                Effect::Write(query, data) => {
                    if let Some(stream) = self.streams.get_mut(&query) {
                        stream.write_all(&data).expect("a request fits into the socket");
                    }
                }
                Effect::Close(query) => drop(self.streams.remove(&query)),
                Effect::Udp(to, data) => {
                    let _ = self.sockets[usize::from(to.is_ipv6())].send_to(&data, to);
                }
            }
        }
    }

    fn listen(&mut self) {
        let mut buffer = [0; 4_096];
        let now = self.now();
        let (rng, sink) = (&mut self.rng.public, &mut self.sink);
        for socket in &self.sockets {
            while let Ok((len, from)) = socket.recv_from(&mut buffer) {
                self.announcer.on_datagram(now, from, &buffer[..len], rng, sink);
            }
        }
        let mut ended = Vec::new();
        for (&query, stream) in &mut self.streams {
            match stream.read(&mut buffer) {
                Ok(len) if len > 0 => {
                    self.announcer.on_readable(now, query, &buffer[..len], rng, sink);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                _ => ended.push(query),
            }
        }
        for query in ended {
            self.streams.remove(&query);
            self.announcer.on_closed(now, query, rng, sink);
        }
    }
}

/// Two hosts that start one after the other find each other through `tracker`, and are gone once
/// they have left. A tracker with a `minimum` interval hears of the first one no sooner.
pub(crate) fn meet(tracker: &str, infohash: InfoHash, minimum: Option<Duration>) {
    let limit = Duration::from_secs(10);
    let urls = [tracker.to_owned()];
    let works = |host: &Host| matches!(host.status(), Some(TrackerStatus::Working { .. }));
    let knows = |port: u16| move |host: &Host| host.peers().iter().any(|peer| peer.port() == port);
    let mut first = Host::new(&urls, infohash, 41_001, 1);
    assert!(first.run_until(limit, works), "{tracker}: {:?}", first.status());
    let mut second = Host::new(&urls, infohash, 41_002, 2);
    assert!(second.run_until(limit, knows(41_001)), "{tracker}: {:?}", second.status());
    if let Some(minimum) = minimum {
        assert!(first.next_in() >= minimum, "{tracker}: {:?}", first.status());
    } else {
        // Without peers it asks again fifteen seconds after its first answer.
        assert!(first.run_until(limit * 2, knows(41_002)), "{tracker}: {:?}", first.status());
    }
    assert!(second.stop(), "{tracker}: no answer to the farewell");
    assert!(first.stop());
    let mut third = Host::new(&urls, infohash, 41_003, 3);
    assert!(third.run_until(limit, works));
    let left = |peer: &SocketAddr| [41_001, 41_002].contains(&peer.port());
    assert!(!third.peers().iter().any(left), "{tracker}: {:?}", third.peers());
    assert!(third.stop());
}

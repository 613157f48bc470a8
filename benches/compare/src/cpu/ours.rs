//! Bit Chat: handshakes between two parties, and the links that come of them.

use super::pair::{ONE_WAY, Pair};
use bitchat_core::base::ids::{ChannelId, Device, DeviceId, LinkId, SocketId};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::{Now, Timestamp, UnixMillis};
use bitchat_core::crypto::channel_keys::{ChannelKeys, Epoch};
use bitchat_core::crypto::gate::{CookieJar, Envelope, Kind, NonceCache};
use bitchat_core::crypto::identity::{Certificate, Identity};
use bitchat_core::crypto::suite::{DhPublic, DhSecret, Secret, Suite};
use bitchat_core::handshake::{
    BootId, Devices, Effect, Env, Established, Initiator, Local, Responder, Target, answer_probe,
};
use bitchat_core::link::{Lane, Link, LinkConfig, LinkEvent, Verdict, Via};
use bitchat_core::node::Config;
use std::net::SocketAddr;
use std::time::Duration;

const WALL: UnixMillis = UnixMillis(1_800_000_000_000);
/// The channel that links carry.
pub const CHANNEL: ChannelId = ChannelId([1; 20]);

/// Two strangers have neither a link nor a secret left from an earlier one.
struct Strangers;

impl Devices for Strangers {
    fn secrets(&self, _: &DhPublic) -> [Option<Secret>; 2] {
        [None, None]
    }
    fn is_linked(&self, _: &Device, _: &BootId) -> bool {
        false
    }
}

/// As much of a node as meets others.
struct Party {
    address: SocketAddr,
    local: Local,
    keys: ChannelKeys,
    cookies: CookieJar,
    rng: Rng,
    nonces: NonceCache,
    responder: Responder,
}

impl Party {
    fn new(suite: Suite, name: u8) -> Self {
        let mut rng = Rng::new(&Seed([name; 32]));
        let static_key = DhSecret::generate(suite, &mut rng.secret);
        let identity = Identity::generate(&mut rng.secret).on(suite);
        let lifetime = Certificate::MAX_LIFETIME;
        let certificate = Certificate::issue(
            &identity,
            DeviceId([name; 16]),
            static_key.public(),
            WALL,
            lifetime,
        )
        .expect("the lifetime is allowed");
        Self {
            address: SocketAddr::from(([192, 0, 2, name], 1_000)),
            local: Local { static_key, certificate, features: 0, boot: BootId([name; 16]) },
            keys: ChannelKeys::new(CHANNEL, &Secret([7; 32]), Epoch::default()),
            cookies: CookieJar::new(&mut rng.secret),
            rng,
            nonces: NonceCache::new(Limits::default().node.probe_nonces),
            responder: Responder::new(Limits::default().node.handshakes),
        }
    }

    fn act(&mut self, now: Timestamp, act: impl FnOnce(Step<'_>)) -> Vec<Effect> {
        let mut effects = Vec::new();
        let env = Env {
            now,
            wall: WALL,
            local: &self.local,
            keys: &self.keys,
            cookies: &self.cookies,
            devices: &Strangers,
            rng: &mut self.rng,
            key_log: false,
            effects: &mut effects,
        };
        act(Step { env, nonces: &mut self.nonces, responder: &mut self.responder });
        effects
    }
}

/// What a party works with during one call.
struct Step<'a> {
    env: Env<'a>,
    nonces: &'a mut NonceCache,
    responder: &'a mut Responder,
}

/// Two parties that meet again and again.
pub struct Meeting {
    now: Timestamp,
    parties: [Party; 2],
}

impl Meeting {
    pub fn new(suite: Suite) -> Self {
        let parties = [1, 2].map(|name| Party::new(suite, name));
        Self { now: Timestamp::from_millis(1), parties }
    }

    /// A whole handshake, from the probe to the third message, through the gate's envelopes.
    pub fn meet(&mut self) -> [Established; 2] {
        self.now += Duration::from_millis(100);
        let now = self.now;
        let target = Target { remote: self.parties[1].address, peer: None, cookie: None };
        let mut initiator = None;
        let mut sessions = [None, None];
        let mut effects = self.parties[0]
            .act(now, |mut s| initiator = Some(Initiator::start(&mut s.env, target)));
        let mut turn = 0;
        let mut initiator = initiator.expect("it was started");
        while !effects.is_empty() {
            let from = self.parties[turn].address;
            let mut arrived = Vec::new();
            for effect in effects.drain(..) {
                match effect {
                    Effect::Send { datagram, .. } => arrived.push(datagram),
                    Effect::Established(session) => sessions[turn] = Some(*session),
                    Effect::Observed(_) => {}
                    other => panic!("a handshake without faults: {other:?}"),
                }
            }
            turn = 1 - turn;
            for mut datagram in arrived {
                effects.extend(self.parties[turn].act(now, |step| {
                    receive(step, &mut initiator, from, &mut datagram);
                }));
            }
        }
        initiator.confirmed();
        sessions.map(|session| session.expect("both have keys"))
    }

    /// The link of one party's session, as a node makes it, in one channel, with datagrams of at most
    /// `mtu` bytes.
    pub fn link(
        &self,
        of: usize,
        now: Timestamp,
        session: &Established,
        mtu: usize,
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) -> Link {
        let mut defaults = Config::default();
        defaults.limits.link.datagram_bytes = mtu;
        let config = LinkConfig {
            rekey_interval: defaults.rekey_interval,
            keepalive: defaults.keepalive,
            idle_timeout: defaults.idle_timeout,
            limits: defaults.limits,
            key_log: false,
        };
        let party = &self.parties[of];
        let (id, local) = (LinkId(of as u64), &party.local.static_key);
        let mut link = Link::new(now, id, session, local, via(of), config, rng);
        link.join(CHANNEL, &party.keys.mac, rng, events);
        link
    }
}

fn receive(step: Step<'_>, initiator: &mut Initiator, from: SocketAddr, datagram: &mut [u8]) {
    let Step { mut env, nonces, responder } = step;
    let envelope = Envelope::new(datagram).expect("long enough");
    assert!(envelope.proves(env.keys, WALL.day()));
    let body = envelope.unmask(env.keys);
    match Kind::of(body).expect("of this version") {
        Kind::Probe => drop(answer_probe(&mut env, nonces, from, body).expect("answered")),
        Kind::Hs1 => responder.handle_hs1(&mut env, from, body).expect("accepted"),
        Kind::Hs3 => responder.handle_hs3(&mut env, from, body).expect("accepted"),
        Kind::ProbeAck | Kind::Hs2 => {
            initiator.handle_datagram(&mut env, from, body).expect("accepted");
        }
    }
}

/// Two links of one session.
pub struct Links {
    now: Timestamp,
    lane: Lane,
    links: [Option<Box<Link>>; 2],
    rngs: [Rng; 2],
    events: Vec<LinkEvent>,
    mtu: usize,
    /// Packets in flight, `mtu` bytes apart, and their lengths.
    wire: Vec<u8>,
    lens: Vec<usize>,
    received: u64,
    up: usize,
}

impl Links {
    /// Links fresh from a handshake: the first renewal, with ML-KEM, is still to come.
    pub fn new(meeting: &mut Meeting, lane: Lane, mtu: usize) -> Self {
        let sessions = meeting.meet();
        let now = Timestamp::from_millis(1);
        let mut rngs = [3, 4].map(|seed| Rng::new(&Seed([seed; 32])));
        let mut links = [None, None];
        let mut events = Vec::new();
        for (of, session) in sessions.iter().enumerate() {
            let link = meeting.link(of, now, session, mtu, &mut rngs[of], &mut events);
            links[of] = Some(Box::new(link));
        }
        let (wire, lens) = (Vec::new(), Vec::new());
        Self { now, lane, links, rngs, events, mtu, wire, lens, received: 0, up: 0 }
    }

    /// Runs until both ends have renewed their keys and found their channel.
    pub fn settle(&mut self) {
        while self.up < 2 {
            if self.round() == 0 {
                self.sleep();
            }
        }
    }

    /// Settled links.
    pub fn ready(meeting: &mut Meeting, lane: Lane, mtu: usize) -> Self {
        let mut links = Self::new(meeting, lane, mtu);
        links.settle();
        links
    }

    /// Passes time without traffic.
    pub fn idle(&mut self, time: Duration) {
        let end = self.now + time;
        while self.next() <= end {
            self.sleep();
            while self.round() > 0 {}
        }
    }

    fn next(&self) -> Timestamp {
        let deadlines = self.links.iter().flatten().filter_map(|link| link.poll_timeout());
        deadlines.map(|(at, _)| at).min().expect("a link has a deadline")
    }

    /// Lets go of one end.
    pub fn drop_end(&mut self) {
        self.links[1] = None;
    }

    fn link(&mut self, of: usize) -> &mut Link {
        self.links[of].as_mut().expect("the end is there")
    }

    fn due(&mut self) {
        let now = Now { mono: self.now, wall: None };
        for (link, rng) in self.links.iter_mut().flatten().zip(&mut self.rngs) {
            if link.poll_timeout().is_some_and(|(at, _)| at <= now.mono) {
                link.handle_timeout(now, rng, &mut self.events);
            }
        }
        hear(&mut self.events, &mut self.received, &mut self.up);
    }
}

fn hear(events: &mut Vec<LinkEvent>, received: &mut u64, up: &mut usize) {
    for event in events.drain(..) {
        match event {
            LinkEvent::Message { data, .. } => *received += data.len() as u64,
            LinkEvent::ChannelUp(_) => *up += 1,
            LinkEvent::Closed(why) => panic!("a link without faults ended: {why:?}"),
            _ => {}
        }
    }
}

/// The largest datagram that a node takes and sends by default.
pub fn largest() -> usize {
    Config::default().limits.link.datagram_bytes
}

/// The next packet of a link, at the front of `buf`: its length.
pub fn poll(link: &mut Link, now: Timestamp, buf: &mut [u8]) -> Option<usize> {
    link.poll_packet(now, buf).map(|sealed| sealed.len)
}

/// Hands a datagram to a link.
pub fn take(
    link: &mut Link,
    now: Timestamp,
    via: Via,
    datagram: &mut [u8],
    rng: &mut Rng,
    events: &mut Vec<LinkEvent>,
) -> Verdict {
    link.handle_datagram(now, via, None, datagram, rng, events)
}

/// Where the other party is.
pub fn via(of: usize) -> Via {
    let peer = if of == 0 { 2 } else { 1 };
    Via::Udp { socket: SocketId(0), remote: SocketAddr::from(([192, 0, 2, peer], 1_000)) }
}

impl Pair for Links {
    fn send(&mut self, message: &[u8]) -> bool {
        let lane = self.lane;
        self.link(0).send(CHANNEL, lane, message)
    }

    fn flush(&mut self, from: usize) -> u64 {
        let Self { now, links, mtu, wire, lens, .. } = self;
        let mtu = *mtu;
        lens.clear();
        let link = links[from].as_mut().expect("the end is there");
        for at in 0.. {
            if wire.len() < (at + 1) * mtu {
                wire.resize((at + 16) * mtu, 0);
            }
            match poll(link, *now, &mut wire[at * mtu..(at + 1) * mtu]) {
                Some(len) => lens.push(len),
                None => break,
            }
        }
        self.now += ONE_WAY;
        let to = 1 - from;
        let Self { now, links, wire, lens, rngs, events, received, up, .. } = self;
        let link = links[to].as_mut().expect("the end is there");
        for (packet, len) in wire.chunks_mut(mtu).zip(&*lens) {
            let rng = &mut rngs[to];
            let verdict = take(link, *now, via(to), &mut packet[..*len], rng, events);
            assert_eq!(verdict, Verdict::Authentic);
            // As a node does: what happened is acted on before the next datagram.
            hear(events, received, up);
        }
        let packets = self.lens.len() as u64;
        self.due();
        packets
    }

    fn sleep(&mut self) {
        self.now = self.now.max(self.next());
        self.due();
    }

    fn received(&self) -> u64 {
        self.received
    }
}

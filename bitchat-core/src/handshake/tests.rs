mod hostile;
mod looks_random;
mod lossy;
mod resumption;
mod tie_break;
mod timers;

use super::*;
use crate::base::ids::{ChannelId, DeviceId};
use crate::base::rng::{Seed, Stream};
use crate::crypto::channel_keys::Epoch;
use crate::crypto::gate::{Envelope, Kind, NonceCache, ProbeAck};
use crate::crypto::identity::Identity;
use crate::crypto::packet_key::{MaskKey, PacketKey};
use crate::wire::packet::{Header, KeyPhase, PACKET_TAG_LEN, connection_id};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

const WALL: UnixMillis = UnixMillis(1_700_000_000_000);
const ALICE: &str = "192.0.2.1:1001";
const BOB: &str = "198.51.100.2:2002";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn channel(key: u8) -> ChannelKeys {
    ChannelKeys::new(ChannelId([1; 20]), &Secret([key; 32]), Epoch::default())
}

impl Devices for BTreeMap<DhPublic, [Option<Secret>; 2]> {
    fn secrets(&self, remote_static: &DhPublic) -> [Option<Secret>; 2] {
        self.get(remote_static).cloned().unwrap_or([None, None])
    }

    /// The device named `L` is linked.
    fn is_linked(&self, device: &Device, _: &BootId) -> bool {
        device.id.0[0] == b'L'
    }
}

/// One node: as much of it as meets others.
struct Party {
    address: SocketAddr,
    local: Local,
    keys: ChannelKeys,
    cookies: CookieJar,
    resumption: BTreeMap<DhPublic, [Option<Secret>; 2]>,
    rng: Rng,
    effects: Vec<Effect>,
    wall: UnixMillis,
    nonces: NonceCache,
    responder: Responder,
    initiator: Option<Initiator>,
    sessions: Vec<Established>,
    confirmed: Vec<ConnectionId>,
    failures: Vec<Failure>,
}

macro_rules! env_of {
    ($party:expr, $now:expr) => {
        &mut Env {
            now: $now,
            wall: $party.wall,
            local: &$party.local,
            keys: &$party.keys,
            cookies: &$party.cookies,
            devices: &$party.resumption,
            rng: &mut $party.rng,
            key_log: false,
            effects: &mut $party.effects,
        }
    };
}
use env_of;

impl Party {
    fn new(suite: Suite, name: u8, at: &str) -> Self {
        let mut rng = Rng::new(&Seed([name; 32]));
        let static_key = DhSecret::generate(suite, &mut rng.secret);
        let identity = Identity::generate(&mut rng.secret);
        let certificate = Certificate::issue(
            &identity,
            DeviceId([name; 16]),
            static_key.public(),
            WALL,
            Certificate::MAX_LIFETIME,
        )
        .unwrap();
        Self {
            address: address(at),
            local: Local {
                static_key,
                certificate,
                features: name.into(),
                boot: BootId([name; 16]),
            },
            keys: channel(7),
            cookies: CookieJar::new(&mut rng.secret),
            resumption: BTreeMap::new(),
            rng,
            effects: Vec::new(),
            wall: WALL,
            nonces: NonceCache::new(1_000),
            responder: Responder::new(64),
            initiator: None,
            sessions: Vec::new(),
            confirmed: Vec::new(),
            failures: Vec::new(),
        }
    }

    fn peer(&self) -> PeerId {
        self.local.certificate.peer
    }

    fn static_key(&self) -> DhPublic {
        self.local.static_key.public()
    }

    fn dial(&mut self, now: Timestamp, target: Target) {
        self.initiator = Some(Initiator::start(env_of!(self, now), target));
    }

    /// As the node will: packets of sessions first, then the gate, then by kind.
    fn receive(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        datagram: &[u8],
    ) -> Result<(), Rejected> {
        let mut datagram = datagram.to_vec();
        if self.on_packet(&mut datagram) {
            return Ok(());
        }
        let envelope = Envelope::new(&mut datagram).ok_or(Rejected::NotAwaited)?;
        if !envelope.proves(&self.keys, self.wall.day()) {
            return Err(Rejected::NotAwaited);
        }
        let body = envelope.unmask(&self.keys);
        self.on_body(now, from, body)
    }

    fn on_body(&mut self, now: Timestamp, from: SocketAddr, body: &[u8]) -> Result<(), Rejected> {
        match Kind::of(body).ok_or(Rejected::NotAwaited)? {
            Kind::Probe => {
                answer_probe(env_of!(self, now), &mut self.nonces, from, body).map(|_| ())
            }
            Kind::Hs1 => self.responder.handle_hs1(env_of!(self, now), from, body),
            Kind::Hs3 => self.on_hs3(now, from, body),
            Kind::ProbeAck | Kind::Hs2 => match &mut self.initiator {
                Some(initiator) => initiator.handle_datagram(env_of!(self, now), from, body),
                None => Err(Rejected::NotAwaited),
            },
        }
    }

    fn on_hs3(&mut self, now: Timestamp, from: SocketAddr, body: &[u8]) -> Result<(), Rejected> {
        let result = self.responder.handle_hs3(env_of!(self, now), from, body);
        let cid = receiver(body);
        // Stands for the link, which repeats its first packet until it is acknowledged.
        if let Some(session) = self.sessions.iter().find(|session| Some(session.local_cid) == cid) {
            let datagram = first_packet(self.local.suite(), session);
            self.effects.push(Effect::Send { to: from, datagram });
        }
        result
    }

    fn on_packet(&mut self, datagram: &mut [u8]) -> bool {
        let cid = connection_id(datagram);
        let Some(session) = self.sessions.iter().find(|session| Some(session.local_cid) == cid)
        else {
            return false;
        };
        let (mask, key) = match session.role {
            Role::Initiator => (&session.secrets.mask_r2i, &session.secrets.r2i),
            Role::Responder => (&session.secrets.mask_i2r, &session.secrets.i2r),
        };
        let Ok(header) = MaskKey::new(mask).unmask(datagram, None) else { return true };
        if PacketKey::new(self.local.suite(), key).open(&header, datagram).is_ok() {
            self.confirmed.push(session.local_cid);
            if let Some(initiator) = &mut self.initiator
                && initiator.local_cid() == session.local_cid
            {
                initiator.confirmed();
            }
        }
        true
    }

    fn timeout(&mut self, now: Timestamp) {
        if let Some(initiator) = &mut self.initiator {
            initiator.handle_timeout(env_of!(self, now));
        }
        self.responder.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        let initiator = self.initiator.as_ref().and_then(Initiator::poll_timeout);
        initiator.into_iter().chain(self.responder.poll_timeout()).min()
    }

    /// Acts on the effects; returns what is to be sent.
    fn drain(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut out = Vec::new();
        for effect in core::mem::take(&mut self.effects) {
            match effect {
                Effect::Send { to, datagram } => out.push((to, datagram)),
                Effect::Observed(seen) => assert_eq!(seen, self.address),
                Effect::Established(session) => {
                    if session.role == Role::Responder {
                        out.push((session.remote, first_packet(self.local.suite(), &session)));
                    }
                    self.sessions.push(*session);
                }
                Effect::Withdrawn(cid) => self.sessions.retain(|session| session.local_cid != cid),
                Effect::Failed(failure) => self.failures.push(failure),
                Effect::KeyLog(line) => panic!("nobody asked for {line:?}"),
            }
        }
        out
    }
}

/// The packet with which a responder confirms a session.
fn first_packet(suite: Suite, session: &Established) -> Vec<u8> {
    let header = Header::new(session.remote_cid, KeyPhase::of_epoch(0), 0, None);
    let mut packet = vec![0; header.len() + 5 + PACKET_TAG_LEN];
    let mask = MaskKey::new(&session.secrets.mask_r2i);
    PacketKey::new(suite, &session.secrets.r2i).seal(&mask, &header, &mut packet).unwrap();
    packet
}

/// Two parties and the datagrams between them.
struct World {
    now: Timestamp,
    parties: [Party; 2],
    rng: Stream,
    /// By arrival; source, destination, bytes.
    queue: BTreeMap<(Timestamp, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    serial: u64,
    /// In percent.
    loss: u64,
    duplicates: u64,
    corrupt: u64,
    /// One-way delay, at random up to this many milliseconds.
    delay: u64,
    rejected: Vec<Rejected>,
    carried: Vec<Vec<u8>>,
}

impl World {
    fn new(suite: Suite, seed: u8) -> Self {
        let mut parties = [Party::new(suite, 1, ALICE), Party::new(suite, 2, BOB)];
        parties.iter_mut().for_each(|party| party.rng.reseed(&Seed([seed; 32])));
        Self {
            now: Timestamp::from_millis(1_000_000),
            parties,
            rng: Rng::new(&Seed([seed; 32])).public,
            queue: BTreeMap::new(),
            serial: 0,
            loss: 0,
            duplicates: 0,
            corrupt: 0,
            delay: 20,
            rejected: Vec::new(),
            carried: Vec::new(),
        }
    }

    fn alice(&mut self) -> &mut Party {
        &mut self.parties[0]
    }

    fn bob(&mut self) -> &mut Party {
        &mut self.parties[1]
    }

    /// Alice dials Bob, and the world runs until nothing happens any more.
    fn meet(&mut self) {
        self.dial(0);
        self.run();
    }

    fn dial(&mut self, who: usize) {
        let remote = self.parties[1 - who].address;
        let now = self.now;
        self.parties[who].dial(now, Target { remote, peer: None, cookie: None });
        self.collect(who);
    }

    fn collect(&mut self, who: usize) {
        let from = self.parties[who].address;
        for (to, datagram) in self.parties[who].drain() {
            self.carried.push(datagram.clone());
            let copies = 1 + u64::from(self.rng.below(100) < self.duplicates);
            for _ in 0..copies {
                if self.rng.below(100) < self.loss {
                    continue;
                }
                let mut copy = datagram.clone();
                if self.rng.below(100) < self.corrupt {
                    let bit = usize::try_from(self.rng.below(copy.len() as u64 * 8)).unwrap();
                    copy[bit / 8] ^= 1 << (bit % 8);
                }
                let delay = Duration::from_millis(1 + self.rng.below(self.delay));
                self.serial += 1;
                self.queue.insert((self.now + delay, self.serial), (from, to, copy));
            }
        }
    }

    fn run(&mut self) {
        for _ in 0..10_000 {
            let arrival = self.queue.first_key_value().map(|(&(at, _), _)| at);
            let timeout = self.parties.iter().filter_map(Party::poll_timeout).min();
            let Some(next) = arrival.into_iter().chain(timeout).min() else { return };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let (_, (from, to, datagram)) = self.queue.pop_first().unwrap();
                let Some(who) = self.parties.iter().position(|party| party.address == to) else {
                    continue;
                };
                let result = self.parties[who].receive(self.now, from, &datagram);
                self.rejected.extend(result.err());
                self.collect(who);
            } else {
                for who in 0..2 {
                    self.parties[who].timeout(self.now);
                    assert!(self.parties[who].poll_timeout().is_none_or(|at| at > self.now));
                    self.collect(who);
                }
            }
        }
        panic!("the world never comes to rest");
    }

    /// Both ends of the one session that there is.
    fn session(&self) -> [&Established; 2] {
        let [alice, bob] = &self.parties;
        assert_eq!((alice.sessions.len(), bob.sessions.len()), (1, 1));
        [&alice.sessions[0], &bob.sessions[0]]
    }
}

fn assert_same_session(a: &Established, b: &Established) {
    assert_ne!(a.role, b.role);
    assert_eq!(a.handshake_hash, b.handshake_hash);
    assert_eq!((a.local_cid, a.remote_cid), (b.remote_cid, b.local_cid));
    assert_eq!(a.resumed, b.resumed);
    assert_eq!(a.channel, b.channel);
    let all = |session: &Established| {
        let keys = &session.secrets;
        [&keys.i2r, &keys.r2i, &keys.mask_i2r, &keys.mask_r2i, &keys.exporter].map(|key| key.0)
    };
    assert_eq!(all(a), all(b));
    let distinct: BTreeSet<_> = all(a).into_iter().collect();
    assert_eq!(distinct.len(), 5);
}

/// BC-05.20, BC-05.22, BC-05.23, BC-05.30
#[test]
fn two_members_meet() {
    for &suite in Suite::ALL {
        let mut world = World::new(suite, 1);
        world.meet();
        let [at_alice, at_bob] = world.session();
        assert_same_session(at_alice, at_bob);
        let [alice, bob] = &world.parties;
        assert_eq!(at_alice.role, Role::Initiator);
        assert_eq!((at_alice.device.peer, at_bob.device.peer), (bob.peer(), alice.peer()));
        assert_eq!((at_alice.device.id, at_bob.device.id), (DeviceId([2; 16]), DeviceId([1; 16])));
        assert_eq!((at_alice.features, at_bob.features), (2, 1));
        assert_eq!((at_alice.boot, at_bob.boot), (BootId([2; 16]), BootId([1; 16])));
        assert_eq!((at_alice.remote, at_bob.remote), (bob.address, alice.address));
        assert_eq!(
            (at_alice.remote_static, at_bob.remote_static),
            (bob.static_key(), alice.static_key())
        );
        assert!(!at_alice.resumed);
        assert!(alice.initiator.as_ref().is_some_and(Initiator::is_over));
        assert!(bob.responder.is_empty() && alice.failures.is_empty());
        assert_eq!(world.carried.len(), 6, "probe, ack, hs1, hs2, hs3, packet");
    }
}

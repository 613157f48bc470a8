//! The real handshake of an end, in the schedules that have it: what a node's meetings do with the
//! machines of `bitchat_core::handshake`, over the same line as all other packets.

use super::end::Session;
use super::session::{channel_keys, limits, person_of};
use bitchat_core::base::ids::{ConnectionId, Device};
use bitchat_core::base::rng::Rng;
use bitchat_core::base::time::{Now, Timestamp};
use bitchat_core::crypto::gate::{CookieJar, Envelope, Kind, NonceCache};
use bitchat_core::crypto::suite::{DhPublic, Secret};
use bitchat_core::handshake::{
    BootId, Devices, Effect, Env, Initiator, Local, Rejected, Responder, Target, answer_probe,
    receiver,
};
use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

/// Attempts of one end at once. It knows an address of its peer in each network, and goes on with
/// those that it has left for as long as a handshake does.
const MAX_ATTEMPTS: usize = 16;

/// What handshakes know of the other end.
struct Known<'a> {
    secrets: &'a [Option<Secret>; 2],
    sessions: &'a [Session],
    now: Timestamp,
}

impl Devices for Known<'_> {
    fn secrets(&self, _: &DhPublic) -> [Option<Secret>; 2] {
        self.secrets.clone()
    }

    fn is_linked(&self, device: &Device, boot: &BootId) -> bool {
        self.sessions.iter().map(|session| &session.link).any(|link| {
            link.device() == *device
                && link.tie_break().peer_boot == *boot
                && link.is_alive(self.now)
        })
    }
}

/// What a call is about.
pub(super) struct About<'a> {
    pub now: Now,
    pub rng: &'a mut Rng,
    pub sessions: &'a [Session],
}

/// All handshakes of an end.
#[derive(Debug)]
pub(super) struct Greeter {
    local: Local,
    cookies: CookieJar,
    nonces: NonceCache,
    responder: Responder,
    attempts: BTreeMap<SocketAddr, Initiator>,
    /// What the last links left, the latest first.
    secrets: [Option<Secret>; 2],
    /// Datagrams to send.
    pub out: VecDeque<(SocketAddr, Vec<u8>)>,
    /// The end takes no more.
    pub over: bool,
    pub dialled: u64,
}

impl Greeter {
    pub(super) fn new(end: usize, suite: usize, rng: &mut Rng) -> Self {
        let person = person_of(end);
        let (static_key, certificate) = (person.keys[suite].clone(), person.certificate);
        let local = Local { static_key, certificate, features: 0, boot: BootId([1; 16]) };
        Self {
            local,
            cookies: CookieJar::new(&mut rng.secret),
            nonces: NonceCache::new(limits().node.probe_nonces),
            responder: Responder::new(limits().node.handshakes),
            attempts: BTreeMap::new(),
            secrets: [None, None],
            out: VecDeque::new(),
            over: false,
            dialled: 0,
        }
    }

    /// Another run of the same device. What links left was stored.
    pub(super) fn restart(&mut self, boot: u8, rng: &mut Rng) {
        self.local.boot = BootId([boot; 16]);
        self.cookies = CookieJar::new(&mut rng.secret);
        self.nonces = NonceCache::new(limits().node.probe_nonces);
        self.responder = Responder::new(limits().node.handshakes);
        self.attempts.clear();
        self.out.clear();
    }

    /// Ends all attempts, and answers nobody any more.
    pub(super) fn close(&mut self) {
        self.over = true;
        self.attempts.clear();
    }

    /// A link leaves this for the next handshake.
    pub(super) fn on_resumption(&mut self, secret: Secret) {
        let [current, _] = core::mem::take(&mut self.secrets);
        self.secrets = [Some(secret), current];
    }

    pub(super) fn is_dialling(&self) -> bool {
        !self.attempts.is_empty()
    }

    /// Begins an attempt, unless one is under way there.
    pub(super) fn dial(&mut self, about: About<'_>, remote: SocketAddr) -> Vec<Effect> {
        let blocked = self.over || self.attempts.contains_key(&remote);
        if blocked || self.attempts.len() >= MAX_ATTEMPTS || about.now.wall.is_none() {
            return Vec::new();
        }
        self.dialled += 1;
        let target = Target { remote, peer: None, cookie: None };
        let (attempt, effects) = self.with_env(about, |_, env| Initiator::start(env, target));
        self.attempts.extend(attempt.map(|attempt| (remote, attempt)));
        self.finish(effects)
    }

    /// A datagram of no session. `None` if it proves nothing.
    pub(super) fn on_datagram(
        &mut self,
        about: About<'_>,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Option<(Result<Kind, Rejected>, Vec<Effect>)> {
        let wall = about.now.wall?;
        let envelope = Envelope::new(datagram)?;
        if self.over || !envelope.proves(channel_keys(), wall.day()) {
            return None;
        }
        let body = envelope.unmask(channel_keys());
        let Some(kind) = Kind::of(body) else {
            return Some((Err(Rejected::NotAwaited), Vec::new()));
        };
        let (result, effects) = match kind {
            Kind::Probe => self.with_env(about, |greeter, env| {
                answer_probe(env, greeter.nonces, from, body).map(drop)
            }),
            Kind::Hs1 => {
                self.with_env(about, |greeter, env| greeter.responder.handle_hs1(env, from, body))
            }
            Kind::Hs3 => {
                self.with_env(about, |greeter, env| greeter.responder.handle_hs3(env, from, body))
            }
            Kind::ProbeAck | Kind::Hs2 => {
                let named = |cid| receiver(body).is_none_or(|name| name == cid);
                match self.attempts.remove(&from) {
                    Some(mut attempt) => {
                        let taken = if named(attempt.local_cid()) {
                            self.with_env(about, |_, env| attempt.handle_datagram(env, from, body))
                        } else {
                            (Some(Err(Rejected::NotAwaited)), Vec::new())
                        };
                        self.attempts.insert(from, attempt);
                        taken
                    }
                    None => (None, Vec::new()),
                }
            }
        };
        let result = result.unwrap_or(Err(Rejected::NotAwaited)).map(|()| kind);
        Some((result, self.finish(effects)))
    }

    /// What answers a datagram of `len` bytes goes to where that came from, and is no longer unless
    /// this end asked first (BC-04.18, BC-05.21).
    pub(super) fn check_answer(&self, from: SocketAddr, len: usize) -> Result<(), String> {
        let asked = self.attempts.contains_key(&from);
        let bytes: usize = self.out.iter().map(|(_, datagram)| datagram.len()).sum();
        if self.out.iter().any(|(to, _)| *to != from) || !asked && bytes > len {
            return Err(format!("{len} bytes from {from} are answered by {bytes}"));
        }
        Ok(())
    }

    /// A packet of the session with this connection id authenticated.
    pub(super) fn confirmed(&mut self, remote: &SocketAddr, cid: ConnectionId) {
        let attempt = self.attempts.get_mut(remote);
        if let Some(attempt) = attempt.filter(|attempt| attempt.local_cid() == cid) {
            attempt.confirmed();
        }
        self.attempts.retain(|_, attempt| !attempt.is_over());
    }

    /// When [`Self::on_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        let attempts = self.attempts.values().filter_map(Initiator::poll_timeout);
        attempts.chain(self.responder.poll_timeout()).min()
    }

    /// The effects of each attempt, under the address that it is about.
    pub(super) fn on_timeout(&mut self, about: About<'_>) -> Vec<(SocketAddr, Effect)> {
        let About { now, rng, sessions } = about;
        self.responder.handle_timeout(now.mono);
        let due = |(_, attempt): &(&SocketAddr, &Initiator)| {
            attempt.poll_timeout().is_some_and(|at| at <= now.mono)
        };
        let due: Vec<SocketAddr> = self.attempts.iter().filter(due).map(|(at, _)| *at).collect();
        let mut all = Vec::new();
        for remote in due {
            let Some(mut attempt) = self.attempts.remove(&remote) else { continue };
            let about = About { now, rng: &mut *rng, sessions };
            let (_, effects) = self.with_env(about, |_, env| attempt.handle_timeout(env));
            self.attempts.insert(remote, attempt);
            all.extend(self.finish(effects).into_iter().map(|effect| (remote, effect)));
        }
        all
    }

    /// Keeps what is to be sent; the rest is for the end.
    fn finish(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        self.attempts.retain(|_, attempt| !attempt.is_over());
        let mut rest = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send { to, datagram } => self.out.push_back((to, datagram)),
                other => rest.push(other),
            }
        }
        rest
    }

    /// Runs `body` with what handshakes need; `None` without a wall clock.
    fn with_env<T>(
        &mut self,
        About { now, rng, sessions }: About<'_>,
        body: impl FnOnce(&mut Parts<'_>, &mut Env<'_>) -> T,
    ) -> (Option<T>, Vec<Effect>) {
        let Some(wall) = now.wall else { return (None, Vec::new()) };
        let mut effects = Vec::new();
        let (secrets, now) = (&self.secrets, now.mono);
        let mut env = Env {
            now,
            wall,
            local: &self.local,
            keys: channel_keys(),
            cookies: &self.cookies,
            devices: &Known { secrets, sessions, now },
            rng,
            key_log: false,
            effects: &mut effects,
        };
        let mut parts = Parts { nonces: &mut self.nonces, responder: &mut self.responder };
        (Some(body(&mut parts, &mut env)), effects)
    }
}

/// What is changed besides the environment.
struct Parts<'a> {
    nonces: &'a mut NonceCache,
    responder: &'a mut Responder,
}

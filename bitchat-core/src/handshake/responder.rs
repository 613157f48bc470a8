//! Answering strangers: without memory until they prove their address, with little after that.

use super::message::{self, Hello};
use super::{Effect, Env, Established, Failure, Rejected, SessionSecrets};
use crate::base::addr;
use crate::base::ids::{ChannelId, ConnectionId, Device};
use crate::base::time::Timestamp;
use crate::crypto::channel_keys::Epoch;
use crate::crypto::gate::{NonceCache, Probe, ProbeAck};
use crate::crypto::noise::{HandshakeState, NoiseError, Role};
use crate::crypto::suite::{DhPublic, DhSecret, Secret, hash};
use crate::wire::reader::Reader;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

/// How long an hs3 is awaited (BC-05.29).
const LIFETIME: Duration = Duration::from_secs(15);
/// The part of all handshakes that one network may have under way.
const SHARE: usize = 8;
/// Messages that fail to authenticate before a handshake is dropped: each costs a DH or two.
const MAX_FORGERIES: u8 = 4;

/// Answers the body of a probe, without remembering more than its nonce (BC-04.16, BC-04.17).
/// Returns the probe, whose cookie lets us start a handshake with the prober at once.
///
/// # Errors
/// [`Rejected`] if it is not answered.
pub fn answer_probe(
    env: &mut Env<'_>,
    nonces: &mut NonceCache,
    from: SocketAddr,
    body: &[u8],
) -> Result<Probe, Rejected> {
    let probe = Probe::decode(body)?;
    // BC-04.50
    if env.cookies.is_own(&probe.nonce) {
        return Err(Rejected::Own);
    }
    if !nonces.insert(probe.nonce) {
        return Err(Rejected::Repeated);
    }
    let cookie = env.cookies.issue(env.now, from);
    let ack = ProbeAck { nonce: probe.nonce, cookie, observed: from };
    let datagram = ack.seal(env.keys, env.wall.day(), body.len(), &mut env.rng.public);
    env.effects.push(Effect::Send { to: from, datagram });
    Ok(probe)
}

/// All handshakes that others began with this node.
///
/// A handshake takes memory only once its sender showed a cookie for its address, at most `limit`
/// of them at a time; the oldest gives way.
#[derive(Debug)]
pub struct Responder {
    limit: usize,
    pending: BTreeMap<ConnectionId, Pending>,
    /// By the hash of the first message and where it came from, to recognise repetitions. Whoever
    /// copies another's message has a handshake of its own (BC-05.51).
    by_hello: BTreeMap<[u8; 32], ConnectionId>,
    deadlines: BTreeSet<(Timestamp, ConnectionId)>,
    by_network: BTreeMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Pending {
    /// That of hs1: an hs3 may come under the envelope of another one.
    channel: (ChannelId, Epoch),
    remote: SocketAddr,
    remote_cid: ConnectionId,
    hello: [u8; 32],
    /// When hs1 came, and how often it was answered.
    since: Timestamp,
    answers: u32,
    deadline: Timestamp,
    noise: HandshakeState,
    hs2: Vec<u8>,
    forgeries: u8,
}

impl Responder {
    /// Without handshakes; at most `limit` at once (see `NodeLimits::handshakes`).
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            pending: BTreeMap::new(),
            by_hello: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            by_network: BTreeMap::new(),
        }
    }

    /// Handshakes that wait for their hs3.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// No handshake is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    /// Forgets the handshakes whose time is over.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        while let Some(&(deadline, cid)) = self.deadlines.first()
            && deadline <= now
        {
            self.remove(cid);
        }
    }

    /// Handles the body of an hs1. Before the cookie is accepted this costs one MAC (BC-05.26).
    ///
    /// # Errors
    /// [`Rejected`] if it is not answered.
    pub fn handle_hs1(
        &mut self,
        env: &mut Env<'_>,
        from: SocketAddr,
        body: &[u8],
    ) -> Result<(), Rejected> {
        let (cookie, noise1) = message::read_hs1(body)?;
        if !env.cookies.accepts(env.now, from, &cookie) {
            return Err(Rejected::Cookie);
        }
        let hello = hash(&[noise1, &addr::to_bytes(from.ip()), &from.port().to_le_bytes()]);
        if !self.by_hello.contains_key(&hello) {
            self.check_share(from)?;
            let (cid, pending) = answer(env, from, hello, noise1)?;
            // Only what authenticates drives others out.
            self.make_room();
            self.insert(cid, pending);
        }
        let pending = self.by_hello.get(&hello).and_then(|cid| self.pending.get_mut(cid));
        let pending = pending.ok_or(Rejected::NotAwaited)?;
        pending.answers += 1;
        let datagram = message::seal_hs2(env, &pending.hs2, body.len());
        env.effects.push(Effect::Send { to: from, datagram });
        Ok(())
    }

    /// Handles the body of an hs3; a session follows if it is genuine.
    ///
    /// # Errors
    /// [`Rejected`] if it is not. It is never answered.
    pub fn handle_hs3(
        &mut self,
        env: &mut Env<'_>,
        from: SocketAddr,
        body: &[u8],
    ) -> Result<(), Rejected> {
        let cid = message::receiver(body).ok_or(Rejected::NotAwaited)?;
        let pending = self.pending.get_mut(&cid).ok_or(Rejected::NotAwaited)?;
        if !addr::is_same(pending.remote, from) {
            return Err(Rejected::OtherAddress);
        }
        match pending.finish(env, message::read_hs3(body)?) {
            Ok((secret, payload)) => {
                let mut session = self.remove(cid).ok_or(Rejected::NotAwaited)?;
                env.log_keys(3, &cid.0, &mut session.noise);
                let session = session.establish(env, cid, secret, &payload)?;
                env.effects.push(Effect::Established(Box::new(session)));
                Ok(())
            }
            Err(error) => {
                pending.forgeries += 1;
                if pending.forgeries >= MAX_FORGERIES {
                    self.remove(cid);
                }
                Err(error.into())
            }
        }
    }

    /// BC-12.62
    fn check_share(&self, from: SocketAddr) -> Result<(), Rejected> {
        let share = (self.limit / SHARE).max(1);
        if self.limit == 0
            || self.by_network.get(&addr::network(from.ip())).is_some_and(|&has| has >= share)
        {
            return Err(Rejected::TooMany);
        }
        Ok(())
    }

    fn make_room(&mut self) {
        while self.pending.len() >= self.limit
            && let Some(&(_, oldest)) = self.deadlines.first()
        {
            self.remove(oldest);
        }
    }

    fn insert(&mut self, cid: ConnectionId, pending: Pending) {
        self.by_hello.insert(pending.hello, cid);
        self.deadlines.insert((pending.deadline, cid));
        *self.by_network.entry(addr::network(pending.remote.ip())).or_default() += 1;
        self.pending.insert(cid, pending);
    }

    fn remove(&mut self, cid: ConnectionId) -> Option<Pending> {
        let pending = self.pending.remove(&cid)?;
        self.by_hello.remove(&pending.hello);
        self.deadlines.remove(&(pending.deadline, cid));
        let network = addr::network(pending.remote.ip());
        if let Some(count) = self.by_network.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                self.by_network.remove(&network);
            }
        }
        Some(pending)
    }
}

/// Reads message 1 and writes message 2.
fn answer(
    env: &mut Env<'_>,
    from: SocketAddr,
    hello: [u8; 32],
    noise1: &[u8],
) -> Result<(ConnectionId, Pending), Rejected> {
    let mut noise = message::new_noise(env, Role::Responder)?;
    let mut payload = Vec::new();
    noise.read_message(noise1, &mut payload)?;
    env.log_keys(1, noise1, &mut noise);
    let remote_cid = payload.first_chunk().copied().map(ConnectionId);
    let remote_cid = remote_cid.ok_or(NoiseError::TooShort)?;
    let cid = ConnectionId(env.rng.public.bytes());
    let mut about_us = cid.0.to_vec();
    Hello::put(env.local, &mut about_us);
    let ephemeral = DhSecret::generate(env.local.suite(), &mut env.rng.secret);
    let mut written = Vec::new();
    noise.write_message(Some(ephemeral), &about_us, &mut written)?;
    env.log_keys(2, &remote_cid.0, &mut noise);
    let hs2 = message::hs2(remote_cid, &written);
    let deadline = env.now + LIFETIME;
    let channel = (env.keys.chan(), env.keys.epoch());
    Ok((
        cid,
        Pending {
            channel,
            remote: from,
            remote_cid,
            hello,
            since: env.now,
            deadline,
            noise,
            hs2,
            answers: 0,
            forgeries: 0,
        },
    ))
}

/// Which secret of the pair a session was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Used {
    Current,
    Previous,
    None,
}

impl Pending {
    /// Reads message 3 with the current secret, the previous one, or none (BC-05.27); says which.
    fn finish(&mut self, env: &Env<'_>, noise3: &[u8]) -> Result<(Used, Vec<u8>), NoiseError> {
        let remote_static = self.noise.peek_static(noise3)?;
        let [current, previous] = env.devices.secrets(&remote_static);
        let none = Some(Secret([0; 32]));
        let all = [(current, Used::Current), (previous, Used::Previous), (none, Used::None)];
        for (secret, used) in all {
            let Some(secret) = secret else { continue };
            self.noise.set_psk(3, secret)?;
            let mut payload = Vec::new();
            match self.noise.read_message(noise3, &mut payload) {
                Ok(()) => return Ok((used, payload)),
                Err(NoiseError::Auth) => {}
                Err(error) => return Err(error),
            }
        }
        Err(NoiseError::Auth)
    }

    fn establish(
        &self,
        env: &Env<'_>,
        cid: ConnectionId,
        secret: Used,
        payload: &[u8],
    ) -> Result<Established, Rejected> {
        let hello = Hello::read(Reader::new(payload)).map_err(Failure::from)?;
        let remote_static: DhPublic = self.noise.remote_static().ok_or(NoiseError::NoStaticKey)?;
        hello.check(env.local, &remote_static, env.wall)?;
        Ok(Established {
            role: Role::Responder,
            channel: self.channel,
            device: Device { peer: hello.certificate.peer, id: hello.certificate.device },
            certificate: hello.certificate,
            remote_static,
            local_cid: cid,
            remote_cid: self.remote_cid,
            features: hello.features,
            boot: hello.boot,
            handshake_hash: self.noise.handshake_hash(),
            secrets: SessionSecrets::derive(&self.noise)?,
            resumed: secret != Used::None,
            proven_current: secret == Used::Current,
            remote: self.remote,
            rtt: (self.answers == 1).then(|| env.now.saturating_since(self.since)),
        })
    }
}

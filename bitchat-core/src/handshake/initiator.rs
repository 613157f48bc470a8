//! One attempt to reach a peer at one address.

use super::message::{self, Hello};
use super::{Effect, Env, Established, Failure, Rejected, SessionSecrets};
use crate::base::addr;
use crate::base::ids::{ConnectionId, Device, PeerId};
use crate::base::time::Timestamp;
use crate::crypto::gate::{Cookie, Kind, PROBE_NONCE_LEN, Probe, ProbeAck};
use crate::crypto::noise::{HandshakeState, NoiseError, Role};
use crate::crypto::suite::{DhSecret, Secret};
use crate::wire::reader::Reader;
use core::net::SocketAddr;
use core::time::Duration;

/// Transmissions of each step (BC-05.33).
const TRIES: u32 = 5;
/// Transmissions of an hs1 with a cookie that the attempt was given, before it asks for one itself:
/// the address is not proven to us then (BC-04.22).
const GIVEN_TRIES: u32 = 2;
/// Transmissions of an hs3 made with a resumption secret, before it is tried without (BC-05.28).
const RESUMED_TRIES: u32 = 2;
/// The wait after the first transmission; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Bodies in place of an hs2 that are read after each transmission: each may cost two DHs
/// (BC-05.52).
const MAX_FORGERIES: u8 = 16;
/// The longest wait.
const MAX_WAIT: Duration = Duration::from_secs(4);

/// Whom to reach, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub remote: SocketAddr,
    /// Who is expected there; `None` takes whoever it is.
    pub peer: Option<PeerId>,
    /// A cookie that an ack from there brought not long ago, or a probe from there if the address
    /// is a candidate for other reasons too: saves a round trip.
    pub cookie: Option<Cookie>,
}

/// One attempt, from the first probe to the first packet of the session or to a [`Failure`].
#[derive(Debug)]
pub struct Initiator {
    target: Target,
    cid: ConnectionId,
    state: State,
    /// Transmissions of the present step.
    tries: u32,
    first_wait: Duration,
    /// When the present step was entered.
    since: Timestamp,
    deadline: Timestamp,
    /// The cookie in use was given, not brought by an ack to this attempt.
    given: bool,
    /// A resumption secret was tried in vain.
    without_secret: bool,
    /// Bodies in place of an hs2 since the last transmission that did not authenticate.
    forgeries: u8,
}

#[derive(Debug)]
enum State {
    /// Waiting for an ack to one of these probes.
    Probing { nonces: Vec<[u8; PROBE_NONCE_LEN]> },
    /// Waiting for hs2.
    Greeting { noise: Box<HandshakeState>, fields: Vec<u8> },
    /// Repeating hs3 until a packet of the session arrives.
    Finishing { fields: Vec<u8>, resumed: bool },
    /// Confirmed or failed.
    Over,
}

impl Initiator {
    /// Begins an attempt: the first datagram is among the effects.
    #[must_use]
    pub fn start(env: &mut Env<'_>, target: Target) -> Self {
        let mut attempt = Self {
            target,
            cid: ConnectionId(env.rng.public.bytes()),
            state: State::Over,
            tries: 0,
            first_wait: FIRST_WAIT,
            since: env.now,
            deadline: env.now,
            given: target.cookie.is_some(),
            without_secret: false,
            forgeries: 0,
        };
        match target.cookie {
            Some(cookie) => attempt.greet(env, &cookie),
            None => attempt.enter(env, State::Probing { nonces: Vec::new() }),
        }
        attempt
    }

    /// The connection id that hs2 and the session's packets will name. It changes when an
    /// established session is [withdrawn](Effect::Withdrawn).
    #[must_use]
    pub const fn local_cid(&self) -> ConnectionId {
        self.cid
    }

    /// The address that the attempt is about.
    #[must_use]
    pub const fn remote(&self) -> SocketAddr {
        self.target.remote
    }

    /// Whether this attempt waits for the ack of this nonce.
    #[must_use]
    pub fn awaits(&self, nonce: &[u8; PROBE_NONCE_LEN]) -> bool {
        matches!(&self.state, State::Probing { nonces } if nonces.contains(nonce))
    }

    /// The attempt has ended: drop it.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Timestamp> {
        if self.is_over() { None } else { Some(self.deadline) }
    }

    /// A packet of the session authenticated: the responder has its keys, the attempt is over.
    pub fn confirmed(&mut self) {
        if matches!(self.state, State::Finishing { .. }) {
            self.state = State::Over;
        }
    }

    /// Handles the body of a probe-ack or an hs2. What does not fit is dropped, and the true
    /// answer is still taken when it comes (BC-04.19, BC-05.34).
    ///
    /// # Errors
    /// [`Rejected`] if it changed nothing, or ended the attempt for the failure that it names.
    pub fn handle_datagram(
        &mut self,
        env: &mut Env<'_>,
        from: SocketAddr,
        body: &[u8],
    ) -> Result<(), Rejected> {
        if !addr::is_same(from, self.target.remote) {
            return Err(Rejected::OtherAddress);
        }
        match (Kind::of(body), &self.state) {
            (Some(Kind::ProbeAck), State::Probing { .. }) => self.on_ack(env, body),
            (Some(Kind::Hs2), State::Greeting { .. }) => self.on_hs2(env, body),
            _ => Err(Rejected::NotAwaited),
        }
    }

    /// Repeats what was not answered, or gives up. Does nothing before the deadline.
    pub fn handle_timeout(&mut self, env: &mut Env<'_>) {
        if self.is_over() || env.now < self.deadline {
            return;
        }
        let limit = match self.state {
            State::Finishing { resumed: true, .. } => RESUMED_TRIES,
            State::Greeting { .. } if self.given => GIVEN_TRIES,
            _ => TRIES,
        };
        if self.tries < limit { self.transmit(env) } else { self.give_up(env) }
    }

    fn on_ack(&mut self, env: &mut Env<'_>, body: &[u8]) -> Result<(), Rejected> {
        let ack = ProbeAck::decode(body)?;
        if !self.awaits(&ack.nonce) {
            return Err(Rejected::NotAwaited);
        }
        env.effects.push(Effect::Observed(ack.observed));
        self.given = false;
        self.greet(env, &ack.cookie);
        Ok(())
    }

    /// Sends a first message of Noise, with a new ephemeral key.
    fn greet(&mut self, env: &mut Env<'_>, cookie: &Cookie) {
        self.target.cookie = Some(*cookie);
        match self.first_message(env, cookie) {
            Ok(state) => self.enter(env, state),
            Err(_) => self.fail(env, Failure::NoAnswer),
        }
    }

    fn first_message(&self, env: &mut Env<'_>, cookie: &Cookie) -> Result<State, NoiseError> {
        let mut noise = Box::new(message::new_noise(env, Role::Initiator)?);
        let ephemeral = DhSecret::generate(env.local.suite(), &mut env.rng.secret);
        let mut written = Vec::new();
        noise.write_message(Some(ephemeral), &self.cid.0, &mut written)?;
        env.log_keys(1, &written, &mut noise);
        Ok(State::Greeting { noise, fields: message::hs1(cookie, &written) })
    }

    fn on_hs2(&mut self, env: &mut Env<'_>, body: &[u8]) -> Result<(), Rejected> {
        let State::Greeting { noise, .. } = &mut self.state else {
            return Err(Rejected::NotAwaited);
        };
        if message::receiver(body) != Some(self.cid) {
            return Err(Rejected::NotAwaited);
        }
        if self.forgeries >= MAX_FORGERIES {
            return Err(Rejected::TooMany);
        }
        let mut payload = Vec::new();
        let read = noise.read_message(message::read_hs2(body)?, &mut payload);
        read.inspect_err(|_| self.forgeries += 1)?;
        let noise = noise.clone();
        match self.finish(env, *noise, &payload) {
            Ok((state, session)) => {
                // What the peer needs to answer once is at most what it took until now (BC-05.33).
                let elapsed = env.now.saturating_since(self.since);
                self.first_wait = (elapsed * 2).clamp(FIRST_WAIT, MAX_WAIT);
                self.enter(env, state);
                env.effects.push(Effect::Established(session));
                Ok(())
            }
            Err(rejected) => {
                let failure = match rejected {
                    Rejected::Peer(failure) => failure,
                    _ => Failure::NoAnswer,
                };
                self.fail(env, failure);
                Err(rejected)
            }
        }
    }

    /// Judges the responder, writes the third message and derives the session.
    fn finish(
        &self,
        env: &mut Env<'_>,
        mut noise: HandshakeState,
        payload: &[u8],
    ) -> Result<(State, Box<Established>), Rejected> {
        env.log_keys(2, &self.cid.0, &mut noise);
        let mut reader = Reader::new(payload);
        let remote_cid = ConnectionId(reader.array()?);
        let hello = Hello::read(reader).map_err(Failure::from)?;
        let remote_static = noise.remote_static().ok_or(NoiseError::NoStaticKey)?;
        hello.check(env.local, &remote_static, env.wall)?;
        let peer = hello.certificate.peer;
        if self.target.peer.is_some_and(|expected| expected != peer) {
            return Err(Failure::WrongPeer(peer).into());
        }
        let device = Device { peer, id: hello.certificate.device };
        if env.devices.is_linked(&device, &hello.boot) {
            return Err(Failure::Linked(device).into());
        }
        let [current, _] = env.devices.secrets(&remote_static);
        let secret = current.filter(|_| !self.without_secret);
        let resumed = secret.is_some();
        noise.set_psk(3, secret.unwrap_or(Secret([0; 32])))?;
        let (mut about_us, mut written) = (Vec::new(), Vec::new());
        Hello::put(env.local, &mut about_us);
        noise.write_message(None, &about_us, &mut written)?;
        env.log_keys(3, &remote_cid.0, &mut noise);
        let session = Box::new(Established {
            role: Role::Initiator,
            channel: (env.keys.chan(), env.keys.epoch()),
            device,
            certificate: hello.certificate,
            remote_static,
            local_cid: self.cid,
            remote_cid,
            features: hello.features,
            boot: hello.boot,
            handshake_hash: noise.handshake_hash(),
            secrets: SessionSecrets::derive(&noise)?,
            resumed,
            proven_current: false,
            remote: self.target.remote,
            rtt: (self.tries == 1).then(|| env.now.saturating_since(self.since)),
        });
        let fields = message::hs3(remote_cid, &written);
        Ok((State::Finishing { fields, resumed }, session))
    }

    fn enter(&mut self, env: &mut Env<'_>, state: State) {
        self.state = state;
        self.tries = 0;
        self.since = env.now;
        self.transmit(env);
    }

    /// Sends the datagram of the present step: hs1 and hs3 say the same each time (BC-05.31), a
    /// probe has a new nonce, as each is answered only once (BC-04.13).
    fn transmit(&mut self, env: &mut Env<'_>) {
        let datagram = match &mut self.state {
            State::Probing { nonces } => {
                let nonce = env.cookies.probe_nonce(&mut env.rng.public);
                nonces.push(nonce);
                let cookie = env.cookies.issue(env.now, self.target.remote);
                Probe { nonce, cookie }.seal(env.keys, env.wall.day(), &mut env.rng.public)
            }
            State::Greeting { fields, .. } => message::seal_hs1(env, fields),
            State::Finishing { fields, .. } => message::seal_hs3(env, fields),
            State::Over => return,
        };
        env.effects.push(Effect::Send { to: self.target.remote, datagram });
        let wait = self.first_wait * (1 << self.tries.min(TRIES));
        self.deadline = env.now + wait.min(MAX_WAIT);
        self.tries += 1;
        self.forgeries = 0;
    }

    /// What follows when a step was repeated in vain.
    fn give_up(&mut self, env: &mut Env<'_>) {
        match (&self.state, self.target.cookie) {
            (State::Finishing { resumed: true, .. }, Some(cookie)) => {
                // The peer may have lost the secret: once more, from scratch (BC-05.28).
                env.effects.push(Effect::Withdrawn(self.cid));
                self.cid = ConnectionId(env.rng.public.bytes());
                self.without_secret = true;
                // BC-05.33, and BC-04.22: by now the cookie has brought an answer.
                self.first_wait = FIRST_WAIT;
                self.given = false;
                self.greet(env, &cookie);
            }
            (State::Finishing { .. }, _) => {
                env.effects.push(Effect::Withdrawn(self.cid));
                self.fail(env, Failure::Unconfirmed);
            }
            (State::Greeting { .. }, _) if self.given => {
                self.enter(env, State::Probing { nonces: Vec::new() });
            }
            (State::Greeting { .. }, _) => self.fail(env, Failure::NoAnswer),
            (State::Probing { .. } | State::Over, _) => self.fail(env, Failure::Unreachable),
        }
    }

    fn fail(&mut self, env: &mut Env<'_>, failure: Failure) {
        self.state = State::Over;
        env.effects.push(Effect::Failed(failure));
    }
}

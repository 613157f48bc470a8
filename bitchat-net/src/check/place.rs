//! What every check is given: the peer's address, the channel's keys, and what earlier checks left.

use super::Options;
use super::talk::Talk;
use super::wire::{Clock, Wire};
use crate::identity::fresh_seed;
use bitchat_core::base::ids::Device;
use bitchat_core::base::rng::{Rng, SecretStream, Seed};
use bitchat_core::chatfile::ChatFile;
use bitchat_core::crypto::channel_keys::{ChannelKeys, Epoch};
use bitchat_core::crypto::gate::{Cookie, CookieJar, ENVELOPE_LEN, Envelope, Kind, seal, start};
use bitchat_core::crypto::identity::{Certificate, DeviceKeys, Identity};
use bitchat_core::crypto::suite::{DhPublic, Secret, Suite};
use bitchat_core::handshake::{BootId, Devices, Effect, Env, Local};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Why a check did not pass.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The peer breaks a requirement.
    Broken(String),
    /// It could not be tried.
    Untried(String),
}

/// The peer breaks a requirement.
pub(super) fn broken<T>(why: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Broken(why.into()))
}

/// Transmissions of something that is to be answered: a network may lose some.
const TRIES: u32 = 3;

/// Nothing is remembered of any device: each session is with a stranger.
struct Strangers;

impl Devices for Strangers {
    fn secrets(&self, _: &DhPublic) -> [Option<Secret>; 2] {
        [None, None]
    }
    fn is_linked(&self, _: &Device, _: &BootId) -> bool {
        false
    }
}

/// A device that is made for one session, and its person.
pub(super) struct Visitor {
    pub(super) identity: Identity,
    pub(super) local: Local,
}

/// Where a peer is checked.
pub(super) struct Place<'a> {
    pub(super) address: SocketAddr,
    pub(super) options: &'a Options,
    pub(super) suite: Suite,
    pub(super) keys: ChannelKeys,
    pub(super) clock: Clock,
    pub(super) rng: Rng,
    cookies: CookieJar,
    /// Whether a probe was acknowledged, once one had its time.
    present: Option<bool>,
    /// The conversation that the checks of the later stages share.
    pub(super) talk: Option<Talk>,
}

impl<'a> Place<'a> {
    pub(super) fn new(
        address: SocketAddr,
        file: &ChatFile,
        options: &'a Options,
    ) -> io::Result<Self> {
        let mut rng = Rng::new(&fresh_seed().map_err(io::Error::other)?);
        let cookies = CookieJar::new(&mut rng.secret);
        Ok(Self {
            address,
            options,
            suite: suite()?,
            keys: file.keys(Epoch::default()),
            clock: Clock::start(),
            rng,
            cookies,
            present: None,
            talk: None,
        })
    }

    pub(super) fn wire(&self) -> Result<Wire, Fault> {
        Wire::open(self.address).map_err(|error| Fault::Untried(format!("no socket: {error}")))
    }

    /// A body under an envelope of this channel, today.
    pub(super) fn seal(&mut self, body: &[u8]) -> Vec<u8> {
        let keys = self.keys.clone();
        self.seal_as(&keys, Clock::wall().day(), body)
    }

    pub(super) fn seal_as(&mut self, keys: &ChannelKeys, day: u64, body: &[u8]) -> Vec<u8> {
        let mut datagram = start(body.len());
        datagram.extend_from_slice(body);
        seal(keys, day, &mut self.rng.public, &mut datagram);
        datagram
    }

    /// The body of an envelope of this channel.
    pub(super) fn open(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        let mut datagram = datagram.to_vec();
        let envelope = Envelope::new(&mut datagram)?;
        if !envelope.proves(&self.keys, Clock::wall().day()) {
            return None;
        }
        Some(envelope.unmask(&self.keys).to_vec())
    }

    /// The next envelope of a kind that `wanted` takes: the whole datagram and its body.
    pub(super) fn await_body(
        &self,
        wire: &mut Wire,
        patience: Duration,
        wanted: impl Fn(Kind, &[u8]) -> bool,
    ) -> Option<(Vec<u8>, Vec<u8>)> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let datagram = wire.receive(left)?;
            let Some(body) = self.open(&datagram) else { continue };
            if Kind::of(&body).is_some_and(|kind| wanted(kind, &body)) {
                return Some((datagram, body));
            }
        }
    }

    /// A probe's fields and `tail` bytes of `filler` behind them.
    pub(super) fn probe(&mut self, tail: usize, filler: u8) -> Vec<u8> {
        let mut body = vec![Kind::Probe.byte()];
        let fields: [u8; 28] = self.rng.public.bytes();
        body.extend_from_slice(&fields);
        body.resize(body.len() + tail, filler);
        body
    }

    /// The ack of a probe with this body, if it comes in `patience`.
    pub(super) fn await_ack(
        &self,
        wire: &mut Wire,
        probe: &[u8],
        patience: Duration,
    ) -> Option<(Vec<u8>, Vec<u8>)> {
        let nonce = probe.get(1..13);
        self.await_body(wire, patience, |kind, body| {
            kind == Kind::ProbeAck && body.get(1..13) == nonce
        })
    }

    /// Sends what `make` gives until one probe is acknowledged.
    pub(super) fn acknowledged(
        &mut self,
        wire: &mut Wire,
        mut make: impl FnMut(&mut Self) -> (Vec<u8>, Vec<u8>),
    ) -> Option<(Vec<u8>, Vec<u8>, Vec<u8>)> {
        let patience = self.options.patience / TRIES;
        let answer = (0..TRIES).find_map(|_| {
            let (datagram, probe) = make(self);
            wire.send(&datagram);
            let (ack, body) = self.await_ack(wire, &probe, patience)?;
            Some((datagram, ack, body))
        });
        self.present = Some(answer.is_some() || self.present == Some(true));
        answer
    }

    /// No probe was ever acknowledged: nothing else can be found out.
    pub(super) fn is_absent(&self) -> bool {
        self.present == Some(false)
    }

    /// An ordinary probe, acknowledged.
    pub(super) fn greet(&mut self, wire: &mut Wire) -> Option<(Vec<u8>, Vec<u8>, Vec<u8>)> {
        self.acknowledged(wire, |place| {
            let probe = place.probe(18, 0);
            (place.seal(&probe), probe)
        })
    }

    /// The peer's cookie for the address of `wire`.
    pub(super) fn cookie(&mut self, wire: &mut Wire) -> Result<Cookie, Fault> {
        let Some((_, _, body)) = self.greet(wire) else {
            return Err(Fault::Untried("no probe is acknowledged".to_owned()));
        };
        let cookie = body.get(13..29).and_then(|cookie| cookie.first_chunk());
        cookie.copied().map(Cookie).ok_or_else(|| Fault::Untried("an ack is too short".to_owned()))
    }

    /// Somebody whom the peer has never seen.
    pub(super) fn visitor(&mut self) -> Result<Visitor, Fault> {
        let identity = Identity::generate(&mut self.rng.secret).on(self.suite);
        let keys = DeviceKeys::generate(self.suite, &mut self.rng);
        let (public, lifetime) = (keys.static_key.public(), Certificate::MAX_LIFETIME);
        let certificate = Certificate::issue(&identity, keys.id, public, Clock::wall(), lifetime)
            .map_err(|error| Fault::Untried(error.to_string()))?;
        let boot = BootId(self.rng.public.bytes());
        let local = Local { static_key: keys.static_key, certificate, features: 0, boot };
        Ok(Visitor { identity, local })
    }

    /// Secrets for one session.
    pub(super) fn secrets(&mut self) -> SecretStream {
        Rng::new(&Seed(self.rng.secret.bytes())).secret
    }

    /// Calls a machine of the handshake.
    pub(super) fn with_env<T>(
        &mut self,
        local: &Local,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Env<'_>) -> T,
    ) -> T {
        act(&mut Env {
            now: self.clock.now(),
            wall: Clock::wall(),
            local,
            keys: &self.keys,
            cookies: &self.cookies,
            devices: &Strangers,
            rng: &mut self.rng,
            key_log: false,
            effects,
        })
    }

    /// Nothing that answers `probe` may come.
    pub(super) fn silent(&mut self, wire: &mut Wire, probe: &[u8]) -> bool {
        self.await_ack(wire, probe, self.options.silence).is_none()
    }
}

fn suite() -> io::Result<Suite> {
    let backend = bitchat_core::crypto::suite::Backend::fastest();
    backend.suite().map_err(io::Error::other)
}

/// Bytes of a body: what an envelope adds is known.
pub(super) fn body_len(datagram: &[u8]) -> usize {
    datagram.len().saturating_sub(ENVELOPE_LEN)
}

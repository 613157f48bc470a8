//! From an address to a session: probes, handshakes of either role, and what earlier links left.

use super::link_table::LinkTable;
use super::resumptions::Resumptions;
use crate::base::ids::{ChannelHandle, ConnectionId, Device};
use crate::base::limits::Limits;
use crate::base::rng::Rng;
use crate::base::time::{Timestamp, UnixMillis};
use crate::crypto::channel_keys::ChannelKeys;
use crate::crypto::gate::{CookieJar, Kind, NonceCache};
use crate::crypto::suite::{DhPublic, Secret};
use crate::handshake::{
    BootId, Devices, Effect, Env, Initiator, Local, Rejected, Responder, Target, answer_probe,
    receiver,
};
use core::net::SocketAddr;
use std::collections::BTreeMap;

/// What handshakes may know of other devices.
struct PeerTable<'a> {
    resumptions: &'a Resumptions,
    links: &'a LinkTable,
    now: Timestamp,
}

impl Devices for PeerTable<'_> {
    fn secrets(&self, remote_static: &DhPublic) -> [Option<Secret>; 2] {
        self.resumptions.secrets(remote_static)
    }

    fn is_linked(&self, device: &Device, boot: &BootId) -> bool {
        self.links.iter().any(|link| {
            link.device() == *device
                && link.tie_break().peer_boot == *boot
                && link.is_alive(self.now)
        })
    }
}

/// What a call is context: the time and the channel; and where it puts what it brings.
pub(crate) struct Context<'a> {
    pub now: Timestamp,
    pub wall: UnixMillis,
    pub channel: ChannelHandle,
    pub keys: &'a ChannelKeys,
    /// The node's links.
    pub links: &'a LinkTable,
    pub rng: &'a mut Rng,
    /// For the node to act on.
    pub effects: &'a mut Vec<HandshakeEffect>,
}

/// Something for the node to act on.
#[derive(Debug)]
pub(crate) struct HandshakeEffect {
    pub channel: ChannelHandle,
    /// The address that was dialled, if this is context an attempt of ours.
    pub dialled: Option<SocketAddr>,
    pub effect: Effect,
}

/// All meetings under way.
#[derive(Debug)]
pub(crate) struct Handshakes {
    /// Who we are; unknown until the store and the wall clock have spoken.
    pub local: Option<Local>,
    pub resumptions: Resumptions,
    cookies: CookieJar,
    nonces: NonceCache,
    responder: Responder,
    attempts: BTreeMap<SocketAddr, (ChannelHandle, Initiator)>,
    limit: usize,
    key_log: bool,
}

impl Handshakes {
    pub(crate) fn new(limits: &Limits, key_log: bool, rng: &mut Rng) -> Self {
        Self {
            local: None,
            resumptions: Resumptions::new(limits.node.resumptions),
            cookies: CookieJar::new(&mut rng.secret),
            nonces: NonceCache::new(limits.node.probe_nonces),
            responder: Responder::new(limits.node.handshakes),
            attempts: BTreeMap::new(),
            limit: limits.node.handshakes,
            key_log,
        }
    }

    /// Another attempt may begin.
    pub(crate) fn has_room(&self) -> bool {
        self.local.is_some() && self.attempts.len() < self.limit
    }

    /// `address` is being dialled, for whichever channel.
    pub(crate) fn is_dialling(&self, address: &SocketAddr) -> bool {
        self.attempts.contains_key(address)
    }

    /// Begins an attempt.
    pub(crate) fn dial(&mut self, context: &mut Context<'_>, remote: SocketAddr) {
        let target = Target { remote, peer: None, cookie: None };
        let attempt = self.with_env(context, Some(remote), |_, env| Initiator::start(env, target));
        if let Some(attempt) = attempt {
            self.attempts.insert(remote, (context.channel, attempt));
            self.sweep();
        }
    }

    /// Handles the body of an envelope that the keys of `context` opened.
    pub(crate) fn on_body(
        &mut self,
        context: &mut Context<'_>,
        from: SocketAddr,
        body: &[u8],
    ) -> Result<Kind, Rejected> {
        let kind = Kind::of(body).ok_or(Rejected::NotAwaited)?;
        let result =
            match kind {
                Kind::Probe => self.with_env(context, None, |own, env| {
                    answer_probe(env, own.nonces, from, body).map(drop)
                }),
                Kind::Hs1 => self
                    .with_env(context, None, |own, env| own.responder.handle_hs1(env, from, body)),
                Kind::Hs3 => self
                    .with_env(context, None, |own, env| own.responder.handle_hs3(env, from, body)),
                Kind::ProbeAck | Kind::Hs2 => self.on_answer(context, from, body),
            };
        self.sweep();
        result.unwrap_or(Err(Rejected::NotAwaited)).map(|()| kind)
    }

    fn on_answer(
        &mut self,
        context: &mut Context<'_>,
        from: SocketAddr,
        body: &[u8],
    ) -> Option<Result<(), Rejected>> {
        let (channel, attempt) = self.attempts.get(&from)?;
        let named = receiver(body).is_none_or(|cid| cid == attempt.local_cid());
        if *channel != context.channel || !named {
            return Some(Err(Rejected::NotAwaited));
        }
        let (channel, mut attempt) = self.attempts.remove(&from)?;
        let result =
            self.with_env(context, Some(from), |_, env| attempt.handle_datagram(env, from, body));
        self.attempts.insert(from, (channel, attempt));
        result
    }

    /// A packet of the session with this connection id authenticated.
    pub(crate) fn confirmed(&mut self, remote: &SocketAddr, cid: ConnectionId) {
        if let Some((_, attempt)) = self.attempts.get_mut(remote)
            && attempt.local_cid() == cid
        {
            attempt.confirmed();
            self.sweep();
        }
    }

    /// The channel is left: nobody is dialled for it any more. Returns the connection ids of the
    /// attempts; where one has made a session already, the other side may never learn of it.
    pub(crate) fn leave(&mut self, channel: ChannelHandle) -> Vec<ConnectionId> {
        let all = self.attempts.values();
        let left = all.filter(|(of, _)| *of == channel).map(|(_, attempt)| attempt.local_cid());
        let left = left.collect();
        self.attempts.retain(|_, (of, _)| *of != channel);
        left
    }

    /// Gives up everything under way, whose keys may live twice, and names the addresses dialled.
    pub(crate) fn start_over(&mut self, rng: &mut Rng) -> Vec<(ChannelHandle, SocketAddr)> {
        self.local = None;
        self.cookies = CookieJar::new(&mut rng.secret);
        self.responder = Responder::new(self.limit);
        let attempts = core::mem::take(&mut self.attempts);
        attempts.into_iter().map(|(address, (channel, _))| (channel, address)).collect()
    }

    /// Does what is due. `keys` gives the keys of a channel.
    pub(crate) fn handle_timeout<'k>(
        &mut self,
        now: Timestamp,
        wall: UnixMillis,
        rng: &mut Rng,
        links: &LinkTable,
        keys: impl Fn(ChannelHandle) -> Option<&'k ChannelKeys>,
    ) -> Vec<HandshakeEffect> {
        let mut effects = Vec::new();
        self.responder.handle_timeout(now);
        let due: Vec<SocketAddr> = self
            .attempts
            .iter()
            .filter(|(_, (_, attempt))| attempt.poll_timeout().is_some_and(|at| at <= now))
            .map(|(remote, _)| *remote)
            .collect();
        for remote in due {
            let Some((channel, mut attempt)) = self.attempts.remove(&remote) else { continue };
            let Some(keys) = keys(channel) else { continue };
            let effects = &mut effects;
            let mut context = Context { now, wall, channel, keys, links, rng, effects };
            self.with_env(&mut context, Some(remote), |_, env| attempt.handle_timeout(env));
            self.attempts.insert(remote, (channel, attempt));
        }
        self.sweep();
        effects
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        let attempts = self.attempts.values().filter_map(|(_, attempt)| attempt.poll_timeout());
        attempts.chain(self.responder.poll_timeout()).min()
    }

    /// Drops attempts that are over.
    fn sweep(&mut self) {
        self.attempts.retain(|_, (_, attempt)| !attempt.is_over());
    }

    /// Runs `body` with what handshakes need; `None` while we do not know who we are.
    fn with_env<T>(
        &mut self,
        context: &mut Context<'_>,
        dialled: Option<SocketAddr>,
        body: impl FnOnce(&mut Parts<'_>, &mut Env<'_>) -> T,
    ) -> Option<T> {
        let local = self.local.as_ref()?;
        let mut effects = Vec::new();
        let known =
            PeerTable { resumptions: &self.resumptions, links: context.links, now: context.now };
        let mut env = Env {
            now: context.now,
            wall: context.wall,
            local,
            keys: context.keys,
            cookies: &self.cookies,
            devices: &known,
            rng: context.rng,
            key_log: self.key_log,
            effects: &mut effects,
        };
        let mut parts = Parts { nonces: &mut self.nonces, responder: &mut self.responder };
        let result = body(&mut parts, &mut env);
        let channel = context.channel;
        let all = effects.into_iter();
        context.effects.extend(all.map(|effect| HandshakeEffect { channel, dialled, effect }));
        Some(result)
    }
}

/// What is changed besides the environment.
struct Parts<'a> {
    nonces: &'a mut NonceCache,
    responder: &'a mut Responder,
}

//! What handshakes bring, and dialling.

use crate::base::ids::{ChannelHandle, Device};
use crate::base::time::Now;
use crate::handshake::{Effect, Established, Failure};
use crate::link::Via;
use crate::node::Node;
use crate::node::api::Family;
use crate::node::log::{LogLevel, Short};
use crate::node::sessions::handshakes::{Context, HandshakeEffect};
use core::fmt::Display;
use core::net::SocketAddr;

impl Node {
    /// Acts on what handshakes brought.
    pub(in crate::node) fn on_handshake_effects(
        &mut self,
        now: Now,
        effects: Vec<HandshakeEffect>,
    ) {
        for effect in effects {
            self.on_handshake_effect(now, effect);
        }
    }

    fn on_handshake_effect(&mut self, now: Now, effect: HandshakeEffect) {
        let HandshakeEffect { channel, dialled, effect } = effect;
        match effect {
            Effect::Send { to, datagram } => {
                let text = format_args!("{} bytes to {to}", datagram.len());
                self.fx.outbox.note(LogLevel::Trace, "meeting", text);
                self.discovery.own.send(&mut self.fx.outbox, to, datagram);
            }
            Effect::Observed(address) => {
                let own = &mut self.discovery.own;
                let reporter = dialled.map(|reporter| reporter.ip());
                if reporter.is_some_and(|from| own.on_observed(now.mono, from, address)) {
                    self.on_addresses();
                }
            }
            Effect::Established(session) => self.on_established(now, channel, &session),
            Effect::KeyLog(line) => self.fx.outbox.log_key(line),
            Effect::Withdrawn(cid) => {
                if let Some(id) = self.sessions.by_cid(cid) {
                    let text = "a session had no other end";
                    self.fx.outbox.note(LogLevel::Debug, "link", text);
                    self.drop_link(now, id);
                }
            }
            Effect::Failed(failure) => self.on_handshake_failed(now, channel, dialled, &failure),
        }
    }

    fn on_handshake_failed(
        &mut self,
        now: Now,
        channel: ChannelHandle,
        dialled: Option<SocketAddr>,
        failure: &Failure,
    ) {
        self.fx.outbox.stats.handshakes_failed += 1;
        self.log_failure(dialled, failure);
        let Some((search, address)) = self.discovery.get_mut(channel).zip(dialled) else { return };
        let candidates = &mut search.candidates;
        match *failure {
            Failure::Myself => candidates.on_settled(now.mono, address),
            Failure::Linked(device) => {
                candidates.on_identified(address, device);
                candidates.on_settled(now.mono, address);
                self.on_spare_path(now, device, address);
            }
            Failure::NoAnswer | Failure::Unconfirmed => {
                candidates.on_answered(address);
                candidates.on_failed(now.mono, address);
            }
            _ => candidates.on_failed(now.mono, address),
        }
    }

    fn log_failure(&mut self, dialled: Option<SocketAddr>, failure: &Failure) {
        let outbox = &mut self.fx.outbox;
        let of_peer =
            matches!(failure, Failure::Certificate(_) | Failure::OtherKey | Failure::WrongPeer(_));
        if of_peer {
            let text = format_args!("a member could not be met: {failure}");
            outbox.note(LogLevel::Warn, "meeting", text);
        }
        let whose: &dyn Display = match &dialled {
            Some(address) => address,
            None => &"somebody who called",
        };
        let text = format_args!("the attempt with {whose} failed: {failure}");
        outbox.note(LogLevel::Debug, "meeting", text);
    }

    /// A handshake found at `address` a device that another session leads to.
    fn on_spare_path(&mut self, now: Now, device: Device, address: SocketAddr) {
        let socket = self.discovery.own.socket(Family::of(&address));
        let Some((id, socket)) = self.sessions.by_device(device).zip(socket) else { return };
        self.with_link(now, id, |link, rng, _| {
            link.add_path(now.mono, Via::Udp { socket, remote: address }, rng);
        });
    }

    fn on_established(&mut self, now: Now, channel: ChannelHandle, session: &Established) {
        if let Some(search) = self.discovery.get_mut(channel) {
            search.candidates.on_identified(session.remote, session.device);
        }
        if session.proven_current {
            self.sessions.handshakes.resumptions.confirm(&session.remote_static);
        }
        let (role, remote) = (session.role, session.remote);
        let socket = self.discovery.own.socket(Family::of(&remote));
        let refused = self.refuses(session.device);
        let what = refused.unwrap_or("waiting for its first packets");
        let text =
            format_args!("session with {} at {remote} ({role:?}): {what}", Short(session.device));
        self.fx.outbox.note(LogLevel::Debug, "meeting", text);
        let Some((socket, keys)) = socket.zip(self.own.keys.as_ref()) else { return };
        if refused.is_some() {
            return;
        }
        let (via, fx) = (Via::Udp { socket, remote }, &mut self.fx);
        let id = self.sessions.establish(now.mono, session, via, &keys.static_key, fx);
        let paused = self.sessions.is_paused();
        let live = self.channels.live().map(|joined| (joined.chan, joined.keys.mac.clone()));
        let live: Vec<_> = live.collect();
        let local = self.fx.outbox.local_to(remote);
        self.with_link(now, id, |link, rng, events| {
            link.set_local(via, local);
            link.pause(paused, events);
            for (chan, mac) in &live {
                link.join(*chan, mac, rng, events);
            }
        });
    }

    /// Why no session with `device` is wanted now.
    fn refuses(&self, device: Device) -> Option<&'static str> {
        if self.sessions.links.len() >= self.fx.config.limits.node.links {
            Some("refused, there are as many links as may be")
        } else if self.shutting_down {
            Some("refused while shutting down")
        } else if self.is_behind() {
            Some("refused while the store or the application is behind")
        } else if self.sessions.has_enough(device) {
            Some("refused, the device has as many sessions as it may")
        } else {
            None
        }
    }

    /// Another attempt may be made in a channel that is live. While the store or the application is
    /// behind there is none: the session that came of it would be refused (BC-08.84).
    pub(in crate::node) fn may_dial(&self) -> bool {
        self.sessions.handshakes.has_room()
            && !self.is_behind()
            && self.sessions.links.len() < self.fx.config.limits.node.links
            && !self.shutting_down
            && self.now.wall.is_some()
    }

    /// Dials what is due. The channels take turns, each with one address, so that one of many due
    /// addresses does not hold up the others (BC-08.81).
    pub(in crate::node) fn dial_due(&mut self, now: Now) {
        let Some(wall) = now.wall.filter(|_| self.may_dial()) else { return };
        let mut effects = Vec::new();
        let mut due = self.discovery.dials_due(now.mono);
        while self.may_dial()
            && let Some(channel) = due.pop_front()
        {
            let outbox = &mut self.fx.outbox;
            let found = self.discovery.take_due(now.mono, channel, &self.sessions, outbox);
            let Some((address, is_dialled)) = found else { continue };
            due.push_back(channel);
            let Some(joined) = self.channels.get(channel).filter(|_| is_dialled) else { continue };
            self.fx.outbox.stats.handshakes_started += 1;
            let mut context = Context {
                now: now.mono,
                wall,
                channel,
                keys: &joined.keys,
                links: &self.sessions.links,
                rng: &mut self.fx.rng,
                effects: &mut effects,
            };
            self.sessions.handshakes.dial(&mut context, address);
        }
        self.on_handshake_effects(now, effects);
    }
}

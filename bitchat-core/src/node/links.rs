//! Sessions of this node: made, driven, ended; and what happens on them.

use super::Node;
use super::api::{Change, CloseReason, Event, Family};
use super::channels::joined::{ChannelContext, JoinedChannel};
use super::log::{LogLevel, Short};
use super::sessions::handshakes::HandshakeEffect;
use super::store::records;
use crate::base::ids::{ChannelHandle, ChannelId, Device, LinkId};
use crate::base::rng::Rng;
use crate::base::time::Now;
use crate::channel::{ChannelEvent, FullReason};
use crate::crypto::noise::Role;
use crate::handshake::{Effect, Established, Failure};
use crate::link::{Ended, Link, LinkConfig, LinkEvent, Via, code};
use core::fmt::Display;
use core::net::SocketAddr;

impl Node {
    /// Acts on what meetings brought.
    pub(super) fn act_on_met(&mut self, now: Now) {
        while !self.meeting.met.is_empty() {
            for met in core::mem::take(&mut self.meeting.met) {
                self.on_met(now, met);
            }
        }
    }

    fn on_met(&mut self, now: Now, met: HandshakeEffect) {
        match met.effect {
            Effect::Send { to, datagram } => {
                let text = format_args!("{} bytes to {to}", datagram.len());
                self.log.add(now.mono, LogLevel::Trace, "meeting", text);
                self.queue_datagram(to, datagram);
            }
            Effect::Observed(address) => {
                let reporter = met.dialled.map(|reporter| reporter.ip());
                if reporter.is_some_and(|from| self.sockets.on_observed(now.mono, from, address)) {
                    self.on_addresses();
                }
            }
            Effect::Established(session) => self.on_established(now, met.channel, &session),
            Effect::KeyLog(line) => self.log_key(line),
            Effect::Withdrawn(cid) => {
                if let Some(id) = self.by_cid.get(&cid).copied() {
                    self.log.add(now.mono, LogLevel::Debug, "link", "a session had no other end");
                    self.drop_link(now, id);
                }
            }
            Effect::Failed(failure) => {
                self.stats.handshakes_failed += 1;
                self.log_failure(now, met.dialled, &failure);
                let mut found = None;
                let joined = self.channels.get_mut(&met.channel);
                if let Some((joined, address)) = joined.zip(met.dialled) {
                    match failure {
                        Failure::Myself => joined.candidates.on_settled(now.mono, address),
                        Failure::Linked(device) => {
                            found = Some((device, address));
                            joined.candidates.on_identified(address, device);
                            joined.candidates.on_settled(now.mono, address);
                        }
                        Failure::NoAnswer | Failure::Unconfirmed => {
                            joined.candidates.on_answered(address);
                            joined.candidates.on_failed(now.mono, address);
                        }
                        _ => joined.candidates.on_failed(now.mono, address),
                    }
                }
                if let Some((device, address)) = found {
                    self.on_spare_path(now, device, address);
                }
            }
        }
    }

    fn log_failure(&mut self, now: Now, dialled: Option<SocketAddr>, failure: &Failure) {
        let of_peer =
            matches!(failure, Failure::Certificate(_) | Failure::OtherKey | Failure::WrongPeer(_));
        if of_peer {
            let text = format_args!("a member could not be met: {failure}");
            self.log.add(now.mono, LogLevel::Warn, "meeting", text);
        }
        let whose: &dyn Display = match &dialled {
            Some(address) => address,
            None => &"somebody who called",
        };
        let text = format_args!("the attempt with {whose} failed: {failure}");
        self.log.add(now.mono, LogLevel::Debug, "meeting", text);
    }

    /// A handshake found at `address` a device that another session leads to.
    fn on_spare_path(&mut self, now: Now, device: Device, address: SocketAddr) {
        let socket = self.sockets.of(Family::of(&address));
        let Some((id, socket)) = self.by_device.get(&device).copied().zip(socket) else { return };
        self.with_link(now, id, |link, rng, _| {
            link.add_path(now.mono, Via { socket, remote: address }, rng);
        });
    }

    /// This host has other addresses than before.
    pub(super) fn on_local_move(&mut self, now: Now) {
        let all: Vec<LinkId> = self.links.ids().collect();
        for id in all {
            let observed = self.links.get(id).and_then(Link::observed);
            let untranslated = observed.is_some_and(|at| self.sockets.is_interface(&at));
            self.with_link(now, id, |link, rng, _| {
                link.on_local_move(now.mono, rng);
                link.set_untranslated(untranslated);
            });
        }
    }

    fn on_established(&mut self, now: Now, channel: ChannelHandle, session: &Established) {
        if let Some(joined) = self.channels.get_mut(&channel) {
            joined.candidates.on_identified(session.remote, session.device);
        }
        if session.proven_current {
            self.meeting.resumptions.confirm(&session.remote_static);
        }
        let socket = self.sockets.of(Family::of(&session.remote));
        let refused = self.refuses(session.device);
        let (role, remote) = (session.role, session.remote);
        let what = refused.unwrap_or("waiting for its first packets");
        let text =
            format_args!("session with {} at {remote} ({role:?}): {what}", Short(session.device));
        self.log.add(now.mono, LogLevel::Debug, "meeting", text);
        let Some((socket, keys)) = socket.zip(self.device_keys.as_ref()) else { return };
        if refused.is_some() {
            return;
        }
        let id = LinkId(self.next_link);
        self.next_link += 1;
        let config = LinkConfig {
            rekey_interval: self.config.rekey_interval,
            keepalive: self.config.keepalive,
            idle_timeout: self.config.idle_timeout,
            limits: self.config.limits.clone(),
            key_log: self.config.insecure_key_log,
        };
        let via = Via { socket, remote: session.remote };
        let (device, cid) = (session.device, session.local_cid);
        let mut link =
            Link::new(now.mono, id, session, &keys.static_key, via, config, &mut self.rng);
        #[cfg(feature = "qlog")]
        if self.config.qlog {
            link.begin_trace(now.mono);
        }
        if let Some(memory) = self.paths.recall(now.mono, &session.remote) {
            link.resume(memory);
        }
        self.links.insert(id, link, (role == Role::Initiator).then_some(remote));
        self.by_cid.insert(cid, id);
        self.log_session(session);
        self.arbitrate_device(device);
        let paused = self.paused;
        let live: Vec<_> = self
            .channels
            .values()
            .filter(|joined| joined.channel().is_some())
            .map(|joined| (joined.chan, joined.keys.mac.clone()))
            .collect();
        self.with_link(now, id, |link, rng, events| {
            link.pause(paused, events);
            for (chan, mac) in &live {
                link.join(*chan, mac, rng, events);
            }
        });
    }

    /// Why no session with `device` is wanted now.
    fn refuses(&self, device: Device) -> Option<&'static str> {
        if self.links.len() >= self.config.limits.node.links {
            Some("refused, there are as many links as may be")
        } else if self.shutting_down {
            Some("refused while shutting down")
        } else if self.is_behind() {
            Some("refused while the store or the application is behind")
        } else if self.has_enough_sessions(device) {
            Some("refused, the device has as many sessions as it may")
        } else {
            None
        }
    }

    /// A packet of a link authenticated: its attempt is over, and so are its rivals.
    pub(super) fn on_authentic(&mut self, now: Now, id: LinkId) {
        let Some(link) = self.links.get(id) else { return };
        self.meeting.confirmed(&link.via().remote, link.local_cid());
        self.close_rivals(now, id);
    }

    /// Runs a link and acts on what happened on it.
    pub(super) fn with_link<T>(
        &mut self,
        now: Now,
        id: LinkId,
        body: impl FnOnce(&mut Link, &mut Rng, &mut Vec<LinkEvent>) -> T,
    ) -> Option<T> {
        let link = self.links.get_mut(id)?;
        let mut events = core::mem::take(&mut self.link_events);
        let result = self.growth.watch(link, |link| body(link, &mut self.rng, &mut events));
        if link.is_dead() {
            self.dead.push(id);
        }
        for event in events.drain(..) {
            self.on_link_event(now, id, event);
        }
        self.link_events = events;
        Some(result)
    }

    fn on_link_event(&mut self, now: Now, id: LinkId, event: LinkEvent) {
        let Some(link) = self.links.get(id) else { return };
        let (device, address) = (link.device(), link.via().remote);
        match event {
            LinkEvent::Ready => {
                self.arbitrate_device(device);
                self.tell(Event::LinkUp { link: id, device, address });
            }
            LinkEvent::Renewed(generation) => {
                self.meeting.resumptions.confirm(&link.remote_static());
                self.tell(Event::LinkRekeyed { link: id, generation });
            }
            LinkEvent::LocalId(cid) => {
                self.by_cid.insert(cid, id);
            }
            LinkEvent::LocalIdGone(cid) => {
                self.by_cid.remove(&cid);
            }
            LinkEvent::Observed(address) => {
                let untranslated = self.sockets.is_interface(&address);
                if let Some(link) = self.links.get_mut(id) {
                    link.set_untranslated(untranslated);
                }
            }
            LinkEvent::Moved => {
                let untranslated = link.observed().is_some_and(|at| self.sockets.is_interface(&at));
                if let Some(link) = self.links.get_mut(id) {
                    link.set_untranslated(untranslated);
                }
                self.tell(Event::LinkMoved { link: id, address });
                let shared = self.links.get(id).map(|link| link.shared().collect::<Vec<_>>());
                for chan in shared.into_iter().flatten() {
                    if let Some(channel) = self.handle_of(chan) {
                        self.on_elsewhere(now, id, channel, address, device);
                    }
                }
            }
            LinkEvent::Resumption(secret) => {
                let remote = link.remote_static();
                let (secrets, forgotten) = self.meeting.resumptions.renew(remote, secret);
                let record = records::resumption(&remote, &secrets, now.wall);
                self.ledger.add_if_room(Change::Put(record));
                let forgotten = forgotten.map(|remote| records::resumption_key(&remote));
                forgotten.into_iter().for_each(|key| self.ledger.add_if_room(Change::Delete(key)));
            }
            LinkEvent::ChannelUp(chan) => {
                let Some(channel) = self.handle_of(chan) else { return };
                self.on_reached(now, channel, address, device);
                let first = self.with_channel(now, channel, |joined, world| {
                    joined.on_link_up(now, id, device, address, world)
                });
                if first == Some(true) {
                    self.tell(Event::MemberUp { channel, device });
                }
            }
            LinkEvent::ChannelDown(chan) => {
                let Some(channel) = self.handle_of(chan) else { return };
                let last = self.with_channel(now, channel, |joined, world| {
                    joined.on_link_down(now, id, device, world)
                });
                if last == Some(true) {
                    self.tell(Event::MemberDown { channel, device });
                    self.on_unreached(now, channel, address);
                    let joined = self.channels.get_mut(&channel);
                    if let Some(joined) = joined.filter(|joined| joined.members.is_empty()) {
                        joined.demand.reannounce(now.mono);
                    }
                }
            }
            LinkEvent::Message { channel, data } => {
                let Some(channel) = self.handle_of(channel) else { return };
                self.with_channel(now, channel, |joined, world| {
                    joined.on_message(now, id, &data, world);
                });
            }
            LinkEvent::Writable(chan) => {
                let Some(channel) = self.handle_of(chan) else { return };
                self.with_channel(now, channel, |joined, world| joined.on_writable(now, id, world));
            }
            LinkEvent::KeyLog(line) => self.log_key(line),
            LinkEvent::Closed(ended) => self.on_closed(now, id, ended),
        }
    }

    fn on_closed(&mut self, now: Now, id: LinkId, ended: Ended) {
        let Some(link) = self.links.get(id) else { return };
        let (device, address, was_shown) = (link.device(), link.via().remote, link.is_ready());
        match (&ended, link.path_memory()) {
            (Ended::Violation(_), _) => self.paths.forget(&address),
            (_, Some(memory)) => self.paths.remember(now.mono, address, memory),
            (_, None) => {}
        }
        self.arbitrate_device(device);
        self.on_session_ended(now, address, &ended);
        if let Some(dialled) = self.links.dialled(id).filter(|dialled| *dialled != address) {
            self.on_session_ended(now, dialled, &ended);
        }
        if !was_shown {
            let text = format_args!("session with {} at {address} ended: {ended:?}", Short(device));
            self.log.add(now.mono, LogLevel::Debug, "link", text);
        } else {
            let reason = match ended {
                Ended::Local(code::REPLACED) | Ended::Peer(code::REPLACED) => CloseReason::Replaced,
                Ended::Local(_) => CloseReason::Local,
                Ended::Peer(code) => CloseReason::Peer { code },
                Ended::Silence => CloseReason::TimedOut,
                Ended::Violation(what) => CloseReason::Violation(what),
                Ended::Certificate => CloseReason::CertificateExpired,
            };
            self.tell(Event::LinkClosed { link: id, device, reason });
        }
    }

    /// Forgets links of which nothing more will come.
    pub(super) fn sweep_links(&mut self, now: Now) {
        while let Some(id) = self.dead.pop() {
            self.drop_link(now, id);
        }
    }

    /// Forgets a link at once: the other side never had it, or it is over.
    pub(super) fn drop_link(&mut self, now: Now, id: LinkId) {
        self.with_link(now, id, |link, _, events| link.close(now.mono, code::NO_ERROR, events));
        self.dead.retain(|dead| *dead != id);
        #[cfg(feature = "qlog")]
        self.keep_trace(id);
        if let Some(link) = self.links.remove(id) {
            self.growth.forget(&link);
            for cid in link.local_cids() {
                self.by_cid.remove(&cid);
            }
        }
    }

    fn handle_of(&self, chan: ChannelId) -> Option<ChannelHandle> {
        let mut live = self.channels.values().filter(|joined| joined.channel().is_some());
        live.find(|joined| joined.chan == chan).map(|joined| joined.handle)
    }

    /// Runs a channel and acts on what it told.
    pub(super) fn with_channel<T>(
        &mut self,
        now: Now,
        handle: ChannelHandle,
        body: impl FnOnce(&mut JoinedChannel, ChannelContext<'_>) -> T,
    ) -> Option<T> {
        let joined = self.channels.get_mut(&handle)?;
        let mut told = core::mem::take(&mut self.told);
        let world = ChannelContext {
            links: &mut self.links,
            ledger: &mut self.ledger,
            secret: &mut self.rng.secret,
            identity: &self.identity,
            told: &mut told,
        };
        let result = body(joined, world);
        for event in told.events.drain(..) {
            self.on_channel_event(handle, &event);
        }
        for hint in told.candidates.drain(..) {
            self.on_hint(now, handle, hint);
        }
        for (link, fault) in told.violations.drain(..) {
            self.with_link(now, link, |link, _, events| {
                link.close_for_violation(now.mono, &fault.to_string(), events);
            });
        }
        self.told = told;
        Some(result)
    }

    fn on_channel_event(&mut self, channel: ChannelHandle, event: &ChannelEvent) {
        let shown = self.channels.get(&channel).is_some_and(|joined| joined.shown().is_some());
        let event = match *event {
            ChannelEvent::Info(ref file) => {
                self.on_info(channel, file);
                None
            }
            ChannelEvent::Message { .. } | ChannelEvent::Delivered { .. } if !shown => None,
            ChannelEvent::Message { id, .. } => self.message_event(channel, &id),
            ChannelEvent::Delivered { entry, device } => {
                Some(Event::Delivered { channel, id: entry, device })
            }
            ChannelEvent::AuthorEquivocated { device, .. } => {
                Some(Event::Equivocation { channel, author: device })
            }
            ChannelEvent::OwnChainForked { .. } => Some(Event::StoreWentBack { channel }),
            ChannelEvent::Full(FullReason::Log) => Some(Event::LogFull { channel }),
            // Only chains that nobody builds on are kept out.
            ChannelEvent::Full(FullReason::Authors) => None,
            // The ledger tries again by itself and tells the application.
            ChannelEvent::StoreFailed { .. } => None,
        };
        if let Some(event) = event {
            self.tell(event);
        }
    }
}

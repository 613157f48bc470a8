//! Sessions of this node: made, arbitrated, ended; and what happens on them.

use super::Node;
use super::api::{Change, CloseReason, Event};
use super::joined::{Joined, World};
use super::meeting::{About, Met};
use super::records;
use crate::base::ids::{ChannelHandle, ChannelId, Device, LinkId};
use crate::base::rng::Rng;
use crate::base::time::{Now, Timestamp};
use crate::channel::{Candidate, ChannelEvent};
use crate::handshake::{Claim, Effect, Established, Failure, Keep, arbitrate};
use crate::link::{Ended, Link, LinkConfig, LinkEvent, Via, code};
use crate::node::api::Family;
use core::net::SocketAddr;
use core::time::Duration;

/// A link that broke is dialled again after so long, and a little more, so that both sides do not
/// do it in step.
const REDIAL: Duration = Duration::from_millis(500);

impl Node {
    /// Somebody named an address.
    pub(super) fn add_candidate(
        &mut self,
        now: Timestamp,
        handle: ChannelHandle,
        address: SocketAddr,
    ) {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        if self.sockets.is_own(&address) {
            return;
        }
        if let Some(joined) = self.channels.get_mut(&handle) {
            joined.candidates.add(now, address);
        }
    }

    /// Dials what is due.
    pub(super) fn dial_due(&mut self, now: Now) {
        let Some(wall) = now.wall else { return };
        if self.shutting_down {
            return;
        }
        let handles: Vec<ChannelHandle> = self.channels.keys().copied().collect();
        for handle in handles {
            while self.meeting.has_room() && self.links.len() < self.config.limits.links {
                let Some(joined) = self.channels.get_mut(&handle) else { break };
                if joined.channel().is_none() {
                    break;
                }
                let Some(address) = joined.candidates.poll(now.mono) else { break };
                let device = joined.candidates.device(&address);
                let linked = self.links.values().any(|link| {
                    link.is_open()
                        && (link.via().remote == address || Some(link.device()) == device)
                        && (!link.is_ready() || link.shared().any(|chan| chan == joined.chan))
                });
                if linked || self.meeting.is_dialling(&address) || self.sockets.is_own(&address) {
                    joined.candidates.on_settled(now.mono, address);
                } else if self.sockets.of(Family::of(&address)).is_none() {
                    joined.candidates.on_failed(now.mono, address);
                } else {
                    let (keys, links) = (&joined.keys, &self.links);
                    let about = About { now: now.mono, wall, channel: handle, keys, links };
                    self.stats.handshakes_started += 1;
                    self.meeting.dial(about, &mut self.rng, address);
                }
            }
        }
    }

    /// Acts on what meetings brought.
    pub(super) fn act_on_met(&mut self, now: Now) {
        while !self.meeting.met.is_empty() {
            for met in core::mem::take(&mut self.meeting.met) {
                self.on_met(now, met);
            }
        }
    }

    fn on_met(&mut self, now: Now, met: Met) {
        match met.effect {
            Effect::Send { to, datagram } => self.queue_datagram(to, datagram),
            Effect::Observed(address) => {
                if self.sockets.on_observed(address) {
                    self.on_addresses();
                }
            }
            Effect::Established(session) => self.on_established(now, met.channel, &session),
            Effect::Withdrawn(cid) => {
                if let Some(id) = self.by_cid.get(&cid).copied() {
                    self.drop_link(now, id);
                }
            }
            Effect::Failed(failure) => {
                self.stats.handshakes_failed += 1;
                let joined = self.channels.get_mut(&met.channel);
                if let Some((joined, address)) = joined.zip(met.dialled) {
                    match failure {
                        Failure::Myself => joined.candidates.on_settled(now.mono, address),
                        Failure::Linked(device) => {
                            joined.candidates.on_identified(address, device);
                            joined.candidates.on_settled(now.mono, address);
                        }
                        _ => joined.candidates.on_failed(now.mono, address),
                    }
                }
            }
        }
    }

    fn on_established(&mut self, now: Now, channel: ChannelHandle, session: &Established) {
        if let Some(joined) = self.channels.get_mut(&channel) {
            joined.candidates.on_identified(session.remote, session.device);
        }
        let socket = self.sockets.of(Family::of(&session.remote));
        let Some((socket, keys)) = socket.zip(self.device_keys.as_ref()) else { return };
        if self.links.len() >= self.config.limits.links || self.shutting_down {
            return;
        }
        let id = LinkId(self.next_link);
        self.next_link += 1;
        let config = LinkConfig {
            rekey_interval: self.config.rekey_interval,
            keepalive: self.config.keepalive,
            idle_timeout: self.config.idle_timeout,
            limits: self.config.limits.clone(),
        };
        let via = Via { socket, remote: session.remote };
        let (device, cid) = (session.device, session.local_cid);
        let link = Link::new(now.mono, id, session, &keys.static_key, via, config, &mut self.rng);
        let claim = *link.claim();
        self.links.insert(id, link);
        self.by_cid.insert(cid, id);
        self.arbitrate_with(now, id, device, &claim);
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

    /// Decides between the new session and one that its device has already (BC-05.35).
    fn arbitrate_with(&mut self, now: Now, id: LinkId, device: Device, claim: &Claim) {
        let old = self.by_device.get(&device).and_then(|old| self.links.get(old));
        let Some(existing) = old.filter(|old| old.is_open()).map(Link::claim) else {
            self.by_device.insert(device, id);
            return;
        };
        if arbitrate(existing, claim) == Keep::New {
            self.by_device.insert(device, id);
        }
        self.rivals.insert(device);
        // The loser goes when the winner hears something: an idle one is made to.
        if let Some(winner) = self.by_device.get(&device).copied().filter(|winner| *winner != id) {
            self.with_link(now, winner, |link, _, _| link.ping());
        }
    }

    /// A packet of a link authenticated: its attempt is over.
    pub(super) fn on_authentic(&mut self, now: Now, id: LinkId) {
        let Some(link) = self.links.get(&id) else { return };
        self.meeting.confirmed(&link.via().remote, link.local_cid());
        self.retire_rivals(now, id);
    }

    /// Closes the other sessions of a link's device, if the link has won and lives (BC-05.36). It
    /// lives once it carries what they carry: until then they are needed.
    fn retire_rivals(&mut self, now: Now, id: LinkId) {
        let Some(link) = self.links.get(&id) else { return };
        let device = link.device();
        if !self.rivals.contains(&device) || self.by_device.get(&device) != Some(&id) {
            return;
        }
        let others = self
            .links
            .values()
            .filter(|other| other.device() == device && other.is_open() && other.id() != id);
        let losers: Vec<LinkId> = others.map(Link::id).collect();
        let carries = |chan| link.shared().any(|own| own == chan);
        let needed = losers.iter().filter_map(|loser| self.links.get(loser));
        if !link.is_ready() || !needed.flat_map(Link::shared).all(carries) {
            return;
        }
        self.rivals.remove(&device);
        for loser in losers {
            self.with_link(now, loser, |link, _, events| {
                link.close(now.mono, code::REPLACED, events);
            });
        }
    }

    /// Runs a link and acts on what happened on it.
    pub(super) fn with_link<T>(
        &mut self,
        now: Now,
        id: LinkId,
        body: impl FnOnce(&mut Link, &mut Rng, &mut Vec<LinkEvent>) -> T,
    ) -> Option<T> {
        let mut events = Vec::new();
        let link = self.links.get_mut(&id)?;
        let result = body(link, &mut self.rng, &mut events);
        self.dirty.insert(id);
        for event in events {
            self.on_link_event(now, id, event);
        }
        Some(result)
    }

    fn on_link_event(&mut self, now: Now, id: LinkId, event: LinkEvent) {
        let Some(link) = self.links.get(&id) else { return };
        let (device, address) = (link.device(), link.via().remote);
        match event {
            LinkEvent::Ready => self.tell(Event::LinkUp { link: id, device, address }),
            LinkEvent::Renewed(generation) => {
                self.tell(Event::LinkRekeyed { link: id, generation });
            }
            LinkEvent::Moved => self.tell(Event::LinkMoved { link: id, address }),
            LinkEvent::Resumption(secret) => {
                let remote = link.remote_static();
                let secrets = self.meeting.resumptions.renew(remote, secret);
                let record = records::resumption(&remote, secrets, now.wall);
                self.ledger.add(Change::Put(record), None);
            }
            LinkEvent::ChannelUp(chan) => {
                let Some(channel) = self.handle_of(chan) else { return };
                self.ledger.add(Change::Put(records::address(chan, address, now.wall)), None);
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
                    let redial = REDIAL + Duration::from_millis(self.rng.public.below(500));
                    if let Some(joined) = self.channels.get_mut(&channel) {
                        joined.candidates.on_lost(now.mono, address, redial);
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
            LinkEvent::Closed(ended) => self.on_closed(id, ended),
        }
    }

    fn on_closed(&mut self, id: LinkId, ended: Ended) {
        let Some(link) = self.links.get(&id) else { return };
        let device = link.device();
        if self.by_device.get(&device) == Some(&id) {
            self.by_device.remove(&device);
            // Another session with the device may live on: the one that all others lose to.
            let others =
                self.links.values().filter(|link| link.device() == device && link.is_open());
            let best = others.reduce(|one, other| match arbitrate(one.claim(), other.claim()) {
                Keep::Existing => one,
                Keep::New => other,
            });
            if let Some(best) = best {
                self.by_device.insert(device, best.id());
            }
        }
        if link_was_shown(&self.links, id) {
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

    /// Forgets a link at once: the other side never had it, or it is over.
    pub(super) fn drop_link(&mut self, now: Now, id: LinkId) {
        self.with_link(now, id, |link, _, events| link.close(now.mono, code::NO_ERROR, events));
        if let Some(link) = self.links.remove(&id) {
            self.by_cid.remove(&link.local_cid());
        }
        self.dirty.remove(&id);
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
        body: impl FnOnce(&mut Joined, World<'_>) -> T,
    ) -> Option<T> {
        let joined = self.channels.get_mut(&handle)?;
        let mut told = core::mem::take(&mut self.told);
        let world = World {
            links: &mut self.links,
            ledger: &mut self.ledger,
            secret: &mut self.rng.secret,
            identity: &self.identity,
            told: &mut told,
        };
        let result = body(joined, world);
        self.dirty.append(&mut told.touched);
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
        let event = match *event {
            ChannelEvent::Message { id, .. } => self.message_event(channel, &id),
            ChannelEvent::Delivered { entry, device } => {
                Some(Event::Delivered { channel, id: entry, device })
            }
            ChannelEvent::AuthorEquivocated { device, .. } => {
                Some(Event::Equivocation { channel, author: device })
            }
            ChannelEvent::OwnChainForked { .. } => Some(Event::StoreWentBack { channel }),
            ChannelEvent::Full(_) => Some(Event::LogFull { channel }),
            // The ledger tries again by itself and tells the application.
            ChannelEvent::StoreFailed { .. } => None,
        };
        if let Some(event) = event {
            self.tell(event);
        }
    }

    /// A member says where another one is. It cannot make us talk to our own machine.
    fn on_hint(&mut self, now: Now, handle: ChannelHandle, hint: Candidate) {
        let local = self.links.get(&hint.source).map(|link| link.via().remote.ip());
        let credible = !hint.addr.ip().is_loopback() || local.is_some_and(|ip| ip.is_loopback());
        if credible
            && !self.by_device.contains_key(&hint.device)
            && Some(hint.device) != self.device()
        {
            self.add_candidate(now.mono, handle, hint.addr);
        }
    }
}

fn link_was_shown(links: &std::collections::BTreeMap<LinkId, Link>, id: LinkId) -> bool {
    links.get(&id).is_some_and(Link::is_ready)
}

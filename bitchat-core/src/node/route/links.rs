//! What happens on a link.

use crate::base::ids::{ChannelHandle, ChannelId, Device, LinkId, PeerStream};
use crate::base::time::Now;
use crate::link::{Ended, Link, LinkEvent, StreamEvent, code};
use crate::node::Node;
use crate::node::api::{ChannelUpdate, CloseReason, Event, LinkUpdate, StreamUpdate};
use crate::node::log::{LogLevel, Short};
use core::net::SocketAddr;

impl Node {
    pub(in crate::node) fn on_link_event(&mut self, now: Now, id: LinkId, event: LinkEvent) {
        let Some(link) = self.sessions.links.get(id) else { return };
        let device = link.device();
        // Events, candidates and peer exchange name addresses; a relayed link will have its own form.
        let Some(address) = link.via().remote() else { return };
        match event {
            LinkEvent::Ready => {
                self.sessions.arbitrate(device);
                self.fx.outbox.tell(Event::Link(id, LinkUpdate::Up { device, address }));
            }
            LinkEvent::Rekeyed(generation) => {
                let remote = link.remote_static();
                self.sessions.handshakes.resumptions.confirm(&remote);
                self.fx.outbox.tell(Event::Link(id, LinkUpdate::Rekeyed { generation }));
            }
            LinkEvent::LocalId(cid) => self.sessions.add_cid(id, cid),
            LinkEvent::LocalIdGone(cid) => self.sessions.remove_cid(cid),
            LinkEvent::Observed(address) => self.set_not_natted(id, address),
            LinkEvent::Moved => self.on_link_moved(now, id, address, device),
            LinkEvent::Resumption(secret) => {
                let remote = link.remote_static();
                self.sessions.on_resumption(now, remote, secret, &mut self.store);
            }
            LinkEvent::Stream(number, event) => {
                self.on_stream_event(PeerStream { link: id, number }, device, event);
            }
            LinkEvent::KeyLog(line) => self.fx.outbox.log_key(line),
            LinkEvent::Closed(ended) => self.on_closed(now, id, ended),
            LinkEvent::ChannelUp(chan) => {
                if let Some(channel) = self.channels.handle_of(chan.channel) {
                    self.on_channel_up(now, id, channel, address, device);
                }
            }
            LinkEvent::ChannelDown(chan) => {
                if let Some(channel) = self.channels.handle_of(chan.channel) {
                    self.on_channel_down(now, id, channel, address, device);
                }
            }
            LinkEvent::Message { channel, data } => {
                if let Some(channel) = self.channels.handle_of(channel.channel) {
                    self.with_channel(now, channel, |joined, context| {
                        joined.on_message(now, id, &data, context);
                    });
                }
            }
            LinkEvent::Writable(chan) => {
                if let Some(channel) = self.channels.handle_of(chan.channel) {
                    self.with_channel(now, channel, |joined, context| {
                        joined.on_writable(now, id, context);
                    });
                }
            }
        }
    }

    /// Something of a byte stream of the application.
    fn on_stream_event(&mut self, stream: PeerStream, device: Device, event: StreamEvent) {
        let update = match event {
            StreamEvent::Requested { channel, name } => {
                let Some(channel) = self.channels.handle_of(channel.channel) else { return };
                StreamUpdate::Requested { channel, device, name }
            }
            StreamEvent::Accepted => StreamUpdate::Accepted,
            StreamEvent::Readable => StreamUpdate::Readable,
            StreamEvent::Writable => StreamUpdate::Writable,
            StreamEvent::Stopped { code } => StreamUpdate::Stopped { code },
            StreamEvent::Closed { code } => StreamUpdate::Closed { code },
        };
        self.fx.outbox.tell(Event::Stream(stream, update));
    }

    /// The peer sees this node at `observed`: without a NAT between, if that is an interface here.
    fn set_not_natted(&mut self, id: LinkId, observed: SocketAddr) {
        let untranslated = self.discovery.own.is_interface(&observed);
        if let Some(link) = self.sessions.links.get_mut(id) {
            link.set_not_natted(untranslated);
        }
    }

    /// A link leads to another address of the peer: there the device is dialled if the link breaks,
    /// and there the others are told to look (BC-08.82).
    fn on_link_moved(&mut self, now: Now, id: LinkId, address: SocketAddr, device: Device) {
        let observed = self.sessions.links.get(id).and_then(Link::observed);
        let untranslated = observed.is_some_and(|at| self.discovery.own.is_interface(&at));
        let Some(link) = self.sessions.links.get_mut(id) else { return };
        link.set_not_natted(untranslated);
        let shared: Vec<ChannelId> = link.shared().map(|shared| shared.channel).collect();
        self.fx.outbox.tell(Event::Link(id, LinkUpdate::Moved { address }));
        for chan in shared {
            if let Some(channel) = self.channels.handle_of(chan) {
                self.discovery.on_moved(now, channel, address, device, &mut self.store);
                self.with_channel(now, channel, |joined, context| {
                    joined.on_link_moved(now, id, address, context);
                });
            }
        }
    }

    /// A link carries a channel now.
    fn on_channel_up(
        &mut self,
        now: Now,
        id: LinkId,
        channel: ChannelHandle,
        address: SocketAddr,
        device: Device,
    ) {
        self.discovery.on_reached(now, channel, address, device, &mut self.store);
        self.discovery.on_company(channel);
        let first = self.with_channel(now, channel, |joined, context| {
            joined.on_link_up(now, id, device, address, context)
        });
        if first == Some(true) {
            self.fx.outbox.tell(Event::Channel(channel, ChannelUpdate::MemberUp { device }));
        }
    }

    /// A link carries a channel no more.
    fn on_channel_down(
        &mut self,
        now: Now,
        id: LinkId,
        channel: ChannelHandle,
        address: SocketAddr,
        device: Device,
    ) {
        let last = self.with_channel(now, channel, |joined, context| {
            joined.on_link_down(now, id, device, context)
        });
        if last == Some(true) {
            self.fx.outbox.tell(Event::Channel(channel, ChannelUpdate::MemberDown { device }));
            self.discovery.on_unreached(now, channel, address, &mut self.fx, &mut self.store);
            if self.channels.get(channel).is_some_and(|joined| joined.members.is_empty()) {
                self.discovery.on_alone(now, channel);
            }
        }
    }

    fn on_closed(&mut self, now: Now, id: LinkId, ended: Ended) {
        let Some(link) = self.sessions.links.get(id) else { return };
        let (device, was_shown) = (link.device(), link.is_ready());
        let Some(address) = link.via().remote() else { return };
        self.sessions.remember_path(now.mono, id, &ended);
        self.sessions.arbitrate(device);
        let dialled = self.sessions.links.dialled(id).filter(|dialled| *dialled != address);
        for address in [Some(address), dialled].into_iter().flatten() {
            let is_dialling = self.sessions.handshakes.is_dialling(&address);
            self.discovery.on_session_ended(now.mono, address, &ended, is_dialling);
        }
        if !was_shown {
            let text = format_args!("session with {} at {address} ended: {ended:?}", Short(device));
            self.fx.outbox.note(LogLevel::Debug, "link", text);
            return;
        }
        let reason = match ended {
            Ended::Local(code::REPLACED) | Ended::Peer(code::REPLACED) => CloseReason::Replaced,
            Ended::Local(_) => CloseReason::Local,
            Ended::Peer(code) => CloseReason::Peer { code },
            Ended::Silence => CloseReason::TimedOut,
            Ended::Violation(what) => CloseReason::Violation(what),
            Ended::Certificate => CloseReason::CertificateExpired,
        };
        self.fx.outbox.tell(Event::Link(id, LinkUpdate::Closed { device, reason }));
    }

    /// A packet of a link authenticated: its attempt is over, and so are other sessions with the
    /// same device.
    pub(in crate::node) fn on_authentic(&mut self, now: Now, id: LinkId) {
        self.sessions.on_authentic(id);
        for loser in self.sessions.take_duplicates(id) {
            // The winner may use the loser's way as well.
            if let Some(via) = self.sessions.links.get(loser).map(Link::via) {
                self.with_link(now, id, |link, rng, _| link.add_path(now.mono, via, rng));
            }
            self.with_link(now, loser, |link, _, events| {
                link.close(now.mono, code::REPLACED, events);
            });
        }
    }

    /// This host has other addresses than before.
    pub(in crate::node) fn on_local_move(&mut self, now: Now) {
        for id in self.sessions.ids() {
            let observed = self.sessions.links.get(id).and_then(Link::observed);
            let untranslated = observed.is_some_and(|at| self.discovery.own.is_interface(&at));
            self.with_link(now, id, |link, rng, _| {
                link.on_local_move(now.mono, rng);
                link.set_not_natted(untranslated);
            });
        }
    }

    /// If the host slept: before anything is declared dead, all that may have changed meanwhile is looked
    /// at again.
    pub(in crate::node) fn wake_up(&mut self, now: Now) {
        if !core::mem::take(&mut self.slept) {
            return;
        }
        self.fx.outbox.note(
            LogLevel::Info,
            "node",
            "the host slept: links and addresses are tried",
        );
        for id in self.sessions.ids() {
            self.with_link(now, id, |link, rng, _| link.on_resumed(now.mono, rng));
        }
        self.discovery.look_again(now.mono);
    }

    /// Where this node is has changed: trackers and members are told.
    pub(in crate::node) fn on_addresses(&mut self) {
        let now = self.now;
        let addresses = self.discovery.own.addresses();
        for handle in self.discovery.handles() {
            self.discovery.tell_port(now, handle, &mut self.fx);
            self.with_channel(now, handle, |joined, context| {
                joined.set_local_addresses(now, &addresses, context);
            });
        }
    }

    /// Forgets links of which nothing more will come.
    pub(in crate::node) fn sweep_links(&mut self, now: Now) {
        while let Some(id) = self.sessions.pop_dead() {
            self.drop_link(now, id);
        }
    }

    /// Forgets a link at once: the other side never had it, or it is over.
    pub(in crate::node) fn drop_link(&mut self, now: Now, id: LinkId) {
        self.with_link(now, id, |link, _, events| link.close(now.mono, code::NO_ERROR, events));
        self.sessions.remove(id);
    }
}

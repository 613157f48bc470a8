//! A channel that this node is in: its log, and who carries it.

use super::origin::Origin;
use super::records;
use crate::base::agenda::{Deadline, Place};
use crate::base::ids::{ChannelHandle, ChannelId, Device, EntryId, LinkId};
use crate::base::rng::SecretStream;
use crate::base::time::Now;
use crate::channel::{
    Candidate, Channel, ChannelEvent, ChannelFault, ChannelRestore, ChannelSink, Priority, Record,
    SendError as LogError, Ticket,
};
use crate::crypto::channel_keys::ChannelKeys;
use crate::crypto::identity::Identity;
use crate::crypto::suite::Secret;
use crate::link::Lane;
use crate::node::api::Change;
use crate::node::sessions::link_table::LinkTable;
use crate::node::store::{Owner, Store};
use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

/// How far a channel is.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Waits until the node knows its own device.
    Waiting,
    /// Its records are being read back.
    Loading(Box<ChannelRestore>),
    /// In use.
    Live(Box<Channel>),
}

/// One channel of the node.
#[derive(Debug)]
pub(crate) struct JoinedChannel {
    pub handle: ChannelHandle,
    pub chan: ChannelId,
    pub origin: Origin,
    pub keys: ChannelKeys,
    pub phase: Phase,
    /// The links that carry the channel, by device.
    pub members: BTreeMap<Device, BTreeSet<LinkId>>,
    pub place: Place,
}

/// What a channel wants of the node; the node acts upon it when the call of the channel returns.
#[derive(Debug, Default)]
pub(crate) struct ChannelEffects {
    pub events: Vec<ChannelEvent>,
    pub candidates: Vec<Candidate>,
    pub violations: Vec<(LinkId, ChannelFault)>,
}

/// The parts of the node that a channel may use.
pub(crate) struct ChannelContext<'a> {
    pub links: &'a mut LinkTable,
    pub store: &'a mut Store,
    pub secret: &'a mut SecretStream,
    pub identity: &'a Identity,
    pub effects: &'a mut ChannelEffects,
}

struct Sink<'a, 'w> {
    handle: ChannelHandle,
    chan: ChannelId,
    context: &'a mut ChannelContext<'w>,
}

impl ChannelSink for Sink<'_, '_> {
    fn send(&mut self, link: LinkId, priority: Priority, message: &[u8]) -> bool {
        let lane = match priority {
            Priority::Control => Lane::Sync,
            Priority::Chat => Lane::Chat,
            Priority::History => Lane::History,
        };
        let Some(link) = self.context.links.get_mut(link) else { return false };
        link.send(self.chan, lane, message)
    }

    fn persist(&mut self, ticket: Ticket, record: Record) {
        let change = Change::Put(records::log(self.chan, &record));
        self.context.store.add(change, Owner::Channel(self.handle, ticket));
    }

    fn forget(&mut self, record: &Record) {
        let key = records::log(self.chan, record).key;
        self.context.store.add(Change::Delete(key), Owner::Node);
    }

    fn event(&mut self, event: ChannelEvent) {
        self.context.effects.events.push(event);
    }

    fn candidate(&mut self, hint: Candidate) {
        self.context.effects.candidates.push(hint);
    }

    fn violation(&mut self, link: LinkId, fault: ChannelFault) {
        self.context.effects.violations.push((link, fault));
    }

    fn secret(&mut self) -> Secret {
        Secret(self.context.secret.bytes())
    }

    fn sign(&mut self, label: &'static [u8], parts: &[&[u8]]) -> Option<[u8; 64]> {
        Some(self.context.identity.sign(label, parts))
    }
}

impl JoinedChannel {
    pub(crate) fn new(handle: ChannelHandle, origin: Origin) -> Self {
        Self {
            handle,
            chan: origin.chan(),
            keys: origin.keys(),
            origin,
            phase: Phase::Waiting,
            members: BTreeMap::new(),
            place: Place::default(),
        }
    }

    /// The channel, if it is live.
    pub(crate) fn channel(&self) -> Option<&Channel> {
        match &self.phase {
            Phase::Live(channel) => Some(channel),
            _ => None,
        }
    }

    /// The channel, if it is live and what it is is known: only then is anything of it shown (BC-02.33).
    pub(crate) fn shown(&self) -> Option<&Channel> {
        self.channel().filter(|_| self.origin.file().is_some())
    }

    /// When the log has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Deadline> {
        self.channel()?.poll_timeout().map(|at| (at, "channel"))
    }

    fn run<T>(
        &mut self,
        mut context: ChannelContext<'_>,
        body: impl FnOnce(&mut Channel, &mut Sink<'_, '_>) -> T,
    ) -> Option<T> {
        let Phase::Live(channel) = &mut self.phase else { return None };
        let mut sink = Sink { handle: self.handle, chan: self.chan, context: &mut context };
        Some(body(channel, &mut sink))
    }

    /// A link carries the channel now. True if the device had none before.
    pub(crate) fn on_link_up(
        &mut self,
        now: Now,
        link: LinkId,
        device: Device,
        address: SocketAddr,
        context: ChannelContext<'_>,
    ) -> bool {
        let links = self.members.entry(device).or_default();
        links.insert(link);
        let first = links.len() == 1;
        self.run(context, |channel, sink| {
            channel.on_link_up(now, link, device, Some(address), sink);
        });
        first
    }

    /// A link that carries the channel leads to another address now.
    pub(crate) fn on_link_moved(
        &mut self,
        now: Now,
        link: LinkId,
        address: SocketAddr,
        context: ChannelContext<'_>,
    ) {
        self.run(context, |channel, sink| channel.on_link_moved(now, link, address, sink));
    }

    /// A link carries the channel no more. True if it was the device's last.
    pub(crate) fn on_link_down(
        &mut self,
        now: Now,
        link: LinkId,
        device: Device,
        context: ChannelContext<'_>,
    ) -> bool {
        let Some(links) = self.members.get_mut(&device) else { return false };
        if !links.remove(&link) {
            return false;
        }
        let last = links.is_empty();
        if last {
            self.members.remove(&device);
        }
        self.run(context, |channel, sink| channel.on_link_down(now, link, sink));
        last
    }

    pub(crate) fn on_message(
        &mut self,
        now: Now,
        link: LinkId,
        data: &[u8],
        context: ChannelContext<'_>,
    ) {
        self.run(context, |channel, sink| {
            if let Err(fault) = channel.on_message(now, link, data, sink) {
                sink.violation(link, fault);
            }
        });
    }

    pub(crate) fn on_writable(&mut self, now: Now, link: LinkId, context: ChannelContext<'_>) {
        self.run(context, |channel, sink| channel.on_writable(now, link, sink));
    }

    pub(crate) fn on_persisted(&mut self, now: Now, ticket: Ticket, context: ChannelContext<'_>) {
        self.run(context, |channel, sink| channel.on_persisted(now, ticket, sink));
    }

    pub(crate) fn handle_timeout(&mut self, now: Now, context: ChannelContext<'_>) {
        self.run(context, |channel, sink| channel.handle_timeout(now, sink));
    }

    pub(crate) fn set_local_addresses(
        &mut self,
        now: Now,
        addresses: &[SocketAddr],
        context: ChannelContext<'_>,
    ) {
        self.run(context, |channel, sink| channel.set_local_addresses(now, addresses, sink));
    }

    /// `None` if the channel is not live.
    pub(crate) fn send_text(
        &mut self,
        now: Now,
        text: &str,
        context: ChannelContext<'_>,
    ) -> Option<Result<EntryId, LogError>> {
        self.run(context, |channel, sink| channel.send_text(now, text, sink))
    }
}

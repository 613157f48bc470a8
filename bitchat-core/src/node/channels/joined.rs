//! A channel that this node is in: its log, its trackers, its candidate addresses.

use crate::base::ids::{ChannelHandle, ChannelId, Device, EntryId, LinkId};
use crate::base::rng::SecretStream;
use crate::base::time::Now;
use crate::channel::{
    Candidate, Channel, ChannelEvent, ChannelFault, ChannelRestore, ChannelSink, Priority, Record,
    SendError as LogError, Ticket as ChannelTicket,
};
use crate::chatfile::Announced;
use crate::crypto::channel_keys::ChannelKeys;
use crate::crypto::identity::Identity;
use crate::crypto::suite::Secret;
use crate::link::Lane;
use crate::node::api::Change;
use crate::node::channels::origin::Origin;
use crate::node::discovery::candidates::Candidates;
use crate::node::discovery::trackers::{PeerDemand, Rotation};
use crate::node::sessions::link_table::LinkTable;
use crate::node::store::records;
use crate::node::store::write_queue::WriteQueue;
use crate::tracker::announcer::Announcer;
use crate::wire::url::TrackerUrl;
use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

/// Who waits for a change to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub channel: ChannelHandle,
    pub ticket: ChannelTicket,
}

/// How far a channel is.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Waits until the node knows its own device.
    Waiting,
    /// Its records are being read back.
    Loading(Box<ChannelRestore>),
    /// In use.
    Live(Box<Channel>),
    /// Left; only the trackers are still being told.
    Left,
}

/// One channel of the node.
#[derive(Debug)]
pub(crate) struct JoinedChannel {
    pub handle: ChannelHandle,
    pub chan: ChannelId,
    pub origin: Origin,
    pub keys: ChannelKeys,
    pub announced: Announced,
    pub phase: Phase,
    /// The trackers of the file, until the announcer takes them.
    pub tiers: Vec<Vec<TrackerUrl>>,
    pub announcer: Option<Announcer>,
    /// The URL of each tracker, in the announcer's numbering.
    pub urls: Vec<String>,
    pub candidates: Candidates,
    /// The links that carry the channel, by device.
    pub members: BTreeMap<Device, BTreeSet<LinkId>>,
    /// What a channel that rotates announces, and until when.
    pub rotation: Option<Rotation>,
    /// When its trackers are asked for more.
    pub demand: PeerDemand,
}

/// What a channel told the node while it ran; acted upon when the call returns.
#[derive(Debug, Default)]
pub(crate) struct ChannelEffects {
    pub events: Vec<ChannelEvent>,
    pub candidates: Vec<Candidate>,
    pub violations: Vec<(LinkId, ChannelFault)>,
}

/// The parts of the node that a channel may use.
pub(crate) struct ChannelContext<'a> {
    pub links: &'a mut LinkTable,
    pub ledger: &'a mut WriteQueue<Ticket>,
    pub secret: &'a mut SecretStream,
    pub identity: &'a Identity,
    pub told: &'a mut ChannelEffects,
}

struct Sink<'a, 'w> {
    handle: ChannelHandle,
    chan: ChannelId,
    world: &'a mut ChannelContext<'w>,
}

impl ChannelSink for Sink<'_, '_> {
    fn send(&mut self, link: LinkId, priority: Priority, message: &[u8]) -> bool {
        let lane = match priority {
            Priority::Control => Lane::Sync,
            Priority::Chat => Lane::Chat,
            Priority::History => Lane::History,
        };
        let Some(link) = self.world.links.get_mut(link) else { return false };
        link.send(self.chan, lane, message)
    }

    fn persist(&mut self, ticket: ChannelTicket, record: Record) {
        let change = Change::Put(records::log(self.chan, &record));
        self.world.ledger.add(change, Some(Ticket { channel: self.handle, ticket }));
    }

    fn forget(&mut self, record: &Record) {
        let key = records::log(self.chan, record).key;
        self.world.ledger.add(Change::Delete(key), None);
    }

    fn event(&mut self, event: ChannelEvent) {
        self.world.told.events.push(event);
    }

    fn candidate(&mut self, hint: Candidate) {
        self.world.told.candidates.push(hint);
    }

    fn violation(&mut self, link: LinkId, fault: ChannelFault) {
        self.world.told.violations.push((link, fault));
    }

    fn secret(&mut self) -> Secret {
        Secret(self.world.secret.bytes())
    }

    fn sign(&mut self, label: &'static [u8], parts: &[&[u8]]) -> Option<[u8; 64]> {
        Some(self.world.identity.sign(label, parts))
    }
}

impl JoinedChannel {
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

    /// The node is still in the channel.
    pub(crate) const fn is_joined(&self) -> bool {
        !matches!(self.phase, Phase::Left)
    }

    fn run<T>(
        &mut self,
        mut world: ChannelContext<'_>,
        body: impl FnOnce(&mut Channel, &mut Sink<'_, '_>) -> T,
    ) -> Option<T> {
        let Phase::Live(channel) = &mut self.phase else { return None };
        let mut sink = Sink { handle: self.handle, chan: self.chan, world: &mut world };
        Some(body(channel, &mut sink))
    }

    /// A link carries the channel now. True if the device had none before.
    pub(crate) fn on_link_up(
        &mut self,
        now: Now,
        link: LinkId,
        device: Device,
        address: SocketAddr,
        world: ChannelContext<'_>,
    ) -> bool {
        let links = self.members.entry(device).or_default();
        links.insert(link);
        let first = links.len() == 1;
        self.run(world, |channel, sink| channel.on_link_up(now, link, device, Some(address), sink));
        first
    }

    /// A link that carries the channel leads to another address now.
    pub(crate) fn on_link_moved(
        &mut self,
        now: Now,
        link: LinkId,
        address: SocketAddr,
        world: ChannelContext<'_>,
    ) {
        self.run(world, |channel, sink| channel.on_link_moved(now, link, address, sink));
    }

    /// A link carries the channel no more. True if it was the device's last.
    pub(crate) fn on_link_down(
        &mut self,
        now: Now,
        link: LinkId,
        device: Device,
        world: ChannelContext<'_>,
    ) -> bool {
        let Some(links) = self.members.get_mut(&device) else { return false };
        if !links.remove(&link) {
            return false;
        }
        let last = links.is_empty();
        if last {
            self.members.remove(&device);
        }
        self.run(world, |channel, sink| channel.on_link_down(now, link, sink));
        last
    }

    pub(crate) fn on_message(
        &mut self,
        now: Now,
        link: LinkId,
        data: &[u8],
        world: ChannelContext<'_>,
    ) {
        self.run(world, |channel, sink| {
            if let Err(fault) = channel.on_message(now, link, data, sink) {
                sink.violation(link, fault);
            }
        });
    }

    pub(crate) fn on_writable(&mut self, now: Now, link: LinkId, world: ChannelContext<'_>) {
        self.run(world, |channel, sink| channel.on_writable(now, link, sink));
    }

    pub(crate) fn on_persisted(
        &mut self,
        now: Now,
        ticket: ChannelTicket,
        world: ChannelContext<'_>,
    ) {
        self.run(world, |channel, sink| channel.on_persisted(now, ticket, sink));
    }

    pub(crate) fn handle_timeout(&mut self, now: Now, world: ChannelContext<'_>) {
        self.run(world, |channel, sink| channel.handle_timeout(now, sink));
    }

    pub(crate) fn set_local_addresses(
        &mut self,
        now: Now,
        addresses: &[SocketAddr],
        world: ChannelContext<'_>,
    ) {
        self.run(world, |channel, sink| channel.set_local_addresses(now, addresses, sink));
    }

    /// `None` if the channel is not live.
    pub(crate) fn send_text(
        &mut self,
        now: Now,
        text: &str,
        world: ChannelContext<'_>,
    ) -> Option<Result<EntryId, LogError>> {
        self.run(world, |channel, sink| channel.send_text(now, text, sink))
    }
}

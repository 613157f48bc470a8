//! Floor 6: the one type that embedders hold.

mod api;
mod channels;
mod commands;
mod config;
mod discovery;
mod drain;
mod input;
mod links;
mod loading;
mod log;
mod observe;
mod outbox;
mod sessions;
mod store;
mod timers;

pub use crate::channel::entry::AuthorId;
#[cfg(feature = "qlog")]
pub use crate::link::QlogRecord;
pub use crate::transport::Ecn;
pub use api::{
    Action, Change, CloseReason, Deadline, Event, Failure, Family, Input, LinkInfo, Message,
    PeerHint, Record, Stats, TrackerState, Transmit, TransmitPoll,
};
pub use commands::{JoinError, SendError};
pub use config::{Config, ConfigError, Families, UnknownChannel};
pub use log::{LogLevel, LogRecord};

use crate::base::ids::{ChannelHandle, ConnectionId, Device, LinkId, RequestId, StreamId};
use crate::base::rng::{Rng, Seed};
use crate::base::time::{Now, Timestamp, UnixMillis};
use crate::crypto::identity::{DeviceKeys, Identity};
use crate::crypto::key_log::KeyLogLine;
use crate::crypto::suite::Suite;
use crate::handshake::BootId;
use crate::link::LinkEvent;
use crate::tracker::interface::TrackerQuery;
use channels::joined::{ChannelEffects, JoinedChannel, Ticket};
use discovery::own_addresses::Sockets;
use log::Log;
use outbox::requests::Pending;
use sessions::handshakes::Handshakes;
use sessions::link_table::LinkTable;
use sessions::memory_budget::MemoryBudget;
use sessions::path_memories::PathMemories;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use store::loads::FailedLoads;
use store::write_queue::WriteQueue;

/// A chat node: a pure function of its inputs and the time.
///
/// The node has no socket, clock, thread or file. The embedder owns those, and drives it:
///
/// 1. Make it with [`Node::new`], from a [`Config`], the user's [`Identity`], a fresh [`Seed`] and the
///    time; then [`Node::join`] a channel.
/// 2. After this and after every call below, **drain** it: [`poll_transmit`](Self::poll_transmit)
///    until [`TransmitPoll::Pending`], [`poll_action`](Self::poll_action) and
///    [`poll_event`](Self::poll_event) until `None`. Any call may produce any of the three.
/// 3. Sleep until something happens or [`poll_timeout`](Self::poll_timeout) is reached.
/// 4. Hand in what happened: [`handle_input`](Self::handle_input) for datagrams, stream bytes and
///    answers to actions, [`handle_timeout`](Self::handle_timeout) for the deadline. Go to 2.
///
/// Every [`Action`] with a request is answered exactly once. An input never fails: a peer's fault is
/// a counted drop or a closed link. Calls may come in any order and too often; none panics. The node
/// is never later than it says: after `handle_timeout` at the deadline and draining, the next deadline
/// lies ahead.
///
/// What the user wrote leaves the node only after the store has it (spec 11), and messages of
/// others are shown and acknowledged only then. When the store or the application falls behind, the
/// node takes less from its peers; nothing accepted is dropped.
///
/// Equal configuration, identity, seed and inputs give equal outputs, to the byte.
#[derive(Debug)]
pub struct Node {
    config: Config,
    suite: Suite,
    identity: Identity,
    rng: Rng,
    boot: BootId,
    /// The latest time seen; `mono` never goes back.
    now: Now,
    device_keys: Option<DeviceKeys>,
    /// When the own certificate is made anew.
    certificate_renewal: Option<UnixMillis>,
    sockets: Sockets,
    meeting: Handshakes,
    links: LinkTable,
    by_cid: BTreeMap<ConnectionId, LinkId>,
    /// The session in use with each device.
    by_device: BTreeMap<Device, LinkId>,
    /// Devices with several sessions: all but the one in use are closed once that is known to live.
    rivals: BTreeSet<Device>,
    channels: BTreeMap<ChannelHandle, JoinedChannel>,
    /// The channel that dialled last: the next one has its turn.
    dialled_last: ChannelHandle,
    ledger: WriteQueue<Ticket>,
    /// What the store could not read.
    failed_loads: FailedLoads,
    /// The application was told that the store refuses.
    store_failing: bool,
    requests: BTreeMap<RequestId, Pending>,
    streams: BTreeMap<StreamId, (ChannelHandle, TrackerQuery)>,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
    /// Empty unless the embedder asked for a key log.
    key_log: VecDeque<KeyLogLine>,
    /// What is left of the traces of links that are gone.
    #[cfg(feature = "qlog")]
    ended_traces: VecDeque<QlogRecord>,
    /// Links of which nothing more will come.
    dead: Vec<LinkId>,
    /// What the links' buffers take beyond their first sizes.
    growth: MemoryBudget,
    /// What ended links measured.
    paths: PathMemories,
    /// What happened on a link; kept for its allocation.
    link_events: Vec<LinkEvent>,
    /// The links were told to take nothing more.
    paused: bool,
    /// Something is to be done at once that the last call could not do.
    wake: bool,
    told: ChannelEffects,
    log: Log,
    stats: Stats,
    next_request: u64,
    next_link: u64,
    next_channel: u32,
    shutting_down: bool,
    wall_asked: bool,
}

impl Node {
    /// A node that asks for its sockets and its memory.
    ///
    /// `seed` is 32 bytes of fresh entropy, never stored and never used twice.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that is out of its range.
    pub fn new(
        config: Config,
        identity: Identity,
        seed: Seed,
        now: Now,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let suite = config.crypto.suite()?;
        let mut rng = Rng::new(&seed);
        drop(seed);
        let boot = BootId(rng.public.bytes());
        let meeting = Handshakes::new(&config.limits, config.insecure_key_log, &mut rng);
        let ledger = WriteQueue::new(config.store, config.limits.node.persist_bytes);
        let mut node = Self {
            suite,
            identity: identity.on(suite),
            boot,
            now,
            device_keys: None,
            certificate_renewal: None,
            sockets: Sockets::new(config.limits.node.queued_datagrams),
            meeting,
            links: LinkTable::default(),
            by_cid: BTreeMap::new(),
            by_device: BTreeMap::new(),
            rivals: BTreeSet::new(),
            channels: BTreeMap::new(),
            dialled_last: ChannelHandle(0),
            ledger,
            failed_loads: FailedLoads::default(),
            store_failing: false,
            requests: BTreeMap::new(),
            streams: BTreeMap::new(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
            key_log: VecDeque::new(),
            #[cfg(feature = "qlog")]
            ended_traces: VecDeque::new(),
            dead: Vec::new(),
            growth: MemoryBudget::new(config.limits.node.links_growth),
            paths: PathMemories::default(),
            link_events: Vec::new(),
            paused: false,
            wake: false,
            told: ChannelEffects::default(),
            log: Log::new(config.log, config.limits.node.log_records),
            stats: Stats::default(),
            next_request: 0,
            next_link: 0,
            next_channel: 0,
            shutting_down: false,
            wall_asked: false,
            rng,
            config,
        };
        node.bind_sockets();
        node.load_node();
        node.settle(now);
        Ok(node)
    }

    /// Tells the application. While it does not listen, what only describes the present state is
    /// left out, for it can be asked for. What comes in pairs or cannot be asked for is kept; there is
    /// an end to it, since a node that is behind takes neither messages nor new sessions, and of
    /// what it may tell again and again one of each is kept.
    fn tell(&mut self, event: Event) {
        self.log_event(&event);
        if let Event::Tracker { channel, url, .. } = &event {
            self.events.retain(|old| {
                !matches!(old, Event::Tracker { channel: c, url: u, .. } if c == channel && u == url)
            });
        }
        let lasting = matches!(
            event,
            Event::Message { .. }
                | Event::Delivered { .. }
                | Event::Equivocation { .. }
                | Event::LinkUp { .. }
                | Event::LinkClosed { .. }
                | Event::MemberUp { .. }
                | Event::MemberDown { .. }
        );
        let once = matches!(
            event,
            Event::ChannelReady { .. }
                | Event::ListenFailed { .. }
                | Event::LogFull { .. }
                | Event::StoreDamaged { .. }
                | Event::StoreFailing { .. }
                | Event::StoreRecovered
                | Event::StoreWentBack { .. }
                | Event::WallTimeNeeded
        );
        let has_room = self.events.len() < self.config.limits.node.events;
        if lasting || has_room || (once && !self.events.contains(&event)) {
            self.events.push_back(event);
        }
    }

    /// Takes over the time of a call.
    fn advance(&mut self, now: Now) -> Now {
        let mono = self.now.mono.max(now.mono);
        // A wall clock that was known once goes on by the monotonic one where the caller has none.
        let elapsed = mono.saturating_since(self.now.mono);
        let wall = now.wall.or(self.now.wall.map(|wall| wall.plus(elapsed)));
        self.now = Now { mono, wall };
        self.now
    }

    /// The end of every call: what became possible is done.
    fn settle(&mut self, now: Now) {
        self.prove_device(now);
        self.sweep_channels();
        self.rotate_due(now);
        self.go_live(now);
        self.act_on_met(now);
        self.dial_due(now);
        self.act_on_met(now);
        for ticket in self.ledger.take_unstored() {
            self.on_stored(now, ticket);
        }
        let next_request = &mut self.next_request;
        let request = || {
            *next_request += 1;
            RequestId(*next_request - 1)
        };
        self.actions.extend(self.ledger.poll(now.mono, request));
        self.regulate(now);
        self.sweep_links(now);
    }

    /// The store or the application has fallen behind.
    fn is_behind(&self) -> bool {
        self.ledger.is_full() || self.events.len() * 2 >= self.config.limits.node.events
    }

    /// Holds the peers back while the store or the application is behind.
    fn regulate(&mut self, now: Now) {
        let full = self.is_behind();
        if full == self.paused {
            return;
        }
        self.paused = full;
        let ids: Vec<LinkId> = self.links.ids().collect();
        for id in ids {
            self.with_link(now, id, |link, _, events| link.pause(full, events));
        }
    }

    /// The monotonic moment of a wall-clock date, as things stand.
    fn mono_of(now: Now, date: UnixMillis) -> Option<Timestamp> {
        let wall = now.wall?;
        let wait = core::time::Duration::from_millis(date.0.saturating_sub(wall.0));
        Some(now.mono + wait)
    }
}

#[cfg(test)]
mod tests;

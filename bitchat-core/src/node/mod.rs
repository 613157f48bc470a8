//! Floor 6: the one type that embedders hold.
//!
//! The node is made of owners, each with all of its code in its own folder: `own_device`,
//! `sessions`, `channels`, `discovery`, `store` and `outbox`. An owner never sees the
//! node. The node hands in what happens (`input`, `timers`, `commands`), carries what one
//! owner brings to the others (`route`), and hands out what leaves (`drain`).

mod api;
mod channels;
mod commands;
mod config;
mod discovery;
mod drain;
mod fx;
mod input;
mod loading;
mod log;
mod outbox;
mod own_device;
mod peer_streams;
mod route;
mod sessions;
mod store;
mod timers;

pub use crate::channel::Page;
pub use crate::dht::DhtStats;
pub use crate::dht::krpc::Contact as DhtNode;
#[cfg(feature = "qlog")]
pub use crate::link::QlogRecord;
pub use crate::link::{StreamFailure, StreamRead};
pub use crate::log::AuthorId;
pub use crate::transport::Ecn;
pub use api::{
    Action, Change, ChannelUpdate, CloseReason, Content, Deadline, Event, EventClass, Failure,
    Family, Input, LinkInfo, LinkUpdate, Message, NodeUpdate, PeerHint, Record, Stats, StoreUpdate,
    StreamUpdate, TrackerState, TrackerUpdate, Transmit, TransmitPoll,
};
pub use commands::{HistoryError, JoinError, SendError};
pub use config::{ClockKind, Config, ConfigError, DhtMode, Families, UnknownChannel};
pub use log::{LogLevel, LogRecord};

use crate::base::rng::{Rng, Seed};
use crate::base::time::Now;
use crate::crypto::identity::Identity;
use crate::handshake::BootId;
use channels::Channels;
use core::time::Duration;
use discovery::Discovery;
use discovery::own_addresses::OwnAddresses;
use fx::Fx;
use outbox::Outbox;
use own_device::OwnDevice;
use sessions::Sessions;
use sessions::handshakes::HandshakeEffect;
use store::{Owner, Store};

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
    /// The latest time seen; `mono` never goes back.
    now: Now,
    fx: Fx,
    own: OwnDevice,
    store: Store,
    sessions: Sessions,
    channels: Channels,
    discovery: Discovery,
    /// Something is to be done at once that the last call could not do.
    wake: bool,
    /// The host slept, and what follows from that is still to be done.
    slept: bool,
    shutting_down: bool,
}

/// A node that is called this long after its deadline slept, if its clock runs in sleep.
const SLEPT: Duration = Duration::from_secs(10);

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
        let sessions = Sessions::new(&config, &mut rng);
        let outbox = Outbox::new(&config, now.mono);
        let mut node = Self {
            now,
            own: OwnDevice::new(suite, identity, boot),
            store: Store::new(config.store, config.limits.node.persist_bytes),
            sessions,
            channels: Channels::default(),
            discovery: Discovery::new(),
            wake: false,
            slept: false,
            shutting_down: false,
            fx: Fx { config, rng, outbox },
        };
        node.discovery.dht.add_nodes(now.mono, &node.fx.config.dht_routers);
        OwnAddresses::bind(&node.fx.config, &mut node.fx.outbox);
        node.load_node();
        node.settle(now, Vec::new());
        Ok(node)
    }

    /// Takes over the time of a call.
    fn advance(&mut self, now: Now) -> Now {
        let mono = self.now.mono.max(now.mono);
        // A wall clock that was known once goes on by the monotonic one where the caller has none.
        let elapsed = mono.saturating_since(self.now.mono);
        if elapsed >= SLEPT && self.fx.config.clock == ClockKind::RunsInSleep {
            let is_late = |deadline: Deadline| deadline.at + SLEPT <= mono;
            self.slept |= self.poll_timeout().is_some_and(is_late);
        }
        let wall = now.wall.or(self.now.wall.map(|wall| wall.plus(elapsed)));
        self.now = Now { mono, wall };
        self.fx.outbox.now = mono;
        self.now
    }

    /// The end of every call: what became possible is done. `effects` is what handshakes brought.
    fn settle(&mut self, now: Now, effects: Vec<HandshakeEffect>) {
        let is_proven = self.sessions.handshakes.local.is_some();
        if let Some(local) = self.own.prove(now, &mut self.fx, is_proven) {
            self.sessions.handshakes.local = Some(local);
        }
        self.discovery.sweep();
        self.rotate_due(now);
        self.go_live(now);
        self.on_handshake_effects(now, effects);
        self.discovery.run_dht(now, &mut self.fx, &mut self.store);
        self.dial_due(now);
        for owner in self.store.take_unstored() {
            self.on_stored(now, owner);
        }
        self.store.write(&mut self.fx.outbox);
        self.regulate(now);
        self.sweep_links(now);
        self.channels.settle();
        self.discovery.settle();
    }

    /// What waited for the store may happen now.
    fn on_stored(&mut self, now: Now, owner: Owner) {
        if let Owner::Channel(channel, ticket) = owner {
            self.with_channel(now, channel, |joined, context| {
                joined.on_persisted(now, ticket, context);
            });
        }
    }

    /// The store or the application has fallen behind.
    fn is_behind(&self) -> bool {
        self.store.is_full() || self.fx.outbox.is_behind()
    }

    /// Holds the peers back while the store or the application is behind.
    fn regulate(&mut self, now: Now) {
        let full = self.is_behind();
        if self.sessions.set_paused(full) {
            for id in self.sessions.ids() {
                self.with_link(now, id, |link, _, events| link.pause(full, events));
            }
        }
    }
}

#[cfg(test)]
mod tests;

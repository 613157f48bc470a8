//! What the application may ask of a node.

use super::api::{ChannelUpdate, Event, LinkInfo, Message, PeerHint, Stats};
use super::channels::joined::JoinedChannel;
use super::channels::origin::Origin;
use super::config::UnknownChannel;
use super::log::LogLevel;
use super::outbox::requests::Memory;
use super::{DhtNode, DhtStats, Node};
use crate::base::ids::{ChannelHandle, Device, EntryId, LinkId};
use crate::base::rng::Seed;
use crate::base::time::Now;
use crate::channel::{self, Page};
use crate::chatfile::{ChatFile, JoinLink};
use crate::dht::Dht;
use crate::handshake::BootId;
use crate::link::{Link, code};
use crate::transport::PathEstimate;
use core::time::Duration;

/// Why a channel was not joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The node is in the channel already.
    #[error("this node is in the channel already")]
    AlreadyJoined,
    /// The node is in as many channels as it may.
    #[error("the node is in {0} channels, as many as its limit `channels` allows; leave one first")]
    TooMany(usize),
    /// The channel admits invited members only, and this version knows no invitations.
    #[error("the channel is invite-only: this version can join open channels only")]
    InviteOnly,
    /// The node is shutting down.
    #[error("the node is shutting down")]
    ShuttingDown,
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no such channel.
    #[error(transparent)]
    Unknown(#[from] UnknownChannel),
    /// The channel's history is still being read back; or the channel was joined by a link, and no member
    /// has sent its `info` yet.
    #[error(
        "the channel is not ready: it is being read back or, joined by a link, has met no member yet; \
         wait for the event that it is ready"
    )]
    NotReady,
    /// Too much waits for the store.
    #[error("the store is behind; try again when messages have been stored")]
    StoreBusy,
    /// The channel does not take it.
    #[error(transparent)]
    Refused(#[from] channel::SendError),
}

/// Why no messages were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// There is no such channel.
    #[error(transparent)]
    Unknown(#[from] UnknownChannel),
    /// The page is to begin at a message that is not in the channel.
    #[error("the channel has no message of this id")]
    NoSuchMessage,
}

impl Node {
    /// Joins a channel. Its history is read back first; [`ChannelUpdate::Ready`] says when it is
    /// live.
    ///
    /// # Errors
    /// [`JoinError`] says what is in the way.
    pub fn join(&mut self, now: Now, file: &ChatFile) -> Result<ChannelHandle, JoinError> {
        self.enter(now, Origin::File(Box::new(file.clone())))
    }

    /// Joins a channel of which only a link is known. The first member met gives `info`, which is checked
    /// against the link and stored; only then does [`ChannelUpdate::Ready`] come and is anything shown or
    /// sent, and [`chat_file`](Self::chat_file) gives the file. A later `join_link` needs nobody for it.
    /// A member that sends what does not fit the link loses its connection
    /// ([`CloseReason::Violation`](super::CloseReason::Violation)). Spec 02, "Joining by link".
    ///
    /// # Errors
    /// [`JoinError`] says what is in the way. That a channel is invite-only is not in a link: it is never
    /// ready then.
    pub fn join_link(&mut self, now: Now, link: &JoinLink) -> Result<ChannelHandle, JoinError> {
        self.enter(now, Origin::Link(Box::new(link.clone())))
    }

    fn enter(&mut self, now: Now, origin: Origin) -> Result<ChannelHandle, JoinError> {
        let now = self.advance(now);
        if self.shutting_down {
            return Err(JoinError::ShuttingDown);
        }
        if origin.is_invite_only() {
            return Err(JoinError::InviteOnly);
        }
        if self.channels.contains(origin.chan()) {
            return Err(JoinError::AlreadyJoined);
        }
        let limits = &self.fx.config.limits.node;
        // Channels that were left do not count: they are gone once their trackers know.
        if self.channels.len() >= limits.channels {
            return Err(JoinError::TooMany(limits.channels));
        }
        let joined = self.channels.join(origin);
        let handle = joined.handle;
        self.discovery.join(now, handle, &joined.origin, limits.candidates);
        self.fx.outbox.log_channel(&joined.keys);
        let text = format_args!("channel {} is joined", handle.0);
        self.fx.outbox.note(LogLevel::Info, "channel", text);
        self.settle(now, Vec::new());
        Ok(handle)
    }

    /// The channel's file: the one that it was joined by, or, where that was a link, what a member gave
    /// with the link's trackers and peers; `None` until then. Worth keeping: who has it needs no link.
    ///
    /// # Errors
    /// [`UnknownChannel`] if the node is not in it.
    pub fn chat_file(&self, channel: ChannelHandle) -> Result<Option<&ChatFile>, UnknownChannel> {
        Ok(self.joined(channel)?.origin.file())
    }

    /// Leaves a channel: its links let go of it and its trackers are told. What is stored of it
    /// stays; joining again brings it back.
    ///
    /// # Errors
    /// [`UnknownChannel`] if the node is not in it.
    pub fn leave(&mut self, now: Now, channel: ChannelHandle) -> Result<(), UnknownChannel> {
        let now = self.advance(now);
        let chan = self.joined(channel)?.chan;
        let text = format_args!("channel {} is left", channel.0);
        self.fx.outbox.note(LogLevel::Info, "channel", text);
        for id in self.sessions.ids() {
            self.with_link(now, id, |link, _, events| link.leave(chan, events));
        }
        for cid in self.sessions.handshakes.leave(channel) {
            if let Some(id) = self.sessions.by_cid(cid) {
                self.drop_link(now, id);
            }
        }
        self.store.forget_load(Memory::Channel(channel));
        self.channels.leave(channel);
        self.discovery.leave(now, channel, &mut self.fx);
        self.settle(now, Vec::new());
        Ok(())
    }

    /// Writes a text of 1 to 65,536 bytes to everybody in the channel. It is stored first, then
    /// shown ([`ChannelUpdate::Message`]) and sent.
    ///
    /// # Errors
    /// [`SendError`] says what to do; nothing was written then.
    pub fn send_text(
        &mut self,
        now: Now,
        channel: ChannelHandle,
        text: &str,
    ) -> Result<EntryId, SendError> {
        let now = self.advance(now);
        if self.joined(channel)?.shown().is_none() {
            return Err(SendError::NotReady);
        }
        if self.store.is_full() {
            return Err(SendError::StoreBusy);
        }
        let sent =
            self.with_channel(now, channel, |joined, context| joined.send_text(now, text, context));
        let id = sent.flatten().ok_or(SendError::NotReady)??;
        self.settle(now, Vec::new());
        Ok(id)
    }

    /// Names an address where a member may be. Nothing comes of it if the address is a socket of this
    /// node, was tried in vain less than ten minutes ago (BC-08.15), or if there are as many hints as half of
    /// [`NodeLimits::candidates`](crate::base::limits::NodeLimits::candidates), none of which may be forgotten yet.
    ///
    /// # Errors
    /// [`UnknownChannel`] if the node is not in the channel.
    pub fn add_peer(
        &mut self,
        now: Now,
        channel: ChannelHandle,
        hint: PeerHint,
    ) -> Result<(), UnknownChannel> {
        let now = self.advance(now);
        self.joined(channel)?;
        let outbox = &mut self.fx.outbox;
        self.discovery.add_candidate(now.mono, channel, hint.address, outbox);
        self.settle(now, Vec::new());
        Ok(())
    }

    /// Starts a key renewal on every link, and says on how many.
    pub fn renew_keys(&mut self, now: Now) -> usize {
        let now = self.advance(now);
        let ids: Vec<LinkId> =
            self.sessions.links.iter().filter(|link| link.is_open()).map(Link::id).collect();
        for id in &ids {
            self.with_link(now, *id, |link, rng, _| link.rekey(now.mono, rng));
        }
        self.settle(now, Vec::new());
        ids.len()
    }

    /// Mixes fresh entropy in, after a fork or a resumed virtual machine. All links are dropped
    /// without a word, since their keys may live twice: another packet could take a number that the
    /// other copy of this node takes, too (BC-08.87).
    pub fn reseed(&mut self, now: Now, seed: &Seed) {
        let now = self.advance(now);
        self.fx.rng.reseed(seed);
        self.own.start_over(BootId(self.fx.rng.public.bytes()));
        for id in self.sessions.ids() {
            self.drop_link(now, id);
        }
        let fx = &mut self.fx;
        for (channel, address) in self.sessions.handshakes.start_over(&mut fx.rng) {
            self.discovery.on_unreached(now, channel, address, fx, &mut self.store);
        }
        self.settle(now, Vec::new());
    }

    /// Begins to end: links are closed and trackers told. Go on driving the node until
    /// [`is_drained`](Self::is_drained), or as long as you care to wait.
    pub fn shutdown(&mut self, now: Now) {
        let now = self.advance(now);
        self.shutting_down = true;
        self.store.forget_loads();
        self.discovery.dht.shut_down(now.mono);
        self.fx.outbox.note(LogLevel::Info, "node", "shutting down");
        for handle in self.discovery.handles() {
            self.sessions.handshakes.leave(handle);
            self.discovery.stop(now, handle, &mut self.fx);
        }
        for id in self.sessions.ids() {
            self.with_link(now, id, |link, _, events| {
                link.close(now.mono, code::GOING_AWAY, events);
            });
        }
        self.settle(now, Vec::new());
    }

    /// After [`shutdown`](Self::shutdown): everything has been said and stored. While the store
    /// refuses it stays false: wait as long as you care to.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.shutting_down
            && self.sessions.is_drained()
            && self.fx.outbox.is_empty()
            && self.store.is_idle()
            && self.discovery.is_stopped()
    }

    /// The links that carry chat.
    #[must_use]
    pub fn links(&self) -> Vec<LinkInfo> {
        let ready = self.sessions.links.iter().filter(|link| link.is_open() && link.is_ready());
        ready
            .filter_map(|link| {
                let PathEstimate { rtt, min_rtt, rate, window, loss } = link.path_estimate();
                Some(LinkInfo {
                    link: link.id(),
                    device: link.device(),
                    address: link.via().remote()?,
                    generation: link.rekeys(),
                    rtt,
                    min_rtt,
                    rate,
                    window,
                    loss,
                    path_mtu: link.path_mtu(),
                    paths: link.known_paths(),
                    channels: link.shared().map(|shared| shared.channel).collect(),
                })
            })
            .collect()
    }

    /// Up to `limit` messages of a part of a channel's history, in the order that everybody shows;
    /// none while it is read back. A whole history is read page by page: each begins where the last
    /// one ended, and the work is that of the messages given.
    ///
    /// # Errors
    /// [`HistoryError`] if the node is not in the channel, or has no message that the page begins at.
    pub fn messages(
        &self,
        channel: ChannelHandle,
        page: Page,
        limit: usize,
    ) -> Result<Vec<Message>, HistoryError> {
        let Some(log) = self.joined(channel)?.shown() else { return Ok(Vec::new()) };
        let messages = log.page(page, limit).ok_or(HistoryError::NoSuchMessage)?;
        Ok(messages.into_iter().map(Message::from).collect())
    }

    /// The devices that have stored a message of this node, as far as they said.
    ///
    /// # Errors
    /// [`UnknownChannel`] if the node is not in the channel.
    pub fn delivered(
        &self,
        channel: ChannelHandle,
        id: EntryId,
    ) -> Result<Vec<Device>, UnknownChannel> {
        let joined = self.joined(channel)?;
        Ok(joined.shown().map(|log| log.stored_by(&id).collect()).unwrap_or_default())
    }

    /// Who this node is, once it knows: the identity, and its own device.
    #[must_use]
    pub fn device(&self) -> Option<Device> {
        self.own.device()
    }

    /// How the node stands in the DHT; `None` until it has an address to begin with.
    #[must_use]
    pub fn dht_stats(&self) -> Option<DhtStats> {
        self.discovery.dht.machine().map(Dht::stats)
    }

    /// The nodes of the DHT that this one knows, and how long ago each was heard.
    #[must_use]
    pub fn dht_nodes(&self) -> Vec<(DhtNode, Duration)> {
        let nodes = self.discovery.dht.machine().map(|dht| dht.nodes(self.now.mono));
        nodes.into_iter().flatten().collect()
    }

    /// Counters since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.fx.outbox.stats.clone()
    }

    pub(super) fn joined(&self, channel: ChannelHandle) -> Result<&JoinedChannel, UnknownChannel> {
        self.channels.get(channel).ok_or(UnknownChannel)
    }

    /// The event for a message that became visible.
    pub(super) fn message_event(
        &self,
        channel: ChannelHandle,
        id: &EntryId,
        after: Option<EntryId>,
    ) -> Option<Event> {
        let message = self.channels.get(channel)?.shown()?.message(id)?.into();
        Some(Event::Channel(channel, ChannelUpdate::Message { message, after }))
    }
}

//! What the application may ask of a node.

use super::Node;
use super::api::{Event, LinkInfo, Message, PeerHint, Stats};
use super::channels::joined::{JoinedChannel, Phase};
use super::channels::origin::Origin;
use super::config::UnknownChannel;
use super::discovery::candidates::Candidates;
use super::discovery::trackers::PeerDemand;
use super::log::LogLevel;
use super::store::loads::{FailedLoads, Memory};
use crate::base::ids::{ChannelHandle, Device, EntryId, LinkId};
use crate::base::rng::Seed;
use crate::base::time::{Now, UnixMillis};
use crate::channel::{self, Content};
use crate::chatfile::{ChatFile, JoinLink};
use crate::handshake::BootId;
use crate::link::{Link, code};
use crate::tracker::announcer::Announcer;
use crate::transport::PathEstimate;
use std::collections::BTreeMap;

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

impl Node {
    /// Joins a channel. Its history is read back first; [`Event::ChannelReady`] says when it is
    /// live.
    ///
    /// # Errors
    /// [`JoinError`] says what is in the way.
    pub fn join(&mut self, now: Now, file: &ChatFile) -> Result<ChannelHandle, JoinError> {
        self.enter(now, Origin::File(Box::new(file.clone())))
    }

    /// Joins a channel of which only a link is known. The first member met gives `info`, which is checked
    /// against the link and stored; only then does [`Event::ChannelReady`] come and is anything shown or
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
        let chan = origin.chan();
        if self.channels.values().any(|joined| joined.is_joined() && joined.chan == chan) {
            return Err(JoinError::AlreadyJoined);
        }
        let limit = self.config.limits.node.channels;
        // Those that were left are gone within seconds, once their trackers know.
        if self.channels.values().filter(|joined| joined.is_joined()).count() >= limit {
            return Err(JoinError::TooMany(limit));
        }
        let handle = ChannelHandle(self.next_channel);
        self.next_channel += 1;
        let mut candidates = Candidates::new(self.config.limits.node.candidates);
        for peer in origin.peers() {
            candidates.add(now.mono, peer.addr);
        }
        let joined = JoinedChannel {
            handle,
            chan,
            keys: origin.keys(),
            announced: origin.announced(),
            phase: Phase::Waiting,
            tiers: origin.tiers(),
            origin,
            announcer: None,
            urls: Vec::new(),
            candidates,
            members: BTreeMap::new(),
            rotation: None,
            demand: PeerDemand::default(),
        };
        self.log_channel(&joined);
        self.channels.insert(handle, joined);
        let text = format_args!("channel {} is joined", handle.0);
        self.log.add(now.mono, LogLevel::Info, "channel", text);
        self.settle(now);
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
        self.log.add(
            now.mono,
            LogLevel::Info,
            "channel",
            format_args!("channel {} is left", channel.0),
        );
        let ids: Vec<LinkId> = self.links.ids().collect();
        for id in ids {
            self.with_link(now, id, |link, _, events| link.leave(chan, events));
        }
        for cid in self.meeting.leave(channel) {
            if let Some(id) = self.by_cid.get(&cid).copied() {
                self.drop_link(now, id);
            }
        }
        self.failed_loads.forget(Memory::Channel(channel));
        if let Some(joined) = self.channels.get_mut(&channel) {
            joined.phase = Phase::Left;
            joined.rotation = None;
        }
        self.with_announcer(now, channel, |announcer, rng, asked| {
            announcer.stop(now.mono, rng, asked);
        });
        self.settle(now);
        Ok(())
    }

    /// Writes a text of 1 to 65,536 bytes to everybody in the channel. It is stored first, then
    /// shown ([`Event::Message`]) and sent.
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
        if self.ledger.is_full() {
            return Err(SendError::StoreBusy);
        }
        let sent =
            self.with_channel(now, channel, |joined, world| joined.send_text(now, text, world));
        let id = sent.flatten().ok_or(SendError::NotReady)??;
        self.settle(now);
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
        self.add_candidate(now.mono, channel, hint.address);
        self.settle(now);
        Ok(())
    }

    /// Starts a key renewal on every link, and says on how many.
    pub fn renew_keys(&mut self, now: Now) -> usize {
        let now = self.advance(now);
        let ids: Vec<LinkId> =
            self.links.iter().filter(|link| link.is_open()).map(Link::id).collect();
        for id in &ids {
            self.with_link(now, *id, |link, rng, _| link.renew(now.mono, rng));
        }
        self.settle(now);
        ids.len()
    }

    /// Mixes fresh entropy in, after a fork or a resumed virtual machine. All links are dropped
    /// without a word, since their keys may live twice: another packet could take a number that the
    /// other copy of this node takes, too (BC-08.87).
    pub fn reseed(&mut self, now: Now, seed: &Seed) {
        let now = self.advance(now);
        self.rng.reseed(seed);
        self.boot = BootId(self.rng.public.bytes());
        let ids: Vec<LinkId> = self.links.ids().collect();
        ids.into_iter().for_each(|id| self.drop_link(now, id));
        self.certificate_renewal = None;
        for (channel, address) in self.meeting.start_over(&mut self.rng) {
            self.on_unreached(now, channel, address);
        }
        self.settle(now);
    }

    /// Begins to end: links are closed and trackers told. Go on driving the node until
    /// [`is_drained`](Self::is_drained), or as long as you care to wait.
    pub fn shutdown(&mut self, now: Now) {
        let now = self.advance(now);
        self.shutting_down = true;
        self.failed_loads = FailedLoads::default();
        self.log.add(now.mono, LogLevel::Info, "node", "shutting down");
        let handles: Vec<ChannelHandle> = self.channels.keys().copied().collect();
        for handle in handles {
            self.meeting.leave(handle);
            self.with_announcer(now, handle, |announcer, rng, asked| {
                announcer.stop(now.mono, rng, asked);
            });
        }
        self.close_links(now);
        self.settle(now);
    }

    fn close_links(&mut self, now: Now) {
        let ids: Vec<LinkId> = self.links.ids().collect();
        for id in ids {
            self.with_link(now, id, |link, _, events| {
                link.close(now.mono, code::GOING_AWAY, events);
            });
        }
    }

    /// After [`shutdown`](Self::shutdown): everything has been said and stored. While the store
    /// refuses it stays false: wait as long as you care to.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        let told =
            |joined: &JoinedChannel| joined.announcer.as_ref().is_none_or(Announcer::is_stopped);
        self.shutting_down
            && self.links.dirty().is_none()
            && !self.sockets.has_queued()
            && self.actions.is_empty()
            && self.ledger.is_idle()
            && self.links.iter().all(|link| !link.is_open())
            && self.channels.values().all(told)
    }

    /// The links that carry chat.
    #[must_use]
    pub fn links(&self) -> Vec<LinkInfo> {
        let ready = self.links.iter().filter(|link| link.is_open() && link.is_ready());
        ready
            .map(|link| {
                let PathEstimate { rtt, min_rtt, rate, window, loss } = link.path_estimate();
                LinkInfo {
                    link: link.id(),
                    device: link.device(),
                    address: link.via().remote,
                    generation: link.generation(),
                    rtt,
                    min_rtt,
                    rate,
                    window,
                    loss,
                    path_mtu: link.path_mtu(),
                    paths: link.known_paths(),
                    channels: link.shared().collect(),
                }
            })
            .collect()
    }

    /// All texts of a channel in the order that everybody shows; none while it is read back.
    ///
    /// # Errors
    /// [`UnknownChannel`] if the node is not in it.
    pub fn messages(&self, channel: ChannelHandle) -> Result<Vec<Message>, UnknownChannel> {
        let joined = self.joined(channel)?;
        Ok(joined
            .shown()
            .map(|log| log.messages().filter_map(message).collect())
            .unwrap_or_default())
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
        let keys = self.device_keys.as_ref()?;
        Some(Device { peer: self.identity.peer_id(), id: keys.id })
    }

    /// Counters since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats.clone()
    }

    pub(super) fn joined(&self, channel: ChannelHandle) -> Result<&JoinedChannel, UnknownChannel> {
        self.channels.get(&channel).filter(|joined| joined.is_joined()).ok_or(UnknownChannel)
    }

    /// Forgets channels that were left, once their trackers know.
    pub(super) fn sweep_channels(&mut self) {
        self.channels.retain(|_, joined| {
            joined.is_joined() || joined.announcer.as_ref().is_some_and(|a| !a.is_stopped())
        });
    }

    /// The event for a message that became visible.
    pub(super) fn message_event(&self, channel: ChannelHandle, id: &EntryId) -> Option<Event> {
        let log = self.channels.get(&channel)?.shown()?;
        Some(Event::Message { channel, message: message(log.message(id)?)? })
    }
}

/// A message for the application; `None` for kinds of entries that this version cannot show.
fn message(message: channel::Message<'_>) -> Option<Message> {
    let Content::Text(text) = message.content else { return None };
    Some(Message {
        id: message.id,
        author: message.device,
        chain: message.author,
        own: message.own,
        wall: (message.wall != UnixMillis::default()).then_some(message.wall),
        lamport: message.lamport,
        seq: message.seq,
        text: text.to_owned(),
    })
}

//! Floor 4: one peer, however reached (spec 08).
//!
//! A [`Link`] joins what its parts keep apart: packet keys, the reliable transport, addresses,
//! rekeys, and the slots of the channels that it carries. It is driven like everything here: bytes
//! and time in, then [`Link::poll_packet`] until it gives nothing, then sleep until
//! [`Link::poll_timeout`]. What happened is appended to the `events` given to each call.
//!
//! # In which order to read
//! 1. `event`: what a link is made from and what it tells. `control`: messages of the control
//!    stream.
//! 2. `receive`, `reading`, `send`, `timers`: packets in, the messages that they complete, packets
//!    out, and what is due by itself.
//! 3. `session`: which keys are for what (`phases`), the keys, the exchange that replaces them
//!    (`rekey`), and the end (`close`). `rekeying`: when keys are replaced, and what follows.
//! 4. `paths`: one path and its anti-amplification budget (`single`), all paths and the one in use,
//!    which are remembered (`known`), how each is asked (`challenges`), the connection ids that
//!    packets wear on each, and how a path is kept open (`keepalive`). `moving`: either side is
//!    somewhere else.
//! 5. `slots`, `carried`, `streams`: which channels a link carries, and their streams.
//! 6. `qlog`: what may be watched.

mod byte_streams;
mod carried;
pub mod control;
mod event;
mod moving;
mod paths;
#[cfg(feature = "qlog")]
mod qlog;
#[cfg(not(feature = "qlog"))]
#[path = "qlog_off.rs"]
mod qlog;
mod reading;
mod receive;
mod rekeying;
mod send;
pub mod session;
mod size;
pub mod slots;
mod streams;
mod timers;

pub use crate::base::via::Via;
pub use control::Lane;
pub use event::{
    Ended, LinkConfig, LinkEvent, StreamEvent, StreamFailure, StreamRead, Verdict, code,
};
#[cfg(feature = "qlog")]
pub use qlog::QlogRecord;
pub use send::Sealed;
pub use size::PACKET_LEN;
pub use slots::ChannelEpoch;

use crate::base::ids::{ConnectionId, Device, LinkId};
use crate::base::rng::Rng;
use crate::base::time::Timestamp;
use crate::crypto::identity::Certificate;
use crate::crypto::noise::Role;
use crate::crypto::suite::{DhPublic, DhSecret, Secret};
use crate::handshake::{Established, TieBreak};
use crate::transport::{
    PathEstimate, PathMemory, Side, Transport, TransportConfig, TransportStats,
};
use carried::Carried;
use control::StreamHeader;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use paths::Addressing;
use qlog::Tracer;
use receive::Gathered;
use session::Session;
use session::close::Closing;
use streams::LinkStreams;

/// A handshake's round trip counts for no more: an answer of it may have been lost and repeated.
const MAX_HANDSHAKE_RTT: Duration = Duration::from_secs(1);
/// A closed link answers no longer than this, whatever the round trip seems to be (BC-08.61).
const MAX_CLOSING: Duration = Duration::from_secs(10);

#[derive(Debug)]
enum State {
    Open,
    /// Over: answers a few more packets with CLOSE until `until`.
    Closing {
        code: u64,
        closing: Closing,
        until: Timestamp,
    },
    Dead,
}

/// Whom a link leads to, as its handshake proved.
#[derive(Debug)]
struct Peer {
    device: Device,
    certificate: Certificate,
    remote_static: DhPublic,
    /// Decides between this session and another of the same pair.
    tie_break: TieBreak,
}

/// One session with one device.
#[derive(Debug)]
pub struct Link {
    id: LinkId,
    peer: Peer,
    config: LinkConfig,
    state: State,
    /// The link cannot go on, and ends at the next occasion.
    ending: Option<Ended>,
    transport: Transport,
    session: Session,
    addressing: Addressing,
    carried: Carried,
    streams: LinkStreams,
    created: Timestamp,
    last_received: Timestamp,
    /// When this host last woke up with nothing heard since an earlier waking.
    resumed: Option<Timestamp>,
    last_sent: Timestamp,
    /// There was traffic since memory was last given back.
    grown: bool,
    gathered: Gathered,
    tracer: Tracer,
}

impl Link {
    /// Takes over a session from its handshake. `local` is this device's static key.
    #[must_use]
    pub fn new(
        now: Timestamp,
        id: LinkId,
        session: &Established,
        local: &DhSecret,
        via: Via,
        config: LinkConfig,
        rng: &mut Rng,
    ) -> Self {
        let side = match session.role {
            Role::Initiator => Side::Initiator,
            Role::Responder => Side::Responder,
        };
        let mut settings = TransportConfig::new(&config.limits);
        settings.handshake_rtt = session.rtt.map(|rtt| rtt.min(MAX_HANDSHAKE_RTT));
        let mut link = Self {
            id,
            peer: Peer {
                device: session.device,
                certificate: session.certificate,
                remote_static: session.remote_static,
                tie_break: session.tie_break(&local.public()),
            },
            state: State::Open,
            ending: None,
            transport: Transport::new(settings, side, rng.secret.bytes(), now),
            session: Session::new(now, session, local),
            addressing: Addressing::new(now, session, via, &config),
            carried: Carried::new(session),
            streams: LinkStreams::new(&config.limits.link),
            created: now,
            last_received: now,
            resumed: None,
            last_sent: now,
            grown: true,
            gathered: Gathered::default(),
            tracer: Tracer::default(),
            config,
        };
        match link.session.role {
            Role::Initiator => link.drive(now, rng),
            // The initiator repeats its last handshake message until it hears from us.
            Role::Responder => link.transport.ping(),
        }
        link
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> LinkId {
        self.id
    }

    /// Whose device it leads to.
    #[must_use]
    pub const fn device(&self) -> Device {
        self.peer.device
    }

    /// The peer's proven static key.
    #[must_use]
    pub const fn remote_static(&self) -> DhPublic {
        self.peer.remote_static
    }

    /// The connection id that the session began with; see [`local_cids`](Self::local_cids).
    #[must_use]
    pub const fn local_cid(&self) -> ConnectionId {
        self.session.local_cid
    }

    /// Every connection id under which packets of this link may arrive.
    pub fn local_cids(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.addressing.ids.local()
    }

    /// How many paths to the peer have answered and may be used.
    #[must_use]
    pub fn known_paths(&self) -> usize {
        self.addressing.paths.proven()
    }

    /// Whether `via` is one of [these paths](Self::known_paths).
    #[must_use]
    pub fn has_path(&self, via: Via) -> bool {
        self.addressing.paths.has_proven(via)
    }

    /// The peer may be reached by `via` too, as a handshake with it there said.
    pub fn add_path(&mut self, now: Timestamp, via: Via, rng: &mut Rng) {
        if self.is_open() && self.session.ready {
            let id = self.addressing.ids.unused(self.addressing.paths.ids());
            self.change_paths(|link| link.addressing.paths.add(now, via, id, &mut rng.public));
        }
    }

    /// This host has other addresses than before, so packets may leave from another one: the peer
    /// is shown at once, under connection ids that it was not shown elsewhere (BC-08.55).
    pub fn on_local_move(&mut self, now: Timestamp, rng: &mut Rng) {
        if self.is_open() && self.session.ready {
            let mut unused = self.addressing.ids.all_unused(self.addressing.paths.ids());
            self.change_paths(|link| {
                link.addressing.paths.on_local_move(now, &mut unused, &mut rng.public);
            });
            self.transport.ping();
        }
    }

    /// The peer sends to this address of ours when it comes by `via`.
    pub fn set_local(&mut self, via: Via, local: Option<IpAddr>) {
        self.addressing.paths.set_local(via, local);
    }

    /// The address of ours to send from by `via`; none where the system is to choose.
    #[must_use]
    pub fn local(&self, via: Via) -> Option<IpAddr> {
        self.addressing.paths.local(via)
    }

    /// This host slept: whether the peer is still there, and by this path, is asked at once. Until it is
    /// heard the link is in doubt, and given up after a while that begins now.
    pub fn on_resumed(&mut self, now: Timestamp, rng: &mut Rng) {
        if !self.is_open() {
            return;
        }
        if !self.is_in_doubt() {
            self.resumed = Some(now);
        }
        self.addressing.keepalive.on_resumed();
        self.transport.probe();
        self.transport.ping();
        self.on_local_move(now, rng);
    }

    /// Nothing was heard of the peer since this host slept.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.resumed.is_some_and(|at| self.last_received <= at)
    }

    /// Where the peer last said that this side is.
    pub(crate) fn observed(&self) -> Option<SocketAddr> {
        self.addressing.observed.map(|(address, _)| address)
    }

    /// Whether the peer sees this side at an address of its own, so that no NAT is in between.
    pub fn set_not_natted(&mut self, not_natted: bool) {
        self.addressing.keepalive.set_not_natted(not_natted);
    }

    /// What decides between this session and another of the same pair.
    #[must_use]
    pub const fn tie_break(&self) -> &TieBreak {
        &self.peer.tie_break
    }

    /// The path in use: our socket, and the peer's address there.
    #[must_use]
    pub fn via(&self) -> Via {
        self.addressing.paths.current()
    }

    /// How many rekeys are in use for sending.
    #[must_use]
    pub const fn rekeys(&self) -> u64 {
        self.session.keys.number()
    }

    /// The first rekey is done: user data may flow.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.session.ready
    }

    /// Asks the peer for a sign of life.
    pub fn ping(&mut self) {
        self.transport.ping();
    }

    /// It carries chat, and was heard of not long ago: within a keepalive and some time for it to
    /// arrive.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        let quiet = now.saturating_since(self.last_received);
        self.is_open() && self.session.ready && quiet < self.addressing.keepalive.interval() * 3 / 2
    }

    /// Neither closed nor closing.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Nothing more will come of it: drop it.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        matches!(self.state, State::Dead)
    }

    /// What is known of the path.
    #[must_use]
    pub fn path_estimate(&self) -> PathEstimate {
        self.transport.path_estimate()
    }

    /// What was measured of the path in use, for a later link to the same address.
    #[must_use]
    pub fn path_memory(&self) -> Option<PathMemory> {
        self.transport.path_memory()
    }

    /// Begins near what an earlier link measured of the path to the same address (BC-07.85). To be
    /// called on a new link.
    pub fn resume(&mut self, memory: PathMemory) {
        self.transport.resume(memory);
    }

    /// Counters and estimates of its transport.
    #[must_use]
    pub fn transport_stats(&self) -> TransportStats {
        self.transport.stats()
    }

    /// Bytes of the largest UDP payload that the path is known to carry.
    #[must_use]
    pub const fn path_mtu(&self) -> usize {
        self.transport.path_mtu()
    }

    /// The channels that both sides have.
    pub fn shared(&self) -> impl Iterator<Item = ChannelEpoch> + '_ {
        self.carried.slots.shared()
    }

    /// Datagrams that came for flows which nobody here knows (BC-08.96).
    #[must_use]
    pub const fn unknown_flows(&self) -> u64 {
        self.streams.unknown_flows
    }

    /// Adds an epoch of a channel of ours to what the link may carry; others of the channel stay. A
    /// link on which the same epoch was left before ends,
    /// and the next one carries it: what is still under way from the first time could not be told
    /// from what belongs to the second (BC-08.17).
    pub fn join(
        &mut self,
        chan: impl Into<ChannelEpoch>,
        mac: &Secret,
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) {
        let chan = chan.into();
        if !self.is_open() {
            return;
        }
        if self.carried.left.contains(&chan) {
            self.ending = Some(Ended::Local(code::NO_ERROR));
            return;
        }
        self.carried.macs.insert(chan, mac.clone());
        if self.session.ready {
            self.offer(&[(chan, mac)], rng);
            self.match_slots(events);
        }
    }

    /// Takes an epoch of a channel off the link.
    pub fn leave(&mut self, chan: impl Into<ChannelEpoch>, events: &mut Vec<LinkEvent>) {
        let chan = chan.into();
        if self.carried.macs.remove(&chan).is_none() || !self.is_open() {
            return;
        }
        if self.carried.slots.is_shared(chan) {
            events.push(LinkEvent::ChannelDown(chan));
        }
        if let Some(close) = self.carried.slots.leave(chan) {
            self.carried.left.insert(chan);
            self.send_control(&close);
        }
        self.streams.lanes.close(&mut self.transport, chan);
        self.streams.bytes.close_channel(&mut self.transport, chan, events);
    }

    /// Sends a message of a shared channel. False if there is no room (then nothing was taken, and
    /// [`LinkEvent::Writable`] follows) or the channel is not shared (then nothing follows).
    pub fn send(&mut self, chan: impl Into<ChannelEpoch>, lane: Lane, message: &[u8]) -> bool {
        let chan = chan.into();
        if !self.is_open() {
            return false;
        }
        let Self {
            streams: LinkStreams { lanes, .. },
            carried: Carried { slots, .. },
            transport,
            ..
        } = self;
        // Channels that are not shared have no streams.
        if let Some(taken) = lanes.send(transport, chan, lane, message) {
            return taken;
        }
        match slots.ours(chan) {
            Some(slot) if slots.is_shared(chan) => {
                lanes.open(transport, chan, StreamHeader { slot, lane })
                    && lanes.send(transport, chan, lane, message) == Some(true)
            }
            _ => false,
        }
    }

    /// Asks for a rekey as soon as one is possible.
    pub fn rekey(&mut self, now: Timestamp, rng: &mut Rng) {
        self.session.rekey_wanted = true;
        self.drive(now, rng);
    }

    /// The node cannot take more messages of channels (`true`), or can again. What the peer sends
    /// meanwhile is bounded by flow control.
    pub fn pause(&mut self, paused: bool, events: &mut Vec<LinkEvent>) {
        self.streams.paused = paused;
        if !paused {
            self.read_all(events);
        }
    }

    /// Ends the link; a CLOSE with `code` is sent.
    pub fn close(&mut self, now: Timestamp, code: u64, events: &mut Vec<LinkEvent>) {
        self.end(now, Some(code), Ended::Local(code), events);
    }

    /// The peer broke the protocol on a floor above.
    pub fn close_for_violation(&mut self, now: Timestamp, what: &str, events: &mut Vec<LinkEvent>) {
        self.end(now, Some(code::VIOLATION), Ended::Violation(what.to_owned()), events);
    }

    fn end(&mut self, now: Timestamp, code: Option<u64>, why: Ended, events: &mut Vec<LinkEvent>) {
        if !self.is_open() {
            return;
        }
        self.state = match code {
            Some(code) => State::Closing {
                code,
                closing: Closing::START,
                until: now + (self.transport.pto() * 3).min(MAX_CLOSING),
            },
            None => State::Dead,
        };
        self.streams.bytes.close_all(events);
        let shared: Vec<ChannelEpoch> = self.carried.slots.shared().collect();
        events.extend(shared.into_iter().map(LinkEvent::ChannelDown));
        self.tracer.closed(now, &why);
        events.push(LinkEvent::Closed(why));
    }

    /// Bytes by which windows and send buffer have grown.
    pub(crate) const fn growth(&self) -> u64 {
        self.transport.growth()
    }

    /// Lets them grow by `bytes` more, as far as the link's own limit goes.
    pub(crate) fn allow_growth(&mut self, bytes: u64) {
        let own = self.config.limits.link.link_growth.saturating_sub(self.growth());
        self.transport.allow_growth(own.min(bytes));
    }

    /// The two sides have shown each other their channels, as far as this side knows.
    #[must_use]
    pub const fn has_heard(&self) -> bool {
        self.carried.slots.heard()
    }
}

#[cfg(test)]
mod tests;

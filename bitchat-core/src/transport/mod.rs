//! Floor 3: reliable delivery over packets that may be lost.
//!
//! [`Transport`] is one end of a session: streams with flow control and priorities, datagrams, loss
//! recovery, congestion control and pacing. It sees packet numbers and plaintext frames, never keys;
//! addresses and connection ids it only passes on. The wire format and the rules are chapter 07 of
//! the specification.
//!
//! # A packet's way
//! ```text
//! in:  packet::on_packet -> frame by frame -> ack               what we owe the peer
//!                                          -> recovery          what it has acknowledged, what is lost
//!                                          -> streams::incoming -> the sink
//! out: packet::poll_packet -> recovery: may it leave?           window, pacing, probe timeouts
//!                          -> builder <- ack, control, streams::outgoing, datagrams
//!                          -> sent                              what must be said again if it is lost
//! ```
//!
//! # In which order to read
//! 1. `config`, `sink`, `error`: what goes in, what comes out.
//! 2. `packet`: the two entry points, `on_packet` and `poll_packet`.
//! 3. `numbers`, `ack`, `ack_frequency`: numbering packets, and acknowledging the peer's.
//! 4. `sent`, `rtt`, `loss`, `reordering`, `recovery`: what became of ours.
//! 5. `pacing`, `rate`, `congestion`: how fast they may leave.
//! 6. `ecn`, `mtu`, `loss_meter`, `repeat`: marks, sizes, the share lost, and copies of small messages.
//! 7. `builder`, `control`, `datagrams`: what a packet is made of, besides streams.
//! 8. `streams`, `messages`: bytes in order, whose turn it is, flow control, and cutting into messages.

mod ack;
mod ack_frequency;
mod builder;
mod config;
pub mod congestion;
mod control;
mod datagrams;
mod ecn;
mod error;
mod loss;
mod loss_meter;
pub mod messages;
mod mtu;
mod numbers;
#[cfg(feature = "qlog")]
mod observe;
mod pacing;
mod packet;
mod path_state;
mod rate;
mod recovery;
mod reordering;
mod repeat;
mod rtt;
mod sent;
mod sink;
mod streams;

pub use config::{
    CongestionControl, Ecn, INITIAL_MAX_DATA, INITIAL_MAX_STREAM_DATA, INITIAL_MAX_STREAMS,
    MAX_ACK_DELAY, PacketMeta, PathEstimate, SendGate, Side, TransportConfig, TransportStats,
};
pub use congestion::PathMemory;
pub use control::Announcement;
pub use error::{QueueError, StreamError, TransportError};
pub use mtu::MAX_DATAGRAM;
#[cfg(feature = "qlog")]
pub use observe::Observation;
pub use rtt::Rtt;
pub use sink::TransportSink;
pub use streams::{Class, Read, TransportStreamId};

use crate::base::time::{Timestamp, earlier};
use ack::AckState;
use bytes::Bytes;
use congestion::{Bbr, Controller, Cubic, NewReno};
use control::Announcements;
use core::hash::Hasher;
use core::time::Duration;
use datagrams::Datagrams;
use messages::MessageLength;
use numbers::PacketNumbers;
use path_state::PathState;
use recovery::Recovery;
use repeat::Repeater;
use sent::SentFrame;
use siphasher::sip::SipHasher24;
use streams::Streams;

/// One end of a session, without keys and addresses.
///
/// # How to drive it
/// - Hand each packet that authenticated and was not seen before to [`on_packet`](Self::on_packet);
///   what it brings is reported to the [`TransportSink`].
/// - After every call that may create work (a packet, a timeout, a write, …) call
///   [`poll_packet`](Self::poll_packet) until it gives `None`, and send what it builds.
/// - Then ask [`poll_timeout`](Self::poll_timeout); at that time call
///   [`handle_timeout`](Self::handle_timeout), and poll packets again.
///
/// `poll_timeout` is never later than queued work: while something may be sent at once, it gives a
/// time that is not in the future. Once `handle_timeout` was called at the deadline and
/// `poll_packet` has given `None`, the deadline is later or gone. With nothing in flight and nothing
/// to send there is none: an idle transport is silent (BC-07.15).
///
/// Times never go backwards inside: an earlier `now` counts as the latest seen.
#[derive(Debug)]
pub struct Transport {
    config: TransportConfig,
    now: Timestamp,
    numbers: PacketNumbers,
    acks: AckState,
    recovery: Recovery,
    repeater: Repeater,
    streams: Streams,
    datagrams: Datagrams,
    announcements: Announcements,
    ping: bool,
    /// When `poll_packet` may have something to build.
    send_at: Option<Timestamp>,
    /// `poll_packet` found nothing that may leave through this gate before `send_at`, and nothing has
    /// happened since.
    idle: Option<SendGate>,
    /// What the packet under construction carries; kept for its allocation.
    record: Vec<SentFrame>,
    /// Frames that an ACK or a timer settled; kept for their allocation.
    acked: Vec<SentFrame>,
    lost: Vec<SentFrame>,
    stats: TransportStats,
}

impl Transport {
    /// One end of a session that begins at `now`. Both sides have stream 0, the control stream.
    ///
    /// `seed` decides which packet numbers are left out, and when a controller probes; it is random
    /// and never sent, so that the peer cannot guess.
    #[must_use]
    pub fn new(config: TransportConfig, side: Side, seed: [u8; 16], now: Timestamp) -> Self {
        let packet_size = mtu::BASE as u64;
        let controller: Box<dyn Controller> = match config.congestion_control {
            CongestionControl::Bbr => Box::new(Bbr::new(packet_size, derive(&seed))),
            CongestionControl::Cubic => Box::new(Cubic::new(packet_size)),
            CongestionControl::NewReno => Box::new(NewReno::new(packet_size)),
        };
        Self::with_controller(config, side, seed, now, controller)
    }

    /// As [`new`](Self::new), with a congestion controller of the caller's.
    #[must_use]
    pub fn with_controller(
        config: TransportConfig,
        side: Side,
        seed: [u8; 16],
        now: Timestamp,
        controller: Box<dyn Controller>,
    ) -> Self {
        Self {
            now,
            numbers: PacketNumbers::new(seed),
            acks: AckState::default(),
            recovery: Recovery::new(&config, controller, now),
            repeater: Repeater::new(now),
            streams: Streams::new(&config, side),
            datagrams: Datagrams::new(config.datagrams),
            announcements: Announcements::default(),
            ping: false,
            send_at: None,
            idle: None,
            record: Vec::new(),
            acked: Vec::new(),
            lost: Vec::new(),
            stats: TransportStats::default(),
            config,
        }
    }

    fn advance(&mut self, now: Timestamp) -> Timestamp {
        self.now = self.now.max(now);
        self.now
    }

    /// Something may be sent now.
    fn wake(&mut self) {
        self.send_at = Some(self.now);
        self.idle = None;
    }

    /// The next time at which [`handle_timeout`](Self::handle_timeout) and
    /// [`poll_packet`](Self::poll_packet) are to be called; `None` if nothing is to happen by
    /// itself.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let next = earlier(self.send_at, self.acks.deadline());
        earlier(next, earlier(self.recovery.deadline(), self.repeater.deadline()))
    }

    /// Does what is due at `now`. Too early or too late is harmless.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let now = self.advance(now);
        self.acks.handle_timeout(now);
        while let Some(pn) = self.repeater.pop_due(now) {
            self.recovery.sent.copy(pn, &mut self.lost);
        }
        let Self { lost, streams, .. } = self;
        lost.retain(|frame| streams.is_urgent(frame));
        self.recovery.handle_timeout(now, &mut self.lost);
        self.settle_lost();
        self.idle = None;
        if self.acks.is_due() || self.recovery.probing() {
            self.wake();
        }
    }

    /// Opens a stream.
    ///
    /// # Errors
    /// [`StreamError::Limit`] if the peer allows no more; the sink's `streams_available` says when
    /// it does.
    pub fn open_stream(&mut self, class: Class) -> Result<TransportStreamId, StreamError> {
        self.streams.open(class)
    }

    /// Changes the class of a stream; those that the peer opened begin as [`Class::File`].
    ///
    /// # Errors
    /// [`StreamError::Unknown`], or [`StreamError::Control`] for stream 0.
    pub fn set_class(&mut self, id: TransportStreamId, class: Class) -> Result<(), StreamError> {
        self.streams.set_class(id, class)
    }

    /// Takes as many bytes of `data` as the send buffer has room for and says how many. If not all
    /// of them, the sink's `stream_writable` says when to go on with the rest.
    ///
    /// # Errors
    /// [`StreamError`] if the stream does not exist, was finished or reset, or was stopped by the
    /// peer.
    pub fn write(
        &mut self,
        id: TransportStreamId,
        data: impl AsRef<[u8]>,
    ) -> Result<usize, StreamError> {
        let accepted = self.streams.write(id, data.as_ref())?;
        self.wake();
        Ok(accepted)
    }

    /// Takes `message` behind its length, whole if the send buffer has any room for the stream's
    /// class; else takes nothing, says false, and the sink's `stream_writable` says when to try
    /// again. So the buffer holds at most one message more than its size.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_message(
        &mut self,
        id: TransportStreamId,
        message: &[u8],
    ) -> Result<bool, StreamError> {
        let length = MessageLength::of(message);
        let accepted = self.streams.write_whole(id, [length.as_bytes(), message])?;
        if accepted {
            self.wake();
        }
        Ok(accepted)
    }

    /// Ends the sending direction behind what was written. A stream is forgotten once both
    /// directions are over, so a stream that the peer opened is to be finished as well.
    ///
    /// # Errors
    /// As [`write`](Self::write), and [`StreamError::Control`] for stream 0.
    pub fn finish(&mut self, id: TransportStreamId) -> Result<(), StreamError> {
        self.streams.finish(id)?;
        self.wake();
        Ok(())
    }

    /// Ends the sending direction at once; what the peer has not got is dropped. `code` is the
    /// application's, at most 2^62 - 1.
    ///
    /// # Errors
    /// [`StreamError::Unknown`], [`StreamError::Control`] for stream 0, [`StreamError::Code`].
    pub fn reset(&mut self, id: TransportStreamId, code: u64) -> Result<(), StreamError> {
        self.streams.reset(id, code)?;
        self.wake();
        Ok(())
    }

    /// Asks the peer to send no more on the stream; what arrives is dropped.
    ///
    /// # Errors
    /// As [`reset`](Self::reset).
    pub fn stop(&mut self, id: TransportStreamId, code: u64) -> Result<(), StreamError> {
        self.streams.stop(id, code)?;
        self.wake();
        Ok(())
    }

    /// The next bytes of the stream in order, or what became of it. Reading grants the peer credit:
    /// whoever cannot take more does not read.
    ///
    /// # Errors
    /// [`StreamError::Unknown`].
    pub fn read(&mut self, id: TransportStreamId) -> Result<Read, StreamError> {
        let read = self.streams.read(id)?;
        if self.streams.has_work(SendGate::All) {
            self.wake();
        }
        Ok(read)
    }

    /// Queues an unreliable message that is dropped if it cannot leave before `expires`.
    ///
    /// # Errors
    /// [`QueueError::TooLong`] above [`max_datagram`](Self::max_datagram), [`QueueError::Full`] if
    /// too many wait.
    pub fn send_datagram(&mut self, data: Bytes, expires: Timestamp) -> Result<(), QueueError> {
        let max = self.max_datagram();
        self.datagrams.push(self.now, data, max, expires)?;
        self.wake();
        Ok(())
    }

    /// The longest datagram, in bytes. It changes with the path.
    #[must_use]
    pub fn max_datagram(&self) -> usize {
        Datagrams::max_len(self.config.least_payload(self.recovery.path.mtu.size()))
    }

    /// Bytes of the largest UDP payload that the path is known to carry.
    #[must_use]
    pub const fn path_mtu(&self) -> usize {
        self.recovery.path.mtu.size()
    }

    /// [`poll_packet`](Self::poll_packet) gave nothing, and would give nothing now: nothing has
    /// happened since, and no time has come.
    #[must_use]
    pub fn is_idle(&self, now: Timestamp, gate: SendGate) -> bool {
        self.idle == Some(gate) && self.send_at.is_none_or(|at| at > now.max(self.now))
    }

    /// Bytes of the UDP payload that [`poll_packet`](Self::poll_packet) builds at most at `now`: a
    /// packet of the path's size, or a probe for a larger one.
    #[must_use]
    pub fn packet_len(&self, now: Timestamp) -> usize {
        self.recovery.probe_due(now.max(self.now)).unwrap_or(self.recovery.packet_len())
    }

    /// Whether the next packet with data will be marked ECT(0).
    #[must_use]
    pub const fn marks_ecn(&self) -> bool {
        self.recovery.path.ecn.mark()
    }

    /// The peer takes UDP payloads of up to `bytes`. Until this is called packets have 1,200 bytes.
    pub fn set_peer_max_datagram(&mut self, bytes: usize) {
        self.recovery.set_peer_limit(bytes);
    }

    /// Tells the peer `announcement`, and again until it is acknowledged.
    ///
    /// # Errors
    /// [`QueueError::Full`] if 32 are not acknowledged yet, [`QueueError::Number`].
    pub fn announce(&mut self, announcement: Announcement) -> Result<(), QueueError> {
        self.announcements.push(announcement)?;
        self.wake();
        Ok(())
    }

    /// Sends a PING, to keep a mapping open or to see whether the peer is there.
    pub fn ping(&mut self) {
        self.ping = true;
        self.wake();
    }

    /// Packets now leave on another path, of which no more than its round-trip time is known, if
    /// that: all that was measured of the old one is forgotten. What was in flight is repeated once
    /// it proves lost, and neither fills the new path's window nor tells against it.
    pub fn path_changed(&mut self, now: Timestamp, rtt: Option<Duration>) {
        let now = self.advance(now);
        let initial = Rtt::new(rtt.unwrap_or(config::INITIAL_RTT));
        self.recovery.path_changed(now, self.numbers.next(), initial);
        self.probe();
    }

    /// The peer has another port at the same address: the path is most likely the same, so what is
    /// known of it stays (RFC 9000 §9.4). What was on its way to the old port does not tell against
    /// it.
    pub fn path_rebound(&mut self) {
        self.recovery.path_rebound(self.numbers.next());
        self.probe();
    }

    /// What is in flight may be lost, as with an old path: some of it leaves again at once, as after a
    /// probe timeout, so that acknowledgements show what became of the rest.
    pub fn probe(&mut self) {
        self.recovery.probe_now(&mut self.lost);
        self.settle_lost();
        self.wake();
    }

    /// Bytes by which windows and send buffer have grown beyond the sizes that the configuration
    /// gives them.
    #[must_use]
    pub const fn growth(&self) -> u64 {
        self.streams.growth()
    }

    /// Lets windows and send buffer grow by `bytes` more from now on, instead of by what is left of
    /// the configuration's `growth`. Who has many transports shares out what all may take together.
    pub const fn allow_growth(&mut self, bytes: u64) {
        self.streams.allow_growth(bytes);
    }

    /// Since when something is in flight of which no acknowledgement has come.
    #[must_use]
    pub const fn waiting_since(&self) -> Option<Timestamp> {
        self.recovery.waiting_since()
    }

    /// Probe timeouts in a row without an acknowledgement; one at most if the peer was heard since
    /// (BC-07.13).
    #[must_use]
    pub const fn unanswered_probes(&self) -> u32 {
        self.recovery.unanswered_probes()
    }

    /// Gives back the memory that sending and receiving has grown by and that lies idle. To be called
    /// when nothing has happened for a while; what is needed again is asked for again.
    pub fn shrink(&mut self) {
        self.streams.shrink();
        self.recovery.shrink();
        self.repeater.shrink();
        self.record = Vec::new();
        self.acked = Vec::new();
        self.lost = Vec::new();
    }

    /// The number of the next packet.
    #[must_use]
    pub const fn next_pn(&self) -> u64 {
        self.numbers.next()
    }

    /// Takes a packet number for a packet that the parent builds itself: PATH_CHALLENGE,
    /// PATH_RESPONSE and CLOSE, each on a path of its own choice. It is neither counted in flight
    /// nor sent again.
    pub fn take_pn(&mut self) -> u64 {
        self.numbers.take()
    }

    /// The largest packet number that the peer acknowledged: the base of truncated numbers.
    #[must_use]
    pub const fn largest_acked(&self) -> Option<u64> {
        self.recovery.largest_acked
    }

    /// The estimate of the round-trip time.
    #[must_use]
    pub const fn rtt(&self) -> &Rtt {
        &self.recovery.path.rtt
    }

    /// What is known of the path.
    #[must_use]
    pub fn path_estimate(&self) -> PathEstimate {
        let PathState { rtt, controller, losses, .. } = &self.recovery.path;
        PathEstimate {
            rtt: rtt.min().map(|_| rtt.smoothed()),
            min_rtt: rtt.min(),
            rate: rtt.min().map(|_| controller.rate(rtt)),
            window: controller.window(),
            loss: u16::try_from(losses.per_mille()).unwrap_or(u16::MAX),
        }
    }

    /// What was measured of the path, for a later transport over the same one: worth keeping only if
    /// no rule was broken by the peer, since it comes of what the peer acknowledged. `None` before
    /// enough was sent, or if the path holds so little that nothing would be gained.
    #[must_use]
    pub fn path_memory(&self) -> Option<PathMemory> {
        self.recovery.path.memory()
    }

    /// Begins near what an earlier transport measured of the same path, in the careful steps of
    /// RFC 9959 (BC-07.86, BC-07.87). To be called before anything is sent.
    pub fn resume(&mut self, memory: PathMemory) {
        self.recovery.path.resume(memory);
    }

    /// The probe timeout without back-off, the peer's acknowledgement delay included.
    #[must_use]
    pub fn pto(&self) -> Duration {
        self.recovery.path.rtt.pto(MAX_ACK_DELAY)
    }

    /// Bytes sent and neither acknowledged nor lost, protection included.
    #[must_use]
    pub const fn bytes_in_flight(&self) -> u64 {
        self.recovery.sent.bytes()
    }

    /// Whether the peer owes an acknowledgement.
    #[must_use]
    pub const fn is_ack_eliciting_in_flight(&self) -> bool {
        self.recovery.sent.count() > 0
    }

    /// Counters and estimates.
    #[must_use]
    pub fn stats(&self) -> TransportStats {
        TransportStats {
            packets_lost: self.recovery.packets_lost,
            packets_late: self.recovery.packets_late,
            probe_timeouts: self.recovery.probe_timeouts,
            bytes_resent: self.streams.resent,
            datagrams_dropped: self.datagrams.dropped,
            bytes_in_flight: self.recovery.sent.bytes(),
            congestion_window: self.recovery.path.controller.window(),
            bytes_buffered: self.streams.buffered(),
            bytes_unread: self.streams.unread(),
            streams: self.streams.len(),
            ..self.stats
        }
    }
}

/// A number for the controller that says nothing about which packet numbers are left out.
fn derive(seed: &[u8; 16]) -> u64 {
    let mut hasher = SipHasher24::new_with_key(seed);
    hasher.write(b"congestion control");
    hasher.finish()
}

#[cfg(test)]
mod tests;

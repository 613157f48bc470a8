//! Floor 3: reliable delivery over packets that may be lost.
//!
//! [`Transport`] is one end of a session: streams with flow control and priorities, datagrams, loss
//! recovery, congestion control and pacing. It sees packet numbers and plaintext frames, never
//! keys; addresses and connection ids it only passes on. The wire format and the rules are chapter
//! 07 of the specification.
//!
//! # A packet's way
//! ```text
//! in:  receive: on_packet -> frame by frame -> ack               what is owed to the peer
//!                                           -> recovery          what the peer has, what is lost
//!                                           -> outcome           what that means for streams, ..
//!                                           -> streams::incoming -> the sink
//! out: send: poll_packet  -> recovery: may it leave?             window, pacing, probe timeouts
//!                         -> packet::builder <- ack, announcements, streams::outgoing, datagrams
//!                         -> recovery::sent                      what to repeat if it is lost
//! ```
//!
//! # In which order to read
//! 1. `config`, `sink`, `error`, `stream_id`, `rtt`: what goes in, what comes out.
//! 2. `receive`, `send`, `outcome`: the two entry points, `on_packet` and `poll_packet`, and what
//!    becomes of the frames that were sent; `info`: what a transport says of itself.
//! 3. `packet`: numbering packets (`numbers`), filling them (`builder`, `announcements`,
//!    `datagrams`), and what they carried (`contents`).
//! 4. `ack`: acknowledging the peer's packets, and how often the peer is asked to (`frequency`).
//! 5. `recovery`: packets in flight (`sent`), which of them are lost (`loss`, `losses`,
//!    `reordering`), what is known of the path (`path_state`: `ecn`, `mtu`, `loss_meter`), and
//!    copies of small messages (`repeat`).
//! 6. `streams`: bytes in order, whose turn it is, flow control, and cutting into `messages`.
//! 7. `congestion`: how much may be in flight, and how fast it may leave (`pacing`, `rate`).

mod ack;
mod config;
pub mod congestion;
mod error;
mod info;
#[cfg(feature = "qlog")]
mod observe;
mod outcome;
mod packet;
mod receive;
mod recovery;
mod rtt;
mod send;
mod sink;
mod stream_id;
mod streams;

pub use config::{
    CongestionControl, Ecn, INITIAL_MAX_DATA, INITIAL_MAX_STREAM_DATA, INITIAL_MAX_STREAMS,
    MAX_ACK_DELAY, PacketMeta, PathEstimate, SendGate, Side, TransportConfig, TransportStats,
};
pub use congestion::PathMemory;
pub use error::{QueueError, StreamError, TransportError};
#[cfg(feature = "qlog")]
pub use observe::Observation;
pub use packet::contents::Announcement;
pub use recovery::mtu::MAX_DATAGRAM;
pub use rtt::Rtt;
pub use sink::TransportSink;
pub use stream_id::TransportStreamId;
pub use streams::{Class, Read, messages};

use crate::base::time::{Timestamp, earlier};
use ack::AckState;
use bytes::Bytes;
use congestion::{Bbr, Controller, Cubic, NewReno};
use core::hash::Hasher;
use core::time::Duration;
use messages::MessageLength;
use packet::announcements::Announcements;
use packet::contents::SentFrame;
use packet::datagrams::Datagrams;
use packet::numbers::PacketNumbers;
use recovery::repeat::Repeater;
use recovery::{Recovery, mtu};
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
/// `poll_packet` has given `None`, the deadline is later or gone. With nothing in flight and
/// nothing to send there is none: an idle transport is silent (BC-07.15).
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
    /// `poll_packet` found nothing that may leave through this gate before `send_at`, and nothing
    /// has happened since.
    idle: Option<SendGate>,
    /// What the packet under construction carries; kept for its allocation.
    record: Vec<SentFrame>,
    /// Frames of packets that were acknowledged or lost; kept for their allocation.
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
        self.repeat_lost();
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

    /// What the stream holds unread counts for its own window only from now on, not for the link's:
    /// for streams whose reader may pause. A caller bounds how many there are.
    ///
    /// # Errors
    /// [`StreamError::Unknown`].
    pub fn set_apart(&mut self, id: TransportStreamId) -> Result<(), StreamError> {
        self.streams.set_apart(id)?;
        self.wake();
        Ok(())
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

    /// The next bytes of the stream in order, or its end. Reading grants the peer credit: an
    /// application that cannot take more does not read.
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

    /// What is in flight may be lost, as with an old path: some of it leaves again at once, as
    /// after a probe timeout, so that acknowledgements show what became of the rest.
    pub fn probe(&mut self) {
        self.recovery.probe_now(&mut self.lost);
        self.repeat_lost();
        self.wake();
    }

    /// Lets windows and send buffer grow by `bytes` more from now on, instead of by what is left of
    /// the configuration's `growth`. An owner of many transports shares out what all may take.
    pub const fn allow_growth(&mut self, bytes: u64) {
        self.streams.allow_growth(bytes);
    }

    /// Gives back the memory that sending and receiving has grown by and that lies idle. To be
    /// called when nothing has happened for a while; what is needed again is asked for again.
    pub fn shrink(&mut self) {
        self.streams.shrink();
        self.recovery.shrink();
        self.repeater.shrink();
        self.record = Vec::new();
        self.acked = Vec::new();
        self.lost = Vec::new();
    }

    /// Takes a packet number for a packet that the parent builds itself: PATH_CHALLENGE,
    /// PATH_RESPONSE and CLOSE, each on a path of its own choice. It is neither counted in flight
    /// nor sent again.
    pub fn take_pn(&mut self) -> u64 {
        self.numbers.take()
    }

    /// Begins near what an earlier transport measured of the same path, in the careful steps of
    /// RFC 9959 (BC-07.86, BC-07.87). To be called before anything is sent.
    pub fn resume(&mut self, memory: PathMemory) {
        self.recovery.path.resume(memory);
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

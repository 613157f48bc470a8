//! What a transport is told when it is made, and what it says about a packet.

use crate::base::limits::Limits;
use core::time::Duration;

/// Which end of the session this is: it decides who owns which stream ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Sent the first handshake message; opens even stream ids.
    Initiator,
    /// Answered it; opens odd stream ids.
    Responder,
}

/// How a packet's IP header was marked (RFC 3168).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ecn {
    /// ECN-capable transport, codepoint 0: what this transport sends.
    Ect0,
    /// ECN-capable transport, codepoint 1.
    Ect1,
    /// A router on the way is congested.
    Ce,
}

/// What may leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SendGate {
    /// Everything.
    #[default]
    All,
    /// Only what keeps the session going: stream 0, ACK, PING and connection ids. User data waits,
    /// because the keys are not yet post-quantum or are too old (spec 08).
    ControlOnly,
}

/// How much may be in flight, and how fast it leaves. A sender's own choice: the peer cannot tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CongestionControl {
    /// A model of the path: BBR, version 3, in which loss without a queue does not count
    /// (ARCHITECTURE.md says how it differs from the draft). Keeps the queue of the bottleneck
    /// short.
    #[default]
    Bbr,
    /// CUBIC (RFC 9438): what most of the Internet does. Random loss slows it down.
    Cubic,
    /// NewReno (RFC 9002 §7): the most careful.
    NewReno,
}

/// Bytes that a peer may send on all streams but stream 0 before the first MAX_DATA (BC-07.16).
pub const INITIAL_MAX_DATA: u64 = 256 * 1024;
/// Bytes that a peer may send on one stream before the first MAX_STREAM_DATA (BC-07.16).
pub const INITIAL_MAX_STREAM_DATA: u64 = 128 * 1024;
/// Streams that a peer may have opened before the first MAX_STREAMS; the initiator's stream 0 is
/// one of them (BC-07.16).
pub const INITIAL_MAX_STREAMS: u64 = 16;
/// The longest that an acknowledgement is held back (BC-07.09).
pub const MAX_ACK_DELAY: Duration = Duration::from_millis(25);

/// Settings of one transport. [`TransportConfig::new`] takes them from the node's [`Limits`].
#[derive(Clone, Debug)]
pub struct TransportConfig {
    /// Bytes of unread data that the link holds for the peer, stream 0 apart; at least
    /// [`INITIAL_MAX_DATA`], which every peer may use.
    pub receive_window: u64,
    /// Bytes of unread data that one stream holds; at least [`INITIAL_MAX_STREAM_DATA`].
    pub stream_window: u64,
    /// Bytes written and not acknowledged, all streams together. A class may fill only its share
    /// (see [`Class`](super::Class)), so that bulk data never keeps chat from being accepted.
    pub send_buffer: usize,
    /// Streams that the peer may have open at once; at least [`INITIAL_MAX_STREAMS`].
    pub streams: u64,
    /// Gaps in the reassembly of one stream; more once the window has grown, in proportion.
    pub reassembly_gaps: usize,
    /// Bytes by which `receive_window` and `send_buffer` may grow together, to what the path can
    /// carry in a few round trips. See [`Transport::allow_growth`](super::Transport::allow_growth).
    pub growth: u64,
    /// Datagrams that wait to be sent.
    pub datagrams: usize,
    /// Bytes of the largest UDP payload that this side sends, where the path and the peer take it.
    pub max_datagram: usize,
    /// Bytes that protection adds to the plaintext at least; they count for congestion control.
    pub packet_overhead: usize,
    /// The round-trip time that the handshake measured: that of the first path until there is a
    /// sample. Other paths, and `None`, begin with RFC 9002's 333 ms.
    pub handshake_rtt: Option<Duration>,
    /// How the sending rate is found.
    pub congestion_control: CongestionControl,
}

/// Connection id 8, flags 1, packet number from 1 on, tag 16 (spec 06).
const PACKET_OVERHEAD: usize = 26;
/// A path of which nothing is known (RFC 9002 §6.2.2).
pub(super) const INITIAL_RTT: Duration = Duration::from_millis(333);
/// Bytes between the shortest packet number and the longest.
const PN_LEN_SPREAD: usize = 3;

impl TransportConfig {
    /// Settings with `limits`.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let receive_window = limits.link.receive_window.max(INITIAL_MAX_DATA);
        Self {
            receive_window,
            stream_window: (receive_window / 2).max(INITIAL_MAX_STREAM_DATA),
            send_buffer: limits.link.send_buffer,
            streams: limits.link.streams.max(INITIAL_MAX_STREAMS),
            reassembly_gaps: limits.link.reassembly_gaps,
            growth: limits.link.link_growth,
            datagrams: 64,
            max_datagram: limits.link.datagram_bytes,
            packet_overhead: PACKET_OVERHEAD,
            handshake_rtt: None,
            congestion_control: CongestionControl::default(),
        }
    }

    /// Plaintext bytes of a packet of `size` bytes.
    pub(super) const fn max_payload(&self, size: usize) -> usize {
        size.saturating_sub(self.packet_overhead)
    }

    /// The same where the packet number takes all of its four bytes.
    pub(super) const fn least_payload(&self, size: usize) -> usize {
        self.max_payload(size).saturating_sub(PN_LEN_SPREAD)
    }
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

/// A packet that [`Transport::poll_packet`](super::Transport::poll_packet) built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketMeta {
    /// Its number; the caller protects the packet under it and never uses it again.
    pub pn: u64,
    /// Plaintext bytes in the buffer.
    pub len: usize,
    /// The peer will acknowledge it.
    pub ack_eliciting: bool,
    /// It holds an ack-eliciting frame other than PING and IMMEDIATE_ACK.
    pub traffic: bool,
    /// It holds data of a stream other than the control stream, or a datagram: that makes keys old.
    pub user_data: bool,
    /// Mark the IP header ECT(0).
    pub ect: bool,
    /// It asks whether the path carries packets of its size: sent alone, never fragmented.
    pub probe: bool,
}

/// What is known of the path to the peer; `None` until something was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathEstimate {
    /// The moving average of the round-trip time.
    pub rtt: Option<Duration>,
    /// The smallest round-trip time.
    pub min_rtt: Option<Duration>,
    /// Bytes a second, protection included, that the path carries: what media may be sent at.
    /// Before much was sent it is low, as nothing more is known.
    pub rate: Option<u64>,
    /// Bytes that may be in flight.
    pub window: u64,
    /// Packets lost lately, in thousandths; 0 until enough were sent to tell.
    pub loss: u16,
}

/// Counters since the transport was made, and the present estimates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransportStats {
    /// Packets built.
    pub packets_sent: u64,
    /// Packets taken in.
    pub packets_received: u64,
    /// Packets declared lost.
    pub packets_lost: u64,
    /// Those of them that had only been late, as their acknowledgements proved.
    pub packets_late: u64,
    /// Plaintext bytes built.
    pub bytes_sent: u64,
    /// Plaintext bytes taken in.
    pub bytes_received: u64,
    /// Stream bytes sent again.
    pub bytes_resent: u64,
    /// Probe timeouts.
    pub probe_timeouts: u64,
    /// Packets not acknowledged because a stream had too many gaps.
    pub packets_refused: u64,
    /// Datagrams that were never sent: expired, or too long for the packet.
    pub datagrams_dropped: u64,
    /// Bytes sent and neither acknowledged nor lost, protection included.
    pub bytes_in_flight: u64,
    /// Bytes that congestion control allows in flight.
    pub congestion_window: u64,
    /// Stream bytes written and not acknowledged.
    pub bytes_buffered: usize,
    /// Stream bytes received and not read.
    pub bytes_unread: u64,
    /// Streams open in any direction.
    pub streams: usize,
}

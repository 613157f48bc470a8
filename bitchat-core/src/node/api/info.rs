//! What the embedder may ask about, and what it may hint at.

use crate::base::ids::{ChannelId, Device, LinkId, PeerId};
use core::time::Duration;
use std::net::SocketAddr;

/// One link, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkInfo {
    /// The link.
    pub link: LinkId,
    /// Whose device it leads to.
    pub device: Device,
    /// Where it is.
    pub address: SocketAddr,
    /// How many key renewals it has had; chat flows from the first on.
    pub generation: u64,
    /// Smoothed round-trip time, once measured.
    pub rtt: Option<Duration>,
    /// The smallest round-trip time, once measured.
    pub min_rtt: Option<Duration>,
    /// Bytes a second that the path carries by estimate, once measured: what a sender of media is to
    /// keep below. It is low until much was sent.
    pub rate: Option<u64>,
    /// Bytes that may be in flight.
    pub window: u64,
    /// Packets lost lately, in thousandths; 0 until enough were sent to tell.
    pub loss: u16,
    /// Bytes of the largest UDP payload that the path is known to carry.
    pub path_mtu: usize,
    /// How many paths to the peer are known to work, the one in use among them.
    pub paths: usize,
    /// The channels that it carries.
    pub channels: Vec<ChannelId>,
}

/// Counters since the node started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Datagrams handed in.
    pub datagrams_in: u64,
    /// Datagrams handed out.
    pub datagrams_out: u64,
    /// Datagrams that belonged to nothing this node takes part in.
    pub dropped_unknown: u64,
    /// Datagrams of a link that did not authenticate.
    pub dropped_auth: u64,
    /// Datagrams of a link that had been seen before, or were too old to tell.
    pub dropped_replay: u64,
    /// Probes answered.
    pub probes_answered: u64,
    /// Handshakes begun by this node.
    pub handshakes_started: u64,
    /// Handshakes that failed or timed out, either role.
    pub handshakes_failed: u64,
}

/// A peer this node would meet: for tests and for addresses given by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerHint {
    /// Where it may be.
    pub address: SocketAddr,
    /// Who it is, if known.
    pub peer: Option<PeerId>,
}

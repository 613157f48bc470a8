//! What an announcer is told at the start, and what it asks of the world.

use super::profile::Profile;
use crate::base::ids::InfoHash;
use crate::base::time::Timestamp;
use crate::wire::url::TrackerUrl;
use core::net::{IpAddr, SocketAddr};

/// Names one look-up or stream of an announcer. Never reused by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackerQuery(pub(super) u64);

/// What a tracker is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackerStatus {
    /// An announce is on its way.
    Announcing,
    /// It answered.
    Working {
        /// Peers that it named in this round, over all address families and infohashes.
        peers: usize,
        /// When it is asked again.
        next: Timestamp,
        /// A text of the tracker for people.
        warning: Option<String>,
    },
    /// It did not answer, or refused.
    Failed {
        /// What was wrong, for people.
        reason: String,
        /// When it is tried again; [`Timestamp::FAR_FUTURE`] if it asked not to be.
        retry_at: Timestamp,
    },
}

/// What an announcer asks of the world. Each `resolve` and `open_stream` is answered at most once;
/// after [`close`](Self::close) nothing more is said about a query.
pub trait TrackerSink {
    /// Look up `host`; answered by [`Announcer::on_resolved`](super::announcer::Announcer::on_resolved) or [`Announcer::on_failed`](super::announcer::Announcer::on_failed).
    fn resolve(&mut self, query: TrackerQuery, host: &str);
    /// Open a TCP connection, with TLS for `host` if `tls`; answered by [`Announcer::on_opened`](super::announcer::Announcer::on_opened) or
    /// [`Announcer::on_failed`](super::announcer::Announcer::on_failed).
    fn open_stream(&mut self, query: TrackerQuery, addr: SocketAddr, host: &str, tls: bool);
    /// Write to an open stream.
    fn write(&mut self, query: TrackerQuery, data: Vec<u8>);
    /// Close a stream, or give up opening it.
    fn close(&mut self, query: TrackerQuery);
    /// Send a datagram from the socket that peers are to reach.
    fn send_udp(&mut self, to: SocketAddr, data: Vec<u8>);
    /// A tracker named peers.
    fn peers(&mut self, tracker: usize, peers: &[SocketAddr]);
    /// A tracker's state changed.
    fn status(&mut self, tracker: usize, status: TrackerStatus);
}

/// What an announcer starts from.
#[derive(Clone, Debug)]
pub struct AnnouncerConfig {
    /// The trackers, as in the `.chat` file (BEP 12). They are numbered through in this order.
    pub tiers: Vec<Vec<TrackerUrl>>,
    /// What to announce; at most [`MAX_INFOHASHES`](super::announcer::MAX_INFOHASHES) are used.
    pub infohashes: Vec<InfoHash>,
    /// Where peers reach this node. While it is 0 nothing is announced.
    pub port: u16,
    /// Which client to look like.
    pub profile: &'static Profile,
    /// Trackers that are used; the rest of the tiers is ignored.
    pub max_trackers: usize,
    /// Peers that are believed from one answer.
    pub max_peers: usize,
    /// Bytes of an HTTP answer, packed and unpacked.
    pub max_reply_bytes: usize,
    /// Which addresses may be spoken to, be they written in a URL, looked up or redirected to.
    pub allow: fn(IpAddr) -> bool,
}

//! What is said to a tracker and what it answers, whatever the protocol.

use super::profile::ClientId;
use crate::base::addr;
use crate::base::ids::InfoHash;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// Characters of a tracker's text that are kept.
const MAX_TEXT_CHARS: usize = 256;

/// Why a client announces itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// Because the interval is over.
    #[default]
    None,
    /// Its download is complete. Not sent by an announcer, which never claims to have everything.
    Completed,
    /// It has just joined.
    Started,
    /// It leaves.
    Stopped,
}

impl Event {
    /// The name in an HTTP request; none for a regular announce.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Completed => Some("completed"),
            Self::Started => Some("started"),
            Self::Stopped => Some("stopped"),
        }
    }

    /// The number in a UDP request (BEP 15).
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Completed => 1,
            Self::Started => 2,
            Self::Stopped => 3,
        }
    }
}

/// One announce. `uploaded`, `downloaded`, `corrupt` and `redundant` are always 0: a leecher that
/// waits.
#[derive(Clone, Copy, Debug)]
pub struct Announce<'a> {
    /// What is announced.
    pub infohash: InfoHash,
    /// By whom.
    pub client: &'a ClientId,
    /// Where peers reach it.
    pub port: u16,
    /// Bytes that it claims to lack. Never 0: trackers withhold seeds from seeds (BC-10.05).
    pub left: u64,
    /// Why.
    pub event: Event,
    /// What the tracker called this client in its last answer; empty if nothing.
    pub tracker_id: &'a [u8],
}

/// What a tracker answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Peers, without duplicates and without addresses that cannot be a peer's.
    pub peers: Vec<SocketAddr>,
    /// When to announce again.
    pub interval: Option<Duration>,
    /// How soon to announce again at the earliest.
    pub min_interval: Option<Duration>,
    /// To be sent with the next announce.
    pub tracker_id: Option<Vec<u8>>,
    /// Our address as the tracker sees it (BEP 24).
    pub external_ip: Option<IpAddr>,
    /// A text for people; the announce succeeded.
    pub warning: Option<String>,
}

/// When a tracker that refused may be asked again (BEP 31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// After so long.
    After(Duration),
    /// Not with this request.
    Never,
}

/// Adds `peer` if it can be a peer and there is room; IPv4 in IPv6 clothes becomes IPv4.
pub(super) fn add_peer(peers: &mut Vec<SocketAddr>, peer: SocketAddr, limit: usize) {
    let peer = addr::canonical(peer);
    if addr::is_usable(peer) && peers.len() < limit {
        peers.push(peer);
    }
}

/// Reads compact peers (BEP 23, BEP 7); a shorter rest is ignored, as clients do.
pub(super) fn add_compact(peers: &mut Vec<SocketAddr>, bytes: &[u8], ipv6: bool, limit: usize) {
    let ip_len = if ipv6 { 16 } else { 4 };
    for entry in bytes.chunks_exact(ip_len + 2) {
        let (ip, port) = entry.split_at(ip_len);
        let port = port.try_into().map_or(0, u16::from_be_bytes);
        if let Some(ip) = ip_from_bytes(ip) {
            add_peer(peers, SocketAddr::new(ip, port), limit);
        }
        if peers.len() >= limit {
            break;
        }
    }
}

/// Drops repeated addresses; the order stays.
pub(super) fn dedup(peers: &mut Vec<SocketAddr>) {
    let mut seen = std::collections::BTreeSet::new();
    peers.retain(|peer| seen.insert(*peer));
}

/// An address of 4 or 16 bytes.
pub(super) fn ip_from_bytes(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(v4.into());
    }
    bytes.try_into().ok().map(addr::from_bytes)
}

/// A tracker's text, fit to be shown: short, without control characters, and without the blanks and
/// NULs around it that trackers written in C send along (BC-10.16).
pub(super) fn clean_text(bytes: &[u8]) -> String {
    let head = bytes.get(..4 * MAX_TEXT_CHARS).unwrap_or(bytes);
    let text = String::from_utf8_lossy(head);
    let words = text.trim_matches(|char: char| char.is_control() || char.is_whitespace());
    words
        .chars()
        .take(MAX_TEXT_CHARS)
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect()
}

//! The outer dictionary: where to look for the channel. Anybody may change it without changing the
//! channel.

use super::error::ChatFileError;
use super::info::optional;
use super::text::check_text;
use crate::base::ids::PeerId;
use crate::base::limits::Limits;
use crate::base::target::TargetPolicy;
use crate::base::time::UnixMillis;
use crate::wire::bencode::{Dict, Encoded};
use crate::wire::url::{Host, TrackerUrl, UrlError, without_path};
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::str::FromStr;
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

/// A DHT node to start from (BEP 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name or address.
    pub host: Host,
    /// Its UDP port.
    pub port: u16,
}

impl FromStr for Node {
    type Err = UrlError;

    /// Reads `host:port`; an IPv6 address stands in brackets.
    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (host, port) = text.rsplit_once(':').ok_or(UrlError::Port)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(UrlError::Port)?;
        Ok(Self { host: Host::parse(host)?, port })
    }
}

/// Where a member was when the file or link was made: a hint that is probed before it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerHint {
    /// The address.
    pub addr: SocketAddr,
    /// Who is expected there.
    pub peer: Option<PeerId>,
}

/// A tracker that a file or link names and that cannot be used: it costs itself, not the channel
/// (BC-02.53).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tracker `{place}` is left out: {fault}")]
pub struct UnusableTracker {
    /// Scheme and host as they were written, fit to be shown; never a user name, password or path.
    pub place: String,
    /// What is wrong.
    pub fault: UrlError,
}

/// What the outer dictionary says besides `info` and `signature`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// Trackers in tiers (BEP 12): those of one tier are tried in random order, tier by tier.
    pub trackers: Vec<Vec<TrackerUrl>>,
    /// Trackers that the file names and that cannot be used. Not written.
    pub unusable: Vec<UnusableTracker>,
    /// DHT nodes to start from.
    pub nodes: Vec<Node>,
    /// Addresses of members.
    pub peers: Vec<PeerHint>,
    /// The program that made the file.
    pub created_by: Option<String>,
    /// When it was made; the file keeps whole seconds.
    pub created: Option<UnixMillis>,
    /// A line for people.
    pub comment: Option<String>,
}

/// Characters of an unusable tracker that are shown.
const MAX_PLACE_CHARS: usize = 100;

/// The keys of the outer dictionary that [`Outside`] stands for.
pub(super) const KEYS: [&str; 7] =
    ["announce", "announce-list", "nodes", "peers", "created by", "creation date", "comment"];

impl Outside {
    pub(super) fn parse(
        dict: Dict<'_>,
        limits: &Limits,
        policy: TargetPolicy,
    ) -> Result<Self, ChatFileError> {
        let (trackers, unusable) = trackers(dict, limits, policy)?;
        Ok(Self {
            trackers,
            unusable,
            nodes: nodes(dict, limits, policy)?,
            peers: peers(dict, limits, policy)?,
            created_by: line(dict, "created by", limits.file.name_bytes)?,
            created: created(dict)?,
            comment: line(dict, "comment", limits.file.comment_bytes)?,
        })
    }

    /// The entries in their canonical form; what is empty is left out.
    pub(super) fn encode(&self) -> BTreeMap<&'static str, Encoded> {
        let text = |text: &str| Encoded::bytes(text.as_bytes());
        let mut out = BTreeMap::new();
        let mut urls = self.trackers.iter().flatten();
        if let Some(first) = urls.next() {
            out.insert("announce", text(&first.to_string()));
        }
        if urls.next().is_some() {
            let tier = |tier: &Vec<TrackerUrl>| {
                Encoded::list(tier.iter().map(|url| text(&url.to_string())))
            };
            let tiers = self.trackers.iter().filter(|tier| !tier.is_empty());
            out.insert("announce-list", Encoded::list(tiers.map(tier)));
        }
        if !self.nodes.is_empty() {
            out.insert("nodes", Encoded::list(self.nodes.iter().map(Node::encode)));
        }
        if !self.peers.is_empty() {
            let hints = self.peers.iter().map(|hint| Encoded::bytes(&hint.encode()));
            out.insert("peers", Encoded::list(hints));
        }
        out.extend(self.created_by.as_deref().map(|by| ("created by", text(by))));
        let seconds = self.created.and_then(|at| i64::try_from(at.secs()).ok());
        out.extend(seconds.map(|seconds| ("creation date", Encoded::int(seconds))));
        out.extend(self.comment.as_deref().map(|comment| ("comment", text(comment))));
        out
    }
}

impl Node {
    fn encode(&self) -> Encoded {
        let host = match &self.host {
            Host::Name(name) => name.clone(),
            Host::Ip(ip) => ip.to_string(),
        };
        Encoded::list([Encoded::bytes(host.as_bytes()), Encoded::int(self.port.into())])
    }
}

impl PeerHint {
    /// Bytes of the longest hint: a peer id, an IPv6 address and a port.
    pub(super) const MAX_LEN: usize = 50;

    /// `peer id 32 (or nothing) ‖ address 4 or 16 ‖ port 2, big-endian` (BC-02.06).
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::MAX_LEN);
        out.extend(self.peer.iter().flat_map(|peer| peer.0));
        match self.addr.ip() {
            IpAddr::V4(ip) => out.extend(ip.octets()),
            IpAddr::V6(ip) => out.extend(ip.octets()),
        }
        out.extend(self.addr.port().to_be_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (peer, rest) = match bytes.len() {
            38 | 50 => bytes.split_first_chunk().map(|(id, rest)| (Some(PeerId(*id)), rest))?,
            _ => (None, bytes),
        };
        let (ip, port) = rest.split_last_chunk::<2>()?;
        let ip = match ip.len() {
            4 => IpAddr::from(*ip.first_chunk::<4>()?),
            16 => IpAddr::from(*ip.first_chunk::<16>()?),
            _ => return None,
        };
        let port = u16::from_be_bytes(*port);
        (port != 0).then_some(Self { addr: SocketAddr::new(ip, port), peer })
    }
}

/// Trackers in tiers, and what cannot be used of them.
type Trackers = (Vec<Vec<TrackerUrl>>, Vec<UnusableTracker>);

/// BEP 12: `announce-list`, where it holds a tracker that can be used, replaces `announce`. The policy
/// holds for both (BC-02.05).
fn trackers(
    dict: Dict<'_>,
    limits: &Limits,
    policy: TargetPolicy,
) -> Result<Trackers, ChatFileError> {
    let mut unusable = Vec::new();
    let single: Option<String> = optional(dict, "announce", "announce", "a URL")?;
    let single = match single {
        Some(text) => usable_tracker(&text, "announce", policy, &mut unusable)?,
        None => None,
    };
    let field = "announce-list";
    let tiers: Vec<Vec<String>> =
        optional(dict, field, field, "a list of lists of URLs")?.unwrap_or_default();
    let found = tiers.iter().map(|tier| tier.len().max(1)).sum();
    at_most(field, found, limits.file.trackers)?;
    let mut trackers = Vec::new();
    for tier in tiers {
        let mut urls = Vec::new();
        for text in tier {
            urls.extend(usable_tracker(&text, field, policy, &mut unusable)?);
        }
        if !urls.is_empty() {
            trackers.push(urls);
        }
    }
    if trackers.is_empty() {
        trackers.extend(single.map(|url| vec![url]));
    }
    Ok((trackers, unusable))
}

/// Reads a tracker's URL as people's tools write it, with blanks and line ends around it. What cannot
/// be used is noted once, and what is empty says nothing (BC-02.53).
pub(super) fn usable_tracker(
    text: &str,
    field: &'static str,
    policy: TargetPolicy,
    unusable: &mut Vec<UnusableTracker>,
) -> Result<Option<TrackerUrl>, ChatFileError> {
    let text = text.trim_matches(|char: char| char.is_whitespace() || char.is_control());
    match TrackerUrl::parse(text) {
        Ok(url) => {
            allowed(&url.host, field, policy)?;
            Ok(Some(url))
        }
        Err(fault) => {
            let new = UnusableTracker { place: place(text), fault };
            if !text.is_empty() && !unusable.contains(&new) {
                unusable.push(new);
            }
            Ok(None)
        }
    }
}

/// What may be shown of a text that is no tracker's URL.
fn place(text: &str) -> String {
    let (scheme, rest) = without_path(text).split_once("://").unwrap_or(("", text));
    let host = rest.rsplit('@').next().unwrap_or_default();
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let separator = if scheme.is_empty() { "" } else { "://" };
    let shown: String =
        format!("{scheme}{separator}{host}").chars().take(MAX_PLACE_CHARS).collect();
    if check_text(&shown, usize::MAX).is_ok() { shown } else { "?".into() }
}

/// BC-02.19
fn allowed(host: &Host, field: &'static str, policy: TargetPolicy) -> Result<(), ChatFileError> {
    let allowed = match host {
        Host::Name(name) => policy.allows_name(name),
        Host::Ip(ip) => policy.allows(*ip),
    };
    if allowed { Ok(()) } else { Err(target(field, host)) }
}

fn target(field: &'static str, target: impl fmt::Display) -> ChatFileError {
    ChatFileError::Target { field, target: target.to_string() }
}

/// BC-02.16
pub(super) fn at_most(
    field: &'static str,
    found: usize,
    limit: usize,
) -> Result<(), ChatFileError> {
    if found <= limit { Ok(()) } else { Err(ChatFileError::TooMany { field, found, limit }) }
}

fn nodes(
    dict: Dict<'_>,
    limits: &Limits,
    policy: TargetPolicy,
) -> Result<Vec<Node>, ChatFileError> {
    let (field, expected) = ("nodes", "a list of lists of a host and a port");
    let pairs: Vec<(String, u16)> = optional(dict, field, field, expected)?.unwrap_or_default();
    at_most(field, pairs.len(), limits.file.nodes)?;
    let node = |(text, port): (String, u16)| {
        if port == 0 {
            return Err(ChatFileError::Shape { field, expected });
        }
        // BEP 5 writes IPv6 addresses without brackets.
        let host = match text.parse() {
            Ok(ip) => Host::Ip(ip),
            Err(_) => Host::parse(&text).map_err(|fault| ChatFileError::Url { field, fault })?,
        };
        allowed(&host, field, policy)?;
        Ok(Node { host, port })
    };
    pairs.into_iter().map(node).collect()
}

fn peers(
    dict: Dict<'_>,
    limits: &Limits,
    policy: TargetPolicy,
) -> Result<Vec<PeerHint>, ChatFileError> {
    let (field, expected) = ("peers", "a list of compact addresses with or without a peer id");
    let hints: Vec<ByteBuf> = optional(dict, field, field, expected)?.unwrap_or_default();
    at_most(field, hints.len(), limits.file.file_peers)?;
    let shape = || ChatFileError::Shape { field, expected };
    let hint = |bytes: &ByteBuf| peer(bytes, field, policy)?.ok_or_else(shape);
    hints.iter().map(hint).collect()
}

/// Reads an address hint, `None` if it is malformed, and applies `policy`.
pub(super) fn peer(
    bytes: &[u8],
    field: &'static str,
    policy: TargetPolicy,
) -> Result<Option<PeerHint>, ChatFileError> {
    match PeerHint::decode(bytes) {
        Some(hint) if !policy.allows(hint.addr.ip()) => Err(target(field, hint.addr)),
        hint => Ok(hint),
    }
}

fn line(
    dict: Dict<'_>,
    field: &'static str,
    limit: usize,
) -> Result<Option<String>, ChatFileError> {
    let text: Option<String> = optional(dict, field, field, "a UTF-8 string")?;
    if let Some(text) = &text {
        check_text(text, limit).map_err(|fault| ChatFileError::Text { field, fault })?;
    }
    Ok(text)
}

fn created(dict: Dict<'_>) -> Result<Option<UnixMillis>, ChatFileError> {
    let (field, expected) = ("creation date", "a number of seconds since 1970");
    let seconds: Option<u64> = optional(dict, field, field, expected)?;
    let millis = |seconds: u64| {
        let millis = seconds.checked_mul(1_000).map(UnixMillis);
        millis.ok_or(ChatFileError::Shape { field, expected })
    };
    seconds.map(millis).transpose()
}

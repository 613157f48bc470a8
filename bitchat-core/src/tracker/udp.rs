//! UDP trackers (BEP 15, BEP 41): packets out and in. Integers are big-endian.

use super::announce::{Announce, Answer, Event, add_compact, clean_text, dedup};
use super::profile::Profile;
use bytes::BufMut;
use core::time::Duration;

/// What a connect request starts with instead of a connection id.
pub const PROTOCOL_ID: u64 = 0x0417_2710_1980;
/// How long a client may use a connection id.
pub const CONNECTION_LIFETIME: Duration = Duration::from_secs(60);

const CONNECT: u32 = 0;
const ANNOUNCE: u32 = 1;
const ERROR: u32 = 3;
/// BEP 41: the tracker's path and query.
const OPTION_URL_DATA: u8 = 2;
/// A reply to an announce without peers.
const ANNOUNCE_REPLY_LEN: usize = 20;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The answer to a connect request.
    Connect,
    /// The answer to an announce. Peers have the address family of the tracker's own address.
    Announce {
        /// That family is IPv6.
        ipv6: bool,
    },
}

/// What a tracker said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A connection id, to be used for at most [`CONNECTION_LIFETIME`].
    Connected(u64),
    /// The answer to the announce.
    Announced(Answer),
}

/// Why the tracker's packet is of no use, although it answers our request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UdpError {
    /// An error packet, with the tracker's words made fit to be shown.
    #[error("the tracker refused: {0}")]
    Refused(String),
    /// Shorter than any answer: opentracker says so that it does not serve this infohash.
    #[error("the tracker's answer is too short: it does not serve this channel")]
    Short,
    /// Another kind of answer than the one waited for.
    #[error("the tracker answered something that was not asked")]
    Unexpected,
}

/// A connect request.
#[must_use]
pub fn connect_request(transaction: u32) -> [u8; 16] {
    let mut out = [0; 16];
    let mut buf = &mut out[..];
    buf.put_u64(PROTOCOL_ID);
    buf.put_u32(CONNECT);
    buf.put_u32(transaction);
    out
}

/// An announce (BC-10.06, BC-10.07). `path` is the URL's, with its query; BEP 41 sends up to 255
/// bytes of it.
#[must_use]
pub fn announce_request(
    connection: u64,
    transaction: u32,
    profile: &Profile,
    announce: &Announce<'_>,
    path: &str,
) -> Vec<u8> {
    let num_want = if announce.event == Event::Stopped { 0 } else { profile.num_want };
    let mut out = Vec::with_capacity(100 + path.len());
    out.put_u64(connection);
    out.put_u32(ANNOUNCE);
    out.put_u32(transaction);
    out.put_slice(announce.infohash.as_bytes());
    out.put_slice(&announce.client.peer_id);
    out.put_u64(0);
    out.put_u64(announce.left.max(1));
    out.put_u64(0);
    out.put_u32(announce.event.number());
    out.put_u32(0);
    out.put_u32(announce.client.key);
    out.put_u32(num_want);
    out.put_u16(announce.port);
    let path = path.as_bytes();
    let path = path.get(..255).unwrap_or(path);
    if let Some(len) = u8::try_from(path.len()).ok().filter(|&len| len > 0) {
        out.put_u8(OPTION_URL_DATA);
        out.put_u8(len);
        out.put_slice(path);
    }
    out
}

/// The transaction that a packet belongs to; `None` if it cannot be a tracker's.
#[must_use]
pub fn transaction(packet: &[u8]) -> Option<u32> {
    let [_, _, _, action, t0, t1, t2, t3] = *packet.first_chunk::<8>()?;
    let known = packet.starts_with(&[0, 0, 0]) && u32::from(action) <= ERROR;
    known.then_some(u32::from_be_bytes([t0, t1, t2, t3]))
}

/// Reads a packet whose source address and transaction are the right ones (BC-10.09), keeping at
/// most `max_peers` peers.
///
/// # Errors
/// [`UdpError`]: the request has failed.
pub fn parse(packet: &[u8], expect: Expect, max_peers: usize) -> Result<Reply, UdpError> {
    let (head, rest) = packet.split_first_chunk::<8>().ok_or(UdpError::Short)?;
    let [a0, a1, a2, a3, ..] = *head;
    match (u32::from_be_bytes([a0, a1, a2, a3]), expect) {
        (ERROR, _) => Err(UdpError::Refused(clean_text(rest))),
        (CONNECT, Expect::Connect) => {
            let id = rest.first_chunk::<8>().ok_or(UdpError::Short)?;
            Ok(Reply::Connected(u64::from_be_bytes(*id)))
        }
        (_, Expect::Announce { .. }) if packet.len() < ANNOUNCE_REPLY_LEN => Err(UdpError::Short),
        (ANNOUNCE, Expect::Announce { ipv6 }) => {
            let (fixed, compact) = rest.split_first_chunk::<12>().ok_or(UdpError::Short)?;
            let [i0, i1, i2, i3, ..] = *fixed;
            let interval = u32::from_be_bytes([i0, i1, i2, i3]);
            let mut peers = Vec::new();
            add_compact(&mut peers, compact, ipv6, max_peers);
            dedup(&mut peers);
            let interval = Some(Duration::from_secs(interval.into()));
            Ok(Reply::Announced(Answer { peers, interval, ..Answer::default() }))
        }
        _ => Err(UdpError::Unexpected),
    }
}

#[cfg(test)]
mod tests;

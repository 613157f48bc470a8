//! What this node is asked by others: tokens, the peers that were announced to it, and how often
//! anybody is answered.

use super::id::NodeId;
use crate::base::ids::InfoHash;
use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use core::hash::Hasher as _;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use siphasher::sip::SipHasher24;
use std::collections::BTreeMap;

/// Bytes of a token (libtorrent's have four).
pub(super) const TOKEN_LEN: usize = 4;
/// How long the secret behind tokens is used; the one before is still taken (BEP 5).
const TOKEN_LIFE: Duration = Duration::from_secs(5 * 60);
/// How long a peer is remembered without announcing again (libtorrent: 46 min).
const PEER_LIFE: Duration = Duration::from_secs(45 * 60);
/// Peers in an answer (libtorrent: 100 of IPv4, 25 of IPv6).
pub(super) const MAX_VALUES: [usize; 2] = [100, 25];
/// As many less if the answer carries nodes of both families: it is to fit one packet.
const LESS_FOR_BOTH: usize = 2;
/// Queries of one IP that are answered in a row, and one more each second (BC-18.08).
const BURST: u32 = 16;
/// IPs whose queries are counted.
const COUNTED: usize = 512;

/// Tokens: whoever has one has the address that it was sent to (BC-18.09).
#[derive(Debug)]
pub(super) struct Tokens {
    secrets: [[u8; 16]; 2],
    changed: Timestamp,
}

impl Tokens {
    /// Tokens of two fresh secrets.
    pub(super) fn new(now: Timestamp, rng: &mut Stream) -> Self {
        Self { secrets: [rng.bytes(), rng.bytes()], changed: now }
    }

    /// Changes the secret if it is due.
    pub(super) fn on_time(&mut self, now: Timestamp, rng: &mut Stream) {
        let age = now.saturating_since(self.changed);
        if age >= TOKEN_LIFE {
            let previous = if age >= 2 * TOKEN_LIFE { rng.bytes() } else { self.secrets[0] };
            self.secrets = [rng.bytes(), previous];
            self.changed = now;
        }
    }

    /// The token for `ip` and `hash`.
    #[must_use]
    pub(super) fn token(&self, ip: IpAddr, hash: InfoHash) -> [u8; TOKEN_LEN] {
        token(&self.secrets[0], ip, hash)
    }

    /// Whether `token` was given to `ip` for `hash` lately.
    #[must_use]
    pub(super) fn accepts(&self, ip: IpAddr, hash: InfoHash, token: &[u8]) -> bool {
        self.secrets.iter().any(|secret| self::token(secret, ip, hash) == token)
    }
}

fn token(secret: &[u8; 16], ip: IpAddr, hash: InfoHash) -> [u8; TOKEN_LEN] {
    let mut hasher = SipHasher24::new_with_key(secret);
    match ip.to_canonical() {
        IpAddr::V4(ip) => hasher.write(&ip.octets()),
        IpAddr::V6(ip) => hasher.write(&ip.octets()),
    }
    hasher.write(&hash.0);
    let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
    [a, b, c, d]
}

/// Peers that announced themselves here (BC-18.10). Bounded: who comes when all is full is acknowledged and not
/// remembered, as libtorrent does.
#[derive(Debug)]
pub(super) struct Peers {
    by_hash: BTreeMap<InfoHash, BTreeMap<SocketAddr, Timestamp>>,
    max_hashes: usize,
    max_peers: usize,
}

impl Peers {
    /// Room for `max_peers` peers of each of `max_hashes` infohashes.
    #[must_use]
    pub(super) const fn new(max_hashes: usize, max_peers: usize) -> Self {
        Self { by_hash: BTreeMap::new(), max_hashes, max_peers }
    }

    /// A peer with a good token announces itself.
    pub(super) fn add(&mut self, now: Timestamp, hash: InfoHash, peer: SocketAddr) {
        if !self.by_hash.contains_key(&hash) && self.by_hash.len() >= self.max_hashes {
            return;
        }
        let peers = self.by_hash.entry(hash).or_default();
        if peers.contains_key(&peer) || peers.len() < self.max_peers {
            peers.insert(peer, now);
        }
    }

    /// Some of the peers of `hash` of the family of `asker`, as many as an answer carries, which
    /// has nodes of one family or of both.
    pub(super) fn some(
        &self,
        hash: InfoHash,
        asker: SocketAddr,
        both: bool,
        rng: &mut Stream,
    ) -> Vec<SocketAddr> {
        let Some(peers) = self.by_hash.get(&hash) else { return Vec::new() };
        let same = peers.keys().filter(|peer| peer.is_ipv4() == asker.is_ipv4());
        let mut all: Vec<SocketAddr> = same.copied().collect();
        let most = MAX_VALUES[usize::from(asker.is_ipv6())];
        let limit = (if both { most / LESS_FOR_BOTH } else { most }).min(all.len());
        for at in 0..limit {
            let rest = (all.len() - at) as u64;
            let other = at + usize::try_from(rng.below(rest)).unwrap_or(0);
            all.swap(at, other);
        }
        all.truncate(limit);
        all
    }

    /// Infohashes in memory.
    #[must_use]
    pub(super) fn hashes(&self) -> usize {
        self.by_hash.len()
    }

    /// Up to `count` infohashes, from a random one on (BEP 51).
    pub(super) fn sample(&self, count: usize, rng: &mut Stream) -> Vec<InfoHash> {
        let start = InfoHash(NodeId::random(rng).0);
        let behind = self.by_hash.range(start..).chain(self.by_hash.range(..start));
        behind.map(|(hash, _)| *hash).take(count).collect()
    }

    /// Forgets who has not announced again.
    pub(super) fn on_time(&mut self, now: Timestamp) {
        self.by_hash.retain(|_, peers| {
            peers.retain(|_, at| now.saturating_since(*at) < PEER_LIFE);
            !peers.is_empty()
        });
    }
}

/// How often each IP asks: what is more than [`BURST`] and one a second is not answered.
#[derive(Debug, Default)]
pub(super) struct Rates {
    /// Queries that count, and up to when they have been worn off.
    by_ip: BTreeMap<IpAddr, (u32, Timestamp)>,
}

impl Rates {
    /// Whether a query of `ip` is answered.
    pub(super) fn admit(&mut self, now: Timestamp, ip: IpAddr) -> bool {
        if self.by_ip.len() >= COUNTED && !self.by_ip.contains_key(&ip) {
            self.by_ip.retain(|_, (count, since)| worn(*count, *since, now).0 > 0);
            if self.by_ip.len() >= COUNTED {
                // So many different ones at once: nobody new until some have calmed down.
                return false;
            }
        }
        let (count, since) = self.by_ip.entry(ip).or_insert((0, now));
        (*count, *since) = worn(*count, *since, now);
        let admitted = *count < BURST;
        *count += u32::from(admitted);
        admitted
    }
}

fn worn(count: u32, since: Timestamp, now: Timestamp) -> (u32, Timestamp) {
    let secs = now.saturating_since(since).as_secs();
    let left = count.saturating_sub(u32::try_from(secs).unwrap_or(u32::MAX));
    let since = if left == 0 { now } else { since + Duration::from_secs(secs) };
    (left, since)
}

#[cfg(test)]
mod tests;

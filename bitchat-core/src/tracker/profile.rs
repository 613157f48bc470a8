//! Disguises: which popular client an announcer looks like.
//!
//! A profile is one consistent set of what a tracker or an observer sees, taken from announces that
//! the real program sent. All of them are built on libtorrent, so that they share the layout of the
//! request ([`super::http`], [`super::udp`]) and differ in what they call themselves.

use crate::base::rng::Stream;

/// What peer ids of libtorrent are made of behind the client's prefix. None of these is escaped in
/// a URL.
const PEER_ID_ALPHABET: &[u8; 70] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.!~*()";

/// One client, as the world sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Profile {
    /// The program's name and version.
    pub name: &'static str,
    /// The `User-Agent` of its HTTP requests.
    pub user_agent: &'static str,
    /// The first eight bytes of its peer ids (BEP 20).
    pub peer_id_prefix: [u8; 8],
    /// Peers that it asks for, over HTTP and UDP alike; 0 when it leaves.
    pub num_want: u32,
    /// The `v` of its DHT messages (BEP 5).
    pub krpc_version: [u8; 4],
}

/// The disguises to choose from (BC-10.01).
pub const PROFILES: [Profile; 3] = [
    Profile {
        name: "qBittorrent 5.1.2",
        user_agent: "qBittorrent/5.1.2",
        peer_id_prefix: *b"-qB5120-",
        num_want: 200,
        krpc_version: *b"LT\x02\x0b",
    },
    Profile {
        name: "qBittorrent 4.5.2",
        user_agent: "qBittorrent/4.5.2",
        peer_id_prefix: *b"-qB4520-",
        num_want: 200,
        krpc_version: *b"LT\x02\x08",
    },
    Profile {
        name: "Deluge 2.2.0",
        user_agent: "Deluge/2.2.0 libtorrent/2.1.1.0",
        peer_id_prefix: *b"-DE220s-",
        num_want: 200,
        krpc_version: *b"LT\x02\x11",
    },
];

impl Profile {
    /// One of [`PROFILES`], evenly: once for every channel and session.
    #[must_use]
    pub fn choose(rng: &mut Stream) -> &'static Self {
        let index = rng.below(PROFILES.len() as u64);
        usize::try_from(index).ok().and_then(|index| PROFILES.get(index)).unwrap_or(&PROFILES[0])
    }
}

/// What an announcer calls itself for one infohash and session. Nothing in it is derived from an
/// identity or a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId {
    /// The peer id (BEP 3, BEP 20).
    pub peer_id: [u8; 20],
    /// Proves to the tracker that an announce from another address is the same client's.
    pub key: u32,
}

impl ClientId {
    /// A fresh name (BC-10.02).
    #[must_use]
    pub fn random(profile: &Profile, rng: &mut Stream) -> Self {
        let mut peer_id = [0; 20];
        let (prefix, random) = peer_id.split_at_mut(profile.peer_id_prefix.len());
        prefix.copy_from_slice(&profile.peer_id_prefix);
        for byte in random {
            let index = rng.below(PEER_ID_ALPHABET.len() as u64);
            let index = usize::try_from(index).unwrap_or_default();
            *byte = PEER_ID_ALPHABET.get(index).copied().unwrap_or(b'0');
        }
        Self { peer_id, key: u32::from_le_bytes(rng.bytes()) }
    }
}

#[cfg(test)]
mod tests;

//! The gate: every datagram before a session proves the channel's key and looks random to whoever
//! lacks it (spec 04).
//!
//! ```text
//! nonce 16 ‖ mac 16 ‖ masked body
//! masked = body XOR ChaCha20(mask key, nonce[..12])
//! mac    = BLAKE2s-128(mac key, day u64 ‖ BLAKE2s-256(nonce ‖ masked))
//! ```

mod cookie;
mod nonces;
mod probe;

pub use self::cookie::{Cookie, CookieJar};
pub use self::nonces::NonceCache;
pub use self::probe::{PROBE_NONCE_LEN, Probe, ProbeAck};

use crate::base::rng::Stream;
use crate::crypto::channel_keys::ChannelKeys;
use crate::crypto::suite::{hash, mac, mac_eq, xor_stream};

/// Bytes that the envelope adds to a body.
pub const ENVELOPE_LEN: usize = NONCE_LEN + MAC_LEN;
const NONCE_LEN: usize = 16;
const MAC_LEN: usize = 16;
/// The high nibble of a body's first byte.
const VERSION: u8 = 1;

/// What a body is: the low nibble of its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// "Are you there?"
    Probe = 1,
    /// "Yes, and this is your address."
    ProbeAck = 2,
    /// The first message of a handshake, from its initiator.
    Hs1 = 3,
    /// The second, from its responder.
    Hs2 = 4,
    /// The third, from its initiator.
    Hs3 = 5,
}

impl Kind {
    /// The first byte of such a body.
    #[must_use]
    pub const fn byte(self) -> u8 {
        VERSION << 4 | self as u8
    }

    /// What `body` is; `None` if it is of another version or unknown (BC-04.10).
    #[must_use]
    pub fn of(body: &[u8]) -> Option<Self> {
        let first = *body.first()?;
        [Self::Probe, Self::ProbeAck, Self::Hs1, Self::Hs2, Self::Hs3]
            .into_iter()
            .find(|kind| kind.byte() == first)
    }
}

/// An empty datagram with room for the envelope, to which a body is appended.
#[must_use]
pub fn start(body_len: usize) -> Vec<u8> {
    let mut datagram = Vec::with_capacity(ENVELOPE_LEN + body_len);
    datagram.resize(ENVELOPE_LEN, 0);
    datagram
}

/// Appends `min` bytes and up to `spare` more, so that lengths tell little. Receivers ignore them.
pub fn append_tail(datagram: &mut Vec<u8>, min: usize, spare: usize, public: &mut Stream) {
    let random = public.below((spare as u64).saturating_add(1));
    let random = usize::try_from(random).unwrap_or(spare);
    datagram.resize(datagram.len() + min + random, 0);
}

/// Closes the envelope around the body at `datagram[ENVELOPE_LEN..]` (BC-04.05, BC-04.06). `day` is
/// today, in days since 1970-01-01 UTC; the nonce is drawn from `public`.
pub fn seal(keys: &ChannelKeys, day: u64, public: &mut Stream, datagram: &mut [u8]) {
    debug_assert!(datagram.len() > ENVELOPE_LEN, "a body follows the room for the envelope");
    let Some((head, body)) = datagram.split_at_mut_checked(ENVELOPE_LEN) else { return };
    let nonce: [u8; NONCE_LEN] = public.bytes();
    xor_stream(&keys.mask, &mask_nonce(&nonce), body);
    head[..NONCE_LEN].copy_from_slice(&nonce);
    head[NONCE_LEN..].copy_from_slice(&day_mac(keys, day, &hash(&[&nonce, body])));
}

fn mask_nonce(nonce: &[u8; NONCE_LEN]) -> [u8; 12] {
    core::array::from_fn(|at| nonce[at])
}

/// The datagram enters as a digest, so that trying a further channel costs the same for a short and
/// for a long one.
fn day_mac(keys: &ChannelKeys, day: u64, digest: &[u8; 32]) -> [u8; MAC_LEN] {
    mac(&keys.mac, &[&day.to_le_bytes(), digest])
}

/// A received datagram that may be an envelope of some channel.
#[derive(Debug)]
pub struct Envelope<'a> {
    nonce: [u8; NONCE_LEN],
    mac: [u8; MAC_LEN],
    digest: [u8; 32],
    body: &'a mut [u8],
}

impl<'a> Envelope<'a> {
    /// Takes `datagram` apart; `None` if it is too short for a body (BC-04.07).
    #[must_use]
    pub fn new(datagram: &'a mut [u8]) -> Option<Self> {
        let (head, body) = datagram.split_at_mut_checked(ENVELOPE_LEN)?;
        if body.is_empty() {
            return None;
        }
        let nonce = *head.first_chunk::<NONCE_LEN>()?;
        let mac = *head.last_chunk::<MAC_LEN>()?;
        Some(Self { nonce, mac, digest: hash(&[&nonce, body]), body })
    }

    /// Whether the sender knew the keys of this channel, on `day` or the day before or after it
    /// (BC-04.08). What proves no channel's keys is never answered (BC-04.09).
    #[must_use]
    pub fn proves(&self, keys: &ChannelKeys, day: u64) -> bool {
        [day, day.wrapping_sub(1), day.wrapping_add(1)]
            .into_iter()
            .any(|day| mac_eq(&self.mac, &day_mac(keys, day, &self.digest)))
    }

    /// The body, unmasked in place with the keys that [`Self::proves`] accepted.
    #[must_use]
    pub fn unmask(self, keys: &ChannelKeys) -> &'a [u8] {
        xor_stream(&keys.mask, &mask_nonce(&self.nonce), self.body);
        self.body
    }
}

#[cfg(test)]
mod tests;

//! Who somebody is: a person's signing key, a device's key, and the certificate that ties them
//! (spec 03).

mod certificate;

pub use self::certificate::{Certificate, CertificateError};
pub use crate::crypto::suite::SIGNATURE_LEN;

use crate::base::ids::{DeviceId, PeerId};
use crate::base::rng::{Rng, SecretStream};
use crate::crypto::suite::{
    self, AuthError, DhSecret, Secret, SigningKey, Suite, hash, is_public_key,
};
use crate::wire::base32;
use core::fmt;

/// What a link to a person starts with.
const LINK_SCHEME: &str = "dotchat:peer/";
/// What links started with at first: read as before, never written, as with those to channels.
const OLD_LINK_SCHEME: &str = "bitchat:peer/";
/// Bytes at the end of a link that catch typing errors.
const CHECK_LEN: usize = 3;
/// Characters of a link behind its scheme: 35 bytes in base 32.
const LINK_CHARS: usize = 56;
/// Bytes of a fingerprint: 80 bits, so that a second key with the same one cannot be ground.
const FINGERPRINT_LEN: usize = 10;

/// A person's secret: an Ed25519 key pair (RFC 8032). It signs and does nothing else.
#[derive(Clone)]
pub struct Identity(SigningKey);

impl Identity {
    /// The identity of 32 secret bytes (the seed of RFC 8032 §5.1.5), on the fastest back end.
    #[must_use]
    pub fn from_bytes(secret: &Secret) -> Self {
        Self::new(Suite::default(), secret)
    }

    /// The identity of 32 secret bytes, signing on a certain back end.
    #[must_use]
    pub fn new(suite: Suite, secret: &Secret) -> Self {
        Self(SigningKey::from_seed(suite, secret))
    }

    /// The same identity, signing on `suite`.
    #[must_use]
    pub fn on(self, suite: Suite) -> Self {
        if self.0.suite() == suite { self } else { Self::new(suite, &self.to_bytes()) }
    }

    /// A new identity. `secret` is the node's secret stream.
    #[must_use]
    pub fn generate(secret: &mut SecretStream) -> Self {
        Self::from_bytes(&Secret(secret.bytes()))
    }

    /// The 32 secret bytes, to be stored.
    #[must_use]
    pub fn to_bytes(&self) -> Secret {
        self.0.to_seed()
    }

    /// The public half: how others know this person.
    #[must_use]
    pub const fn peer_id(&self) -> PeerId {
        PeerId(self.0.public())
    }

    /// Signs `label ‖ parts` (BC-03.02). Each purpose has its own label, which starts with
    /// `"bitchat-v1 "` and is no prefix of another; at most one of the parts has a variable length.
    #[must_use]
    pub fn sign(&self, label: &'static [u8], parts: &[&[u8]]) -> [u8; SIGNATURE_LEN] {
        self.0.sign(&message(label, parts))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({:?})", self.peer_id())
    }
}

fn message(label: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut message = label.to_vec();
    parts.iter().for_each(|part| message.extend_from_slice(part));
    message
}

/// Checks a signature of `peer` over `label ‖ parts`: strictly, so that everybody agrees on which
/// signatures are valid and a key of small order signs nothing (BC-03.01).
///
/// # Errors
/// [`AuthError`] if the key is no key or the signature is not its own.
pub fn verify(
    suite: Suite,
    peer: &PeerId,
    label: &'static [u8],
    parts: &[&[u8]],
    signature: &[u8; SIGNATURE_LEN],
) -> Result<(), AuthError> {
    suite::verify(suite, &peer.0, &message(label, parts), signature)
}

/// A short form of `peer` for people to look at: 80 bits of a hash as `abcd-efgh-ijkl-mnop`.
/// It tells names apart on a screen; being sure of somebody takes a link or a comparison of codes.
#[must_use]
pub fn fingerprint(peer: &PeerId) -> String {
    let digest = hash(&[b"bitchat-v1 fingerprint", &peer.0]);
    let text = base32::encode(&digest[..FINGERPRINT_LEN]);
    let mut grouped = String::with_capacity(text.len() + text.len() / 4);
    for (at, letter) in text.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            grouped.push('-');
        }
        grouped.push(letter);
    }
    grouped
}

/// `peer` as a link: `dotchat:peer/` and 56 characters (BC-03.07).
#[must_use]
pub fn peer_link(peer: &PeerId) -> String {
    let mut bytes = peer.0.to_vec();
    bytes.extend_from_slice(&link_check(peer));
    format!("{LINK_SCHEME}{}", base32::encode(&bytes))
}

/// The person that a link leads to. Case does not matter, so that a link fits the alphanumeric mode
/// of a QR code. Anything but exactly such a link is refused (BC-03.08).
///
/// # Errors
/// [`LinkError`] says what is wrong with the link.
pub fn parse_peer_link(link: &str) -> Result<PeerId, LinkError> {
    let (scheme, text) =
        link.trim().split_at_checked(LINK_SCHEME.len()).ok_or(LinkError::Scheme)?;
    if ![LINK_SCHEME, OLD_LINK_SCHEME].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(LinkError::Scheme);
    }
    if text.len() != LINK_CHARS {
        return Err(LinkError::Length(text.len()));
    }
    let bytes = base32::decode(text).ok_or(LinkError::Character)?;
    let (peer, check) = bytes.split_first_chunk::<32>().ok_or(LinkError::Length(text.len()))?;
    let peer = PeerId(*peer);
    if check != link_check(&peer) {
        return Err(LinkError::Checksum);
    }
    if is_public_key(&peer.0) { Ok(peer) } else { Err(LinkError::Key) }
}

fn link_check(peer: &PeerId) -> [u8; CHECK_LEN] {
    let [a, b, c, ..] = hash(&[b"bitchat-v1 peer link", &peer.0]);
    [a, b, c]
}

/// Why a text is no link to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It does not start as one.
    #[error("a link to a person starts with `dotchat:peer/`")]
    Scheme,
    /// Characters are missing or too many.
    #[error("a link to a person has 56 characters behind `dotchat:peer/`, this one has {0}")]
    Length(usize),
    /// A character outside a–z and 2–7.
    #[error("a link to a person consists of the letters a to z and the digits 2 to 7")]
    Character,
    /// The checksum differs: a typing error.
    #[error("the link contains a typing error: its checksum does not match")]
    Checksum,
    /// It is spelled right but names no usable key.
    #[error("the link does not contain a valid identity key")]
    Key,
}

/// The keys of one device: a random name and the static key of its handshakes, which is never
/// derived from the identity and never used elsewhere.
#[derive(Clone, Debug)]
pub struct DeviceKeys {
    /// Names the device among those of its owner.
    pub id: DeviceId,
    /// `S`, the Noise static key.
    pub static_key: DhSecret,
}

impl DeviceKeys {
    /// A new device.
    #[must_use]
    pub fn generate(suite: Suite, rng: &mut Rng) -> Self {
        let id = DeviceId(rng.public.bytes());
        Self { id, static_key: DhSecret::generate(suite, &mut rng.secret) }
    }
}

#[cfg(test)]
mod tests;

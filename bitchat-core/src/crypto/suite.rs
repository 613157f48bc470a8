//! The one seam to the cryptographic back ends: AEAD, hash, DH, KEM and signatures, most under the
//! names of the Noise specification. Everything above is written in terms of this module.
//!
//! No back end draws randomness, and all give the same bytes for the same inputs.

mod aead;
mod backend;
mod dh;
mod kem;
mod sign;

pub use self::aead::{AeadKey, TAG_LEN};
pub use self::backend::{Backend, NotCompiledIn, Suite};
pub use self::dh::{DhPublic, DhSecret};
pub use self::kem::{KEM_CIPHERTEXT_LEN, KEM_PUBLIC_LEN, KemSecret, kem_encapsulate};
pub use self::sign::{SIGNATURE_LEN, SigningKey, is_public_key, verify};

use blake2::digest::consts::{U16, U32};
use blake2::digest::{Digest, KeyInit, Mac};
use blake2::{Blake2s256, Blake2sMac};
use chacha20::cipher::{KeyIvInit, StreamCipher};
use core::fmt;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 secret bytes: a key or something that keys are derived from. Compared in constant time.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(pub [u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

/// A message did not authenticate. Nothing more is known, on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("authentication failed")]
pub struct AuthError;

// ---- hash ----------------------------------------------------------------------------------

/// BLAKE2s-256 over the concatenation of `parts`.
#[must_use]
pub fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Blake2s256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// BLAKE2s-256 keyed with `key`, over the concatenation of `parts`: the PRF that every labelled key
/// is derived with.
#[must_use]
pub fn prf(key: &Secret, parts: &[&[u8]]) -> Secret {
    let mut mac = <Blake2sMac<U32> as KeyInit>::new(&key.0.into());
    parts.iter().for_each(|part| mac.update(part));
    Secret(mac.finalize().into_bytes().into())
}

/// BLAKE2s-128 keyed with `key`, over the concatenation of `parts`: a short MAC.
#[must_use]
pub fn mac(key: &Secret, parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = <Blake2sMac<U16> as KeyInit>::new_from_slice(&key.0)
        .expect("BLAKE2s takes keys of up to 32 bytes");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// Whether two MACs are equal, in constant time.
#[must_use]
pub fn mac_eq(a: &[u8; 16], b: &[u8; 16]) -> bool {
    a.ct_eq(b).into()
}

/// HMAC-BLAKE2s (RFC 2104, 64-byte block).
fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(block, key)| *block ^= key);
        zeroize::Zeroizing::new(block)
    };
    let mut inner = Blake2s256::new_with_prefix(*pad(0x36));
    parts.iter().for_each(|part| inner.update(part));
    Blake2s256::new_with_prefix(*pad(0x5c)).chain_update(inner.finalize()).finalize().into()
}

/// Noise's HKDF with `N` outputs (Noise rev. 34 §4.3); `N` is 2 or 3 there.
#[must_use]
pub fn hkdf<const N: usize>(chaining_key: &Secret, input: &[u8]) -> [Secret; N] {
    let temp = Secret(hmac(&chaining_key.0, &[input]));
    let mut counter = 0;
    let mut previous = Secret([0; 32]);
    core::array::from_fn(|_| {
        counter += 1;
        let before: &[u8] = if counter == 1 { &[] } else { &previous.0 };
        let output = Secret(hmac(&temp.0, &[before, &[counter]]));
        previous = output.clone();
        output
    })
}

// ---- masking -------------------------------------------------------------------------------

/// XORs the ChaCha20 key stream of (`key`, `nonce`) over `data`: masking, not encryption.
pub fn xor_stream(key: &Secret, nonce: &[u8; 12], data: &mut [u8]) {
    chacha20::ChaCha20::new(&key.0.into(), &(*nonce).into()).apply_keystream(data);
}

#[cfg(test)]
mod tests;

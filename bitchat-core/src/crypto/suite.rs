//! The one seam to a cryptographic back end: AEAD, hash, DH and KEM under the names of the Noise
//! specification. Everything above is written in terms of this file.

use crate::base::rng::Stream;
use blake2::digest::consts::{U16, U32};
use blake2::digest::{Digest, Mac};
use blake2::{Blake2s256, Blake2sMac};
use chacha20::cipher::{KeyIvInit, StreamCipher};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Tag};
use core::fmt;
use ml_kem::kem::{Decapsulate, Encapsulate, FromSeed, KeyExport};
use ml_kem::{MlKem768, kem};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes that an AEAD tag adds.
pub const TAG_LEN: usize = 16;

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

// ---- AEAD ----------------------------------------------------------------------------------

/// A ChaCha20-Poly1305 key (RFC 8439) with Noise's nonce: four zero bytes, then the 64-bit counter.
#[derive(Clone)]
pub struct AeadKey(ChaCha20Poly1305);

impl AeadKey {
    /// Takes the key into use.
    #[must_use]
    pub fn new(key: &Secret) -> Self {
        Self(ChaCha20Poly1305::new(&key.0.into()))
    }

    fn nonce(counter: u64) -> chacha20poly1305::Nonce {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&counter.to_le_bytes());
        nonce.into()
    }

    /// Encrypts `data` in place and returns the tag. A `counter` is used once per key.
    #[must_use]
    pub fn seal(&self, counter: u64, aad: &[u8], data: &mut [u8]) -> [u8; TAG_LEN] {
        self.0
            .encrypt_inout_detached(&Self::nonce(counter), aad, data.into())
            .expect("a message is far below the 256 GiB that the cipher allows")
            .into()
    }

    /// Decrypts `data` in place; on failure `data` is unchanged.
    ///
    /// # Errors
    /// [`AuthError`] if the tag does not match.
    pub fn open(
        &self,
        counter: u64,
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), AuthError> {
        self.0
            .decrypt_inout_detached(&Self::nonce(counter), aad, data.into(), &Tag::from(*tag))
            .map_err(|_| AuthError)
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey")
    }
}

/// XORs the ChaCha20 key stream of (`key`, `nonce`) over `data`: masking, not encryption.
pub fn xor_stream(key: &Secret, nonce: &[u8; 12], data: &mut [u8]) {
    chacha20::ChaCha20::new(&key.0.into(), &(*nonce).into()).apply_keystream(data);
}

// ---- DH ------------------------------------------------------------------------------------

/// An X25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DhPublic(pub [u8; 32]);

/// An X25519 key pair.
#[derive(Clone)]
pub struct DhSecret(x25519_dalek::StaticSecret);

impl DhSecret {
    /// The key pair of 32 secret bytes (clamped as RFC 7748 says).
    #[must_use]
    pub fn from_bytes(bytes: &Secret) -> Self {
        Self(x25519_dalek::StaticSecret::from(bytes.0))
    }

    /// A new key pair.
    #[must_use]
    pub fn generate(secret: &mut Stream) -> Self {
        Self::from_bytes(&Secret(secret.bytes()))
    }

    /// The 32 secret bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Secret {
        Secret(self.0.to_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> DhPublic {
        DhPublic(x25519_dalek::PublicKey::from(&self.0).to_bytes())
    }

    /// The shared secret with `other`.
    ///
    /// # Errors
    /// [`AuthError`] if `other` is of small order, which would give a secret everybody knows.
    pub fn dh(&self, other: &DhPublic) -> Result<Secret, AuthError> {
        let shared = self.0.diffie_hellman(&x25519_dalek::PublicKey::from(other.0));
        if shared.was_contributory() { Ok(Secret(shared.to_bytes())) } else { Err(AuthError) }
    }
}

impl fmt::Debug for DhSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DhSecret({:?})", self.public())
    }
}

// ---- KEM -----------------------------------------------------------------------------------

/// Bytes of an ML-KEM-768 encapsulation key.
pub const KEM_PUBLIC_LEN: usize = 1_184;
/// Bytes of an ML-KEM-768 ciphertext.
pub const KEM_CIPHERTEXT_LEN: usize = 1_088;

/// An ML-KEM-768 decapsulation key (FIPS 203).
pub struct KemSecret(ml_kem::DecapsulationKey<MlKem768>);

impl KemSecret {
    /// A new key pair: the secret half, and the public half as bytes.
    #[must_use]
    pub fn generate(secret: &mut Stream) -> (Self, [u8; KEM_PUBLIC_LEN]) {
        Self::from_seed(&secret.bytes())
    }

    /// The key pair of the seed `d ‖ z` (FIPS 203, algorithm 16).
    #[must_use]
    pub fn from_seed(seed: &[u8; 64]) -> (Self, [u8; KEM_PUBLIC_LEN]) {
        let (decapsulation, encapsulation) = MlKem768::from_seed(&(*seed).into());
        (Self(decapsulation), encapsulation.to_bytes().into())
    }

    /// The shared secret in `ciphertext`. A forged one gives an unrelated secret (implicit
    /// rejection).
    #[must_use]
    pub fn decapsulate(&self, ciphertext: &[u8; KEM_CIPHERTEXT_LEN]) -> Secret {
        Secret(self.0.decapsulate(&(*ciphertext).into()).into())
    }
}

impl fmt::Debug for KemSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KemSecret")
    }
}

/// A new shared secret and its ciphertext for the holder of `public`.
///
/// # Errors
/// [`AuthError`] if `public` is not a valid encapsulation key (FIPS 203 §7.2).
pub fn kem_encapsulate(
    public: &[u8; KEM_PUBLIC_LEN],
    secret: &mut Stream,
) -> Result<([u8; KEM_CIPHERTEXT_LEN], Secret), AuthError> {
    let key = kem::Key::<ml_kem::EncapsulationKey<MlKem768>>::from(*public);
    let key = ml_kem::EncapsulationKey::<MlKem768>::new(&key).map_err(|_| AuthError)?;
    let (ciphertext, shared) = key.encapsulate_with_rng(secret);
    Ok((ciphertext.into(), Secret(shared.into())))
}

#[cfg(test)]
mod tests;

//! ChaCha20-Poly1305 (RFC 8439) with Noise's nonce: four zero bytes, then the 64-bit counter.

use super::backend::{Compiled, Suite};
use super::{AuthError, Secret};
#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use core::fmt;
#[cfg(feature = "aws-lc-rs")]
use std::sync::Arc;

/// Bytes that an AEAD tag adds.
pub const TAG_LEN: usize = 16;
const NONCE_LEN: usize = 12;

/// A ChaCha20-Poly1305 key.
#[derive(Clone)]
pub struct AeadKey(Cipher);

#[derive(Clone)]
enum Cipher {
    RustCrypto(ChaCha20Poly1305),
    /// The key lies behind a pointer anyway; copies of a Noise state share it.
    #[cfg(feature = "aws-lc-rs")]
    AwsLc(Arc<LessSafeKey>),
}

impl AeadKey {
    /// Takes the key into use.
    #[must_use]
    pub fn new(suite: Suite, key: &Secret) -> Self {
        Self(match suite.0 {
            Compiled::RustCrypto => Cipher::RustCrypto(ChaCha20Poly1305::new(&key.0.into())),
            #[cfg(feature = "aws-lc-rs")]
            Compiled::AwsLc => {
                let key = UnboundKey::new(&CHACHA20_POLY1305, &key.0);
                Cipher::AwsLc(Arc::new(LessSafeKey::new(key.expect("the key has 32 bytes"))))
            }
        })
    }

    fn nonce(counter: u64) -> [u8; NONCE_LEN] {
        let mut nonce = [0; NONCE_LEN];
        nonce[4..].copy_from_slice(&counter.to_le_bytes());
        nonce
    }

    /// Encrypts `data` in place and returns the tag. A `counter` is used once per key.
    #[must_use]
    #[inline]
    pub fn seal(&self, counter: u64, aad: &[u8], data: &mut [u8]) -> [u8; TAG_LEN] {
        self.seal_with(Self::nonce(counter), aad, data)
    }

    /// Decrypts `data` in place; on failure `data` is overwritten with zeros.
    ///
    /// # Errors
    /// [`AuthError`] if the tag does not match.
    #[inline]
    pub fn open(
        &self,
        counter: u64,
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), AuthError> {
        self.open_with(Self::nonce(counter), aad, data, tag)
    }

    pub(super) fn seal_with(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        data: &mut [u8],
    ) -> [u8; TAG_LEN] {
        let short = "a message is far below the 256 GiB that the cipher allows";
        match &self.0 {
            Cipher::RustCrypto(key) => {
                key.encrypt_inout_detached(&nonce.into(), aad, data.into()).expect(short).into()
            }
            #[cfg(feature = "aws-lc-rs")]
            Cipher::AwsLc(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let sealed = key.seal_in_place_separate_tag(nonce, Aad::from(aad), data);
                let mut tag = [0; TAG_LEN];
                tag.copy_from_slice(sealed.expect(short).as_ref());
                tag
            }
        }
    }

    pub(super) fn open_with(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), AuthError> {
        match &self.0 {
            Cipher::RustCrypto(key) => {
                let (nonce, tag) = (nonce.into(), (*tag).into());
                if key.decrypt_inout_detached(&nonce, aad, (&mut *data).into(), &tag).is_err() {
                    // AWS-LC decrypts before it knows the tag and leaves zeros: so do both.
                    data.fill(0);
                    return Err(AuthError);
                }
                Ok(())
            }
            #[cfg(feature = "aws-lc-rs")]
            Cipher::AwsLc(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                match key.open_in_place_separate_tag(nonce, Aad::from(aad), tag, data) {
                    Ok(_) => Ok(()),
                    Err(_) => Err(AuthError),
                }
            }
        }
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey")
    }
}

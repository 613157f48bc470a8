//! A key and its counter (rev. 34 §5.1).

use super::{MAX_MESSAGE_LEN, NoiseError};
use crate::crypto::suite::{AeadKey, Secret, Suite, TAG_LEN};

/// One direction of a finished handshake: a key and the number of messages it protected.
///
/// Messages open only in the order in which they were sealed; packets, which arrive in any order,
/// carry their own numbers instead.
#[derive(Clone, Debug)]
pub struct CipherState {
    key: AeadKey,
    pub(super) nonce: u64,
}

impl CipherState {
    /// Takes one of the keys of [`HandshakeState::split`](super::HandshakeState::split) into use.
    #[must_use]
    pub fn new(suite: Suite, key: &Secret) -> Self {
        Self { key: AeadKey::new(suite, key), nonce: 0 }
    }

    /// How many messages were sealed or opened.
    #[must_use]
    pub const fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Appends the sealed `plaintext`, 16 bytes longer, to `out`.
    ///
    /// # Errors
    /// [`NoiseError::TooLong`] or [`NoiseError::NonceExhausted`]; nothing has changed.
    pub fn seal(
        &mut self,
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), NoiseError> {
        if plaintext.len() > MAX_MESSAGE_LEN - TAG_LEN {
            return Err(NoiseError::TooLong);
        }
        let next = self.following_nonce()?;
        let start = out.len();
        out.extend_from_slice(plaintext);
        let tag = self.key.seal(self.nonce, aad, &mut out[start..]);
        out.extend_from_slice(&tag);
        self.nonce = next;
        Ok(())
    }

    /// Appends what is sealed in `message` to `out`.
    ///
    /// # Errors
    /// [`NoiseError::Auth`], [`NoiseError::TooShort`], [`NoiseError::TooLong`] or
    /// [`NoiseError::NonceExhausted`]; nothing has changed.
    pub fn open(
        &mut self,
        aad: &[u8],
        message: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), NoiseError> {
        if message.len() > MAX_MESSAGE_LEN {
            return Err(NoiseError::TooLong);
        }
        let (body, tag) = message.split_last_chunk::<TAG_LEN>().ok_or(NoiseError::TooShort)?;
        let next = self.following_nonce()?;
        let start = out.len();
        out.extend_from_slice(body);
        if self.key.open(self.nonce, aad, &mut out[start..], tag).is_err() {
            out.truncate(start);
            return Err(NoiseError::Auth);
        }
        self.nonce = next;
        Ok(())
    }

    /// The nonce after this one. 2^64 - 1 itself is reserved (rev. 34 §5.1, BC-05.11).
    const fn following_nonce(&self) -> Result<u64, NoiseError> {
        match self.nonce.checked_add(1) {
            Some(next) => Ok(next),
            None => Err(NoiseError::NonceExhausted),
        }
    }
}

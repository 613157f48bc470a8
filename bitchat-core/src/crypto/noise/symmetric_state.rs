//! The transcript and the keys made of it (rev. 34 §5.2).

use super::{CipherState, NoiseError};
use crate::crypto::suite::{Secret, Suite, hash, hkdf, prf};

/// What a sealed part of a handshake message was sealed with: for a key log, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedWith {
    /// The AEAD key.
    pub key: Secret,
    /// Its counter.
    pub nonce: u64,
    /// The associated data.
    pub hash: [u8; 32],
}

/// The key in use, and what was sealed or opened since the log was taken.
#[derive(Clone, Debug, Default)]
struct Log {
    key: Option<Secret>,
    parts: Vec<SealedWith>,
}

#[derive(Clone, Debug)]
pub(super) struct SymmetricState {
    suite: Suite,
    cipher: Option<CipherState>,
    chaining_key: Secret,
    hash: [u8; 32],
    log: Option<Box<Log>>,
}

impl SymmetricState {
    /// A name of at most 32 bytes is padded with zeros, a longer one hashed (BC-05.01).
    pub(super) fn new(suite: Suite, protocol_name: &str) -> Self {
        let name = protocol_name.as_bytes();
        let mut padded = [0; 32];
        let hash = match padded.get_mut(..name.len()) {
            Some(start) => {
                start.copy_from_slice(name);
                padded
            }
            None => hash(&[name]),
        };
        Self { suite, cipher: None, chaining_key: Secret(hash), hash, log: None }
    }

    pub(super) const fn has_key(&self) -> bool {
        self.cipher.is_some()
    }

    pub(super) const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    pub(super) fn mix_hash(&mut self, data: &[u8]) {
        self.hash = hash(&[&self.hash, data]);
    }

    pub(super) fn mix_key(&mut self, input: &[u8]) {
        let [chaining_key, key] = hkdf(&self.chaining_key, input);
        self.chaining_key = chaining_key;
        self.set_key(key);
    }

    pub(super) fn mix_key_and_hash(&mut self, input: &Secret) {
        let [chaining_key, mixed, key] = hkdf(&self.chaining_key, &input.0);
        self.chaining_key = chaining_key;
        self.mix_hash(&mixed.0);
        self.set_key(key);
    }

    fn set_key(&mut self, key: Secret) {
        self.cipher = Some(CipherState::new(self.suite, &key));
        if let Some(log) = &mut self.log {
            log.key = Some(key);
        }
    }

    /// Keeps what is sealed from now on with which key.
    pub(super) fn keep_log(&mut self) {
        self.log = Some(Box::default());
    }

    /// What was sealed and opened since the last call; nothing if no log is kept.
    pub(super) fn take_log(&mut self) -> Vec<SealedWith> {
        self.log.as_mut().map(|log| core::mem::take(&mut log.parts)).unwrap_or_default()
    }

    /// Notes a part that was sealed or opened just now, before its hash is mixed in.
    fn note(&mut self) {
        if let (Some(log), Some(cipher)) = (&mut self.log, &self.cipher)
            && let Some(key) = log.key.clone()
        {
            log.parts.push(SealedWith { key, nonce: cipher.nonce() - 1, hash: self.hash });
        }
    }

    /// Appends `plaintext` to `out`, sealed as soon as there is a key.
    pub(super) fn encrypt_and_hash(
        &mut self,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), NoiseError> {
        let start = out.len();
        match &mut self.cipher {
            Some(cipher) => cipher.seal(&self.hash, plaintext, out)?,
            None => out.extend_from_slice(plaintext),
        }
        self.note();
        self.mix_hash(&out[start..]);
        Ok(())
    }

    /// Appends what `ciphertext` holds to `out`.
    pub(super) fn decrypt_and_hash(
        &mut self,
        ciphertext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), NoiseError> {
        match &mut self.cipher {
            Some(cipher) => cipher.open(&self.hash, ciphertext, out)?,
            None => out.extend_from_slice(ciphertext),
        }
        self.note();
        self.mix_hash(ciphertext);
        Ok(())
    }

    pub(super) fn split(&self) -> (Secret, Secret) {
        let [first, second] = hkdf(&self.chaining_key, &[]);
        (first, second)
    }

    /// A labelled secret of the chaining key (BC-05.09).
    pub(super) fn export(&self, label: &[u8]) -> Secret {
        prf(&self.chaining_key, &[b"bitchat-v1 export ", label])
    }
}

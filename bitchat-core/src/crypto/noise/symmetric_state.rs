//! The transcript and the keys made of it (rev. 34 §5.2).

use super::{CipherState, NoiseError};
use crate::crypto::suite::{Secret, Suite, hash, hkdf, prf};

#[derive(Clone, Debug)]
pub(super) struct SymmetricState {
    suite: Suite,
    cipher: Option<CipherState>,
    chaining_key: Secret,
    hash: [u8; 32],
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
        Self { suite, cipher: None, chaining_key: Secret(hash), hash }
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
        self.cipher = Some(CipherState::new(self.suite, &key));
    }

    pub(super) fn mix_key_and_hash(&mut self, input: &Secret) {
        let [chaining_key, mixed, key] = hkdf(&self.chaining_key, &input.0);
        self.chaining_key = chaining_key;
        self.mix_hash(&mixed.0);
        self.cipher = Some(CipherState::new(self.suite, &key));
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

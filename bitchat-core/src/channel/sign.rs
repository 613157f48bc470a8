//! Ed25519 signatures of log keys and of the identities that vouch for them.

use crate::crypto::suite::Secret;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// Bytes of a signature.
pub(super) const SIGNATURE_LEN: usize = 64;

/// The public half of a log key.
pub(super) fn public(secret: &Secret) -> [u8; 32] {
    SigningKey::from_bytes(&secret.0).verifying_key().to_bytes()
}

/// Signs the concatenation of `label` and `parts`.
pub(super) fn sign(secret: &Secret, label: &[u8], parts: &[&[u8]]) -> [u8; SIGNATURE_LEN] {
    SigningKey::from_bytes(&secret.0).sign(&concat(label, parts)).to_bytes()
}

/// Whether `signature` is `key`'s over `label` and `parts`, judged strictly (small-order keys and
/// malleable encodings are refused).
pub(super) fn verify(
    key: &[u8; 32],
    label: &[u8],
    parts: &[&[u8]],
    signature: &[u8; SIGNATURE_LEN],
) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| {
        key.verify_strict(&concat(label, parts), &Signature::from_bytes(signature)).is_ok()
    })
}

fn concat(label: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut all = label.to_vec();
    parts.iter().for_each(|part| all.extend_from_slice(part));
    all
}

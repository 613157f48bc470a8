//! Digests of heads: equal for equal logs.

use crate::base::ids::ChannelId;
use crate::log::{AuthorId, Head};
use std::collections::BTreeMap;

/// The digest of heads: equal if, and only if, both store the same (BC-09.14).
pub(in crate::channel) fn digest(chan: &ChannelId, heads: impl Iterator<Item = Head>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"bitchat-v1 heads");
    hasher.update(&chan.0);
    for head in heads {
        hasher.update(&head.author.0).update(&head.seq.to_le_bytes()).update(&head.id.0);
    }
    *hasher.finalize().as_bytes()
}

/// The digest that one peer is sent, and the chains that have grown since. The peer's digest is
/// compared with the digest sent, not with that of the log as it is by then: so both sides compare
/// the same two and come to the same result (BC-09.55).
#[derive(Debug)]
pub(super) struct OwnDigest {
    pub(super) digest: [u8; 32],
    /// How far each chain was that has grown; forgotten once the peer's digest is here.
    pub(super) grown: BTreeMap<AuthorId, u64>,
}

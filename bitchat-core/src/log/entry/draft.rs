//! What an author writes, before it is signed.

use super::{AuthorId, ENTRY_LABEL, Entry, EntryError, Kind, VERSION};
use crate::base::ids::{ChannelId, Device, DeviceId, EntryId};
use crate::base::time::UnixMillis;
use crate::crypto::channel_keys::Epoch;
use crate::crypto::identity::{Identity, SIGNATURE_LEN};
use crate::wire::varint;
use crate::wire::writer::Put;
use bytes::BufMut;

/// The label under which an identity vouches for a log key.
pub const BINDING_LABEL: &[u8] = b"bitchat-v1 log";

/// What an author states in an entry; signing it gives the [`Entry`].
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// The channel.
    pub chan: ChannelId,
    /// The channel's epoch.
    pub epoch: Epoch,
    /// Position in the author's chain, from 0.
    pub seq: u64,
    /// The author's entry before this one; zeros in the first.
    pub prev: EntryId,
    /// Other authors' latest entries that the author had stored, strictly ascending.
    pub cited: Vec<EntryId>,
    /// 1 + the greatest `lamport` of `prev` and `cited`.
    pub lamport: u64,
    /// The author's clock; 0 if it knew none.
    pub wall: UnixMillis,
    /// What the body is.
    pub kind: Kind,
    /// At most [`MAX_BODY`](super::MAX_BODY) bytes.
    pub body: &'a [u8],
}

impl Draft<'_> {
    /// The entry, signed by the author whose log key is `key`.
    ///
    /// # Errors
    /// What [`Entry::parse`] says of a draft that breaks a rule.
    pub fn sign(&self, key: &Identity) -> Result<Entry, EntryError> {
        let mut raw = Vec::with_capacity(320 + self.cited.len() * 32 + self.body.len());
        raw.put_u8(VERSION);
        raw.put_slice(&self.chan.0);
        raw.put_slice(&self.epoch.0);
        raw.put_slice(&key.peer_id().0);
        raw.put_varint(self.seq.min(varint::MAX));
        raw.put_slice(&self.prev.0);
        raw.put_u8(u8::try_from(self.cited.len()).unwrap_or(u8::MAX));
        self.cited.iter().for_each(|id| raw.put_slice(&id.0));
        raw.put_varint(self.lamport.min(varint::MAX));
        raw.put_u64_le(self.wall.0);
        raw.put_u8(self.kind.code());
        raw.put_varint(self.body.len() as u64);
        let body_hash = *blake3::hash(self.body).as_bytes();
        let signature = key.sign(ENTRY_LABEL, &[&raw, &body_hash]);
        raw.put_slice(self.body);
        raw.put_slice(&signature);
        Entry::read(&raw, |_| body_hash)
    }
}

/// What an identity signs under [`BINDING_LABEL`] to vouch for a log key.
pub(crate) fn binding_parts<'a>(
    chan: &'a ChannelId,
    epoch: &'a Epoch,
    device: &'a DeviceId,
    key: &'a AuthorId,
) -> [&'a [u8]; 4] {
    [&chan.0, &epoch.0, &device.0, &key.0]
}

/// The body of a first entry.
pub(crate) fn bind_body(device: Device, signature: &[u8; SIGNATURE_LEN]) -> Vec<u8> {
    [&device.peer.0[..], &device.id.0, signature].concat()
}

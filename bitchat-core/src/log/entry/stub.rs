//! An entry with a hash in place of its body, and two of them that contradict each other.

use super::header::Header;
use super::{AuthorId, ENTRY_LABEL, EntryError, MAX_HEADER, name};
use crate::base::ids::{ChannelId, EntryId, PeerId};
use crate::crypto::channel_keys::Epoch;
use crate::crypto::identity::{SIGNATURE_LEN, verify};
use crate::crypto::suite::Suite;
use crate::wire::reader::{DecodeError, Reader};
use bytes::Bytes;
use core::fmt;

/// Bytes of the longest stub.
pub(crate) const MAX_STUB: usize = MAX_HEADER + 32 + SIGNATURE_LEN;

/// An entry without its body: header, BLAKE3 of the body, signature. Enough to know who signed
/// which position.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Stub {
    pub(super) raw: Bytes,
    pub(super) id: EntryId,
    pub(super) header: Header,
}

impl Stub {
    pub(crate) fn parse(raw: &[u8]) -> Result<Self, EntryError> {
        let (header, start) = Header::read(raw)?;
        let mut r = Reader::new(&raw[start..]);
        let body_hash = r.array()?;
        r.bytes(SIGNATURE_LEN)?;
        r.finish()?;
        let id = name(&raw[..start], &body_hash);
        Ok(Self { raw: Bytes::copy_from_slice(raw), id, header })
    }

    /// Checks the author's signature.
    pub(crate) fn verify(&self, suite: Suite) -> Result<(), EntryError> {
        let (signed, signature) = self.raw.split_last_chunk().ok_or(DecodeError::UnexpectedEnd)?;
        let author = PeerId(self.header.author.0);
        verify(suite, &author, ENTRY_LABEL, &[signed], signature).map_err(|_| EntryError::Signature)
    }

    /// What an author may fill once: the channel, its epoch, the author, the position.
    pub(crate) const fn position(&self) -> (ChannelId, Epoch, AuthorId, u64) {
        (self.header.chan, self.header.epoch, self.header.author, self.header.seq)
    }

    pub(crate) const fn id(&self) -> EntryId {
        self.id
    }

    pub(crate) const fn raw(&self) -> &Bytes {
        &self.raw
    }
}

impl fmt::Debug for Stub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stub({:?} {:?}#{})", self.id, self.header.author, self.header.seq)
    }
}

/// Two entries with one author and one position, but different ids: the author equivocated.
/// Their bodies do not matter, so only stubs are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EquivocationProof {
    one: Stub,
    other: Stub,
}

impl EquivocationProof {
    /// The proof made of two stubs whose signatures were verified; `None` if they do not
    /// contradict each other. The smaller id comes first, so that everyone writes one proof alike.
    pub(crate) fn new(a: Stub, b: Stub) -> Option<Self> {
        let (one, other) = if a.id() < b.id() { (a, b) } else { (b, a) };
        (one.position() == other.position() && one.id() != other.id())
            .then_some(Self { one, other })
    }

    /// The two stubs.
    pub(crate) const fn stubs(&self) -> (&Stub, &Stub) {
        (&self.one, &self.other)
    }

    /// Who contradicted itself.
    pub(crate) const fn author(&self) -> AuthorId {
        self.one.header.author
    }

    /// The position that was signed twice.
    pub(crate) const fn seq(&self) -> u64 {
        self.one.header.seq
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.one.raw().len() + self.other.raw().len()
    }
}

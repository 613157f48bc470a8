//! What a log keeps over a restart.

use super::entry::{AuthorId, Entry, EquivocationProof, MAX_STUB, Stub};
use crate::base::ids::EntryId;
use crate::crypto::suite::Secret;
use crate::wire::reader::{DecodeError, Reader};
use crate::wire::writer::Put;
use bytes::BufMut;

/// One durable fact. Records are only added, never changed; a duplicate does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The secret key of an own chain. Secret.
    LogKey {
        /// Counts the own chains of this device; the highest is in use.
        generation: u32,
        /// The Ed25519 secret key.
        secret: Secret,
    },
    /// An entry of anybody's chain.
    Entry(Entry),
    /// What an author is frozen for.
    Proof(EquivocationProof),
}

impl Record {
    /// Whether the record must be kept as keys are.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self, Self::LogKey { .. })
    }

    /// The record's name within its log, for a store that sorts by key: no other record of the log
    /// has this name, except one that replaces this one.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        let mut key = Vec::new();
        match self {
            Self::LogKey { generation, .. } => {
                key.put_u8(0);
                key.put_u32(*generation);
            }
            Self::Entry(entry) => {
                key.put_u8(1);
                key.put_slice(&entry.author().0);
                key.put_u64(entry.seq());
                key.put_slice(&entry.id().0);
            }
            Self::Proof(proof) => {
                key.put_u8(2);
                key.put_slice(&proof.author().0);
            }
        }
        key
    }

    /// The record as bytes: a type byte, then the content. The bytes of a secret record are secret.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::LogKey { generation, secret } => {
                out.put_u8(0);
                out.put_u32_le(*generation);
                out.put_slice(&secret.0);
            }
            Self::Entry(entry) => {
                out.put_u8(1);
                out.put_slice(entry.raw());
            }
            Self::Proof(proof) => {
                out.put_u8(2);
                let (one, other) = proof.stubs();
                out.put_prefixed(one.raw());
                out.put_prefixed(other.raw());
            }
        }
        out
    }

    /// The record in `bytes`. Signatures are not verified.
    ///
    /// # Errors
    /// [`DecodeError`] if they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let record = match r.u8()? {
            0 => Self::LogKey { generation: r.u32()?, secret: Secret(r.array()?) },
            1 => {
                let entry = Entry::parse(r.rest());
                Self::Entry(entry.map_err(|_| DecodeError::Invalid("entry"))?)
            }
            2 => {
                let one = Stub::parse(r.prefixed(MAX_STUB)?).ok();
                let other = Stub::parse(r.prefixed(MAX_STUB)?).ok();
                let proof = one.zip(other).and_then(|(a, b)| EquivocationProof::new(a, b));
                Self::Proof(proof.ok_or(DecodeError::Invalid("proof"))?)
            }
            _ => return Err(DecodeError::Invalid("record type")),
        };
        r.finish()?;
        Ok(record)
    }
}

/// What the key of a record tells, even where the record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// The key of the own chain of a generation.
    Key(u32),
    /// An entry of a chain.
    Entry(AuthorId, EntryId),
    /// What an author is frozen for.
    Proof,
}

impl Named {
    /// Reads what [`Record::key`] wrote.
    pub(super) fn read(key: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(key);
        let named = match r.u8()? {
            0 => Self::Key(u32::from_be_bytes(r.array()?)),
            1 => {
                let author = AuthorId(r.array()?);
                r.bytes(8)?;
                Self::Entry(author, EntryId(r.array()?))
            }
            2 => r.array::<32>().map(|_| Self::Proof)?,
            _ => return Err(DecodeError::Invalid("record type")),
        };
        r.finish()?;
        Ok(named)
    }
}

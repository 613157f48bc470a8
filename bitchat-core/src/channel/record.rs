//! What a channel keeps over a restart.

use super::entry::{AuthorId, Entry, MAX_STUB, Stub};
use crate::base::ids::EntryId;
use crate::crypto::suite::Secret;
use crate::wire::reader::{DecodeError, Reader};
use crate::wire::writer::Put;
use bytes::{BufMut, Bytes};

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
    Entry(Bytes),
    /// Two entries, with hashes in place of bodies, by which an author proved itself dishonest.
    Proof(Bytes, Bytes),
}

impl Record {
    /// Whether the record must be kept as keys are.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self, Self::LogKey { .. })
    }

    /// The record's name within its channel, for a store that sorts by key: no other record of the
    /// channel has it, except one that replaces this one.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        let mut key = Vec::new();
        match self {
            Self::LogKey { generation, .. } => {
                key.put_u8(0);
                key.put_u32(*generation);
            }
            Self::Entry(raw) => {
                key.put_u8(1);
                if let Ok(entry) = Entry::parse(raw) {
                    key.put_slice(&entry.author().0);
                    key.put_u64(entry.seq());
                    key.put_slice(&entry.id().0);
                }
            }
            Self::Proof(one, _) => {
                key.put_u8(2);
                if let Ok(one) = Stub::parse(one) {
                    key.put_slice(&one.slot().2.0);
                }
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
            Self::Entry(raw) => {
                out.put_u8(1);
                out.put_slice(raw);
            }
            Self::Proof(one, other) => {
                out.put_u8(2);
                out.put_prefixed(one);
                out.put_prefixed(other);
            }
        }
        out
    }

    /// The record in `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`] if they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let record = match r.u8()? {
            0 => Self::LogKey { generation: r.u32()?, secret: Secret(r.array()?) },
            1 => Self::Entry(Bytes::copy_from_slice(r.rest())),
            2 => {
                let mut entry = || r.prefixed(MAX_STUB).map(Bytes::copy_from_slice);
                Self::Proof(entry()?, entry()?)
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
    /// What convicts an author.
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

/// Two entries that contradict each other: same channel, epoch, author and position, different ids.
/// Their bodies do not matter, so only the hashes of those are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proof {
    one: Stub,
    other: Stub,
}

impl Proof {
    /// The proof made of two entries whose signatures were verified; `None` if they do not
    /// contradict each other. The smaller id comes first, so that everyone writes it alike.
    pub(super) fn new(a: Stub, b: Stub) -> Option<Self> {
        let (one, other) = if a.id() < b.id() { (a, b) } else { (b, a) };
        (one.slot() == other.slot() && one.id() != other.id()).then_some(Self { one, other })
    }

    /// The two entries.
    pub(super) const fn entries(&self) -> (&Stub, &Stub) {
        (&self.one, &self.other)
    }

    /// Who contradicted itself.
    pub(super) const fn author(&self) -> AuthorId {
        self.one.slot().2
    }

    /// The disputed position.
    pub(super) const fn seq(&self) -> u64 {
        self.one.slot().3
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.one.raw().len() + self.other.raw().len()
    }
}

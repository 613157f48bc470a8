//! Entries of a log: their bytes, their ids, and what makes one valid by itself.

mod draft;
mod error;
mod header;
mod stub;

pub use draft::{BINDING_LABEL, Draft};
pub(crate) use draft::{bind_body, binding_parts};
pub use error::EntryError;
pub use stub::EquivocationProof;
pub(crate) use stub::{MAX_STUB, Stub};

use crate::base::ids::{ChannelId, Device, DeviceId, EntryId, PeerId};
use crate::base::time::UnixMillis;
use crate::crypto::channel_keys::Epoch;
use crate::crypto::identity::{SIGNATURE_LEN, verify};
use crate::crypto::suite::Suite;
use crate::wire::reader::Reader;
use bytes::Bytes;
use core::fmt;
use header::Header;

/// The version of the entry format, its first byte (BC-09.01).
pub const VERSION: u8 = 1;
/// Tips that one entry may cite (BC-09.03).
pub const MAX_CITED: usize = 16;
/// Bytes of an entry's body, and so of a text (BC-09.04).
pub const MAX_BODY: usize = 65_536;
/// The last position of a chain (BC-09.05).
pub const MAX_SEQ: u64 = u32::MAX as u64;
const MAX_HEADER: usize = 1 + 20 + 3 * 32 + 8 + 1 + MAX_CITED * 32 + 8 + 8 + 1 + 4;
/// Bytes of the longest entry.
pub const MAX_ENTRY: usize = MAX_HEADER + MAX_BODY + SIGNATURE_LEN;

const ENTRY_LABEL: &[u8] = b"bitchat-v1 entry";
const BIND_LEN: usize = 32 + 16 + SIGNATURE_LEN;

/// An author of a log: the Ed25519 public key with which one device signs its entries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthorId(pub [u8; 32]);

impl fmt::Display for AuthorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for AuthorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorId(")?;
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// What an entry is. Kinds that this version does not know are kept and passed on (BC-09.09).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 0: the first entry of a chain, in which an identity vouches for the log key.
    Bind,
    /// 1: a text in UTF-8.
    Text,
    /// Anything else.
    Unknown(u8),
}

impl Kind {
    /// The kind on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Bind => 0,
            Self::Text => 1,
            Self::Unknown(code) => code,
        }
    }

    /// The kind that `code` names.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Bind,
            1 => Self::Text,
            code => Self::Unknown(code),
        }
    }
}

/// The name of the entry with this header and this body (BC-09.02).
fn name(header: &[u8], body_hash: &[u8; 32]) -> EntryId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(header).update(body_hash);
    EntryId(*hasher.finalize().as_bytes())
}

/// Where an entry is shown: by logical time, then author, then position in the author's chain.
pub(crate) type Place = (u64, AuthorId, u64);

/// An entry of well-formed bytes. Whether its author signed it is [`Entry::verify`]'s to say.
/// A clone shares the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    raw: Bytes,
    id: EntryId,
    header: Header,
    body_at: usize,
    body_hash: [u8; 32],
}

impl Entry {
    /// Reads an entry and checks everything that needs neither a key nor other entries.
    ///
    /// # Errors
    /// [`EntryError`] says which rule is broken.
    pub fn parse(raw: &[u8]) -> Result<Self, EntryError> {
        Self::read(raw, |body| *blake3::hash(body).as_bytes())
    }

    /// `hash` gives the BLAKE3 of the body.
    fn read(raw: &[u8], hash: impl FnOnce(&[u8]) -> [u8; 32]) -> Result<Self, EntryError> {
        let (header, body_at) = Header::read(raw)?;
        let mut r = Reader::new(&raw[body_at..]);
        let body = r.bytes(header.body_len)?;
        match header.kind {
            Kind::Bind if body.len() != BIND_LEN => return Err(EntryError::Binding),
            Kind::Text if core::str::from_utf8(body).is_err() => return Err(EntryError::NotUtf8),
            _ => (),
        }
        r.bytes(SIGNATURE_LEN)?;
        r.finish()?;
        let body_hash = hash(body);
        let id = name(&raw[..body_at], &body_hash);
        Ok(Self { raw: Bytes::copy_from_slice(raw), id, header, body_at, body_hash })
    }

    /// Header, body and signature.
    fn parts(&self) -> (&[u8], &[u8], &[u8]) {
        let (header, rest) = self.raw.split_at(self.body_at);
        let (body, signature) = rest.split_at(self.header.body_len);
        (header, body, signature)
    }

    /// The entry with a hash in place of its body.
    pub(crate) fn stub(&self) -> Stub {
        let (header, _, signature) = self.parts();
        let raw = Bytes::from([header, &self.body_hash, signature].concat());
        Stub { raw, id: self.id, header: self.header.clone() }
    }

    /// Checks the author's signature and, in a first entry, the identity's (BC-09.20).
    ///
    /// # Errors
    /// [`EntryError::Signature`] or [`EntryError::Binding`].
    pub fn verify(&self, suite: Suite) -> Result<(), EntryError> {
        let (header, _, signature) = self.parts();
        let signature = signature.try_into().map_err(|_| EntryError::Signature)?;
        let author = PeerId(self.author().0);
        verify(suite, &author, ENTRY_LABEL, &[header, &self.body_hash], signature)
            .map_err(|_| EntryError::Signature)?;
        if self.kind() == Kind::Bind {
            let (device, signature) = self.binding().ok_or(EntryError::Binding)?;
            let Header { chan, epoch, author, .. } = &self.header;
            let parts = binding_parts(chan, epoch, &device.id, author);
            verify(suite, &device.peer, BINDING_LABEL, &parts, &signature)
                .map_err(|_| EntryError::Binding)?;
        }
        Ok(())
    }

    /// The device that a first entry binds its log key to.
    #[must_use]
    pub fn device(&self) -> Option<Device> {
        self.binding().map(|(device, _)| device)
    }

    fn binding(&self) -> Option<(Device, [u8; SIGNATURE_LEN])> {
        if self.kind() != Kind::Bind {
            return None;
        }
        let mut r = Reader::new(self.body());
        let device = Device { peer: PeerId(r.array().ok()?), id: DeviceId(r.array().ok()?) };
        Some((device, r.array().ok()?))
    }

    /// The entry's name: BLAKE3 of its header and of its body's hash (BC-09.02).
    #[must_use]
    pub const fn id(&self) -> EntryId {
        self.id
    }
    /// The entry as it travels and is stored.
    #[must_use]
    pub const fn raw(&self) -> &Bytes {
        &self.raw
    }
    /// The channel that it was written for.
    #[must_use]
    pub const fn chan(&self) -> ChannelId {
        self.header.chan
    }
    /// The channel's epoch that it was written in.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.header.epoch
    }
    /// Who wrote it.
    #[must_use]
    pub const fn author(&self) -> AuthorId {
        self.header.author
    }
    /// Its position in the author's chain, from 0.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.header.seq
    }
    /// The author's entry before it; zeros in the first.
    #[must_use]
    pub const fn prev(&self) -> EntryId {
        self.header.prev
    }
    /// Entries of others that it cites, ascending.
    pub fn cited(&self) -> impl ExactSizeIterator<Item = EntryId> + '_ {
        self.header.cited(&self.raw)
    }
    /// Its logical time.
    #[must_use]
    pub const fn lamport(&self) -> u64 {
        self.header.lamport
    }
    /// The author's clock when it was written; a claim, 0 if unknown.
    #[must_use]
    pub const fn wall(&self) -> UnixMillis {
        self.header.wall
    }
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.header.kind
    }
    /// What it says.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.parts().1
    }
    /// What a text entry says.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if self.kind() == Kind::Text { core::str::from_utf8(self.body()).ok() } else { None }
    }
    /// Everything that must be known before the entry can be judged.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = EntryId> + '_ {
        let prev = (self.seq() > 0).then_some(self.prev());
        prev.into_iter().chain(self.cited())
    }
    /// Its place in the order that everyone shows (BC-09.08).
    pub(crate) const fn place(&self) -> Place {
        (self.lamport(), self.author(), self.seq())
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({:?} {:?}#{} @{})", self.id, self.author(), self.seq(), self.lamport())
    }
}

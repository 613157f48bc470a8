//! Entries of a channel's log: their bytes, their ids, and what makes one valid by itself.

use crate::base::ids::{ChannelId, Device, DeviceId, EntryId, PeerId};
use crate::base::time::UnixMillis;
use crate::crypto::channel_keys::Epoch;
use crate::crypto::identity::{Identity, SIGNATURE_LEN, verify};
use crate::crypto::suite::Suite;
use crate::wire::reader::{DecodeError, Reader};
use crate::wire::varint;
use crate::wire::writer::Put;
use bytes::{BufMut, Bytes};
use core::fmt;
use core::ops::Range;

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
/// Bytes of the longest stub.
pub(super) const MAX_STUB: usize = MAX_HEADER + 32 + SIGNATURE_LEN;

const ENTRY_LABEL: &[u8] = b"bitchat-v1 entry";
/// The label under which an identity vouches for a log key.
pub const BINDING_LABEL: &[u8] = b"bitchat-v1 log";
const BIND_LEN: usize = 32 + 16 + SIGNATURE_LEN;

/// An author of a channel: the Ed25519 public key with which one device signs its log entries.
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

/// Why bytes are not a valid entry of this channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The bytes have not the form of an entry.
    #[error("malformed entry: {0}")]
    Decode(#[from] DecodeError),
    /// The format's version is not known.
    #[error("entry version {0} is not known")]
    Version(u8),
    /// A varint is longer than it need be (BC-09.05).
    #[error("a varint of the entry is not in its shortest form")]
    NotShortest,
    /// More tips are cited than allowed.
    #[error("{0} cited tips; at most 16 are allowed")]
    TooManyCited(u8),
    /// Cited tips are not strictly ascending, or repeat `prev`.
    #[error("cited tips must be strictly ascending and differ from prev")]
    CitedOrder,
    /// The first entry must be a binding with zeros as `prev`, later ones must be neither, and there
    /// are at most 2^32.
    #[error("a chain starts with its binding, holds no other and ends at position 2^32 - 1")]
    Position,
    /// A text is not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// The author did not sign this.
    #[error("the entry's signature is not the author's")]
    Signature,
    /// The identity did not vouch for the log key.
    #[error("the identity did not vouch for this log key")]
    Binding,
    /// Meant for another channel or epoch.
    #[error("the entry belongs to another channel or epoch")]
    WrongChannel,
    /// `prev` is not the author's entry before this one.
    #[error("prev is not the author's entry before this one")]
    WrongPrev,
    /// `lamport` is not one more than that of the latest ancestor.
    #[error("lamport is {found} but its ancestors demand {expected}")]
    WrongLamport {
        /// As claimed.
        found: u64,
        /// As computed.
        expected: u64,
    },
}

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
    /// At most [`MAX_BODY`] bytes.
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
        let signature = key.sign(ENTRY_LABEL, &[&raw, blake3::hash(self.body).as_bytes()]);
        raw.put_slice(self.body);
        raw.put_slice(&signature);
        Entry::parse(&raw)
    }
}

/// Everything of an entry but its body and signature.
#[derive(Clone, PartialEq, Eq)]
struct Header {
    chan: ChannelId,
    epoch: Epoch,
    author: AuthorId,
    seq: u64,
    prev: EntryId,
    cited: Vec<EntryId>,
    lamport: u64,
    wall: UnixMillis,
    kind: Kind,
    body_len: usize,
}

impl Header {
    fn read(r: &mut Reader<'_>) -> Result<Self, EntryError> {
        match r.u8()? {
            VERSION => (),
            version => return Err(EntryError::Version(version)),
        }
        let (chan, epoch) = (ChannelId(r.array()?), Epoch(r.array()?));
        let author = AuthorId(r.array()?);
        let seq = shortest(r)?;
        let prev = EntryId(r.array()?);
        let cited = read_cited(r, prev)?;
        let lamport = shortest(r)?;
        let wall = UnixMillis(r.u64()?);
        let kind = Kind::from_code(r.u8()?);
        let found = shortest(r)?;
        let body_len = usize::try_from(found)
            .ok()
            .filter(|&len| len <= MAX_BODY)
            .ok_or(DecodeError::TooLong { found, limit: MAX_BODY as u64 })?;
        let first = seq == 0;
        if seq > MAX_SEQ || first != (kind == Kind::Bind) || first != (prev == EntryId([0; 32])) {
            return Err(EntryError::Position);
        }
        Ok(Self { chan, epoch, author, seq, prev, cited, lamport, wall, kind, body_len })
    }
}

/// The name of the entry with this header and this body (BC-09.02).
fn name(header: &[u8], body_hash: &[u8; 32]) -> EntryId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(header).update(body_hash);
    EntryId(*hasher.finalize().as_bytes())
}

/// An entry of well-formed bytes. Whether its author signed it is [`Entry::verify`]'s to say.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    raw: Bytes,
    id: EntryId,
    header: Header,
    body: Range<usize>,
}

impl Entry {
    /// Reads an entry and checks everything that needs neither a key nor other entries.
    ///
    /// # Errors
    /// [`EntryError`] says which rule is broken.
    pub fn parse(raw: &[u8]) -> Result<Self, EntryError> {
        let mut r = Reader::new(raw);
        let header = Header::read(&mut r)?;
        let start = raw.len() - r.remaining();
        let body = r.bytes(header.body_len)?;
        match header.kind {
            Kind::Bind if body.len() != BIND_LEN => return Err(EntryError::Binding),
            Kind::Text if core::str::from_utf8(body).is_err() => return Err(EntryError::NotUtf8),
            _ => (),
        }
        r.bytes(SIGNATURE_LEN)?;
        r.finish()?;
        let id = name(&raw[..start], blake3::hash(body).as_bytes());
        let body = start..start + header.body_len;
        Ok(Self { raw: Bytes::copy_from_slice(raw), id, header, body })
    }

    /// The entry with a hash in place of its body: enough to know who signed what position.
    pub(super) fn stub(&self) -> Stub {
        let body_hash = blake3::hash(self.body());
        let (before, after) = (&self.raw[..self.body.start], &self.raw[self.body.end..]);
        let raw = Bytes::from([before, body_hash.as_bytes(), after].concat());
        Stub { raw, id: self.id, header: self.header.clone() }
    }

    /// Checks the author's signature and, in a first entry, the identity's (BC-09.20).
    ///
    /// # Errors
    /// [`EntryError::Signature`] or [`EntryError::Binding`].
    pub fn verify(&self, suite: Suite) -> Result<(), EntryError> {
        self.stub().verify(suite)?;
        if self.kind() == Kind::Bind {
            let (device, signature) = self.binding().ok_or(EntryError::Binding)?;
            let parts = binding_parts(
                &self.header.chan,
                &self.header.epoch,
                &device.id,
                &self.header.author,
            );
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
    /// Entries of others that it cites.
    #[must_use]
    pub fn cited(&self) -> &[EntryId] {
        &self.header.cited
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
        &self.raw[self.body.clone()]
    }
    /// What a text entry says.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if self.kind() == Kind::Text { core::str::from_utf8(self.body()).ok() } else { None }
    }
    /// Everything that must be known before the entry can be judged.
    pub(super) fn ancestors(&self) -> impl Iterator<Item = EntryId> + '_ {
        let prev = (self.seq() > 0).then_some(self.prev());
        prev.into_iter().chain(self.cited().iter().copied())
    }
    /// Its place in the order that everyone shows (BC-09.08).
    pub(super) const fn place(&self) -> Place {
        (self.lamport(), self.author(), self.seq())
    }
}

/// Where an entry is shown: by logical time, then author, then position in the author's chain.
pub(super) type Place = (u64, AuthorId, u64);

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({:?} {:?}#{} @{})", self.id, self.author(), self.seq(), self.lamport())
    }
}

/// An entry with a hash in place of its body: header, BLAKE3 of the body, signature.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Stub {
    raw: Bytes,
    id: EntryId,
    header: Header,
}

impl Stub {
    pub(super) fn parse(raw: &[u8]) -> Result<Self, EntryError> {
        let mut r = Reader::new(raw);
        let header = Header::read(&mut r)?;
        let start = raw.len() - r.remaining();
        let body_hash = r.array()?;
        r.bytes(SIGNATURE_LEN)?;
        r.finish()?;
        let id = name(&raw[..start], &body_hash);
        Ok(Self { raw: Bytes::copy_from_slice(raw), id, header })
    }

    /// Checks the author's signature.
    pub(super) fn verify(&self, suite: Suite) -> Result<(), EntryError> {
        let (signed, signature) = self.raw.split_last_chunk().ok_or(DecodeError::UnexpectedEnd)?;
        let author = PeerId(self.header.author.0);
        verify(suite, &author, ENTRY_LABEL, &[signed], signature).map_err(|_| EntryError::Signature)
    }

    /// What may be written once: the channel, its epoch, the author, the position.
    pub(super) const fn slot(&self) -> (ChannelId, Epoch, AuthorId, u64) {
        (self.header.chan, self.header.epoch, self.header.author, self.header.seq)
    }

    pub(super) const fn id(&self) -> EntryId {
        self.id
    }

    pub(super) const fn raw(&self) -> &Bytes {
        &self.raw
    }
}

impl fmt::Debug for Stub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stub({:?} {:?}#{})", self.id, self.header.author, self.header.seq)
    }
}

/// What an identity signs under [`BINDING_LABEL`] to vouch for a log key.
pub(super) fn binding_parts<'a>(
    chan: &'a ChannelId,
    epoch: &'a Epoch,
    device: &'a DeviceId,
    key: &'a AuthorId,
) -> [&'a [u8]; 4] {
    [&chan.0, &epoch.0, &device.0, &key.0]
}

/// The body of a first entry.
pub(super) fn bind_body(device: Device, signature: &[u8; SIGNATURE_LEN]) -> Vec<u8> {
    [&device.peer.0[..], &device.id.0, signature].concat()
}

fn shortest(r: &mut Reader<'_>) -> Result<u64, EntryError> {
    let before = r.remaining();
    let value = r.varint()?;
    if before - r.remaining() == varint::len(value) {
        Ok(value)
    } else {
        Err(EntryError::NotShortest)
    }
}

fn read_cited(r: &mut Reader<'_>, prev: EntryId) -> Result<Vec<EntryId>, EntryError> {
    let count = r.u8()?;
    if usize::from(count) > MAX_CITED {
        return Err(EntryError::TooManyCited(count));
    }
    let cited: Vec<_> = (0..count).map(|_| r.array().map(EntryId)).collect::<Result<_, _>>()?;
    if cited.is_sorted_by(|a, b| a < b) && !cited.contains(&prev) {
        Ok(cited)
    } else {
        Err(EntryError::CitedOrder)
    }
}

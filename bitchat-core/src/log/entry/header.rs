//! Everything of an entry but its body and signature.

use super::{AuthorId, EntryError, Kind, MAX_BODY, MAX_CITED, MAX_SEQ, VERSION};
use crate::base::ids::{ChannelId, EntryId};
use crate::base::time::UnixMillis;
use crate::crypto::channel_keys::Epoch;
use crate::wire::reader::{DecodeError, Reader};
use crate::wire::varint;

/// The fields of a header. The cited ids stay in the entry's bytes, where [`Cited`] says.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) chan: ChannelId,
    pub(super) epoch: Epoch,
    pub(super) author: AuthorId,
    pub(super) seq: u64,
    pub(super) prev: EntryId,
    pub(super) cited: Cited,
    pub(super) lamport: u64,
    pub(super) wall: UnixMillis,
    pub(super) kind: Kind,
    pub(super) body_len: usize,
}

/// Where the cited ids are in an entry's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Cited {
    at: u8,
    count: u8,
}

impl Header {
    /// Reads the header at the front of `raw`. Returns it with its length in bytes.
    pub(super) fn read(raw: &[u8]) -> Result<(Self, usize), EntryError> {
        let mut r = Reader::new(raw);
        match r.u8()? {
            VERSION => (),
            version => return Err(EntryError::Version(version)),
        }
        let (chan, epoch) = (ChannelId(r.array()?), Epoch(r.array()?));
        let author = AuthorId(r.array()?);
        let seq = shortest(&mut r)?;
        let prev = EntryId(r.array()?);
        let cited = Cited::read(raw, &mut r, prev)?;
        let lamport = shortest(&mut r)?;
        let wall = UnixMillis(r.u64()?);
        let kind = Kind::from_code(r.u8()?);
        let found = shortest(&mut r)?;
        let body_len = usize::try_from(found)
            .ok()
            .filter(|&len| len <= MAX_BODY)
            .ok_or(DecodeError::TooLong { found, limit: MAX_BODY as u64 })?;
        let first = seq == 0;
        if seq > MAX_SEQ || first != (kind == Kind::Bind) || first != (prev == EntryId([0; 32])) {
            return Err(EntryError::Position);
        }
        if first && cited.count > 0 {
            return Err(EntryError::BindingCites);
        }
        let header = Self { chan, epoch, author, seq, prev, cited, lamport, wall, kind, body_len };
        Ok((header, raw.len() - r.remaining()))
    }

    /// The ids that the entry with these bytes cites.
    pub(super) fn cited<'a>(&self, raw: &'a [u8]) -> impl ExactSizeIterator<Item = EntryId> + 'a {
        let at = usize::from(self.cited.at);
        let end = at + usize::from(self.cited.count) * EntryId::LEN;
        let (ids, _) = raw.get(at..end).unwrap_or_default().as_chunks();
        ids.iter().map(|id| EntryId(*id))
    }
}

impl Cited {
    /// Reads the cited ids behind `prev`: at most 16, strictly ascending, none of them `prev`
    /// (BC-09.03).
    fn read(raw: &[u8], r: &mut Reader<'_>, prev: EntryId) -> Result<Self, EntryError> {
        let count = r.u8()?;
        if usize::from(count) > MAX_CITED {
            return Err(EntryError::TooManyCited(count));
        }
        // At most 1 + 20 + 32 + 32 + 8 + 32 + 1 bytes are before the ids.
        let at = u8::try_from(raw.len() - r.remaining()).map_err(|_| EntryError::CitedOrder)?;
        let (ids, _) = r.bytes(usize::from(count) * EntryId::LEN)?.as_chunks();
        let ascending = ids.is_sorted_by(|one: &[u8; EntryId::LEN], next| one < next);
        if ascending && !ids.contains(&prev.0) {
            Ok(Self { at, count })
        } else {
            Err(EntryError::CitedOrder)
        }
    }
}

/// A varint in its shortest form (BC-09.05).
fn shortest(r: &mut Reader<'_>) -> Result<u64, EntryError> {
    let before = r.remaining();
    let value = r.varint()?;
    if before - r.remaining() == varint::len(value) {
        Ok(value)
    } else {
        Err(EntryError::NotShortest)
    }
}

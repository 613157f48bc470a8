//! The messages of a channel: a type byte, then the fields. Unknown types are ignored (BC-09.13).

use crate::base::ids::EntryId;
use crate::channel::pex::PeerHint;
use crate::log::{AuthorId, Head, MAX_STUB};
use crate::wire::reader::{DecodeError, Reader};
use crate::wire::writer::Put;
use bytes::BufMut;

/// Ids in one [`Inbound::WantIds`] (BC-09.19).
pub(in crate::channel) const MAX_WANT_IDS: usize = 64;
/// Entries of one answer to a WANT (BC-09.18).
pub(in crate::channel) const BATCH: usize = 256;
/// Bytes of entries after which a message is closed and another begun.
pub(in crate::channel) const ENTRIES_TARGET: usize = 16 * 1024;
/// Bytes of one head.
pub(in crate::channel) const HEAD_MAX: usize = 32 + 8 + 32;

const DIGEST: u8 = 1;
const HEADS: u8 = 2;
const WANT: u8 = 3;
const WANT_IDS: u8 = 4;
const ENTRIES: u8 = 5;
const PROOF: u8 = 6;
const PEERS: u8 = 7;
const PRUNE: u8 = 8;
const WANT_INFO: u8 = 9;
const INFO: u8 = 10;

/// What an [`Inbound::Entries`] message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::channel) enum Role {
    /// Sent unasked, or by id.
    Push,
    /// Part of the answer to a Want, more follows.
    Answer,
    /// The end of the answer; `more` says whether asking again would give more.
    Last { more: bool },
}

/// A received message; lists are read lazily, so that nothing is allocated for what they claim.
pub(in crate::channel) enum Inbound<'a> {
    Digest([u8; 32]),
    Heads(Reader<'a>),
    Want { resume: bool },
    WantIds(Reader<'a>),
    Entries(Role, Reader<'a>),
    Proof(&'a [u8], &'a [u8]),
    Peers(Reader<'a>),
    Prune(Reader<'a>),
    WantInfo,
    Info(&'a [u8]),
    Unknown,
}

pub(in crate::channel) fn decode(message: &[u8]) -> Result<Inbound<'_>, DecodeError> {
    let mut r = Reader::new(message);
    let inbound = match r.u8()? {
        DIGEST => Inbound::Digest(r.array()?),
        HEADS => return Ok(Inbound::Heads(r)),
        WANT => match r.u8()? {
            resume @ 0..=1 => Inbound::Want { resume: resume == 1 },
            _ => return Err(DecodeError::Invalid("want")),
        },
        WANT_IDS if r.remaining() <= MAX_WANT_IDS * EntryId::LEN => return Ok(Inbound::WantIds(r)),
        WANT_IDS => return Err(DecodeError::Invalid("want ids")),
        ENTRIES => {
            let role = match r.u8()? {
                0 => Role::Push,
                1 => Role::Answer,
                2 => Role::Last { more: false },
                3 => Role::Last { more: true },
                _ => return Err(DecodeError::Invalid("entries role")),
            };
            return Ok(Inbound::Entries(role, r));
        }
        PROOF => Inbound::Proof(r.prefixed(MAX_STUB)?, r.prefixed(MAX_STUB)?),
        PEERS => return Ok(Inbound::Peers(r)),
        PRUNE => return Ok(Inbound::Prune(r)),
        WANT_INFO => Inbound::WantInfo,
        INFO => Inbound::Info(r.bytes(r.remaining())?),
        _ => return Ok(Inbound::Unknown),
    };
    r.finish()?;
    Ok(inbound)
}

pub(in crate::channel) fn read_head(r: &mut Reader<'_>) -> Result<Head, DecodeError> {
    Ok(Head { author: AuthorId(r.array()?), seq: r.varint()?, id: EntryId(r.array()?) })
}

pub(in crate::channel) fn put_digest(digest: &[u8; 32]) -> Vec<u8> {
    [&[DIGEST][..], digest].concat()
}

pub(in crate::channel) fn put_heads(heads: &[Head]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + heads.len() * HEAD_MAX);
    out.put_u8(HEADS);
    for head in heads {
        out.put_slice(&head.author.0);
        out.put_varint(head.seq);
        out.put_slice(&head.id.0);
    }
    out
}

pub(in crate::channel) fn put_want(resume: bool) -> Vec<u8> {
    vec![WANT, u8::from(resume)]
}

pub(in crate::channel) fn put_want_ids<'a>(ids: impl Iterator<Item = &'a EntryId>) -> Vec<u8> {
    let mut out = vec![WANT_IDS];
    ids.for_each(|id| out.put_slice(&id.0));
    out
}

pub(in crate::channel) fn put_entries<'a>(
    role: Role,
    entries: impl Iterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let role = match role {
        Role::Push => 0,
        Role::Answer => 1,
        Role::Last { more } => 2 + u8::from(more),
    };
    let mut out = vec![ENTRIES, role];
    entries.for_each(|raw| out.put_prefixed(raw));
    out
}

pub(in crate::channel) fn put_proof(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut out = vec![PROOF];
    out.put_prefixed(one);
    out.put_prefixed(other);
    out
}

pub(in crate::channel) fn put_prune<'a>(authors: impl Iterator<Item = &'a AuthorId>) -> Vec<u8> {
    let mut out = vec![PRUNE];
    authors.for_each(|author| out.put_slice(&author.0));
    out
}

pub(in crate::channel) fn put_want_info() -> Vec<u8> {
    vec![WANT_INFO]
}

pub(in crate::channel) fn put_info(bare: &[u8]) -> Vec<u8> {
    [&[INFO], bare].concat()
}

pub(in crate::channel) fn put_peers(hints: &[PeerHint]) -> Vec<u8> {
    let mut out = vec![PEERS];
    hints.iter().for_each(|hint| hint.put(&mut out));
    out
}

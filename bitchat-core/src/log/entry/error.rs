//! Why bytes are not an entry.

use crate::wire::reader::DecodeError;

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
    /// A binding cites entries (BC-09.60).
    #[error("a binding cites nothing")]
    BindingCites,
    /// The first entry must be a binding with zeros as `prev`, later ones must be neither, and
    /// there are at most 2^32.
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

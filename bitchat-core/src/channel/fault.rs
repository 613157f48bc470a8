//! What a peer may do wrong.

use crate::chatfile::InfoError;
use crate::log::EntryError;
use crate::wire::reader::DecodeError;

/// What a peer did wrong; the link is to be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelFault {
    /// A message has not the form of its type.
    #[error("malformed channel message: {0}")]
    Decode(#[from] DecodeError),
    /// A message is longer than allowed.
    #[error("a channel message of {0} bytes is above the limit")]
    TooLong(usize),
    /// An entry is invalid: whoever passes entries on checks them first (BC-09.28).
    #[error("invalid log entry: {0}")]
    Entry(#[from] EntryError),
    /// A proof that proves nothing.
    #[error("the two entries of a proof do not contradict each other")]
    EmptyProof,
    /// A second digest on one link.
    #[error("a digest is sent once, when the link comes up")]
    SecondDigest,
    /// The head of a chain is at a position that no chain reaches (BC-09.29).
    #[error("a head is at an impossible position")]
    Position,
    /// What the peer sent as `info` is not the channel's, or the channel is not what the link of
    /// this device says (BC-09.42).
    #[error("the `info` of a member cannot be used: {0}")]
    Info(#[from] InfoError),
}

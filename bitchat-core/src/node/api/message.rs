//! Messages as the application shows them.

use crate::base::ids::{Device, EntryId};
use crate::base::time::UnixMillis;
use crate::channel::{ContentRef, MessageRef};
use crate::log::AuthorId;

/// A message of a channel's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Names the entry.
    pub id: EntryId,
    /// Who wrote it, on which device.
    pub author: Device,
    /// The chain that it is in: the public half of the log key that signed it. A device begins
    /// another chain when its store was lost.
    pub chain: AuthorId,
    /// This node wrote it.
    pub own: bool,
    /// The author's wall clock, if known: for display only, never for order.
    pub wall: Option<UnixMillis>,
    /// Lamport time. The order that everybody shows is that of (`lamport`, `chain`, `seq`), chains
    /// compared as byte strings (BC-09.08); `Node::messages` is in that order.
    pub lamport: u64,
    /// The author's number of the entry.
    pub seq: u64,
    /// What it says.
    pub content: Content,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// A text of 0 to 65,536 bytes. It may hold control characters: others wrote it.
    Text(String),
    /// Something of a later version: show that there is something.
    Unknown {
        /// The entry's kind.
        kind: u8,
        /// Its body, 0 to 65,536 bytes.
        bytes: Vec<u8>,
    },
}

impl Content {
    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Unknown { .. } => None,
        }
    }
}

impl From<MessageRef<'_>> for Message {
    fn from(message: MessageRef<'_>) -> Self {
        let content = match message.content {
            ContentRef::Text(text) => Content::Text(text.to_owned()),
            ContentRef::Unknown { kind, body } => Content::Unknown { kind, bytes: body.to_vec() },
        };
        Self {
            id: message.id,
            author: message.device,
            chain: message.author,
            own: message.own,
            wall: (message.wall != UnixMillis::default()).then_some(message.wall),
            lamport: message.lamport,
            seq: message.seq,
            content,
        }
    }
}

//! What a channel asks of its parent, which acts on the spot.

use super::fault::ChannelFault;
use crate::base::ids::{Device, EntryId, LinkId};
use crate::base::time::UnixMillis;
use crate::chatfile::ChatFile;
use crate::crypto::suite::Secret;
use crate::log::{AuthorId, FullReason, Record, Ticket};
use core::net::SocketAddr;

/// How urgent a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Small messages that others wait for: digests, heads, requests.
    Control,
    /// What somebody just wrote.
    Chat,
    /// What was written earlier.
    History,
}

/// The channel's way out.
pub trait ChannelSink {
    /// Sends `message` on `link`. False if there is no room for that priority: then nothing was
    /// taken, and [`Channel::on_writable`](super::Channel::on_writable) is called once there is.
    /// Messages of one priority arrive in order and complete.
    fn send(&mut self, link: LinkId, priority: Priority, message: &[u8]) -> bool;

    /// Stores `record` durably, in the order of the calls; answered later, exactly once, by
    /// [`Channel::on_persisted`](super::Channel::on_persisted). What the store refuses is tried
    /// again by the parent, as often as it takes.
    fn persist(&mut self, ticket: Ticket, record: Record);

    /// Takes back a record that was handed out to be stored, whether it is stored by now or not: in
    /// the order of the calls, so that what is handed out later is not stored without this. The
    /// ticket is answered all the same.
    fn forget(&mut self, record: &Record);

    /// Tells the application.
    fn event(&mut self, event: ChannelEvent);

    /// A hint where members may be reached; nothing about it is proven.
    fn candidate(&mut self, hint: Candidate);

    /// The peer of `link` broke the protocol; the parent closes the link.
    fn violation(&mut self, link: LinkId, fault: ChannelFault);

    /// 32 fresh secret bytes, for a log key.
    fn secret(&mut self) -> Secret;

    /// The identity's signature as [`Identity::sign`](crate::crypto::identity::Identity::sign)
    /// makes it; `None` if this device does not hold the identity's secret key.
    fn sign(&mut self, label: &'static [u8], parts: &[&[u8]]) -> Option<[u8; 64]>;
}

/// An address at which somebody says that a device was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where.
    pub addr: SocketAddr,
    /// Who is said to be there.
    pub device: Device,
    /// The link that told us: peers from one source are a share of the dials only.
    pub source: LinkId,
}

/// A message as the application shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRef<'a> {
    /// Its name.
    pub id: EntryId,
    /// The chain it is in.
    pub author: AuthorId,
    /// The device, and the person, that wrote it.
    pub device: Device,
    /// Its logical time: first key of the display order.
    pub lamport: u64,
    /// Its position in the author's chain: last key of the display order.
    pub seq: u64,
    /// The author's clock, a claim; 0 if unknown.
    pub wall: UnixMillis,
    /// What it says.
    pub content: ContentRef<'a>,
    /// Written by this device (under its current log key or an earlier one).
    pub own: bool,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentRef<'a> {
    /// A text.
    Text(&'a str),
    /// Something that this version does not know: show that there is something.
    Unknown {
        /// The entry's kind.
        kind: u8,
        /// Its body.
        body: &'a [u8],
    },
}

/// A part of a history: up to some number of messages next to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The earliest ones.
    First,
    /// The latest ones.
    Last,
    /// Those that are shown next behind this message.
    After(EntryId),
    /// Those that are shown next before this message.
    Before(EntryId),
}

/// What happened in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelEvent {
    /// A message is stored and can be shown; [`Channel::message`](super::Channel::message) gives
    /// it.
    Message {
        /// The message.
        id: EntryId,
        /// The message it is shown behind; `None` if it is the first.
        after: Option<EntryId>,
        /// Written by this device.
        own: bool,
    },
    /// A device stored this own message and all own messages of the same chain before it.
    Delivered {
        /// The latest one.
        entry: EntryId,
        /// Who stored it.
        device: Device,
    },
    /// An author signed two different entries for one position. Entries of that chain from `seq` on
    /// are no longer shown; earlier ones stay.
    AuthorEquivocated {
        /// The chain.
        author: AuthorId,
        /// Whose it is.
        device: Device,
        /// The first position that is not shown.
        seq: u64,
    },
    /// Somebody holds entries of this device that it does not hold itself: its storage went back in
    /// time. The next own message starts a new chain. What was written meanwhile and is not stored
    /// yet is written again there, under a new id.
    OwnChainForked {
        /// The chain that is given up.
        author: AuthorId,
    },
    /// A member sent `info`, and it was checked: the file that the link stood for.
    Info(Box<ChatFile>),
    /// A limit is reached: entries are refused until there is room, and nothing stored is dropped.
    Full(FullReason),
}

//! Names of things: short, fixed-size, comparable.

use core::fmt;

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The raw bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            /// The first eight hex digits: enough to tell ids apart in a log.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str(")")
            }
        }

        impl From<[u8; $len]> for $name {
            fn from(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
        }
    };
}

byte_id!(
    /// A person: the Ed25519 public key of an identity (spec 03).
    PeerId,
    32
);
byte_id!(
    /// One device of an identity: 16 random bytes named in its certificate (spec 03).
    DeviceId,
    16
);
byte_id!(
    /// A channel: the first 20 bytes of `SHA-256(info)` of its `.chat` file (spec 02).
    ChannelId,
    20
);
byte_id!(
    /// What is announced to trackers and the DHT: looks like any BitTorrent infohash (spec 02).
    InfoHash,
    20
);
byte_id!(
    /// An entry of a channel's log: the BLAKE3 hash of its signed bytes (spec 09).
    EntryId,
    32
);
byte_id!(
    /// Names a session's receiver in the clear part of a packet; chosen at random by that receiver.
    ConnectionId,
    8
);

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident($repr:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub $repr);
    };
}

handle!(
    /// A UDP socket that the embedder opened for the node.
    SocketId(u32)
);
handle!(
    /// A byte stream (TCP, or TLS over it) that the embedder opened for the node.
    StreamId(u64)
);
handle!(
    /// Names an action that the embedder answers exactly once.
    RequestId(u64)
);
handle!(
    /// A link of this node, never reused in its lifetime.
    LinkId(u64)
);
handle!(
    /// A channel that this node has joined, never reused in its lifetime.
    ChannelHandle(u32)
);

/// A byte stream between this application and a member's, never reused in the node's lifetime.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PeerStream {
    /// The link that carries it.
    pub link: LinkId,
    /// Its number there.
    pub number: u64,
}

/// One device of one person: what a link leads to and what writes a log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Device {
    /// Whose device it is.
    pub peer: PeerId,
    /// Which of that person's devices.
    pub id: DeviceId,
}

#[cfg(test)]
mod tests;

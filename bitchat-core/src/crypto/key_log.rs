//! Lines of the key log (spec 13): session secrets as text, for those who debug a link with a
//! recording of its datagrams. Nothing is written unless the embedder asked for it in so many
//! words (BC-13.01).

use crate::base::ids::ConnectionId;
use crate::crypto::channel_keys::ChannelKeys;
use crate::crypto::noise::{Role, SealedWith};
use crate::crypto::suite::Secret;
use core::fmt::{self, Write as _};
use zeroize::Zeroizing;

/// Room for the longest line, so that no shorter copy of it is left behind in memory.
const MAX_LINE: usize = 256;

/// One line of the key log, without its line feed. It holds a secret: it is erased when dropped,
/// and `Debug` does not show it (BC-13.08).
#[derive(Clone, PartialEq, Eq)]
pub struct KeyLogLine(Zeroizing<String>);

/// Which way the packets of a key go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the session's initiator to its responder.
    ToResponder,
    /// From the session's responder to its initiator.
    ToInitiator,
}

/// The connection ids of a session, by which its packets are found in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionIds {
    /// The one in packets to the responder.
    pub to_responder: ConnectionId,
    /// The one in packets to the initiator.
    pub to_initiator: ConnectionId,
}

impl SessionIds {
    /// Those of a session of which this side is `role`; `local` is in packets to it.
    #[must_use]
    pub const fn new(role: Role, local: ConnectionId, remote: ConnectionId) -> Self {
        match role {
            Role::Initiator => Self { to_responder: remote, to_initiator: local },
            Role::Responder => Self { to_responder: local, to_initiator: remote },
        }
    }
}

impl KeyLogLine {
    /// The keys that open probes and handshakes of a channel.
    #[must_use]
    pub fn gate(keys: &ChannelKeys) -> [Self; 2] {
        let (chan, epoch) = (keys.chan(), keys.epoch());
        let line = |label, key| Self::new(label, &[&chan.0, &epoch.0], "", key);
        [line("BITCHAT1_GATE_MAC", &keys.mac), line("BITCHAT1_GATE_MASK", &keys.mask)]
    }

    /// What opens one sealed part of handshake message `message` (1 to 3). `anchor` finds the
    /// datagram: the first 8 bytes of the ephemeral key in hs1, the connection id in hs2 and hs3.
    #[must_use]
    pub fn handshake(message: u8, anchor: &[u8; 8], sealed: &SealedWith) -> Self {
        let middle = format!("{message} {} ", sealed.nonce);
        Self::new("BITCHAT1_HANDSHAKE", &[anchor, &sealed.hash], &middle, &sealed.key)
    }

    /// The key that masks the packets of one direction.
    #[must_use]
    pub fn mask(ids: SessionIds, direction: Direction, key: &Secret) -> Self {
        Self::session("BITCHAT1_MASK", ids, direction, "", key)
    }

    /// The key that seals the packets of one direction after `generation` renewals.
    #[must_use]
    pub fn packet(ids: SessionIds, direction: Direction, generation: u64, key: &Secret) -> Self {
        Self::session("BITCHAT1_PACKET", ids, direction, &format!("{generation} "), key)
    }

    /// A further connection id in packets of one direction, besides the one in `ids`. It is no
    /// secret of the session's, but shows who looks on that two paths belong together.
    #[must_use]
    pub fn further_id(ids: SessionIds, direction: Direction, further: ConnectionId) -> Self {
        let (first, name) = match direction {
            Direction::ToResponder => (ids.to_responder, "i2r"),
            Direction::ToInitiator => (ids.to_initiator, "r2i"),
        };
        Self::line("BITCHAT1_CONNECTION_ID", &[&first.0], &format!("{name} "), &further.0)
    }

    fn session(
        label: &str,
        ids: SessionIds,
        direction: Direction,
        middle: &str,
        key: &Secret,
    ) -> Self {
        let (this, other, name) = match direction {
            Direction::ToResponder => (ids.to_responder, ids.to_initiator, "i2r"),
            Direction::ToInitiator => (ids.to_initiator, ids.to_responder, "r2i"),
        };
        Self::new(label, &[&this.0, &other.0], &format!("{name} {middle}"), key)
    }

    /// label, public bytes in hex, words, the secret in hex (BC-13.03).
    fn new(label: &str, public: &[&[u8]], middle: &str, key: &Secret) -> Self {
        Self::line(label, public, middle, &key.0)
    }

    fn line(label: &str, public: &[&[u8]], middle: &str, last: &[u8]) -> Self {
        let mut line = Zeroizing::new(String::with_capacity(MAX_LINE));
        line.push_str(label);
        line.push(' ');
        for bytes in public {
            put_hex(&mut line, bytes);
            line.push(' ');
        }
        line.push_str(middle);
        put_hex(&mut line, last);
        debug_assert!(line.len() <= MAX_LINE, "room for the longest line");
        Self(line)
    }

    /// The text, to be written with a line feed behind it and to be kept nowhere else.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn put_hex(line: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(line, "{byte:02x}");
    }
}

impl fmt::Debug for KeyLogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLogLine")
    }
}

#[cfg(test)]
mod tests;

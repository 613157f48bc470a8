//! Floor 3: from a stranger's datagram to two sets of keys (spec 05, "Datagrams").
//!
//! ```text
//! initiator                                   responder
//!     probe        ─────────────────────────▶
//!                  ◀─────────────────────────  probe-ack: cookie            (stateless)
//!     hs1: cookie, Noise message 1 ─────────▶
//!                  ◀─────────────────────────  hs2: Noise message 2
//!     hs3: Noise message 3  ────────────────▶  established
//! established      ◀─────────────────────────  first packet of the session
//! ```
//!
//! One [`Initiator`] is one attempt; one [`Responder`] answers for the whole node. The parent opens
//! the gate's envelope, routes the body by its [kind](crate::crypto::gate::Kind), and carries out
//! the [`Effect`]s after every call.

mod initiator;
mod message;
mod responder;
mod secrets;
mod tie_break;

pub use self::initiator::{Initiator, Target};
pub use self::message::receiver;
pub use self::responder::{Responder, answer_probe};
pub use self::secrets::SessionSecrets;
pub use self::tie_break::{DuplicateSession, TieBreak, session_to_keep};

use crate::base::ids::{ChannelId, ConnectionId, Device, PeerId};
use crate::base::rng::Rng;
use crate::base::time::{Timestamp, UnixMillis};
use crate::crypto::channel_keys::{ChannelKeys, Epoch};
use crate::crypto::gate::CookieJar;
use crate::crypto::identity::{Certificate, CertificateError};
use crate::crypto::key_log::KeyLogLine;
use crate::crypto::noise::{HandshakeState, NoiseError, Role};
use crate::crypto::suite::{DhPublic, DhSecret, Secret, Suite};
use crate::wire::reader::DecodeError;
use core::net::SocketAddr;
use core::time::Duration;

/// Names one run of a node: random, new at every start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootId(pub [u8; 16]);

/// What a node says about itself in every handshake.
#[derive(Clone, Debug)]
pub struct Local {
    /// `S`, the device's static key.
    pub static_key: DhSecret,
    /// The certificate of that key.
    pub certificate: Certificate,
    /// What the node can do; unknown bits are ignored.
    pub features: u64,
    /// This run of the node.
    pub boot: BootId,
}

impl Local {
    /// What handshakes compute with: the back end of the static key.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.static_key.suite()
    }
}

/// What the node knows of other devices from earlier and present links.
pub trait Devices {
    /// The current and the previous secret shared with the device of this static key.
    fn secrets(&self, remote_static: &DhPublic) -> [Option<Secret>; 2];

    /// A living link leads to this run of the device already: an attempt that finds it at another
    /// address ends before it makes a session that nobody needs.
    fn is_linked(&self, device: &Device, boot: &BootId) -> bool;
}

/// What a machine needs from its parent for the length of one call.
pub struct Env<'a> {
    /// The time, for timers and cookies.
    pub now: Timestamp,
    /// The date, for envelopes and certificates.
    pub wall: UnixMillis,
    /// Who we are in this channel.
    pub local: &'a Local,
    /// The channel whose keys opened the datagram, or in which the attempt is made.
    pub keys: &'a ChannelKeys,
    /// The node's cookies.
    pub cookies: &'a CookieJar,
    /// What the node knows of other devices.
    pub devices: &'a dyn Devices,
    /// The node's randomness.
    pub rng: &'a mut Rng,
    /// The embedder asked for a key log (spec 13).
    pub key_log: bool,
    /// What is to be done: the parent acts on it when the call returns.
    pub effects: &'a mut Vec<Effect>,
}

impl Env<'_> {
    /// Logs what the parts of message `message` were sealed with, if that was asked for; `anchor`
    /// is what finds the datagram (BC-13.03).
    fn log_keys(&mut self, message: u8, anchor: &[u8], noise: &mut HandshakeState) {
        let Some(anchor) = anchor.first_chunk() else { return };
        for sealed in noise.take_log() {
            self.effects.push(Effect::KeyLog(KeyLogLine::handshake(message, anchor, &sealed)));
        }
    }
}

/// What a machine asks of its parent, or tells it.
#[derive(Debug)]
pub enum Effect {
    /// Send this datagram.
    Send {
        /// Its destination.
        to: SocketAddr,
        /// Its bytes.
        datagram: Vec<u8>,
    },
    /// A member says that our probes come from this address.
    Observed(SocketAddr),
    /// A session has keys. The initiator's is not [confirmed](Initiator::confirmed) yet.
    Established(Box<Established>),
    /// The session with this local connection id, established before by this attempt, has no
    /// counterpart: forget it. Another follows, or [`Effect::Failed`].
    Withdrawn(ConnectionId),
    /// The attempt is over.
    Failed(Failure),
    /// A line of the key log, where one was asked for.
    KeyLog(KeyLogLine),
}

/// A session with keys on our side.
#[derive(Debug)]
pub struct Established {
    /// Our side of the handshake.
    pub role: Role,
    /// The channel that both proved to belong to, and its epoch.
    pub channel: (ChannelId, Epoch),
    /// Who the peer is, as its certificate says.
    pub device: Device,
    /// The peer's certificate, verified; the link ends when the certificate does.
    pub certificate: Certificate,
    /// `S`, the static key of the peer, which the peer is proven to hold.
    pub remote_static: DhPublic,
    /// The connection id in packets to this side.
    pub local_cid: ConnectionId,
    /// The connection id in packets to the peer.
    pub remote_cid: ConnectionId,
    /// What the peer says that it can do.
    pub features: u64,
    /// The peer's run.
    pub boot: BootId,
    /// Names the session; equal on both sides.
    pub handshake_hash: [u8; 32],
    /// The session's keys.
    pub secrets: SessionSecrets,
    /// A resumption secret was mixed in, so the session is hybrid from its first byte.
    pub resumed: bool,
    /// That resumption secret was the pair's current one, and the peer, as the initiator, mixed it
    /// in: so the peer is proven to have the current secret.
    pub proven_current: bool,
    /// Where the peer is.
    pub remote: SocketAddr,
    /// The time from a message of this side to the peer's answer, with what the peer had to
    /// compute; `None` if the message was sent more than once, so that nobody knows which copy was
    /// answered. Where the answer was lost and repeated, the wait for the repetition counts as
    /// well, so the time may be too long.
    pub rtt: Option<Duration>,
}

impl Established {
    /// What [`session_to_keep`] compares. `local` is the static key of this side.
    #[must_use]
    pub fn tie_break(&self, local: &DhPublic) -> TieBreak {
        let initiator = match self.role {
            Role::Initiator => *local,
            Role::Responder => self.remote_static,
        };
        TieBreak { peer_boot: self.boot, initiator, handshake_hash: self.handshake_hash }
    }
}

/// Why an attempt ended without a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No probe was answered: nobody is there, or nobody of this channel.
    #[error("no member answers at this address")]
    Unreachable,
    /// The member does not go on with the handshake.
    #[error("the member answers probes but no handshake")]
    NoAnswer,
    /// No packet of the session arrived. The peer may have refused us: it stays silent then.
    #[error("the peer did not take up the session")]
    Unconfirmed,
    /// The address is our own.
    #[error("the address is this node's own")]
    Myself,
    /// The device is linked already.
    #[error("another link leads to this device already")]
    Linked(Device),
    /// Somebody else is there.
    #[error("another peer than expected is at this address")]
    WrongPeer(PeerId),
    /// The peer's certificate is not acceptable.
    #[error("the peer's certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// The certificate is about another key than the peer's.
    #[error("the peer's certificate belongs to another device")]
    OtherKey,
}

/// Why a datagram was dropped. The parent counts it; nothing else happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It answers nothing that is under way: late, repeated or invented.
    #[error("nothing under way awaits it")]
    NotAwaited,
    /// The probe was answered before.
    #[error("a probe is answered once")]
    Repeated,
    /// The probe is this node's own: somebody sent it back.
    #[error("a node does not answer its own probe")]
    Own,
    /// It came from another address than the attempt is about.
    #[error("it came from another address")]
    OtherAddress,
    /// The cookie is not ours, not for this address, or too old.
    #[error("the cookie is not valid for this address")]
    Cookie,
    /// Too many handshakes from the same network are under way, or too much in place of an answer
    /// did not authenticate.
    #[error("too many handshakes from one network, or forgeries of one answer")]
    TooMany,
    /// It is not laid out as its kind should be.
    #[error("malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// Noise refused it.
    #[error("handshake: {0}")]
    Noise(#[from] NoiseError),
    /// The peer is not acceptable.
    #[error("refused: {0}")]
    Peer(#[from] Failure),
}

#[cfg(test)]
mod tests;

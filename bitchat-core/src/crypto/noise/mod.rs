//! The Noise Protocol Framework, revision 34: patterns XX, KK and X with any psk modifiers, over
//! `25519_ChaChaPoly_BLAKE2s` (spec 05).
//!
//! [`HandshakeState`] turns payloads into handshake messages and back; [`CipherState`] is what a
//! finished handshake's keys are used with where no packet protection of our own is. Nothing here
//! draws randomness: ephemeral keys come in as arguments.

mod cipher_state;
mod handshake_state;
mod pattern;
mod symmetric_state;

pub use cipher_state::CipherState;
pub use handshake_state::{HandshakeState, Params};
pub use pattern::{Pattern, Role};
pub use symmetric_state::SealedWith;

/// Bytes that a Noise message has at most (rev. 34 §3, BC-05.08).
pub const MAX_MESSAGE_LEN: usize = 65_535;

/// Bytes of an X25519 public key (`DHLEN`).
const DH_LEN: usize = 32;

/// Why a handshake cannot go on.
///
/// The first group is the caller's mistake, the second the peer's fault; both leave the state as it
/// was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoiseError {
    /// The position is not one of this handshake, is given out of order, or was used already.
    #[error("psk{0} is not awaited: name positions once, ascending, at most one past the messages")]
    PskPosition(u8),
    /// A psk is needed and was not set.
    #[error("psk{0} is needed: call set_psk first")]
    PskMissing(u8),
    /// The pattern needs our static key.
    #[error("the pattern needs a local static key")]
    LocalStaticMissing,
    /// The pattern needs the peer's static key beforehand.
    #[error("the pattern needs the remote static key beforehand")]
    RemoteStaticMissing,
    /// The pattern transmits the peer's static key, so it must not be given.
    #[error("the pattern transmits the remote static key: do not give one, compare afterwards")]
    RemoteStaticUnexpected,
    /// The next message has an `e` token and no ephemeral key was given.
    #[error("the next message needs a fresh ephemeral key")]
    EphemeralMissing,
    /// The next message has no `e` token but an ephemeral key was given.
    #[error("the next message takes no ephemeral key")]
    EphemeralUnexpected,
    /// Writing where reading is due, or the other way round, or the handshake is over.
    #[error("it is not the turn for this message")]
    OutOfTurn,
    /// Only a finished handshake has keys.
    #[error("the handshake is not finished")]
    NotFinished,
    /// The next message carries no static key to look at.
    #[error("the next message carries no static key")]
    NoStaticKey,
    /// The key was used for 2^64 - 1 messages.
    #[error("the key is used up: make a new handshake")]
    NonceExhausted,
    /// More than [`MAX_MESSAGE_LEN`] bytes, to be written or received.
    #[error("a Noise message has at most 65535 bytes")]
    TooLong,

    /// The message ends inside a key or tag.
    #[error("the message is too short")]
    TooShort,
    /// The peer's key is of small order: the shared secret would be known to all.
    #[error("the peer's key is of small order")]
    WeakKey,
    /// The message does not authenticate.
    #[error("the message does not authenticate")]
    Auth,
}

#[cfg(test)]
mod tests;

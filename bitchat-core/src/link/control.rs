//! Messages of the control stream, and the first message of every other stream (spec 08 §Control).

use super::size::PACKET_LEN;
use crate::wire::reader::{DecodeError, Reader};
use crate::wire::writer::Put;
use bytes::BufMut;

/// Bytes of a slot token.
pub const TOKEN_LEN: usize = 16;
/// Tokens in one message come in multiples of this, so that their number says little.
pub const TOKENS_STEP: usize = 16;

/// A message of the control stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control<'a> {
    /// Starts a rekey; see [`session::rekey`](super::session::rekey).
    RekeyInit(&'a [u8]),
    /// Answers it.
    RekeyResponse(&'a [u8]),
    /// The responder asks the initiator for a rekey.
    RekeyAsk,
    /// The sender's channels, in disguise: the token at position `i` is its slot `base + i`.
    SlotTokens {
        /// How many tokens its sender sent before.
        base: u64,
        /// The tokens.
        tokens: &'a [[u8; TOKEN_LEN]],
    },
    /// The sender left the channel of one of its slots.
    SlotClose {
        /// Its sender's slot.
        slot: u64,
    },
    /// The sender takes UDP payloads of up to so many bytes.
    MaxDatagram(u64),
    /// A kind of message that this version does not know: skipped (BC-08.03).
    Unknown,
}

const REKEY_INIT: u8 = 1;
const REKEY_RESPONSE: u8 = 2;
const REKEY_ASK: u8 = 3;
const SLOT_TOKENS: u8 = 4;
const SLOT_CLOSE: u8 = 5;
const MAX_DATAGRAM: u8 = 6;

impl<'a> Control<'a> {
    /// Reads a message, without the length in front of it.
    ///
    /// # Errors
    /// [`DecodeError`] if a known kind of message is malformed.
    pub fn decode(message: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(message);
        let decoded = match reader.u8()? {
            REKEY_INIT => Self::RekeyInit(reader.rest()),
            REKEY_RESPONSE => Self::RekeyResponse(reader.rest()),
            REKEY_ASK => Self::RekeyAsk,
            SLOT_TOKENS => {
                let base = reader.varint()?;
                let (tokens, odd) = reader.rest().as_chunks::<TOKEN_LEN>();
                if !odd.is_empty() || tokens.is_empty() || tokens.len() % TOKENS_STEP != 0 {
                    return Err(DecodeError::Invalid("tokens"));
                }
                Self::SlotTokens { base, tokens }
            }
            MAX_DATAGRAM => {
                let bytes = reader.varint()?;
                // BC-07.61
                if bytes < PACKET_LEN as u64 {
                    return Err(DecodeError::Invalid("largest datagram"));
                }
                Self::MaxDatagram(bytes)
            }
            SLOT_CLOSE => Self::SlotClose { slot: reader.varint()? },
            _ => return Ok(Self::Unknown),
        };
        reader.finish()?;
        Ok(decoded)
    }

    /// The message as bytes, without the length in front of it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::RekeyInit(body) => {
                out.put_u8(REKEY_INIT);
                out.put_slice(body);
            }
            Self::RekeyResponse(body) => {
                out.put_u8(REKEY_RESPONSE);
                out.put_slice(body);
            }
            Self::RekeyAsk => out.put_u8(REKEY_ASK),
            Self::SlotTokens { base, tokens } => {
                out.put_u8(SLOT_TOKENS);
                out.put_varint(*base);
                out.put_slice(tokens.as_flattened());
            }
            Self::SlotClose { slot } => {
                out.put_u8(SLOT_CLOSE);
                out.put_varint(*slot);
            }
            Self::MaxDatagram(bytes) => {
                out.put_u8(MAX_DATAGRAM);
                out.put_varint(*bytes);
            }
            Self::Unknown => {}
        }
        out
    }
}

/// Protocols that a stream other than the control stream may speak (BC-08.90).
pub mod protocol {
    /// Messages of a channel, on one of its lanes.
    pub const CHANNEL: u64 = 0;
    /// Bytes of an application, between two members of a channel.
    pub const BYTES: u64 = 1;
}

/// Codes of RESET_STREAM and STOP_SENDING that a link sends itself; an application's are its own.
pub mod stream_code {
    /// The stream is not needed any more.
    pub const NO_ERROR: u64 = 0;
    /// It begins with the number of a protocol that its receiver does not speak.
    pub const UNKNOWN_PROTOCOL: u64 = 1;
    /// The application, or a limit, does not want it.
    pub const REFUSED: u64 = 2;
}

/// Bytes of the longest first message of a stream, whatever its protocol (BC-08.58).
pub const MAX_OPENING: usize = 256;
/// Bytes of the longest name of a byte stream.
pub const MAX_STREAM_NAME: usize = 128;
/// What the receiver of a byte stream writes first, once its application has accepted the stream.
pub const ACCEPTED: u8 = 1;

/// The first message of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening<'a> {
    /// Messages of a channel follow.
    Lane(StreamHeader),
    /// Bytes of an application follow, in both directions.
    Bytes {
        /// The sender's slot.
        slot: u64,
        /// What the stream is for, in the application's words.
        name: &'a str,
    },
    /// A protocol that this version does not know.
    Unknown(u64),
}

impl<'a> Opening<'a> {
    /// Reads the first message of a stream.
    ///
    /// # Errors
    /// [`DecodeError`] if it is no opening, or one of a known protocol that is malformed.
    pub fn decode(message: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(message);
        match reader.varint()? {
            protocol::CHANNEL => {
                let (slot, lane) = (reader.varint()?, Lane::read(&mut reader)?);
                reader.finish()?;
                Ok(Self::Lane(StreamHeader { slot, lane }))
            }
            protocol::BYTES => {
                let slot = reader.varint()?;
                let name = core::str::from_utf8(reader.rest())
                    .map_err(|_| DecodeError::Invalid("name of a stream"))?;
                if name.is_empty() || name.len() > MAX_STREAM_NAME {
                    return Err(DecodeError::Invalid("name of a stream"));
                }
                Ok(Self::Bytes { slot, name })
            }
            protocol => Ok(Self::Unknown(protocol)),
        }
    }

    /// The message as bytes, without the length in front of it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Lane(header) => {
                out.put_varint(protocol::CHANNEL);
                out.put_varint(header.slot);
                out.put_u8(header.lane as u8);
            }
            Self::Bytes { slot, name } => {
                out.put_varint(protocol::BYTES);
                out.put_varint(*slot);
                out.put_slice(name.as_bytes());
            }
            Self::Unknown(protocol) => out.put_varint(*protocol),
        }
        out
    }
}

/// What a stream of a channel carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamHeader {
    /// The sender's slot.
    pub slot: u64,
    /// Messages of this urgency.
    pub lane: Lane,
}

/// The streams that a slot has in each direction, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Small messages that others wait for.
    Sync,
    /// What somebody just wrote.
    Chat,
    /// What was written earlier.
    History,
}

impl Lane {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sync, Self::Chat, Self::History];

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8()? {
            0 => Ok(Self::Sync),
            1 => Ok(Self::Chat),
            2 => Ok(Self::History),
            _ => Err(DecodeError::Invalid("lane")),
        }
    }
}

impl StreamHeader {
    /// Reads the first message of a stream of a channel.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn decode(message: &[u8]) -> Result<Self, DecodeError> {
        match Opening::decode(message)? {
            Opening::Lane(header) => Ok(header),
            Opening::Bytes { .. } | Opening::Unknown(_) => Err(DecodeError::Invalid("protocol")),
        }
    }

    /// The header as bytes, without the length in front of it.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        Opening::Lane(self).encode()
    }
}

#[cfg(test)]
mod tests;

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
    /// Starts a rekey; see [`super::rekey`].
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

/// What a stream other than the control stream carries, said in its first message.
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
}

impl StreamHeader {
    /// Bytes of the longest: a slot of eight bytes, and the lane.
    pub const MAX_LEN: usize = 9;

    /// Reads the first message of a stream.
    ///
    /// # Errors
    /// [`DecodeError`] if it is not a header.
    pub fn decode(message: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(message);
        let slot = reader.varint()?;
        let lane = match reader.u8()? {
            0 => Lane::Sync,
            1 => Lane::Chat,
            2 => Lane::History,
            _ => return Err(DecodeError::Invalid("lane")),
        };
        reader.finish()?;
        Ok(Self { slot, lane })
    }

    /// The header as bytes, without the length in front of it.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_varint(self.slot);
        out.put_u8(match self.lane {
            Lane::Sync => 0,
            Lane::Chat => 1,
            Lane::History => 2,
        });
        out
    }
}

#[cfg(test)]
mod tests;

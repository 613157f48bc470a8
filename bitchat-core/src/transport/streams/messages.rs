//! Messages on a stream: each behind its length as a varint (BC-07.23).

use crate::wire::reader::Reader;
use crate::wire::varint;
use crate::wire::writer::Put;
use bytes::{Buf, Bytes, BytesMut};

/// A peer's message cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// It is longer than allowed (BC-07.24).
    #[error("a message of {len} bytes is above the limit of {limit}")]
    TooLong {
        /// The length claimed.
        len: u64,
        /// The most that is allowed.
        limit: usize,
    },
    /// It has not even a type (BC-07.24).
    #[error("an empty message")]
    Empty,
}

/// The length in front of a message, as it travels.
#[derive(Clone, Copy, Debug)]
pub struct MessageLength {
    bytes: [u8; 8],
    len: usize,
}

impl MessageLength {
    /// That of `message`.
    #[must_use]
    pub fn of(message: &[u8]) -> Self {
        let mut bytes = [0; 8];
        let len = message.len() as u64;
        (&mut bytes[..]).put_varint(len);
        Self { bytes, len: varint::len(len) }
    }

    /// One to eight bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Bytes by which the buffer of a reader grows at least.
const GROWTH: usize = 4_096;

/// Cuts the bytes of a stream into messages.
///
/// Messages are parts of the buffer that the bytes were copied to, and the buffer is used again as
/// soon as they are dropped. Memory grows with what arrived, never with what a length claims.
#[derive(Debug)]
pub struct MessageReader {
    limit: usize,
    /// What was pushed and not taken.
    bytes: BytesMut,
}

impl MessageReader {
    /// A reader of messages of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, bytes: BytesMut::new() }
    }

    /// Appends the next bytes of the stream. Take all messages with
    /// [`next_message`](Self::next_message) before the next call: what is not taken piles up.
    pub fn push(&mut self, data: &[u8]) {
        if self.bytes.capacity() - self.bytes.len() < data.len() {
            self.bytes.reserve(data.len().max(GROWTH));
        }
        self.bytes.extend_from_slice(data);
    }

    /// From now on messages may have `limit` bytes.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Everything that was pushed and not taken, for a stream that goes on without messages.
    #[must_use]
    pub fn take_rest(&mut self) -> Bytes {
        self.bytes.split().freeze()
    }

    /// Bytes held of messages that are not complete or not taken.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.bytes.len()
    }

    /// The next complete message, without its length.
    ///
    /// # Errors
    /// [`MessageError`] if the peer's message is empty or too long; the stream cannot be read on.
    pub fn next_message(&mut self) -> Result<Option<Bytes>, MessageError> {
        let Some((header, len)) = self.header()? else { return Ok(None) };
        let whole = header + len;
        if self.bytes.len() < whole {
            return Ok(None);
        }
        let mut message = self.bytes.split_to(whole);
        message.advance(header);
        Ok(Some(message.freeze()))
    }

    /// Bytes of the length field and its value, once they are there.
    fn header(&self) -> Result<Option<(usize, usize)>, MessageError> {
        let Ok(len) = Reader::new(&self.bytes).varint() else { return Ok(None) };
        match usize::try_from(len) {
            Ok(0) => Err(MessageError::Empty),
            Ok(value) if value <= self.limit => {
                let first = self.bytes.first().copied().unwrap_or_default();
                Ok(Some((varint::len_from_first(first), value)))
            }
            _ => Err(MessageError::TooLong { len, limit: self.limit }),
        }
    }

    /// Gives back the memory that is held for the next message if none has begun.
    pub fn shrink(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = BytesMut::new();
        }
    }
}

#[cfg(test)]
mod tests;

//! Messages on a stream: each behind its length as a varint (BC-07.23).

use crate::wire::varint;
use crate::wire::writer::Put;
use bytes::{Buf, BufMut, Bytes, BytesMut};

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

/// One message in one buffer: the length, then `parts` one after the other.
#[must_use]
pub fn encode_message(parts: &[&[u8]]) -> Bytes {
    let len = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut out = BytesMut::with_capacity(varint::len(len as u64) + len);
    out.put_varint(len as u64);
    parts.iter().for_each(|part| out.put_slice(part));
    out.freeze()
}

/// Cuts the bytes of a stream into messages.
///
/// Holds at most one incomplete message and the chunk that was pushed last; memory grows with what
/// arrived, never with what a length claims.
#[derive(Debug)]
pub struct MessageReader {
    limit: usize,
    /// The chunk pushed last, as far as it was not taken.
    chunk: Bytes,
    /// The beginning of a message that the chunks so far did not complete.
    partial: BytesMut,
}

impl MessageReader {
    /// A reader of messages of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, chunk: Bytes::new(), partial: BytesMut::new() }
    }

    /// Appends the next bytes of the stream. Take all messages with
    /// [`next_message`](Self::next_message) first, else what is left is copied.
    pub fn push(&mut self, chunk: Bytes) {
        if !self.chunk.is_empty() {
            let rest = core::mem::take(&mut self.chunk);
            self.partial.extend_from_slice(&rest);
        }
        self.chunk = chunk;
    }

    /// Bytes held of messages that are not complete or not taken.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.partial.len() + self.chunk.len()
    }

    /// The next complete message, without its length.
    ///
    /// # Errors
    /// [`MessageError`] if the peer's message is empty or too long; the stream cannot be read on.
    pub fn next_message(&mut self) -> Result<Option<Bytes>, MessageError> {
        let Some((header, len)) = self.header()? else {
            self.keep();
            return Ok(None);
        };
        let whole = header + len;
        if self.buffered() < whole {
            self.keep();
            return Ok(None);
        }
        if self.partial.is_empty() {
            let mut message = self.chunk.split_to(whole);
            message.advance(header);
            return Ok(Some(message));
        }
        let missing = whole.saturating_sub(self.partial.len());
        let end = self.chunk.split_to(missing);
        self.partial.extend_from_slice(&end);
        let mut message = self.partial.split_to(whole).freeze();
        message.advance(header);
        Ok(Some(message))
    }

    /// Bytes of the length field and its value, once they are there.
    fn header(&self) -> Result<Option<(usize, usize)>, MessageError> {
        let mut bytes = self.partial.iter().chain(self.chunk.iter()).copied();
        let Some(first) = bytes.next() else { return Ok(None) };
        let header = varint::len_from_first(first);
        if self.buffered() < header {
            return Ok(None);
        }
        let rest = bytes.take(header - 1);
        let len = rest.fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(byte));
        match usize::try_from(len) {
            Ok(0) => Err(MessageError::Empty),
            Ok(len) if len <= self.limit => Ok(Some((header, len))),
            _ => Err(MessageError::TooLong { len, limit: self.limit }),
        }
    }

    /// Moves what is left of the chunk to the incomplete message.
    fn keep(&mut self) {
        let rest = core::mem::take(&mut self.chunk);
        self.partial.extend_from_slice(&rest);
    }
}

#[cfg(test)]
mod tests;

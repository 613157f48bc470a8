//! A cursor over received bytes: every length is checked before it is believed (BC-01.04).

use super::varint;

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input ends inside a value.
    #[error("the input ends inside a value")]
    UnexpectedEnd,
    /// Bytes follow where the input should have ended.
    #[error("{0} bytes follow where the input should have ended")]
    TrailingBytes(usize),
    /// A length is above what is allowed there.
    #[error("a length of {found} is above the limit of {limit}")]
    TooLong {
        /// The length claimed.
        found: u64,
        /// The most that is allowed.
        limit: u64,
    },
    /// A value is outside its range; the field is named.
    #[error("the field `{0}` has an invalid value")]
    Invalid(&'static str),
}

/// Reads values from the front of a byte string. Integers are little-endian unless named `_be`
/// (BC-01.01).
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes not yet read.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Everything has been read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// [`DecodeError::UnexpectedEnd`] if there are fewer.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, tail) = self.rest.split_at_checked(len).ok_or(DecodeError::UnexpectedEnd)?;
        self.rest = tail;
        Ok(head)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`DecodeError::UnexpectedEnd`] if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, tail) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::UnexpectedEnd)?;
        self.rest = tail;
        Ok(*head)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`DecodeError::UnexpectedEnd`] at the end.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A 16-bit integer, little-endian.
    ///
    /// # Errors
    /// [`DecodeError::UnexpectedEnd`] if bytes are missing.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    /// A 32-bit integer, little-endian.
    ///
    /// # Errors
    /// [`DecodeError::UnexpectedEnd`] if bytes are missing.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// A 64-bit integer, little-endian.
    ///
    /// # Errors
    /// [`DecodeError::UnexpectedEnd`] if bytes are missing.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A varint (RFC 9000 §16), any of its encodings (BC-01.02).
    ///
    /// # Errors
    /// [`DecodeError::UnexpectedEnd`] if bytes are missing.
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        let first = *self.rest.first().ok_or(DecodeError::UnexpectedEnd)?;
        Ok(match varint::len_from_first(first) {
            1 => u64::from(self.u8()? & 0x3f),
            2 => u64::from(u16::from_be_bytes(self.array()?) & 0x3fff),
            4 => u64::from(u32::from_be_bytes(self.array()?) & 0x3fff_ffff),
            _ => u64::from_be_bytes(self.array()?) & varint::MAX,
        })
    }

    /// A byte string behind its varint length, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] above `limit`, [`DecodeError::UnexpectedEnd`] if bytes are missing.
    pub fn prefixed(&mut self, limit: usize) -> Result<&'a [u8], DecodeError> {
        let found = self.varint()?;
        match usize::try_from(found) {
            Ok(len) if len <= limit => self.bytes(len),
            _ => Err(DecodeError::TooLong { found, limit: limit as u64 }),
        }
    }

    /// Skips the zero bytes at the front and returns how many there were.
    pub fn skip_zeros(&mut self) -> usize {
        let zeros = self.rest.iter().take_while(|&&byte| byte == 0).count();
        self.rest = &self.rest[zeros..];
        zeros
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Ends the reading where nothing may follow (BC-01.05).
    ///
    /// # Errors
    /// [`DecodeError::TrailingBytes`] if anything does.
    pub const fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes(self.rest.len())) }
    }
}

#[cfg(test)]
mod tests;

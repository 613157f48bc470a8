//! Writing values: [`Put`] adds what the protocol needs to every [`bytes::BufMut`].

use super::varint;
use bytes::BufMut;

/// Appends protocol values. On a fixed-size buffer the caller has checked that there is room.
pub trait Put: BufMut {
    /// Appends `value` as the shortest varint (RFC 9000 §16, BC-01.03). `value` is at most [`varint::MAX`].
    #[expect(clippy::cast_possible_truncation, reason = "the arm says how wide the value is")]
    fn put_varint(&mut self, value: u64) {
        debug_assert!(value <= varint::MAX, "not representable as a varint");
        match varint::len(value) {
            1 => self.put_u8(value as u8),
            2 => self.put_u16(0x4000 | value as u16),
            4 => self.put_u32(0x8000_0000 | value as u32),
            _ => self.put_u64(0xc000_0000_0000_0000 | value),
        }
    }

    /// Appends `bytes` behind their length as a varint.
    fn put_prefixed(&mut self, bytes: &[u8]) {
        self.put_varint(bytes.len() as u64);
        self.put_slice(bytes);
    }
}

impl<B: BufMut + ?Sized> Put for B {}

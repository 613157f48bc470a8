//! Variable-length integers as QUIC's (RFC 9000 §16): 1, 2, 4 or 8 bytes, big-endian, the first two
//! bits give the length.

/// The largest number that a varint can hold: 2^62 - 1.
pub const MAX: u64 = (1 << 62) - 1;

/// Bytes that `value` takes; values above [`MAX`] are not representable and count as 8.
#[must_use]
pub const fn len(value: u64) -> usize {
    match value {
        0..=0x3f => 1,
        0x40..=0x3fff => 2,
        0x4000..=0x3fff_ffff => 4,
        _ => 8,
    }
}

/// Bytes that the varint takes which starts with `first`.
#[must_use]
pub const fn len_from_first(first: u8) -> usize {
    1 << (first >> 6)
}

#[cfg(test)]
mod tests;

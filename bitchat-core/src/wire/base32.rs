//! Base 32 (RFC 4648 §6) without padding: text that survives dictation, file names and the compact
//! mode of a QR code.

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// `bytes` as lower-case text; the last character is filled up with zero bits.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for block in bytes.chunks(5) {
        let mut padded = [0; 8];
        padded[3..3 + block.len()].copy_from_slice(block);
        let bits = u64::from_be_bytes(padded);
        let letters = (block.len() * 8).div_ceil(5);
        (0..letters).for_each(|at| {
            let index = bits >> (35 - 5 * at) & 31;
            text.push(char::from(ALPHABET[index as usize]));
        });
    }
    text
}

/// The bytes of `text` in either case. `None` if a character is foreign, if the length is none that
/// [`encode`] makes, or if bits that should be zero are not: one byte string has one text (BC-01.12).
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let mut pending = 0_u64;
    let mut bits = 0;
    for letter in text.bytes() {
        let value = match letter.to_ascii_lowercase() {
            letter @ b'a'..=b'z' => letter - b'a',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        pending = pending << 5 | u64::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(pending >> bits).ok()?);
            pending &= (1 << bits) - 1;
        }
    }
    if bits < 5 && pending == 0 { Some(bytes) } else { None }
}

#[cfg(test)]
mod tests;

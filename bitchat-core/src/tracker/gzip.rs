//! Unpacking gzip (RFC 1952) of one member, with a limit on what comes out.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

const HEADER_CRC: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0xe0;
/// The output buffer starts with this many bytes and doubles.
const FIRST_OUTPUT: usize = 4 * 1024;

/// Why bytes are not a gzip file that we unpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GzipError {
    /// Not gzip, or a method or flag that does not exist.
    #[error("the gzip header is invalid")]
    Header,
    /// The compressed data ends early or is damaged.
    #[error("the compressed data is damaged")]
    Data,
    /// The unpacked data does not have the checksum or length that it should.
    #[error("the checksum of the unpacked data is wrong")]
    Checksum,
    /// The unpacked data is above the limit.
    #[error("the unpacked data is above the limit of {0} bytes")]
    TooLarge(usize),
}

/// Unpacks the gzip member at the front of `input`; what follows it is ignored. Holds at most
/// `limit` bytes of output (BC-10.13).
///
/// # Errors
/// [`GzipError`]; a bomb is [`GzipError::TooLarge`] as soon as `limit` is passed.
pub fn unpack(input: &[u8], limit: usize) -> Result<Vec<u8>, GzipError> {
    let deflated = skip_header(input).ok_or(GzipError::Header)?;
    let (output, used) = inflate(deflated, limit)?;
    let trailer = deflated.get(used..).and_then(|rest| rest.first_chunk::<8>());
    let &[c0, c1, c2, c3, l0, l1, l2, l3] = trailer.ok_or(GzipError::Data)?;
    let crc_fits = u32::from_le_bytes([c0, c1, c2, c3]) == crc32(&output);
    let len_fits = u32::try_from(output.len()) == Ok(u32::from_le_bytes([l0, l1, l2, l3]));
    if crc_fits && len_fits { Ok(output) } else { Err(GzipError::Checksum) }
}

fn inflate(input: &[u8], limit: usize) -> Result<(Vec<u8>, usize), GzipError> {
    let mut state = Box::<DecompressorOxide>::default();
    let mut output = vec![0; FIRST_OUTPUT.min(limit)];
    let (mut used, mut written) = (0, 0);
    loop {
        let rest = input.get(used..).unwrap_or_default();
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, read, wrote) = decompress(&mut state, rest, &mut output, written, flags);
        used += read;
        written += wrote;
        match status {
            TINFLStatus::Done => {
                output.truncate(written);
                return Ok((output, used));
            }
            TINFLStatus::HasMoreOutput if output.len() >= limit => {
                return Err(GzipError::TooLarge(limit));
            }
            TINFLStatus::HasMoreOutput => output.resize((output.len() * 2).min(limit), 0),
            _ => return Err(GzipError::Data),
        }
    }
}

/// What follows the header of a gzip member.
fn skip_header(input: &[u8]) -> Option<&[u8]> {
    let (&[magic0, magic1, method, flags, ..], mut rest) = input.split_first_chunk::<10>()?;
    if [magic0, magic1, method] != [0x1f, 0x8b, 8] || flags & RESERVED != 0 {
        return None;
    }
    if flags & EXTRA != 0 {
        let (len, tail) = rest.split_first_chunk::<2>()?;
        rest = tail.get(usize::from(u16::from_le_bytes(*len))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|&byte| byte == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & HEADER_CRC != 0 {
        let (expected, tail) = rest.split_first_chunk::<2>()?;
        let header = input.get(..input.len() - rest.len())?;
        if crc32(header) & 0xffff != u32::from(u16::from_le_bytes(*expected)) {
            return None;
        }
        rest = tail;
    }
    Some(rest)
}

/// The CRC-32 of ISO 3309, as RFC 1952 §8 gives it.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = crc_table();
    !bytes.iter().fold(!0, |crc, &byte| {
        let [low, ..] = crc.to_le_bytes();
        TABLE[usize::from(low ^ byte)] ^ crc >> 8
    })
}

const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0_u32;
    while index < 256 {
        let mut value = index;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { 0xedb8_8320 ^ value >> 1 } else { value >> 1 };
            bit += 1;
        }
        table[index as usize] = value;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests;

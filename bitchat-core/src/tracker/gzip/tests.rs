use super::*;
use miniz_oxide::deflate::compress_to_vec;
use proptest::prelude::*;

fn pack(data: &[u8], flags: u8, extras: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3];
    out.extend(extras);
    out.extend(compress_to_vec(data, 6));
    out.extend(crc32(data).to_le_bytes());
    out.extend(u32::try_from(data.len()).expect("short").to_le_bytes());
    out
}

#[test]
fn the_checksum_is_the_standard_one() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

#[test]
fn what_a_real_gzip_wrote() {
    // printf 'd8:intervali1800e5:peers0:e' | gzip -9n
    let packed = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b, 0xb1, 0xb0, 0xca, 0xcc,
        0x2b, 0x49, 0x2d, 0x2a, 0x4b, 0xcc, 0xc9, 0x34, 0xb4, 0x30, 0x30, 0x48, 0x35, 0xb5, 0x2a,
        0x48, 0x4d, 0x2d, 0x2a, 0x36, 0xb0, 0x4a, 0x05, 0x00, 0xab, 0xd9, 0x98, 0x92, 0x1b, 0x00,
        0x00, 0x00,
    ];
    assert_eq!(unpack(&packed, 100), Ok(b"d8:intervali1800e5:peers0:e".to_vec()));
}

#[test]
fn headers_with_all_their_parts() {
    let data = b"x".repeat(1_000);
    assert_eq!(unpack(&pack(&data, 0, b""), 1_000), Ok(data.clone()));
    let extras = b"\x03\x00abcname\0comment\0";
    assert_eq!(unpack(&pack(&data, EXTRA | NAME | COMMENT, extras), 1_000), Ok(data.clone()));
    let mut packed = pack(&data, HEADER_CRC, b"\0\0");
    assert_eq!(unpack(&packed, 1_000), Err(GzipError::Header));
    let crc = crc32(&packed[..10]).to_le_bytes();
    packed[10..12].copy_from_slice(&crc[..2]);
    assert_eq!(unpack(&packed, 1_000), Ok(data));
    assert_eq!(unpack(&pack(b"", 0x20, b""), 9), Err(GzipError::Header));
    let unfinished = [&[0x1f, 0x8b, 8, NAME, 1, 1, 1, 1, 2, 3][..], b"no end"].concat();
    assert_eq!(unpack(&unfinished, 9), Err(GzipError::Header));
}

#[test]
fn damage_and_bombs_are_found() {
    // BC-10.13
    let data = vec![b'a'; 10_000_000];
    let bomb = pack(&data, 0, b"");
    assert!(bomb.len() < 20_000, "{}", bomb.len());
    assert_eq!(unpack(&bomb, 256 * 1024), Err(GzipError::TooLarge(256 * 1024)));
    assert_eq!(unpack(&bomb, 0), Err(GzipError::TooLarge(0)));

    let good = pack(b"some text, some text, some text", 0, b"");
    assert!(unpack(&[&good[..], b"\r\n"].concat(), 100).is_ok(), "what follows is ignored");
    for end in 0..good.len() {
        assert!(unpack(&good[..end], 100).is_err(), "cut at {end}");
    }
    let mut wrong = good.clone();
    let at = wrong.len() - 5;
    wrong[at] ^= 1;
    assert_eq!(unpack(&wrong, 100), Err(GzipError::Checksum));
}

proptest! {
    #[test]
    fn anything_packed_comes_back(data in proptest::collection::vec(any::<u8>(), 0..5_000)) {
        prop_assert_eq!(unpack(&pack(&data, 0, b""), data.len()), Ok(data));
    }

    #[test]
    fn junk_never_panics_nor_grows(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let packed = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &data].concat();
        if let Ok(out) = unpack(&packed, 1_000) {
            prop_assert!(out.len() <= 1_000);
        }
    }
}

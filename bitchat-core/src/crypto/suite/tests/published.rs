//! Hashes and keyed hashes against values that others computed. Wycheproof has none for BLAKE2s.

use super::*;

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    assert_eq!(text.len(), 2 * N);
    core::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
}

/// 0, 1, 2, …
fn counting<const N: usize>(start: u8) -> [u8; N] {
    core::array::from_fn(|i| start + u8::try_from(i).unwrap())
}

/// `blake2s-kat.txt` of the BLAKE2 reference package: the key is 00…1f, the input 00, 01, 02, ….
#[test]
fn keyed_blake2s_known_answers() {
    let key = Secret(counting(0));
    for (len, expected) in [
        (0, "48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49"),
        (1, "40d15fee7c328830166ac3f918650f807e7e01e177258cdc0a39b11f598066f1"),
        (255, "3fb735061abc519dfe979e54c1ee5bfad0a9d858b3315bad34bde999efd724dd"),
    ] {
        let input = &counting::<255>(0)[..len];
        assert_eq!(prf(&key, &[input]).0, unhex(expected), "{len} bytes");
        let (front, back) = input.split_at(len / 3);
        assert_eq!(prf(&key, &[front, &[], back]).0, unhex(expected), "{len} bytes in parts");
    }
}

/// `hashlib.blake2s(bytes(range(255)), key=bytes(range(32)), digest_size=16)` of CPython.
#[test]
fn short_mac_as_cpython_computes_it() {
    let expected = unhex("cd075928ab7e6883e697fe7fd3ac43ee");
    let computed = mac(&Secret(counting(0)), &[&counting::<255>(0)]);
    assert_eq!(computed, expected);
    assert!(mac_eq(&computed, &expected));
    for bit in 0..128 {
        let mut other = expected;
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(!mac_eq(&computed, &other));
    }
}

/// `hashlib.blake2s(bytes(range(255)))` of CPython.
#[test]
fn hash_as_cpython_computes_it() {
    let expected = unhex("f03f5789d3336b80d002d59fdf918bdb775b00956ed5528e86aa994acb38fe2d");
    assert_eq!(hash(&[&counting::<255>(0)]), expected);
}

/// Rev. 34 §4.3 written with CPython's `hmac` and `hashlib.blake2s`: the chaining key is 00…1f, the
/// input 40…5f.
#[test]
fn hkdf_as_cpython_computes_it() {
    let expected = [
        "a308e29d3a10567bd1ac089e27310bd54ec6522ca2118240c3dd2416f7dc23fa",
        "c68caa124476385ed5f83d7aa98ebe58c9b636f48586d36061cf3781cc84b9a7",
        "089a9e4090ac20caaafab1a1e6d221242a8f1f547f4c2aea31d6312858451388",
    ]
    .map(|output| Secret(unhex(output)));
    let (chaining_key, input) = (Secret(counting(0)), counting::<32>(0x40));
    assert_eq!(hkdf::<3>(&chaining_key, &input), expected);
    assert_eq!(hkdf::<2>(&chaining_key, &input)[..], expected[..2]);
}

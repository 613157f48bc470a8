use super::*;
use crate::base::rng::{Rng, Seed};

/// The examples of BEP 42: address, last byte of the id, first three bytes (the third as far as 21
/// bits go).
const PUBLISHED: [([u8; 4], u8, [u8; 3]); 5] = [
    ([124, 31, 75, 21], 1, [0x5f, 0xbf, 0xbf]),
    ([21, 75, 31, 124], 86, [0x5a, 0x3c, 0xe9]),
    ([65, 23, 51, 170], 22, [0xa5, 0xd4, 0x32]),
    ([84, 124, 73, 14], 65, [0x1b, 0x03, 0x21]),
    ([43, 213, 53, 83], 90, [0xe5, 0x6f, 0x6c]),
];

#[test]
fn ids_fit_addresses_as_published() {
    for (ip, last, start) in PUBLISHED {
        let mut id = NodeId([0; 20]);
        id.0[..3].copy_from_slice(&start);
        id.0[19] = last;
        assert!(id.fits(ip.into()), "{ip:?}");
        id.0[1] ^= 1;
        assert!(!id.fits(ip.into()), "{ip:?}");
    }
}

#[test]
fn made_ids_fit_and_private_addresses_fit_any() {
    let mut rng = Rng::new(&Seed([1; 32])).public;
    for ip in ["8.8.4.4", "2600::1", "193.0.0.1"] {
        let ip: IpAddr = ip.parse().expect("an address");
        assert!(NodeId::for_address(ip, &mut rng).fits(ip));
        assert!(!NodeId([0x55; 20]).fits(ip));
    }
    assert!(NodeId([0x55; 20]).fits([192, 168, 1, 1].into()));
}

#[test]
fn the_checksum_is_castagnolis() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
}

#[test]
fn siblings_part_at_their_bit() {
    let mut rng = Rng::new(&Seed([2; 32])).public;
    let id = NodeId::random(&mut rng);
    for bits in 0..ID_BITS {
        assert_eq!(id.sibling(bits, &mut rng).distance(&id).common_bits(), bits);
    }
    assert_eq!(id.distance(&id).common_bits(), ID_BITS);
}

use super::*;
use crate::base::rng::{Rng, Seed};
use crate::wire::packet::{KeyPhase, PACKET_TAG_LEN};
use std::collections::BTreeSet;

const CID: ConnectionId = ConnectionId([0xc1; 8]);

fn mask_key() -> MaskKey {
    MaskKey::new(&Secret([1; 32]))
}

fn key(suite: Suite) -> PacketKey {
    PacketKey::new(suite, &Secret([2; 32]))
}

fn sealed(suite: Suite, header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; header.len()];
    packet.extend_from_slice(payload);
    packet.resize(packet.len() + PACKET_TAG_LEN, 0);
    key(suite).seal(&mask_key(), header, &mut packet).unwrap();
    packet
}

fn opened(
    suite: Suite,
    mut packet: Vec<u8>,
    largest: Option<u64>,
) -> Result<(Header, Vec<u8>), PacketError> {
    let header = mask_key().unmask(&mut packet, largest)?;
    let payload = key(suite).open(&header, &mut packet)?;
    Ok((header, packet[payload].to_vec()))
}

fn header(pn: u64, acked: Option<u64>) -> Header {
    Header::new(CID, KeyPhase::of_epoch(2), pn, acked)
}

/// BC-06.05, BC-06.06, BC-06.07
#[test]
fn packets_of_every_number_length_open_again() {
    for &suite in Suite::ALL {
        for (pn, acked) in [
            (0, None),
            (200, Some(100)),
            (1_000, Some(1)),
            (70_000, None),
            (1 << 40, Some(1 << 39)),
        ] {
            let header = header(pn, acked);
            let packet = sealed(suite, &header, b"frames");
            assert_eq!(packet[..8], CID.0, "the connection id is in the clear");
            assert_eq!(
                opened(suite, packet, Some(pn.saturating_sub(1))),
                Ok((header, b"frames".to_vec()))
            );
        }
    }
}

/// BC-06.04, BC-06.05, BC-06.07
#[test]
fn every_bit_of_a_packet_is_protected() {
    for &suite in Suite::ALL {
        let packet = sealed(suite, &header(5, None), b"hello");
        for at in 0..packet.len() {
            for bit in 0..8 {
                let mut changed = packet.clone();
                changed[at] ^= 1 << bit;
                assert!(opened(suite, changed, Some(4)).is_err(), "bit {bit} of byte {at}");
            }
            assert!(opened(suite, packet[..at].to_vec(), Some(4)).is_err(), "cut at {at}");
        }
    }
}

/// BC-06.06: the same bytes under another expectation give another number, thus another nonce.
#[test]
fn the_full_number_is_the_nonce() {
    for &suite in Suite::ALL {
        let packet = sealed(suite, &header(5, None), b"hello");
        assert_eq!(opened(suite, packet.clone(), Some(5 + 256)), Err(PacketError::Auth));
        assert!(opened(suite, packet, Some(100)).is_ok());
    }
}

/// BC-06.04
#[test]
fn a_packet_has_a_payload() {
    for &suite in Suite::ALL {
        let header = header(0, None);
        let mut empty = vec![0; header.overhead()];
        assert_eq!(key(suite).seal(&mask_key(), &header, &mut empty), Err(PacketError::Short));
        assert_eq!(empty, vec![0; header.overhead()]);
        assert_eq!(sealed(suite, &header, b"x").len(), MIN_PACKET_LEN);
        assert_eq!(opened(suite, vec![0; MIN_PACKET_LEN - 1], None), Err(PacketError::Short));
        // A number of four bytes leaves no payload in the shortest packet; never read past the end.
        let mut short = 0;
        for first in 0..=255 {
            let mut packet = vec![0; MIN_PACKET_LEN];
            packet[FLAGS_AT] = first;
            short += usize::from(mask_key().unmask(&mut packet, None) == Err(PacketError::Short));
        }
        assert_eq!(short, 12, "four phases, three lengths");
    }
}

/// BC-06.03
#[test]
fn reserved_flags_are_refused() {
    let mut accepted = 0;
    for flags in 0..=255 {
        let mut packet = vec![0; MIN_PACKET_LEN + 3];
        packet[FLAGS_AT] = flags;
        match mask_key().unmask(&mut packet, None) {
            Ok(_) => accepted += 1,
            Err(error) => assert_eq!(error, PacketError::Reserved),
        }
    }
    assert_eq!(accepted, 16);
}

/// BC-06.05: the entry for 16 bytes in the vectors of SipHash-2-4's reference implementation.
#[test]
fn the_mask_is_siphash_of_the_last_16_bytes() {
    let secret = Secret(core::array::from_fn(|at| u8::try_from(at).unwrap()));
    let mut packet = vec![0xff; 40];
    packet.extend(0..16);
    let mask = MaskKey::new(&secret).mask(&packet).unwrap();
    assert_eq!(u64::from_le_bytes(mask), 0x3f2a_cc7f_57c2_9bdb);
}

/// BC-06.10, BC-06.11: compared with a set that forgets nothing.
#[test]
fn the_window_agrees_with_a_set() {
    let mut rng = Rng::new(&Seed([3; 32])).public;
    for step in [3, 70, 5_000, 20_000] {
        let (mut window, mut set) = (ReplayWindow::default(), BTreeSet::new());
        for _ in 0..20_000 {
            let top = window.largest().map_or(0, |largest| largest + step);
            let pn = top.saturating_sub(rng.below(ReplayWindow::LEN + 2 * step));
            let in_window = pn + ReplayWindow::LEN > window.largest().unwrap_or(0);
            let expected = in_window && !set.contains(&pn);
            assert_eq!(window.is_new(pn), expected, "{pn} after {:?}", window.largest());
            assert_eq!(window.insert(pn), expected);
            if expected {
                set.insert(pn);
            }
        }
    }
}

/// BC-06.10
#[test]
fn the_window_holds_at_its_edges() {
    let mut window = ReplayWindow::default();
    assert_eq!(window.largest(), None);
    assert!(window.insert(0) && !window.insert(0));
    assert!(window.insert(ReplayWindow::LEN));
    assert!(!window.is_new(0), "just outside");
    assert!(window.insert(1), "just inside");
    assert!(window.insert(u64::MAX - 1) && !window.insert(u64::MAX - 1));
    assert!(!window.insert(u64::MAX));
    assert!(window.insert(u64::MAX - ReplayWindow::LEN));
    assert!(!window.insert(u64::MAX - 1 - ReplayWindow::LEN));
}

/// All that is made of secrets here is erased when it is dropped.
#[test]
fn keys_are_erased() {
    fn erased<T: ZeroizeOnDrop>() {}
    erased::<MaskKey>();
    erased::<Secret>();
}

use super::*;
use proptest::prelude::*;

/// BC-06.01, BC-06.02, BC-06.03
#[test]
fn the_header_is_laid_out_as_written() {
    let cid = ConnectionId([1, 2, 3, 4, 5, 6, 7, 8]);
    let header = Header::new(cid, KeyPhase::of_epoch(6), 0x0012_3456, Some(0x0011_0000));
    assert_eq!((header.len(), header.overhead()), (12, 28));
    let expected = [1, 2, 3, 4, 5, 6, 7, 8, 0b1010, 0x56, 0x34, 0x12];
    assert_eq!(header.encode()[..header.len()], expected);
    for flags in 0..=255 {
        match decode_flags(flags) {
            Some((phase, len)) => assert_eq!(encode_flags(phase, len), flags),
            None => assert!(flags >= 16),
        }
    }
}

#[test]
fn what_is_too_short_has_no_connection_id() {
    assert_eq!(connection_id(&[0; MIN_PACKET_LEN - 1]), None);
    assert_eq!(connection_id(&[7; MIN_PACKET_LEN]), Some(ConnectionId([7; 8])));
}

/// BC-06.08, BC-06.09: the examples of RFC 9000 §A.2 and §A.3.
#[test]
fn numbers_are_cut_and_grown_as_in_rfc_9000() {
    assert_eq!(pn_len(0xac_5c02, Some(0xab_e8b3)), 2);
    assert_eq!(pn_len(0xac_e8fe, Some(0xab_e8b3)), 3);
    assert_eq!(expand_pn(0x9b32, 2, Some(0xa82f_30ea)), 0xa82f_9b32);
    assert_eq!(pn_len(0, None), 1);
}

proptest! {
    /// BC-06.08, BC-06.09: whatever the receiver has seen from the last acknowledged number up to
    /// some way beyond this one, it finds the full number again.
    #[test]
    fn a_number_is_found_again(
        acked in prop_oneof![Just(None), (0..u64::MAX / 2).prop_map(Some)],
        ahead in prop_oneof![1..0x200_u64, 1..0x2_0000_u64, 1..0x200_0000_u64],
        place in 0.0..1.0,
    ) {
        let pn = acked.map_or(ahead - 1, |acked| acked + ahead);
        let len = pn_len(pn, acked);
        let truncated = pn & ((1 << (8 * len)) - 1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let seen = (ahead as f64 * place) as u64;
        let received = match acked {
            Some(acked) => Some(acked + seen),
            None => seen.checked_sub(1),
        };
        prop_assert_eq!(expand_pn(truncated, len, received), pn);
    }

    #[test]
    fn growing_never_overflows(truncated: u64, len in 0_usize..9, received: Option<u64>) {
        prop_assert_eq!(expand_pn(truncated, len, received) & 0xff, truncated & 0xff);
    }
}

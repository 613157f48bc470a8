use super::*;
use proptest::prelude::*;

/// Takes the next piece of at most `room` bytes.
fn piece(half: &mut SendHalf, room: u64) -> Option<(Range<u64>, bool, Vec<u8>)> {
    let piece = half.next_piece(u64::MAX, |_| Some(room))?;
    half.on_piece_sent(&piece);
    let mut out = vec![0; usize::try_from(piece.range.end - piece.range.start).expect("small")];
    half.copy(piece.range.start, &mut out);
    Some((piece.range, piece.fin, out))
}

fn on_acked(half: &mut SendHalf, range: Range<u64>, fin: bool) -> usize {
    half.on_acked(range, fin, &mut Pool::default())
}

fn half(parts: &[&'static [u8]]) -> SendHalf {
    let mut half = SendHalf::new();
    parts.iter().for_each(|part| half.write(part, &mut Pool::default()));
    half
}

/// BC-07.14
#[test]
fn lost_pieces_go_first_and_are_cut_anew() {
    let mut half = half(&[b"abc", b"def", b"ghi"]);
    half.finish();
    assert_eq!(piece(&mut half, 4), Some((0..4, false, b"abcd".to_vec())));
    assert_eq!(piece(&mut half, 3), Some((4..7, false, b"efg".to_vec())));
    half.on_lost(0..4, false);
    assert_eq!(piece(&mut half, 3), Some((0..3, false, b"abc".to_vec())));
    assert_eq!(on_acked(&mut half, 3..4, false), 0);
    assert_eq!(piece(&mut half, 9), Some((7..9, true, b"hi".to_vec())));
    assert_eq!(piece(&mut half, 9), None);
    assert_eq!(on_acked(&mut half, 0..3, false), 4);
    half.on_lost(7..9, true);
    assert_eq!(piece(&mut half, 9), Some((7..9, true, b"hi".to_vec())));
    assert_eq!(on_acked(&mut half, 7..9, true), 0);
    assert!(!half.is_over());
    assert_eq!(on_acked(&mut half, 4..7, false), 5);
    assert!(half.is_over() && half.blocks.len() == 0);
}

#[test]
fn a_late_end_travels_alone() {
    let mut half = half(&[b"abc"]);
    assert_eq!(piece(&mut half, 9), Some((0..3, false, b"abc".to_vec())));
    half.finish();
    assert_eq!(piece(&mut half, 9), Some((3..3, true, vec![])));
    half.on_lost(3..3, true);
    assert_eq!(piece(&mut half, 9), Some((3..3, true, vec![])));
    on_acked(&mut half, 3..3, true);
    assert!(!half.has_work(9) && !half.is_over());
    on_acked(&mut half, 0..3, false);
    assert!(half.is_over());
}

/// BC-07.17
#[test]
fn fresh_data_keeps_to_both_limits() {
    let mut half = SendHalf::new();
    half.write(&[0; 200_000], &mut Pool::default());
    let free = |_| Some(u64::MAX);
    let first = half.next_piece(1_000, free).expect("credit");
    assert_eq!((first.range.clone(), first.fresh), (0..1_000, 1_000));
    half.on_piece_sent(&first);
    assert!(half.next_piece(0, free).is_none() && half.waits_for_link());
    half.on_lost(0..1_000, false);
    assert_eq!(half.next_piece(0, free).map(|piece| piece.fresh), Some(0), "needs no credit");
    on_acked(&mut half, 0..1_000, false);
    let rest = half.next_piece(u64::MAX, free).expect("credit");
    assert_eq!(rest.range.end, INITIAL_MAX_STREAM_DATA);
    half.on_piece_sent(&rest);
    assert!(!half.has_work(u64::MAX) && !half.waits_for_link());
    assert!(half.raise_limit(INITIAL_MAX_STREAM_DATA + 1) && half.has_work(1));
    assert!(!half.raise_limit(5), "BC-07.27");
}

#[test]
fn a_reset_drops_everything() {
    let mut half = half(&[b"abcdef"]);
    piece(&mut half, 4);
    assert_eq!(half.reset(9, &mut Pool::default()), 6);
    assert_eq!(half.reset_pending(), Some((9, 4)));
    half.on_lost(0..4, false);
    assert_eq!(
        (half.has_work(9), on_acked(&mut half, 0..4, false), half.buffered()),
        (false, 0, 0)
    );
    half.on_reset(Step::Sent);
    assert_eq!(half.reset_pending(), None);
    half.on_reset(Step::Acked);
    half.on_reset(Step::Pending);
    assert!(half.is_over() && half.reset_pending().is_none());
}

proptest! {
    /// BC-07.14: whatever is lost and acknowledged in whatever order, the bytes are right and
    /// everything goes through.
    #[test]
    fn all_of_it_arrives(
        parts in prop::collection::vec(1usize..40, 1..20), rooms in prop::collection::vec(1u64..50, 1..40), fates in any::<u128>(),
    ) {
        let mut half = SendHalf::new();
        let mut all: Vec<u8> = Vec::new();
        for len in parts {
            let part: Vec<u8> = (0..len).map(|at| (all.len() + at).to_le_bytes()[0]).collect();
            all.extend(&part);
            half.write(&part, &mut Pool::default());
        }
        half.finish();
        let (mut got, mut freed, mut round) = (vec![false; all.len()], 0, 0);
        while !half.is_over() {
            let room = rooms[round % rooms.len()];
            if let Some((range, fin, data)) = piece(&mut half, room) {
                let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).expect("small"));
                prop_assert_eq!(&data[..], &all[start..end]);
                // Some are lost, some of those prove to have arrived later; in the end none is
                // lost.
                let fate = if round < 300 { fates >> (round % 128) & 3 } else { 0 };
                if fate & 1 == 1 {
                    half.on_lost(range.clone(), fin);
                }
                if fate != 1 {
                    freed += on_acked(&mut half, range, fin);
                    got[start..end].fill(true);
                }
            }
            round += 1;
            prop_assert!(round < 5_000, "never over");
        }
        prop_assert!(got.iter().all(|&byte| byte));
        prop_assert_eq!((freed, half.buffered()), (all.len(), 0));
    }
}

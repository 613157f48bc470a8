use super::*;
use proptest::prelude::*;

/// A piece arrives and nobody takes it at once.
fn keep(half: &mut RecvHalf, pool: &mut Pool, offset: u64, data: &[u8]) {
    half.check_size(offset + data.len() as u64, false).expect("within the window");
    assert_eq!(half.on_data(offset, data, pool, |_| false), 0);
}

/// BC-07.22: pieces that arrive back to front, one byte each, take the memory of their window.
#[test]
fn single_bytes_lie_side_by_side() {
    let (mut half, mut pool) = (RecvHalf::new(1 << 20), Pool::default());
    for at in (1..10_000u64).rev() {
        assert!(!half.refuses(&(at..at + 1), || 64));
        keep(&mut half, &mut pool, at, &[at.to_le_bytes()[0]]);
        assert!(!half.is_readable());
    }
    assert_eq!((half.blocks.len(), half.islands.ranges()), (3, 1));
    keep(&mut half, &mut pool, 0, &[0]);
    assert!(half.is_readable());
    let mut at = 0u64;
    while let Read::Data(data) = half.read(&mut pool) {
        for byte in data {
            assert_eq!(byte, at.to_le_bytes()[0]);
            at += 1;
        }
    }
    assert_eq!((at, half.blocks.len()), (10_000, 0));
}

proptest! {
    /// However pieces overlap, repeat and overtake each other, and whenever the application takes
    /// nothing for a while: every byte comes once and in order.
    #[test]
    fn every_byte_comes_once_and_in_order(
        pieces in prop::collection::vec((0u64..20_000, 1usize..6_000, any::<bool>()), 1..60),
    ) {
        let (mut half, mut pool) = (RecvHalf::new(1 << 20), Pool::default());
        let byte = |at: u64| (at ^ at >> 8).to_le_bytes()[0];
        let all: Vec<u8> = (0..26_000).map(byte).collect();
        let mut got = Vec::new();
        let whole = [(0, 26_000, true)];
        for (offset, len, takes) in pieces.into_iter().chain(whole) {
            let at = usize::try_from(offset).expect("small");
            half.check_size(offset + len as u64, false).expect("within the window");
            let before = half.position();
            let consumed = half.on_data(offset, &all[at..at + len], &mut pool, |data| {
                if takes {
                    got.extend_from_slice(data);
                }
                takes
            });
            prop_assert_eq!(consumed, half.position() - before);
            if takes {
                while let Read::Data(data) = half.read(&mut pool) {
                    got.extend_from_slice(&data);
                }
            }
            prop_assert_eq!(&got[..], &all[..got.len()]);
        }
        prop_assert_eq!((got.len(), half.blocks.len(), half.islands.ranges()), (26_000, 0, 0));
    }
}

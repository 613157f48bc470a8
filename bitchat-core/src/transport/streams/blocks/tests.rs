use super::*;
use proptest::prelude::*;

proptest! {
    /// What is written anywhere comes back, and blocks below the window return to the pool.
    #[test]
    fn bytes_stay_where_they_were_put(
        writes in prop::collection::vec((0u64..40_000, 1usize..9_000), 1..30), released in 0u64..50_000,
    ) {
        let (mut blocks, mut pool) = (Blocks::new(), Pool::default());
        let mut model = vec![None; 50_000];
        for (round, &(offset, len)) in writes.iter().enumerate() {
            let data = vec![round.to_le_bytes()[0]; len];
            blocks.write(offset, &data, &mut pool);
            let at = usize::try_from(offset).expect("small");
            model[at..at + len].fill(Some(data[0]));
        }
        let held = blocks.len();
        blocks.release(released, &mut pool);
        prop_assert_eq!(blocks.len() + pool.spare.len(), held);
        let kept = usize::try_from(released).expect("small") / BLOCK * BLOCK;
        for (offset, len) in writes {
            let from = usize::try_from(offset).expect("small").max(kept);
            let end = usize::try_from(offset).expect("small") + len;
            let mut out = vec![0; end.saturating_sub(from)];
            blocks.read(from as u64, &mut out);
            let expected: Vec<_> = model[from.min(end)..end].iter().flatten().copied().collect();
            prop_assert_eq!(out, expected);
        }
        blocks.clear(&mut pool);
        prop_assert_eq!((blocks.len(), pool.spare.len()), (0, held));
    }
}

/// Blocks are taken from the pool before new ones are made.
#[test]
fn blocks_are_used_again() {
    let (mut blocks, mut pool) = (Blocks::new(), Pool::default());
    for round in 0..100u64 {
        blocks.write(round * 5_000, &[7; 5_000], &mut pool);
        blocks.release((round + 1) * 5_000, &mut pool);
        assert!(blocks.len() + pool.spare.len() <= 3);
    }
    blocks.clear(&mut pool);
    pool.shrink();
    blocks.shrink();
    assert!(pool.spare.capacity() == 0 && blocks.blocks.capacity() == 0);
}

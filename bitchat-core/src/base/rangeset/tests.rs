use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

proptest! {
    #[test]
    fn behaves_like_a_set_of_numbers(ops in prop::collection::vec((any::<bool>(), 0u64..64, 0u64..20), 0..60)) {
        let (mut set, mut model) = (RangeSet::new(), BTreeSet::new());
        for (add, start, len) in ops {
            let range = start..start + len;
            let before = model.len();
            if add {
                model.extend(range.clone());
                prop_assert_eq!(set.insert(range), model.len() > before);
            } else {
                model.retain(|value| !range.contains(value));
                prop_assert_eq!(set.remove(range), model.len() < before);
            }
            prop_assert_eq!(set.iter().flatten().collect::<BTreeSet<_>>(), model.clone());
            prop_assert_eq!(set.count(), model.len() as u64);
            let ranges: Vec<_> = set.iter().collect();
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start), "touching: {:?}", ranges);
        }
        for within in [0..90, 10..50, 33..34, 7..7] {
            let missing: Vec<_> = within.clone().filter(|value| !model.contains(value)).collect();
            let gaps: Vec<_> = set.gaps(within.clone()).collect();
            prop_assert!(within.is_empty() || set.covers(&within) == gaps.is_empty());
            prop_assert!(gaps.windows(2).all(|pair| pair[0].end < pair[1].start), "touching: {:?}", gaps);
            prop_assert_eq!(gaps.into_iter().flatten().collect::<Vec<_>>(), missing);
        }
        for value in 0..90 {
            prop_assert_eq!(set.contains(value), model.contains(&value));
        }
        prop_assert_eq!(set.first().map(|range| range.start), model.first().copied());
        prop_assert_eq!(set.last().map(|range| range.end - 1), model.last().copied());
    }
}

#[test]
fn the_edges_of_the_number_range_do_not_wrap() {
    let mut set = RangeSet::new();
    assert!(set.insert_one(u64::MAX - 1));
    assert!(!set.insert_one(u64::MAX));
    assert!(set.contains(u64::MAX - 1));
    assert_eq!(set.pop_first(), Some(u64::MAX - 1..u64::MAX));
    assert!(set.is_empty());
}

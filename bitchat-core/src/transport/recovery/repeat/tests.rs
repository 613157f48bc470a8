use super::*;

const QUIET: PathLoad = PathLoad { in_flight: 100, loss: 0, rate: 1_000_000 };

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// BC-07.31
#[test]
fn once_and_a_little_later() {
    let mut repeater = Repeater::new(at(0));
    repeater.on_sent(at(0), 1, 100, QUIET);
    repeater.on_sent(at(5), 2, 100, QUIET);
    assert_eq!(repeater.deadline(), Some(at(15)));
    assert_eq!(repeater.pop_due(at(14)), None);
    assert_eq!(repeater.pop_due(at(15)), Some(1));
    assert_eq!(repeater.pop_due(at(15)), None);
    repeater.retain(|pn| pn != 2);
    assert_eq!((repeater.deadline(), repeater.pop_due(at(99))), (None, None));
}

/// BC-07.31
#[test]
fn a_bad_line_gets_a_third_copy_and_a_busy_one_only_if_it_loses() {
    let mut repeater = Repeater::new(at(0));
    repeater.on_sent(at(0), 1, 100, PathLoad { loss: 30, ..QUIET });
    assert_eq!(repeater.pop_due(at(15)), Some(1));
    assert_eq!(repeater.deadline(), Some(at(30)));
    assert_eq!(repeater.pop_due(at(30)), Some(1));
    assert_eq!(repeater.deadline(), None);
    repeater.on_sent(at(50), 2, 100, PathLoad { in_flight: 4_801, loss: 4, ..QUIET });
    assert_eq!(repeater.deadline(), None);
    repeater.on_sent(at(50), 2, 100, PathLoad { in_flight: 4_801, loss: 5, ..QUIET });
    assert_eq!(repeater.deadline(), Some(at(65)));
}

/// BC-07.31
#[test]
fn copies_are_few() {
    let mut repeater = Repeater::new(at(0));
    for pn in 0..100 {
        repeater.on_sent(at(0), pn, 10, QUIET);
    }
    assert_eq!((0..100).filter(|_| repeater.pop_due(at(15)).is_some()).count(), 16);
    for (rate, most) in [(1_000_000, 163_840), (40_000, 50_000)] {
        let mut repeater = Repeater::new(at(0));
        let mut repeated = 0;
        for millis in 0..10_000 {
            repeater.on_sent(at(millis), millis, 1_000, PathLoad { rate, loss: 100, ..QUIET });
            while repeater.pop_due(at(millis)).is_some() {
                repeated += 1_000;
            }
        }
        assert!(
            (most - 9_000..most + 5_000).contains(&repeated),
            "{repeated} bytes in ten seconds"
        );
    }
}

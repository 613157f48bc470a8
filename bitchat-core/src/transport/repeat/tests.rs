use super::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// BC-07.31
#[test]
fn once_and_a_little_later() {
    let mut repeater = Repeater::new(at(0));
    repeater.on_sent(at(0), 1, 100, 100);
    repeater.on_sent(at(5), 2, 100, 200);
    assert_eq!(repeater.deadline(), Some(at(15)));
    assert_eq!(repeater.pop_due(at(14)), None);
    assert_eq!(repeater.pop_due(at(15)), Some(1));
    assert_eq!(repeater.pop_due(at(15)), None);
    repeater.retain(|pn| pn != 2);
    assert_eq!((repeater.deadline(), repeater.pop_due(at(99))), (None, None));
}

/// BC-07.31
#[test]
fn only_while_little_is_in_flight_and_within_the_allowance() {
    let mut repeater = Repeater::new(at(0));
    repeater.on_sent(at(0), 1, 1_200, 4_801);
    assert_eq!(repeater.deadline(), None);
    for pn in 0..100 {
        repeater.on_sent(at(0), pn, 100, 100);
    }
    assert_eq!((0..100).filter(|_| repeater.pop_due(at(15)).is_some()).count(), 4);
    let mut repeated = 0;
    for millis in 0..10_000 {
        repeater.on_sent(at(millis), millis, 1_000, 1_000);
        while repeater.pop_due(at(millis)).is_some() {
            repeated += 1_000;
        }
    }
    assert!((150_000..170_000).contains(&repeated), "{repeated} bytes in ten seconds");
}

use super::*;

const TRIP: Option<Duration> = Some(Duration::from_millis(100));

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Credit for a window of 1,000 bytes, all of it consumed and granted anew at 0.
fn credit() -> ReceiveCredit {
    let mut credit = ReceiveCredit::new(1_000, 1_000);
    credit.on_received(1_000).expect("granted");
    assert!(credit.on_consumed(1_000));
    assert_eq!(credit.wanted_growth(at(0), TRIP), 0, "nothing to measure from");
    assert_eq!(credit.grant(), 2_000);
    credit
}

/// `bytes` arrive in pieces that are consumed at once.
fn consume(credit: &mut ReceiveCredit, bytes: u64) {
    for _ in 0..bytes / 100 {
        credit.on_received(100).expect("granted");
        credit.on_consumed(100);
    }
}

/// BC-07.80
#[test]
fn a_window_grows_if_it_is_consumed_in_less_than_six_round_trips() {
    for (bytes, millis, wanted) in
        [(300, 170, 1_000), (300, 190, 0), (900, 530, 1_000), (900, 550, 0)]
    {
        let mut credit = credit();
        consume(&mut credit, bytes);
        assert_eq!(credit.wanted_growth(at(millis), TRIP), wanted, "{bytes} in {millis} ms");
        assert_eq!(credit.wanted_growth(at(millis), None), 0, "no round trip is known");
    }
}

/// BC-07.83
#[test]
fn a_window_that_waits_for_repetitions_grows_sooner() {
    for (held, millis, wanted) in [(300, 350, 1_000), (300, 370, 0), (200, 230, 0)] {
        let mut credit = credit();
        consume(&mut credit, 300 - held);
        credit.on_received(held).expect("granted");
        credit.on_consumed(held);
        assert_eq!(credit.wanted_growth(at(millis), TRIP), wanted, "{held} held, {millis} ms");
    }
}

/// An announcement that is repeated soon after the first does not look like haste, and the
/// measurement goes on.
#[test]
fn a_repeated_announcement_changes_nothing() {
    let mut credit = credit();
    consume(&mut credit, 100);
    assert_eq!(credit.wanted_growth(at(10), TRIP), 0);
    consume(&mut credit, 200);
    assert_eq!(credit.wanted_growth(at(170), TRIP), 1_000);
}

use super::*;

const MS: Duration = Duration::from_millis(1);

#[test]
fn the_first_sample_replaces_the_guess() {
    let mut rtt = Rtt::new(MS * 333);
    assert_eq!(rtt.min(), None);
    rtt.update(MS * 40, MS * 25);
    assert_eq!((rtt.min(), rtt.smoothed(), rtt.variation()), (Some(MS * 40), MS * 40, MS * 20));
    assert_eq!(rtt.pto(MS * 25), MS * 145);
}

/// The clock jumped by four seconds while the first sample was under way. Found by a schedule: the link
/// did not repeat its first renewal for twelve seconds.
#[test]
fn a_first_sample_far_above_the_initial_round_trip_counts_as_a_second_one() {
    // BC-07.69
    let mut rtt = Rtt::new(MS * 240);
    rtt.update(MS * 4_240, Duration::ZERO);
    // Variation (3 * 120 + 4,000) / 4, smoothed (7 * 240 + 4,240) / 8.
    let expected = (MS * 1_090, MS * 740, Some(MS * 4_240));
    assert_eq!((rtt.variation(), rtt.smoothed(), rtt.min()), expected);
    rtt.update(MS * 240, Duration::ZERO);
    assert_eq!(rtt.min(), Some(MS * 240));

    let mut slow = Rtt::new(MS * 333);
    slow.update(MS * 999, Duration::ZERO);
    assert_eq!(
        (slow.variation(), slow.smoothed()),
        (MS * 999 / 2, MS * 999),
        "such paths there are"
    );
}

/// The figures follow RFC 9002 §5.3 by hand.
#[test]
fn later_samples_are_averaged() {
    let mut rtt = Rtt::new(MS * 333);
    rtt.update(MS * 40, Duration::ZERO);
    rtt.update(MS * 80, MS * 8);
    // Adjusted 72: variation (3 * 20 + 32) / 4, smoothed (7 * 40 + 72) / 8.
    assert_eq!((rtt.variation(), rtt.smoothed(), rtt.latest()), (MS * 23, MS * 44, MS * 80));
    assert_eq!(rtt.loss_delay(9), MS * 90);
}

#[test]
fn a_claimed_delay_cannot_undercut_the_minimum() {
    let mut rtt = Rtt::new(MS * 333);
    rtt.update(MS * 40, Duration::ZERO);
    rtt.update(MS * 48, MS * 20);
    assert_eq!(rtt.smoothed(), MS * 41, "the sample counts whole");
    rtt.update(MS * 30, Duration::ZERO);
    assert_eq!(rtt.min(), Some(MS * 30));
}

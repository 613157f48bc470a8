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

/// The clock jumped while a sample was under way: nothing was repeated for three times the jump,
/// and a keepalive put even that off. Found by a schedule.
#[test]
fn a_sample_counts_for_twice_the_probe_timeout_at_most() {
    // BC-07.69
    let mut rtt = Rtt::new(MS * 240);
    rtt.update(MS * 4_240, Duration::ZERO);
    assert_eq!(rtt.smoothed(), MS * 1_490, "(240 + 4 * 120 + 25) * 2");
    rtt.update(MS * 240, Duration::ZERO);
    assert_eq!(rtt.min(), Some(MS * 240));

    let mut known = Rtt::new(MS * 20);
    (0..8).for_each(|_| known.update(MS * 20, Duration::ZERO));
    known.update(MS * 40_020, Duration::ZERO);
    assert!(known.pto(MS * 25) < MS * 500, "{known:?}");
    assert!(known.loss_delay(9) < MS * 500, "{known:?}");

    let mut slow = Rtt::new(MS * 20);
    (0..8).for_each(|_| slow.update(MS * 20, Duration::ZERO));
    (0..6).for_each(|_| slow.update(MS * 2_000, Duration::ZERO));
    assert!(slow.pto(MS * 25) > MS * 2_000, "such paths there are: {slow:?}");
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

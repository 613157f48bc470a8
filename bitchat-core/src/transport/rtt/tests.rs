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

/// The figures follow RFC 9002 §5.3 by hand.
#[test]
fn later_samples_are_averaged() {
    let mut rtt = Rtt::new(MS);
    rtt.update(MS * 40, Duration::ZERO);
    rtt.update(MS * 80, MS * 8);
    // Adjusted 72: variation (3 * 20 + 32) / 4, smoothed (7 * 40 + 72) / 8.
    assert_eq!((rtt.variation(), rtt.smoothed(), rtt.latest()), (MS * 23, MS * 44, MS * 80));
    assert_eq!(rtt.loss_delay(9), MS * 90);
}

#[test]
fn a_claimed_delay_cannot_undercut_the_minimum() {
    let mut rtt = Rtt::new(MS);
    rtt.update(MS * 40, Duration::ZERO);
    rtt.update(MS * 48, MS * 20);
    assert_eq!(rtt.smoothed(), MS * 41, "the sample counts whole");
    rtt.update(MS * 30, Duration::ZERO);
    assert_eq!(rtt.min(), Some(MS * 30));
}

use super::*;

const MSS: u64 = 1_000;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn rtt() -> Rtt {
    Rtt::new(Duration::from_millis(100))
}

fn acked(sent_at: Timestamp) -> AckedPacket {
    AckedPacket { pn: 0, sent_at, bytes: MSS, app_limited: false }
}

fn loss(sent_at: Timestamp) -> Congestion {
    Congestion { sent_at, bytes: MSS, ..Congestion::default() }
}

/// A window of `packets` that has just met congestion at 1 s.
fn after_loss(packets: u64) -> Cubic {
    let mut cubic = Cubic::new(MSS);
    cubic.window.bytes = packets * MSS;
    cubic.on_congestion(at(1_000), loss(at(900)));
    cubic
}

#[test]
fn cube_roots_are_exact() {
    for root in [0_u128, 1, 2, 3, 10, 999, 4_217, 1 << 40] {
        let cube = root.pow(3);
        assert_eq!(u128::from(cube_root(cube)), root);
        assert_eq!(u128::from(cube_root(cube + 3 * root * root)), root);
        assert_eq!(u128::from(cube_root(cube.saturating_sub(1))), root.saturating_sub(1));
    }
}

/// BC-07.30; RFC 9438 §4.2: K = cbrt((W_max − cwnd) / C), W_cubic(0) = cwnd, W_cubic(K) = W_max.
#[test]
fn the_curve_is_that_of_the_rfc() {
    let cubic = after_loss(1_000);
    assert_eq!(cubic.window(), 700 * MSS, "beta is 0.7");
    let curve = cubic.begin(at(1_100));
    // cbrt(300 / 0.4) = 9.0856 s
    assert_eq!(curve.millis, 9_085);
    for (millis, packets) in [
        (0, 700.0_f64),
        (1_000, 1_000.0 + 0.4 * (1.0_f64 - 9.0856).powi(3)),
        (5_000, 1_000.0 + 0.4 * (5.0_f64 - 9.0856).powi(3)),
        (9_085, 1_000.0),
        (12_000, 1_000.0 + 0.4 * (12.0_f64 - 9.0856).powi(3)),
    ] {
        let window = cubic.window_at(&curve, Duration::from_millis(millis)) as f64 / MSS as f64;
        assert!(
            (window - packets).abs() < 0.2,
            "{window} packets after {millis} ms, not {packets}"
        );
    }
}

/// Acknowledges whole windows, a round trip of 100 ms each, until `millis`.
fn run(cubic: &mut Cubic, from: u64, millis: u64) {
    let mut now = from;
    while now < millis {
        let packets = cubic.window() / MSS;
        (0..packets).for_each(|_| cubic.on_acked(at(now), acked(at(now - 99)), &rtt()));
        now += 100;
    }
}

#[test]
fn the_window_follows_the_curve() {
    let mut cubic = after_loss(1_000);
    run(&mut cubic, 1_100, 1_100 + 9_100);
    let packets = cubic.window() / MSS;
    assert!((995..=1_001).contains(&packets), "{packets} packets at K");
    run(&mut cubic, 10_200, 10_200 + 5_000);
    // 0.4 * 5³ = 50 above, less the step of a round.
    let packets = cubic.window() / MSS;
    assert!((1_040..=1_055).contains(&packets), "{packets} packets five seconds later");
}

/// §4.3: on short or slow paths Reno is faster, and then it is followed.
#[test]
fn a_small_window_grows_as_renos() {
    let mut cubic = after_loss(20);
    assert_eq!(cubic.window(), 14 * MSS);
    // 9/17 packets a round: 11.3 rounds until 20 packets, then one a round.
    run(&mut cubic, 1_100, 1_100 + 1_100);
    let packets = cubic.window() as f64 / MSS as f64;
    assert!((packets - 19.6).abs() < 0.7, "{packets} packets after 11 rounds");
    run(&mut cubic, 2_200, 2_200 + 1_000);
    let later = cubic.window() as f64 / MSS as f64;
    assert!((later - packets - 9.5).abs() < 1.0, "{later} packets after ten more rounds");
}

#[test]
fn who_shrinks_twice_makes_room() {
    let mut cubic = after_loss(1_000);
    assert_eq!(cubic.max_window, 1_000 * MSS);
    cubic.on_congestion(at(2_000), loss(at(1_500)));
    assert_eq!((cubic.window(), cubic.max_window), (490 * MSS, 595 * MSS));
    cubic.on_congestion(at(2_100), loss(at(1_999)));
    assert_eq!(cubic.window(), 490 * MSS, "one event a flight");
    for round in 0..40 {
        cubic.on_congestion(at(3_000 + round * 100), loss(at(2_990 + round * 100)));
    }
    assert_eq!(cubic.window(), 2 * MSS, "never below two packets");
}

#[test]
fn idle_time_does_not_widen_the_window() {
    let mut cubic = after_loss(1_000);
    run(&mut cubic, 1_100, 5_000);
    let window = cubic.window();
    let idle = AckedPacket { app_limited: true, ..acked(at(3_600_000)) };
    cubic.on_acked(at(3_600_100), idle, &rtt());
    assert_eq!(cubic.window(), window);
    cubic.on_acked(at(3_600_200), acked(at(3_600_101)), &rtt());
    assert!(cubic.window() < window + 2 * MSS);
}

#[test]
fn persistent_congestion_starts_over() {
    let mut cubic = after_loss(1_000);
    cubic.on_congestion(at(9_000), Congestion { persistent: true, ..loss(at(8_000)) });
    assert_eq!(cubic.window(), 2 * MSS);
    cubic.on_acked(at(9_100), acked(at(9_001)), &rtt());
    assert_eq!(cubic.window(), 3 * MSS, "slow start up to the threshold");
    assert_eq!(cubic.anew(MSS).window(), 10 * MSS);
}

#[test]
fn years_do_not_overflow() {
    let mut cubic = after_loss(1_000_000_000);
    cubic.on_acked(at(2_000), acked(at(1_900)), &rtt());
    for year in 1..100 {
        let now = at(year * 31_536_000_000);
        cubic.on_acked(now, acked(now), &rtt());
        assert!(cubic.window() <= 2 * MAX_WINDOW);
    }
}

use super::*;

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

#[test]
fn an_address_is_tried_at_most_three_times_in_ten_minutes_then_ever_more_rarely_then_forgotten() {
    // BC-04.30: an attempt is two probes at most, and the third attempt comes after ten minutes.
    let mut candidates = Candidates::new(10);
    let mut now = Timestamp::ZERO;
    assert!(candidates.add(now, address(1)));
    let mut tried = Vec::new();
    while let Some(at) = candidates.poll_timeout() {
        now = at;
        assert_eq!(candidates.poll(now), Some(address(1)));
        assert_eq!(candidates.poll(now), None, "not twice at once");
        assert!(!candidates.add(now, address(1)), "naming it again does not hurry it");
        tried.push(now);
        candidates.on_failed(now, address(1));
    }
    assert_eq!(tried.len(), WAITS.len() + 1);
    for (i, &first) in tried.iter().enumerate() {
        let within =
            tried[i..].iter().filter(|at| at.saturating_since(first).as_secs() < 600).count();
        assert!(within * 2 <= 5, "{tried:?}");
    }
    assert!(candidates.add(now, address(1)), "forgotten, so it may be named again");
}

#[test]
fn the_number_of_addresses_is_bounded_and_senseless_ones_are_refused() {
    let mut candidates = Candidates::new(2);
    let now = Timestamp::ZERO;
    for senseless in ["0.0.0.0:1", "192.0.2.1:0", "224.0.0.1:1", "[::]:1", "[ff02::1]:1"] {
        assert!(!candidates.add(now, senseless.parse().unwrap()), "{senseless}");
    }
    assert!(candidates.add(now, address(1)) && candidates.add(now, address(2)));
    assert!(!candidates.add(now, address(3)));
}

#[test]
fn the_longest_waiting_address_comes_first() {
    let mut candidates = Candidates::new(10);
    candidates.add(Timestamp::from_millis(2), address(1));
    candidates.add(Timestamp::from_millis(1), address(2));
    let now = Timestamp::from_millis(3);
    assert_eq!((candidates.poll(now), candidates.poll(now)), (Some(address(2)), Some(address(1))));
    candidates.on_settled(now, address(2));
    assert_eq!(candidates.poll_timeout(), Some(now + SETTLED));
    candidates.on_lost(now, address(2), Duration::from_secs(1));
    assert_eq!(candidates.poll_timeout(), Some(now + Duration::from_secs(1)));
}

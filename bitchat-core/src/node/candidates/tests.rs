use super::*;
use crate::base::ids::{DeviceId, PeerId};

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn device() -> Device {
    Device { peer: PeerId([1; 32]), id: DeviceId([1; 16]) }
}

/// When an address is tried, if nobody ever answers there; the first thirty times.
fn attempts(candidates: &mut Candidates, address: SocketAddr) -> Vec<Timestamp> {
    let mut tried = Vec::new();
    while let Some(now) = candidates.poll_timeout().filter(|_| tried.len() < 30) {
        assert_eq!(candidates.poll(now), Some(address));
        assert_eq!(candidates.poll(now), None, "not twice at once");
        assert!(!candidates.add(now, address), "naming it again does not hurry it");
        tried.push(now);
        candidates.on_failed(now, address);
    }
    tried
}

#[test]
fn a_mere_hint_is_tried_once_in_ten_minutes_and_then_forgotten() {
    // BC-08.15
    let mut candidates = Candidates::new(10);
    let now = Timestamp::ZERO;
    assert!(candidates.add(now, address(1)));
    let tried = attempts(&mut candidates, address(1));
    assert_eq!(tried.len(), HINT_WAITS.len() + 1);
    assert!(tried.windows(2).all(|pair| pair[1].saturating_since(pair[0]).as_secs() >= 600));
    let (&last, minute) = (tried.last().unwrap(), Duration::from_secs(60));
    assert!(!candidates.add(last + minute * 9, address(1)), "named again, but too soon");
    assert!(candidates.add(last + minute * 10, address(1)));
    assert_eq!(candidates.poll(last + minute * 10), Some(address(1)));
}

#[test]
fn a_place_where_a_member_was_is_tried_again_soon() {
    let mut candidates = Candidates::new(1);
    let now = Timestamp::ZERO;
    candidates.add(now, address(2));
    candidates.on_linked(now, address(1), device());
    assert_eq!(candidates.device(&address(1)), Some(device()));
    assert_eq!(candidates.poll(now), None, "the hint gave way, and the member is linked");
    candidates.on_lost(now, address(1), Duration::from_secs(1));
    let tried = attempts(&mut candidates, address(1));
    assert_eq!(tried.len(), 30, "it is never given up");
    let minutes = tried.iter().filter(|at| at.saturating_since(now).as_secs() < 120).count();
    assert!(minutes >= 7, "within 20 s of coming back, for some minutes: {tried:?}");
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
fn hints_that_led_nowhere_give_way_but_not_so_soon_that_they_could_be_named_again() {
    // BC-08.15
    let mut candidates = Candidates::new(2);
    let mut now = Timestamp::ZERO;
    assert!(candidates.add(now, address(1)) && candidates.add(now, address(2)));
    while let Some(tried) = candidates.poll(now) {
        candidates.on_failed(now, tried);
    }
    now += Duration::from_secs(599);
    assert!(!candidates.add(now, address(3)));
    now += Duration::from_secs(1);
    assert!(candidates.add(now, address(3)), "whoever fills the table does not keep it");
    assert!(candidates.add(now, address(4)) && !candidates.add(now, address(5)));
}

#[test]
fn where_a_member_was_is_remembered_and_the_oldest_such_place_gives_way() {
    let mut candidates = Candidates::new(2);
    let at = Timestamp::from_millis;
    assert!(candidates.restore(at(1), address(1)));
    assert_eq!(candidates.on_linked(at(2), address(2), device()), None);
    assert!(!candidates.restore(at(2), address(9)), "one too many");
    assert_eq!(candidates.on_linked(at(3), address(3), device()), Some(address(1)));
    assert_eq!(candidates.on_linked(at(4), address(2), device()), None, "known already");
    assert_eq!(candidates.on_linked(at(5), address(4), device()), Some(address(3)));
    assert_eq!(candidates.due.len(), candidates.by_address.len());
}

#[test]
fn an_attempt_that_cannot_be_made_costs_nothing_and_one_that_led_nowhere_is_not_forgotten() {
    let mut candidates = Candidates::new(2);
    let now = Timestamp::ZERO;
    candidates.add(now, address(1));
    assert_eq!(candidates.poll(now), Some(address(1)));
    candidates.on_busy(now, address(1), Duration::from_secs(1));
    let later = now + Duration::from_secs(1);
    assert_eq!(candidates.poll_timeout(), Some(later));
    assert_eq!(candidates.poll(later), Some(address(1)));
    candidates.on_ended(later, address(1));
    assert_eq!(candidates.poll_timeout(), Some(later + SETTLED));
    candidates.on_ended(later, address(1));
    assert_eq!(candidates.poll_timeout(), Some(later + SETTLED), "it was not being tried");
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

#[test]
fn an_address_that_answered_is_tried_again_soon_and_one_that_speaks_up_at_once() {
    let mut candidates = Candidates::new(10);
    let now = Timestamp::ZERO;
    candidates.add(now, address(1));
    assert_eq!(candidates.poll(now), Some(address(1)));
    candidates.on_failed(now, address(1));
    assert_eq!(candidates.poll_timeout(), Some(now + Duration::from_secs(600)), "a mere hint");
    candidates.on_heard(now, address(1));
    let soon = now + Duration::from_secs(5);
    assert_eq!(candidates.poll_timeout(), Some(soon));
    assert_eq!(candidates.poll(soon), Some(address(1)));
    candidates.on_failed(soon, address(1));
    assert_eq!(candidates.poll_timeout(), Some(soon + Duration::from_secs(10)), "no mere hint now");
    candidates.on_heard(now, address(9));
    assert_eq!(candidates.device(&address(9)), None, "who was never named is no candidate");
}

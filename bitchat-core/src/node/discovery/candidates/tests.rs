use super::*;
use crate::base::ids::{DeviceId, PeerId};

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn device() -> Device {
    device_of(1)
}

fn device_of(number: u8) -> Device {
    Device { peer: PeerId([number; 32]), id: DeviceId([number; 16]) }
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
    let mut candidates = Candidates::new(2);
    let now = Timestamp::ZERO;
    candidates.on_linked(now, address(1), device());
    assert_eq!(candidates.device(&address(1)), Some(device()));
    assert_eq!(candidates.poll(now), None, "the member is linked");
    candidates.on_lost(now, address(1), Duration::from_secs(1));
    let tried = attempts(&mut candidates, address(1));
    assert_eq!(tried.len(), 30, "it is never given up");
    let minutes = tried.iter().filter(|at| at.saturating_since(now).as_secs() < 120).count();
    assert!(minutes >= 7, "within 20 s of coming back, for some minutes: {tried:?}");
}

#[test]
fn the_number_of_addresses_is_bounded_and_senseless_ones_are_refused() {
    let mut candidates = Candidates::new(4);
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
    let mut candidates = Candidates::new(4);
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
    let mut candidates = Candidates::new(4);
    let at = Timestamp::from_millis;
    assert!(candidates.restore(at(1), address(1)));
    assert_eq!(candidates.on_linked(at(2), address(2), device()), None);
    assert!(!candidates.restore(at(2), address(9)), "one too many");
    assert!(candidates.set_stored(&address(2)) && !candidates.set_stored(&address(2)));
    assert_eq!(candidates.on_linked(at(3), address(3), device()), Some(address(1)));
    assert_eq!(candidates.on_linked(at(4), address(2), device()), None, "known already");
    assert_eq!(candidates.on_linked(at(5), address(4), device()), None, "it was never stored");
    assert!(!candidates.is_place(&address(3)));
    assert_eq!(candidates.on_linked(at(6), address(5), device()), Some(address(2)));
    assert_eq!(candidates.due.len(), candidates.by_address.len());
    assert_eq!(candidates.places, 2);
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

#[test]
fn places_where_members_were_never_crowd_out_what_trackers_name() {
    // BC-08.80
    let mut candidates = Candidates::new(2);
    let mut now = Timestamp::ZERO;
    candidates.on_linked(now, address(1), device());
    candidates.on_linked(now, address(2), device());
    candidates.on_lost(now, address(2), SETTLED);
    assert!(candidates.add(now, address(3)), "there is room for a hint");
    for day in 1..=3 {
        now += Duration::from_secs(86_400 * day);
        while let Some(tried) = candidates.poll(now) {
            candidates.on_failed(now, tried);
        }
        now += SETTLED;
        let next = address(10 + u16::try_from(day).unwrap());
        assert!(candidates.add(now, next), "day {day}: a hint that was tried makes room");
    }
    assert_eq!(candidates.by_address.len(), 2);
}

#[test]
fn hints_never_crowd_out_places_where_members_were() {
    // BC-08.80
    let mut candidates = Candidates::new(8);
    for port in 1..100 {
        candidates.add(Timestamp::ZERO, address(port));
    }
    assert_eq!(candidates.by_address.len(), 4);
    for member in 101..=104 {
        candidates.on_linked(Timestamp::ZERO, address(member), device());
    }
    assert_eq!((candidates.by_address.len(), candidates.places), (8, 4));
    candidates.on_linked(Timestamp::ZERO, address(1), device());
    assert_eq!((candidates.by_address.len(), candidates.places), (7, 4), "a hint that came true");
    assert!(candidates.add(Timestamp::ZERO, address(200)));
}

#[test]
fn neither_one_device_nor_one_network_drives_out_the_places_of_the_others() {
    // BC-08.80
    let at = Timestamp::from_millis;
    let mut candidates = Candidates::new(64);
    let honest: Vec<SocketAddr> =
        (1..=4).map(|host| SocketAddr::from(([203, 0, 113, host], 1))).collect();
    for (of, address) in (1..).zip(&honest) {
        candidates.on_linked(at(u64::from(of)), *address, device_of(of));
    }
    for port in 1_000..2_000 {
        candidates.on_linked(at(u64::from(port)), address(port), device_of(9));
    }
    assert_eq!(candidates.places, 4 + PLACES_PER_DEVICE, "its latest ones");
    for port in 2_000..3_000 {
        let many = device_of(u8::try_from(10 + port % 200).unwrap());
        candidates.on_linked(at(u64::from(port)), address(port), many);
    }
    assert_eq!(candidates.places, 32);
    assert!(honest.iter().all(|address| candidates.is_place(address)));
    assert!(candidates.is_place(&address(2_999)));
}

#[test]
fn where_somebody_broke_the_protocol_nothing_hurries_us() {
    // BC-08.15
    let mut candidates = Candidates::new(10);
    let now = Timestamp::ZERO;
    candidates.on_linked(now, address(1), device());
    candidates.on_lost(now, address(1), Duration::from_millis(500));
    candidates.on_broken(now, address(1));
    candidates.on_heard(now, address(1));
    candidates.on_lost(now, address(1), Duration::from_millis(500));
    assert!(!candidates.add(now, address(1)));
    assert_eq!(candidates.poll_timeout(), Some(now + SETTLED));
}

#[test]
fn a_peer_that_moves_and_moves_does_not_wear_out_the_disk() {
    let mut candidates = Candidates::new(10);
    let at = Timestamp::from_millis;
    let stored = (0..10_000).step_by(100).filter(|now| candidates.may_store_move(at(*now)));
    assert_eq!(stored.count(), 10);
}

#[test]
fn after_a_sleep_places_are_due_at_once_and_hints_only_when_their_ten_minutes_have_passed() {
    // BC-08.15
    let mut candidates = Candidates::new(10);
    let (start, minute) = (Timestamp::ZERO, Duration::from_secs(60));
    candidates.add(start, address(1));
    candidates.on_linked(start, address(2), device());
    assert_eq!(candidates.poll(start), Some(address(1)));
    candidates.on_failed(start, address(1));
    let now = start + minute;
    candidates.look_again(now, now + Duration::from_secs(2));
    assert_eq!(candidates.poll_timeout(), Some(now + Duration::from_secs(2)));
    assert_eq!(candidates.poll(now + Duration::from_secs(2)), Some(address(2)), "the place");
    assert_eq!(candidates.poll_timeout(), Some(start + minute * 10), "the hint waits as before");
    // Two attempts at the hint later the wait is twenty minutes, of which ten are enough.
    let second = start + minute * 10;
    assert_eq!(candidates.poll(second), Some(address(1)));
    candidates.on_failed(second, address(1));
    candidates.look_again(second + minute * 9, second + minute * 9);
    assert_eq!(candidates.poll_timeout(), Some(second + minute * 20));
    candidates.look_again(second + minute * 10, second + minute * 10);
    assert_eq!(candidates.poll_timeout(), Some(second + minute * 10));
}

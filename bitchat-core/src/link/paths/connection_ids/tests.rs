use super::*;
use crate::base::rng::{Rng, Seed};

fn ids() -> Ids {
    Ids::new(ConnectionId([1; 8]), ConnectionId([2; 8]))
}

fn new(sequence: u64, retire_prior_to: u64) -> NewConnectionId {
    let byte = u8::try_from(sequence).unwrap();
    NewConnectionId { sequence, retire_prior_to, id: ConnectionId([byte; 8]) }
}

#[test]
fn each_path_gets_an_id_of_its_own() {
    // BC-08.48
    let mut ids = ids();
    assert_eq!(ids.unused([0].into_iter()), None, "the peer has given none");
    assert_eq!(ids.on_new(&new(1, 0)), Ok(vec![]));
    assert_eq!(ids.on_new(&new(1, 0)), Ok(vec![]), "repeated, as announcements are");
    assert_eq!(ids.unused([0].into_iter()), Some(1));
    assert_eq!(ids.remote(1), Some(ConnectionId([1; 8])));
    assert!(ids.forget(0));
    assert_eq!(ids.remote(0), Some(ConnectionId([1; 8])), "never without an id");
    assert!(!ids.forget(1), "the last one stays");
}

#[test]
fn a_peer_gives_no_more_ids_than_are_kept() {
    // BC-08.49
    let mut many = ids();
    for sequence in 1..MAX_IDS as u64 {
        assert_eq!(many.on_new(&new(sequence, 0)), Ok(vec![]));
    }
    assert!(many.on_new(&new(9, 0)).is_err());
    let mut changed = ids();
    assert_eq!(changed.on_new(&new(3, 0)), Ok(vec![]));
    let other = NewConnectionId { id: ConnectionId([9; 8]), ..new(3, 0) };
    assert!(changed.on_new(&other).is_err());
}

#[test]
fn the_peer_may_take_its_ids_back() {
    let mut ids = ids();
    ids.on_new(&new(1, 0)).unwrap();
    assert_eq!(ids.on_new(&new(4, 3)), Ok(vec![0, 1]));
    assert_eq!(ids.remote(0), Some(ConnectionId([4; 8])));
    assert_eq!(ids.on_new(&new(2, 0)), Ok(vec![2]), "late, and retired at once");
    assert_eq!(ids.on_new(&new(1, 0)), Ok(vec![]), "retired before");
}

/// BC-07.97: announcements are repeated until they are acknowledged; a copy may come when the id is
/// not used any more. Found by a schedule.
#[test]
fn an_id_that_was_retired_does_not_come_back() {
    let mut ids = ids();
    for sequence in 1..MAX_IDS as u64 {
        assert_eq!(ids.on_new(&new(sequence, 0)), Ok(vec![]));
    }
    assert!(ids.forget(1));
    assert_eq!(ids.on_new(&new(MAX_IDS as u64, 0)), Ok(vec![]), "in its place");
    assert_eq!(ids.on_new(&new(1, 0)), Ok(vec![]));
    assert!(!ids.has_remote(1));
}

/// BC-07.97
#[test]
fn numbers_that_are_far_apart_are_not_remembered_for_ever() {
    let mut ids = ids();
    let far = (1..=100).map(|at| NewConnectionId { sequence: 2 * at, ..new(1, 2 * at) });
    let refused = far.map(|new| ids.on_new(&new)).position(|result| result.is_err());
    assert_eq!(refused, Some(MAX_GIVEN_RANGES - 1));
}

#[test]
fn retired_ids_fade_and_are_replaced() {
    let mut ids = ids();
    let mut random = Rng::new(&Seed([0; 32])).public;
    while ids.issue(&mut random).is_some() {}
    assert_eq!(ids.local().count(), MAX_IDS);
    let until = Timestamp::from_millis(500);
    assert!(ids.on_retired(99, until).is_err());
    assert_eq!(ids.on_retired(0, until), Ok(()));
    assert_eq!(ids.on_retired(0, until), Ok(()), "once is enough");
    assert!(ids.local().any(|id| id == ConnectionId([1; 8])), "late packets");
    assert!(ids.issue(&mut random).is_some());
    assert_eq!(ids.pop_discarded(Timestamp::ZERO), None);
    assert_eq!(ids.pop_discarded(until), Some(ConnectionId([1; 8])));
    for sequence in 1..50 {
        ids.on_retired(sequence, Timestamp::from_millis(1_000_000)).ok();
        ids.issue(&mut random);
        while ids.pop_discarded(Timestamp::ZERO).is_some() {}
        assert!(ids.local().count() <= 2 * MAX_IDS, "bounded, however many are retired");
    }
}

//! Networks that lose, repeat, reorder and change datagrams.

use super::*;
use crate::crypto::gate::ENVELOPE_LEN;

/// Runs seeds under these conditions; returns how many of them met. Whatever happens, both sides
/// agree: no session at one end without its like, but for a last message that never arrived.
fn met(suite: Suite, seeds: u8, conditions: impl Fn(&mut World)) -> u32 {
    let mut met = 0;
    for seed in 0..seeds {
        let mut world = World::new(suite, seed);
        conditions(&mut world);
        world.meet();
        let [alice, bob] = &world.parties;
        assert!(alice.initiator.as_ref().is_some_and(Initiator::is_over));
        assert!(bob.responder.is_empty(), "seed {seed}");
        assert_eq!(alice.sessions.is_empty(), !alice.failures.is_empty(), "seed {seed}");
        if let [session] = alice.sessions.as_slice() {
            let other = bob.sessions.iter().find(|other| other.local_cid == session.remote_cid);
            assert_same_session(session, other.expect("confirmed, so Bob has it"));
            assert_eq!(bob.sessions.len(), 1, "repetitions make no second session");
            met += 1;
        }
    }
    met
}

/// BC-05.31, BC-05.33
#[test]
fn without_faults_everybody_meets_at_once() {
    for &suite in Suite::ALL {
        assert_eq!(met(suite, 20, |_| {}), 20);
    }
}

/// BC-05.31, BC-05.33
#[test]
fn loss_is_repaired() {
    for &suite in Suite::ALL {
        let met = met(suite, 100, |world| world.loss = 20);
        assert!(met >= 95, "{met}");
    }
}

/// BC-05.31
#[test]
fn repetitions_and_reordering_change_nothing() {
    for &suite in Suite::ALL {
        let met = met(suite, 60, |world| (world.duplicates, world.delay) = (60, 900));
        assert_eq!(met, 60);
    }
}

/// BC-05.34
#[test]
fn changed_datagrams_are_as_good_as_lost() {
    for &suite in Suite::ALL {
        let met =
            met(suite, 60, |world| (world.corrupt, world.loss, world.duplicates) = (20, 5, 20));
        assert!(met >= 55, "{met}");
    }
}

/// BC-05.31, BC-05.32: the body of a repetition is the same, the datagram is not.
#[test]
fn a_repetition_does_not_look_like_one() {
    for &suite in Suite::ALL {
        let mut world = World::new(suite, 1);
        world.loss = 100;
        let mut bodies = Vec::new();
        world.dial(0);
        let probe = world.carried[0].clone();
        world.bob().receive(Timestamp::ZERO, address(ALICE), &probe).unwrap();
        let (_, ack) = world.bob().drain().pop().unwrap();
        world.alice().receive(Timestamp::ZERO, address(BOB), &ack).unwrap();
        world.collect(0);
        world.run();
        let keys = channel(7);
        for (at, datagram) in world.carried[1..].iter().enumerate() {
            assert!(world.carried[..=at].iter().all(|other| other[..16] != datagram[..16]));
            let mut datagram = datagram.clone();
            let body = Envelope::new(&mut datagram).unwrap().unmask(&keys);
            assert_eq!(Kind::of(body), Some(Kind::Hs1));
            bodies.push(body[..73].to_vec());
        }
        assert_eq!(bodies.len(), 5);
        bodies.dedup();
        assert_eq!(bodies.len(), 1);
    }
}

/// BC-04.14, BC-04.15, BC-05.21: a responder sends an address no more bytes than came from it.
#[test]
fn nothing_amplifies() {
    for &suite in Suite::ALL {
        for seed in 0..30 {
            let mut world = World::new(suite, seed);
            world.dial(0);
            let (mut received, mut sent) = (0, 0);
            for _ in 0..2 {
                let datagram = world.carried.last().unwrap().clone();
                received += datagram.len();
                world.bob().receive(Timestamp::ZERO, address(ALICE), &datagram).unwrap();
                let (to, answer) = world.bob().drain().pop().unwrap();
                assert_eq!(to, address(ALICE));
                sent += answer.len();
                assert!(sent <= received && answer.len() <= datagram.len());
                assert!(answer.len() > ENVELOPE_LEN);
                world.alice().receive(Timestamp::ZERO, address(BOB), &answer).unwrap();
                world.collect(0);
            }
            // A repeated hs1 is answered by an equally bounded hs2.
            let hs1 = world.carried[1].clone();
            world.bob().receive(Timestamp::ZERO, address(ALICE), &hs1).unwrap();
            assert!(world.bob().drain().pop().unwrap().1.len() <= hs1.len());
        }
    }
}

/// Both sides learn the round trip, unless what they said twice makes it a guess.
#[test]
fn the_round_trip_is_measured() {
    let mut world = World::new(Suite::default(), 3);
    world.meet();
    let round_trips = Duration::from_millis(2)..=Duration::from_millis(2 * world.delay);
    for session in world.session() {
        assert!(session.rtt.is_some_and(|rtt| round_trips.contains(&rtt)), "{:?}", session.rtt);
    }
    let mut world = World::new(Suite::default(), 3);
    world.duplicates = 100;
    world.meet();
    let [_, bob] = world.session();
    assert_eq!(bob.rtt, None, "hs1 was answered twice");
    let mut world = World::new(Suite::default(), 3);
    world.delay = 1_500;
    world.meet();
    let [alice, _] = world.session();
    assert_eq!(alice.rtt, None, "hs1 was repeated before its answer came");
}

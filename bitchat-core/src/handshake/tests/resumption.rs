//! The resumption secret that an earlier link left: found, outdated, or lost on one side.

use super::*;

const CURRENT: Secret = Secret([0xc0; 32]);
const PREVIOUS: Secret = Secret([0xb0; 32]);

/// Alice and Bob meet with these memories of each other.
fn meet(suite: Suite, alice: [Option<Secret>; 2], bob: [Option<Secret>; 2]) -> World {
    let mut world = World::new(suite, 1);
    let (a, b) = (world.parties[0].static_key(), world.parties[1].static_key());
    world.alice().resumption.insert(b, alice);
    world.bob().resumption.insert(a, bob);
    world.meet();
    world
}

/// BC-05.27
#[test]
fn a_shared_secret_is_found_current_or_previous() {
    for &suite in Suite::ALL {
        for bob in [[Some(CURRENT), None], [Some(Secret([1; 32])), Some(CURRENT)]] {
            let world = meet(suite, [Some(CURRENT), Some(PREVIOUS)], bob);
            let [at_alice, at_bob] = world.session();
            assert_same_session(at_alice, at_bob);
            assert!(at_alice.resumed);
            assert_eq!(world.carried.len(), 6, "at once");
        }
    }
}

/// BC-05.27
#[test]
fn a_secret_that_only_the_responder_has_does_no_harm() {
    for &suite in Suite::ALL {
        let world = meet(suite, [None, None], [Some(CURRENT), Some(PREVIOUS)]);
        let [at_alice, at_bob] = world.session();
        assert_same_session(at_alice, at_bob);
        assert!(!at_alice.resumed);
        assert_eq!(world.carried.len(), 6, "at once");
    }
}

/// BC-05.28
#[test]
fn a_secret_that_the_responder_lost_is_given_up() {
    for &suite in Suite::ALL {
        for bob in [[None, None], [Some(PREVIOUS), Some(Secret([1; 32]))]] {
            let mut world = meet(suite, [Some(CURRENT), None], bob);
            {
                let [at_alice, at_bob] = world.session();
                assert_same_session(at_alice, at_bob);
                assert!(!at_alice.resumed);
            }
            assert!(world.alice().failures.is_empty());
            assert_eq!(
                world.carried.len(),
                4 + 2 + 4,
                "two hs3 in vain, then hs1 to the first packet"
            );
            assert!(world.rejected.contains(&Rejected::Noise(NoiseError::Auth)));
        }
    }
}

/// BC-05.28: on a slow path the answer to the first hs3 is waited for.
#[test]
fn a_slow_path_is_no_lost_secret() {
    for &suite in Suite::ALL {
        let mut world = World::new(suite, 4);
        world.delay = 1_500;
        let (a, b) = (world.parties[0].static_key(), world.parties[1].static_key());
        world.alice().resumption.insert(b, [Some(CURRENT), None]);
        world.bob().resumption.insert(a, [Some(CURRENT), None]);
        world.meet();
        let [at_alice, at_bob] = world.session();
        assert_same_session(at_alice, at_bob);
        assert!(at_alice.resumed);
    }
}

/// BC-05.33: the waits of hs3 are those of a slow path; a new hs1 waits like any other.
#[test]
fn a_new_hs1_after_a_lost_secret_waits_like_the_first() {
    for &suite in Suite::ALL {
        let mut world = World::new(suite, 5);
        let b = world.parties[1].static_key();
        world.alice().resumption.insert(b, [Some(CURRENT), None]);
        world.dial(0);
        for step in 1..5 {
            world.now += Duration::from_secs(1);
            let (now, from) = (world.now, world.parties[(step - 1) % 2].address);
            let datagram = world.carried.last().unwrap().clone();
            world.parties[step % 2].receive(now, from, &datagram).unwrap();
            world.collect(step % 2);
        }
        let wait = |world: &mut World| {
            let (now, deadline) = (world.now, world.alice().poll_timeout().unwrap());
            world.now = deadline;
            world.alice().timeout(deadline);
            world.collect(0);
            deadline.saturating_since(now).as_millis()
        };
        assert_eq!([wait(&mut world), wait(&mut world)], [4_000, 4_000], "two hs3 in vain");
        assert!(world.alice().sessions.is_empty(), "withdrawn");
        assert_eq!([0; 4].map(|_| wait(&mut world)), [250, 500, 1_000, 2_000]);
    }
}

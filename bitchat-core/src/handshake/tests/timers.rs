//! When things are repeated, and when they end.

use super::*;
use crate::crypto::gate::Cookie;

fn waits(attempt: &mut Party, mut now: Timestamp) -> (Vec<u64>, usize) {
    let (mut waits, mut sent) = (Vec::new(), attempt.drain().len());
    while let Some(deadline) = attempt.initiator.as_ref().and_then(Initiator::poll_timeout) {
        waits.push(u64::try_from(deadline.saturating_since(now).as_millis()).unwrap());
        attempt.timeout(deadline - Duration::from_nanos(1));
        assert!(attempt.effects.is_empty(), "nothing happens early");
        now = deadline;
        attempt.timeout(now);
        sent += attempt.drain().len();
    }
    (waits, sent)
}

/// BC-05.33, and BC-04.13: each of the probes is answered.
#[test]
fn an_unanswered_probe_is_repeated_ever_more_slowly() {
    for &suite in Suite::ALL {
        let mut alice = Party::new(suite, 1, ALICE);
        let now = Timestamp::from_millis(5);
        alice.dial(now, Target { remote: address(BOB), peer: None, cookie: None });
        assert_eq!(waits(&mut alice, now), (vec![250, 500, 1_000, 2_000, 4_000], 5));
        assert_eq!(alice.failures, [Failure::Unreachable]);

        let (mut alice, mut bob) = (Party::new(suite, 1, ALICE), Party::new(suite, 2, BOB));
        alice.dial(now, Target { remote: address(BOB), peer: None, cookie: None });
        for _ in 0..5 {
            let (_, probe) = alice.drain().pop().unwrap();
            assert_eq!(bob.receive(now, address(ALICE), &probe), Ok(()));
            alice.timeout(alice.poll_timeout().unwrap());
        }
    }
}

/// BC-04.22, BC-05.33: a cookie that was given may be stale, so a real question follows.
#[test]
fn a_given_cookie_saves_a_round_trip_and_costs_little_if_it_is_stale() {
    for &suite in Suite::ALL {
        let mut world = World::new(suite, 1);
        let (now, alice_at) = (world.now, world.parties[0].address);
        let cookie = Some(world.bob().cookies.issue(now, alice_at));
        world.alice().dial(now, Target { remote: address(BOB), peer: None, cookie });
        world.collect(0);
        world.run();
        world.session();
        assert_eq!(world.carried.len(), 4, "hs1, hs2, hs3, packet");

        let mut world = World::new(suite, 1);
        let cookie = Some(Cookie([0; 16]));
        world.alice().dial(now, Target { remote: address(BOB), peer: None, cookie });
        world.collect(0);
        world.run();
        world.session();
        assert_eq!(world.carried.len(), 2 + 6, "two hs1 in vain");
        assert_eq!(world.rejected, [Rejected::Cookie; 2]);

        let mut alice = Party::new(suite, 1, ALICE);
        alice.dial(now, Target { remote: address(BOB), peer: None, cookie });
        let expected = vec![250, 500, 250, 500, 1_000, 2_000, 4_000];
        assert_eq!(waits(&mut alice, now), (expected, 7));
    }
}

/// BC-05.33
#[test]
fn a_session_that_nobody_confirms_is_withdrawn() {
    for &suite in Suite::ALL {
        let mut world = World::new(suite, 1);
        world.dial(0);
        for who in [1, 0, 1, 0] {
            let (now, from) = (world.now, world.parties[1 - who].address);
            let datagram = world.carried.last().unwrap().clone();
            world.parties[who].receive(now, from, &datagram).unwrap();
            world.queue.clear();
            world.collect(who);
        }
        assert_eq!(world.alice().sessions.len(), 1);
        world.loss = 100;
        world.queue.clear();
        world.run();
        assert!(world.alice().sessions.is_empty() && world.bob().sessions.is_empty());
        assert_eq!(world.alice().failures, [Failure::Unconfirmed]);
        assert_eq!(world.carried.len(), 4 + 5, "hs3 was sent five times");
    }
}

/// BC-04.19
#[test]
fn late_answers_are_not_awaited() {
    for &suite in Suite::ALL {
        let mut world = World::new(suite, 1);
        world.meet();
        let (now, carried) = (world.now, world.carried.clone());
        for (who, from, datagram) in
            [(0, BOB, &carried[1]), (0, BOB, &carried[3]), (1, ALICE, &carried[4])]
        {
            let result = world.parties[who].receive(now, address(from), datagram);
            assert_eq!(result, Err(Rejected::NotAwaited));
        }
        let mut alice = Party::new(suite, 1, ALICE);
        alice.dial(now, Target { remote: address(BOB), peer: None, cookie: None });
        let elsewhere = address("203.0.113.9:1");
        assert_eq!(alice.receive(now, elsewhere, &carried[1]), Err(Rejected::OtherAddress));
    }
}

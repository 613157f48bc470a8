//! Which of two sessions of one pair stays.

use super::*;

fn tie_break(peer_boot: u8, initiator: u8, hash: u8) -> TieBreak {
    TieBreak {
        peer_boot: BootId([peer_boot; 16]),
        initiator: DhPublic([initiator; 32]),
        handshake_hash: [hash; 32],
    }
}

/// What one side keeps of sessions established there in this order.
fn kept_of(order: &[(TieBreak, bool)]) -> TieBreak {
    let rival = |(at, (tie_break, ready)): (usize, &'_ (TieBreak, bool))| (at, *tie_break, *ready);
    let sessions: Vec<_> = order.iter().enumerate().map(rival).collect();
    let rivals = sessions.iter().map(|(at, tie_break, ready)| DuplicateSession {
        name: *at,
        tie_break,
        ready: *ready,
    });
    order[session_to_keep(rivals).expect("there are some")].0
}

/// The same, none of them ready.
fn kept(order: &[TieBreak]) -> TieBreak {
    kept_of(&order.iter().map(|tie_break| (*tie_break, false)).collect::<Vec<_>>())
}

/// BC-05.35, BC-05.36
#[test]
fn the_table_of_decisions() {
    for (existing, new, keeps_new) in [
        (tie_break(1, 1, 1), tie_break(2, 9, 9), true),
        (tie_break(2, 1, 1), tie_break(1, 9, 9), true),
        (tie_break(1, 1, 9), tie_break(1, 2, 1), false),
        (tie_break(1, 2, 1), tie_break(1, 1, 9), true),
        (tie_break(1, 1, 1), tie_break(1, 1, 2), false),
        (tie_break(1, 1, 2), tie_break(1, 1, 1), true),
    ] {
        let expected = if keeps_new { new } else { existing };
        for ready in [false, true] {
            let order = [(existing, ready), (new, ready)];
            assert_eq!(kept_of(&order), expected, "{existing:?} {new:?} {ready}");
        }
    }
    let nobody: [DuplicateSession<'_, ()>; 0] = [];
    assert!(session_to_keep(nobody.into_iter()).is_none());
}

/// BC-05.35: what a dead run left under way makes a session that is never ready. It does not take
/// the place of a living one, and does not come between two of the living run.
#[test]
fn a_late_session_of_a_dead_run_decides_nothing() {
    let (dead, one, other) = (tie_break(1, 5, 5), tie_break(2, 1, 1), tie_break(2, 2, 2));
    assert_eq!(kept_of(&[(one, true), (dead, false)]), one);
    assert_eq!(kept_of(&[(one, true), (dead, false), (other, false)]), one);
    assert_eq!(kept_of(&[(one, false), (dead, false), (other, false)]), one);
    assert_eq!(kept_of(&[(other, false), (dead, false), (one, true)]), one);
    // Nor is what has just begun closed for the winner: it may be a new run's.
    for (tie_break, ready, yields) in
        [(dead, false, false), (dead, true, true), (other, false, true)]
    {
        assert_eq!(
            DuplicateSession { name: (), tie_break: &tie_break, ready }.yields_to(&one),
            yields
        );
    }
    // A peer that did restart is ready with its new run soon.
    assert_eq!(kept_of(&[(dead, true), (one, false)]), dead);
    assert_eq!(kept_of(&[(dead, true), (one, true)]), one);
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, &first) in items.iter().enumerate() {
        let rest: Vec<usize> =
            items.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, &i)| i).collect();
        for mut tail in permutations(&rest) {
            tail.insert(0, first);
            all.push(tail);
        }
    }
    all
}

/// BC-05.36: three sessions, any initiators, any hashes, established in any order on either side:
/// both keep the same.
#[test]
fn both_sides_keep_the_same_whatever_the_order() {
    let orders = permutations(&[0, 1, 2]);
    for initiators in 0..8_u8 {
        for hashes in &orders {
            let sessions: Vec<(u8, u8)> = (0..3)
                .map(|at| (1 + (initiators >> at & 1), u8::try_from(hashes[at]).unwrap()))
                .collect();
            let side = |boot: u8, order: &[usize]| {
                let tie_breaks: Vec<TieBreak> = order
                    .iter()
                    .map(|&at| tie_break(boot, sessions[at].0, sessions[at].1))
                    .collect();
                kept(&tie_breaks)
            };
            let reference = side(9, &orders[0]).handshake_hash;
            for order in &orders {
                assert_eq!(side(8, order).handshake_hash, reference);
                assert_eq!(side(9, order).handshake_hash, reference);
            }
        }
    }
}

/// BC-05.35, BC-05.36: Bob restarts between the second and the third session. Alice has seen some
/// of the old ones in any order; Bob knows only the new. Both keep a session of Bob's new run, and
/// of several new ones the same.
#[test]
fn a_restart_wins_over_every_older_session() {
    for initiators in 0..16_u8 {
        for hashes in permutations(&[0, 1, 2, 3]) {
            let at = |at: usize, boot| {
                tie_break(boot, 1 + (initiators >> at & 1), u8::try_from(hashes[at]).unwrap())
            };
            for old in [vec![0], vec![1], vec![0, 1], vec![1, 0]] {
                for new in [vec![2], vec![3], vec![2, 3], vec![3, 2]] {
                    let seen_by_alice: Vec<TieBreak> = old
                        .iter()
                        .map(|&session| at(session, 1))
                        .chain(new.iter().map(|&session| at(session, 2)))
                        .collect();
                    let seen_by_bob: Vec<TieBreak> =
                        new.iter().rev().map(|&session| at(session, 7)).collect();
                    let (alice, bob) = (kept(&seen_by_alice), kept(&seen_by_bob));
                    assert_eq!(alice.peer_boot, BootId([2; 16]));
                    assert_eq!(alice.handshake_hash, bob.handshake_hash);
                }
            }
        }
    }
}

/// BC-05.36: both dial at the same moment; two sessions result, and both keep the same one.
#[test]
fn simultaneous_open_ends_with_one_session() {
    for &suite in Suite::ALL {
        for seed in 0..20 {
            let mut world = World::new(suite, seed);
            world.dial(0);
            world.dial(1);
            world.run();
            let [alice, bob] = &world.parties;
            assert_eq!((alice.sessions.len(), bob.sessions.len()), (2, 2));
            let kept = |party: &Party| {
                let tie_breaks: Vec<TieBreak> = party
                    .sessions
                    .iter()
                    .map(|session| session.tie_break(&party.static_key()))
                    .collect();
                kept(&tie_breaks)
            };
            assert_eq!(kept(alice).handshake_hash, kept(bob).handshake_hash);
            assert_eq!(kept(alice).initiator, alice.static_key().min(bob.static_key()));
        }
    }
}

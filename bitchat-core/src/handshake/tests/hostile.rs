//! Strangers, former members, and members that lie.

use super::*;
use crate::crypto::gate::{ENVELOPE_LEN, seal, start};
use crate::crypto::suite::hash;

/// Alice's and Bob's bodies of one handshake, opened: probe, ack, hs1, hs2, hs3.
struct Bodies {
    world: World,
    bodies: Vec<Vec<u8>>,
}

/// Lets Alice and Bob exchange their first `count` datagrams; the last is not delivered.
fn up_to(suite: Suite, count: usize) -> Bodies {
    let mut world = World::new(suite, 1);
    world.dial(0);
    let mut bodies = vec![body(&world.carried[0])];
    for step in 1..count {
        let who = step % 2;
        let from = world.parties[1 - who].address;
        let (now, datagram) = (world.now, world.carried.last().unwrap().clone());
        world.parties[who].receive(now, from, &datagram).unwrap();
        world.collect(who);
        bodies.push(body(world.carried.last().unwrap()));
    }
    Bodies { world, bodies }
}

fn body(datagram: &[u8]) -> Vec<u8> {
    let mut datagram = datagram.to_vec();
    Envelope::new(&mut datagram).unwrap().unmask(&channel(7)).to_vec()
}

/// BC-05.24, BC-04.09: other keys, another epoch or another channel are met with silence.
#[test]
fn who_lacks_the_keys_hears_nothing() {
    for &suite in Suite::ALL {
        let key = Secret([7; 32]);
        for keys in [
            channel(8),
            ChannelKeys::new(ChannelId([2; 20]), &key, Epoch::default()),
            ChannelKeys::new(ChannelId([1; 20]), &key, Epoch([1; 32])),
        ] {
            let mut world = World::new(suite, 1);
            world.alice().keys = keys;
            world.meet();
            assert_eq!(world.alice().failures, [Failure::Unreachable]);
            assert_eq!(world.carried.len(), 5, "five probes, no answer");
        }
    }
}

/// BC-05.24: the gate's keys alone do not make a handshake; psk and prologue are checked by Noise.
#[test]
fn noise_checks_psk_channel_and_epoch_again() {
    for &suite in Suite::ALL {
        for change in 0..3 {
            let Bodies { mut world, bodies } = up_to(suite, 3);
            let mut keys = match change {
                0 => channel(7),
                1 => ChannelKeys::new(ChannelId([2; 20]), &Secret([7; 32]), Epoch::default()),
                _ => ChannelKeys::new(ChannelId([1; 20]), &Secret([7; 32]), Epoch([1; 32])),
            };
            // In the second and third case only the prologue differs.
            keys.psk = if change == 0 { Secret([1; 32]) } else { channel(7).psk };
            world.bob().keys = keys;
            let now = world.now;
            let result = world.bob().on_body(now, address(ALICE), &bodies[2]);
            assert_eq!(result, Err(Rejected::Noise(NoiseError::Auth)));
            assert!(world.bob().drain().is_empty() && world.bob().responder.is_empty());
        }
    }
}

/// BC-04.16, BC-04.17
#[test]
fn a_recorded_probe_is_answered_once() {
    for &suite in Suite::ALL {
        let Bodies { mut world, bodies } = up_to(suite, 1);
        let now = world.now;
        let bob = world.bob();
        assert_eq!(bob.on_body(now, address(ALICE), &bodies[0]), Ok(()));
        assert_eq!(bob.drain().len(), 1);
        for from in [ALICE, BOB] {
            assert_eq!(bob.on_body(now, address(from), &bodies[0]), Err(Rejected::Repeated));
        }
        assert!(bob.drain().is_empty());
    }
}

/// BC-04.50: whoever sends a probe back, from wherever, gets no answer, or it would know what it
/// is.
#[test]
fn an_echo_of_ones_own_probe_is_not_answered() {
    for &suite in Suite::ALL {
        let mut world = World::new(suite, 1);
        world.dial(0);
        let (probe, now) = (world.carried[0].clone(), world.now);
        let later = now + Duration::from_secs(86_400);
        for (from, at) in [(BOB, now), ("203.0.113.9:1001", now), (ALICE, now), (BOB, later)] {
            assert_eq!(world.alice().receive(at, address(from), &probe), Err(Rejected::Own));
        }
        assert!(world.alice().drain().is_empty() && world.alice().nonces.is_empty());
        assert_eq!(world.bob().receive(now, address(ALICE), &probe), Ok(()), "it is another's");
    }
}

/// BC-05.51
#[test]
fn who_copies_an_hs1_and_is_faster_does_not_void_it() {
    for &suite in Suite::ALL {
        let Bodies { mut world, bodies } = up_to(suite, 3);
        let (now, thief) = (world.now, address("203.0.113.9:1001"));
        let bob = world.bob();
        let mut stolen = bodies[2].clone();
        stolen[1..17].copy_from_slice(&bob.cookies.issue(now, thief).0);
        assert_eq!(bob.on_body(now, thief, &stolen), Ok(()));
        assert!(bob.drain().iter().all(|(to, _)| *to == thief));
        assert_eq!(bob.on_body(now, address(ALICE), &bodies[2]), Ok(()));
        assert_eq!(bob.responder.len(), 2);
        world.collect(1);
        world.run();
        let [at_alice, at_bob] = world.session();
        assert_same_session(at_alice, at_bob);
    }
}

/// BC-05.29
#[test]
fn an_hs1_that_does_not_authenticate_drives_nobody_out() {
    for &suite in Suite::ALL {
        let Bodies { mut world, bodies } = up_to(suite, 3);
        let now = world.now;
        let bob = world.bob();
        bob.responder = Responder::new(2);
        for host in 1..=2 {
            let from = SocketAddr::from(([203, 0, 113, host], 9));
            assert_eq!(greet(suite, bob, now, from), (Ok(()), usize::from(host)));
        }
        let mut forged = bodies[2].clone();
        forged[17 + 40] ^= 1;
        let result = bob.on_body(now, address(ALICE), &forged);
        assert_eq!((result, bob.responder.len()), (Err(Rejected::Noise(NoiseError::Auth)), 2));
        assert_eq!(bob.on_body(now, address(ALICE), &bodies[2]), Ok(()));
        assert_eq!(bob.responder.len(), 2, "the oldest gave way to what is genuine");
    }
}

/// BC-05.52: a flood of forgeries costs few DHs, and the attempt goes on.
#[test]
fn forged_hs2_are_read_a_few_times_for_each_transmission() {
    for &suite in Suite::ALL {
        let Bodies { mut world, bodies } = up_to(suite, 4);
        let (now, alice) = (world.now, world.alice());
        let mut forged = bodies[3].clone();
        forged[40] ^= 1;
        for _ in 0..2 {
            let read = (0..1_000)
                .filter(|_| {
                    let result = alice.on_body(now, address(BOB), &forged);
                    result != Err(Rejected::TooMany)
                })
                .count();
            assert_eq!(read, 16);
            assert_eq!(alice.on_body(now, address(BOB), &bodies[3]), Err(Rejected::TooMany));
            alice.timeout(alice.poll_timeout().unwrap());
        }
        assert_eq!(alice.on_body(now, address(BOB), &bodies[3]), Ok(()));
    }
}

/// BC-05.26: without a valid cookie nothing is remembered and no key is drawn.
#[test]
fn a_spoofed_source_costs_no_key_and_no_memory() {
    for &suite in Suite::ALL {
        let Bodies { mut world, bodies } = up_to(suite, 3);
        let now = world.now;
        let untouched = World::new(suite, 1).parties[1].rng.secret.bytes::<32>();
        let bob = world.bob();
        let spoofed = address("203.0.113.9:1001");
        assert_eq!(bob.on_body(now, spoofed, &bodies[2]), Err(Rejected::Cookie));
        let late = now + Duration::from_secs(240);
        assert_eq!(bob.on_body(late, address(ALICE), &bodies[2]), Err(Rejected::Cookie));
        for bit in 0..128 {
            let mut forged = bodies[2].clone();
            forged[1 + bit / 8] ^= 1 << (bit % 8);
            assert_eq!(bob.on_body(now, address(ALICE), &forged), Err(Rejected::Cookie));
        }
        assert!(bob.responder.is_empty() && bob.responder.poll_timeout().is_none());
        assert!(bob.drain().is_empty());
        assert_eq!(bob.rng.secret.bytes::<32>(), untouched);
    }
}

/// BC-05.34: a member that changes any byte of a field achieves nothing, and the true datagram is
/// still accepted afterwards.
#[test]
fn every_byte_of_hs1_and_hs2_is_protected() {
    for &suite in Suite::ALL {
        let Bodies { mut world, bodies } = up_to(suite, 3);
        let now = world.now;
        for at in 0..73 {
            let mut forged = bodies[2].clone();
            forged[at] ^= 0x40;
            assert!(world.bob().on_body(now, address(ALICE), &forged).is_err(), "byte {at}");
        }
        assert!(world.bob().drain().is_empty());
        for at in 0..298 {
            let Bodies { mut world, bodies } = up_to(suite, 4);
            let now = world.now;
            let mut forged = bodies[3].clone();
            forged[at] ^= 0x40;
            assert!(world.alice().on_body(now, address(BOB), &forged).is_err(), "byte {at}");
            assert!(world.alice().drain().is_empty());
            assert_eq!(world.alice().on_body(now, address(BOB), &bodies[3]), Ok(()));
        }
    }
}

/// BC-05.34
#[test]
fn every_byte_of_hs3_is_protected() {
    for &suite in Suite::ALL {
        for at in 0..258 {
            let Bodies { mut world, bodies } = up_to(suite, 5);
            let now = world.now;
            let mut forged = bodies[4].clone();
            forged[at] ^= 0x40;
            assert!(world.bob().on_body(now, address(ALICE), &forged).is_err(), "byte {at}");
            assert!(world.bob().sessions.is_empty() && world.bob().drain().is_empty());
            assert_eq!(world.bob().on_body(now, address(ALICE), &bodies[4]), Ok(()));
        }
    }
}

#[test]
fn bodies_cut_anywhere_are_refused() {
    for &suite in Suite::ALL {
        let bodies = up_to(suite, 5).bodies;
        for (step, fields) in [(0, 47), (1, 47), (2, 298), (3, 298), (4, 258)] {
            let Bodies { mut world, .. } = up_to(suite, step + 1);
            let (who, from) = ((step + 1) % 2, world.parties[step % 2].address);
            let now = world.now;
            for len in 0..fields {
                let cut = &bodies[step][..len];
                assert!(world.parties[who].on_body(now, from, cut).is_err(), "{step} at {len}");
            }
        }
    }
}

/// A member of two channels sends hs1 in one and hs3 in the other: the session is of the first.
#[test]
fn a_session_belongs_to_the_channel_of_its_hs1() {
    for &suite in Suite::ALL {
        let Bodies { mut world, bodies } = up_to(suite, 5);
        let (now, other) = (world.now, ChannelId([9; 20]));
        world.bob().keys = ChannelKeys::new(other, &Secret([7; 32]), Epoch::default());
        assert_eq!(world.bob().on_body(now, address(ALICE), &bodies[4]), Ok(()));
        world.collect(1);
        assert_eq!(world.bob().sessions[0].channel, (ChannelId([1; 20]), Epoch::default()));
    }
}

/// A dual-stack socket spells addresses in its own way.
#[test]
fn an_address_may_be_spelled_as_ipv6() {
    for &suite in Suite::ALL {
        let Bodies { mut world, bodies } = up_to(suite, 5);
        let now = world.now;
        let mapped = address("[::ffff:192.0.2.1]:1001");
        assert_eq!(world.bob().on_body(now, mapped, &bodies[4]), Ok(()));
        let Bodies { mut world, bodies } = up_to(suite, 5);
        let elsewhere = address("[::ffff:192.0.2.2]:1001");
        let result = world.bob().on_body(now, elsewhere, &bodies[4]);
        assert_eq!(result, Err(Rejected::OtherAddress));
    }
}

/// BC-05.34
#[test]
fn invented_bodies_do_nothing() {
    for &suite in Suite::ALL {
        let mut rng = Rng::new(&Seed([6; 32])).public;
        let mut prototypes: Vec<(World, usize, SocketAddr, Vec<u8>)> = (1..=5)
            .map(|count| {
                let Bodies { world, bodies } = up_to(suite, count);
                (world, count % 2, [BOB, ALICE].map(address)[count % 2], bodies[count - 1].clone())
            })
            .collect();
        for _ in 0..2_000 {
            for (world, who, from, genuine) in &mut prototypes {
                // The right kind and addressee, then noise: as far as an outsider could get by
                // luck.
                let known = usize::try_from(rng.below(12)).unwrap();
                let mut body = genuine.clone();
                rng.fill(&mut body[known.max(1)..]);
                body.truncate(usize::try_from(rng.below(500)).unwrap());
                let (now, is_probe) = (world.now, genuine[0] == 0x11);
                let result = world.parties[*who].on_body(now, *from, &body);
                assert!(result.is_err() || is_probe);
            }
        }
    }
}

/// BC-05.29
#[test]
fn who_forges_often_ends_the_handshake() {
    for &suite in Suite::ALL {
        let Bodies { mut world, bodies } = up_to(suite, 5);
        let now = world.now;
        let mut forged = bodies[4].clone();
        forged[100] ^= 1;
        for _ in 0..4 {
            let result = world.bob().on_body(now, address(ALICE), &forged);
            assert_eq!(result, Err(Rejected::Noise(NoiseError::Auth)));
        }
        let result = world.bob().on_body(now, address(ALICE), &bodies[4]);
        assert_eq!(result, Err(Rejected::NotAwaited));
    }
}

/// BC-05.25
#[test]
fn expired_and_foreign_certificates_end_the_attempt() {
    for &suite in Suite::ALL {
        let day = Duration::from_secs(86_400);
        for (whose, expected) in [(0, None), (1, Some(CertificateError::Expired))] {
            let mut world = World::new(suite, 1);
            let later = WALL.plus(day * 92);
            let other = 1 - whose;
            let fresh = &world.parties[other].local;
            let (device, key) = (fresh.certificate.device, fresh.static_key.public());
            let owner = Identity::from_bytes(&Secret([9; 32]));
            world.parties[other].local.certificate =
                Certificate::issue(&owner, device, key, later, day).unwrap();
            world.parties.iter_mut().for_each(|party| party.wall = later);
            world.meet();
            let failure = expected.map_or(Failure::Unconfirmed, Failure::Certificate);
            assert_eq!(world.alice().failures, [failure]);
            assert!(world.bob().sessions.is_empty());
            if whose == 0 {
                let refused = Failure::Certificate(CertificateError::Expired);
                assert!(world.rejected.contains(&Rejected::Peer(refused)));
            }
        }
        for whose in 0..2 {
            let mut world = World::new(suite, 1);
            let stranger = Party::new(suite, 3, BOB).local.certificate;
            world.parties[whose].local.certificate = stranger;
            world.meet();
            assert!(world.rejected.contains(&Rejected::Peer(Failure::OtherKey)));
            assert!(world.alice().sessions.is_empty() && world.bob().sessions.is_empty());
        }
    }
}

#[test]
fn the_wrong_peer_and_ourselves_are_noticed() {
    for &suite in Suite::ALL {
        let mut world = World::new(suite, 1);
        let (now, expected) = (world.now, world.parties[0].peer());
        let target = Target { remote: address(BOB), peer: Some(expected), cookie: None };
        world.alice().dial(now, target);
        world.collect(0);
        world.run();
        let found = world.parties[1].peer();
        assert_eq!(world.alice().failures, [Failure::WrongPeer(found)]);

        let mut world = World::new(suite, 1);
        world.parties[1].local = world.parties[0].local.clone();
        world.meet();
        assert_eq!(world.alice().failures, [Failure::Myself]);
    }
}

#[test]
fn a_device_that_is_linked_already_gets_no_second_session() {
    for &suite in Suite::ALL {
        let mut world = World::new(suite, 1);
        world.parties[1] = Party::new(suite, b'L', BOB);
        world.meet();
        let bob = &world.parties[1].local.certificate;
        let device = Device { peer: bob.peer, id: bob.device };
        assert_eq!(world.alice().failures, [Failure::Linked(device)]);
        assert!(world.parties.iter().all(|party| party.sessions.is_empty()));
    }
}

/// Lets a stranger at `from` show a good cookie and a new hs1.
fn greet(
    suite: Suite,
    party: &mut Party,
    now: Timestamp,
    from: SocketAddr,
) -> (Result<(), Rejected>, usize) {
    let mut caller = Party::new(suite, 1, ALICE);
    caller.rng = Rng::new(&Seed(hash(&[from.to_string().as_bytes()])));
    let cookie = Some(party.cookies.issue(now, from));
    caller.dial(now, Target { remote: address(BOB), peer: None, cookie });
    let (_, hs1) = caller.drain().pop().unwrap();
    let result = party.receive(now, from, &hs1);
    party.drain();
    (result, party.responder.len())
}

/// BC-05.29
#[test]
fn handshakes_in_progress_are_bounded() {
    for &suite in Suite::ALL {
        let mut bob = Party::new(suite, 2, BOB);
        bob.responder = Responder::new(16);
        let now = Timestamp::from_millis(1_000);
        let one_network =
            ["[2001:db8::1]:1", "[2001:db8::2]:2", "[2001:db8:0:0:9::1]:3"].map(address);
        assert_eq!(greet(suite, &mut bob, now, one_network[0]), (Ok(()), 1));
        assert_eq!(greet(suite, &mut bob, now, one_network[1]), (Ok(()), 2));
        assert_eq!(greet(suite, &mut bob, now, one_network[2]), (Err(Rejected::TooMany), 2));
        for network in 0..100 {
            let (result, len) =
                greet(suite, &mut bob, now, SocketAddr::from(([192, 0, 2, network], 9)));
            assert_eq!(result, Ok(()), "the oldest gives way");
            assert!(len <= 16);
        }
        let deadline = bob.responder.poll_timeout().unwrap();
        assert_eq!(deadline, now + Duration::from_secs(15));
        bob.responder.handle_timeout(deadline);
        assert!(bob.responder.is_empty() && bob.responder.poll_timeout().is_none());
        assert_eq!(
            greet(suite, &mut bob, now, one_network[0]),
            (Ok(()), 1),
            "its share is free again"
        );
    }
}

/// BC-04.10
#[test]
fn unknown_kinds_are_dropped() {
    for &suite in Suite::ALL {
        let mut world = World::new(suite, 1);
        let now = world.now;
        for first in [0x00, 0x10, 0x16, 0x21, 0xff] {
            let mut datagram = start(100);
            datagram.resize(ENVELOPE_LEN + 100, first);
            let mut rng = Rng::new(&Seed([5; 32])).public;
            seal(&channel(7), WALL.day(), &mut rng, &mut datagram);
            let result = world.bob().receive(now, address(ALICE), &datagram);
            assert_eq!(result, Err(Rejected::NotAwaited));
        }
    }
}

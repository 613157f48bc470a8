//! Peer exchange.

use super::world::{World, device};
use crate::base::addr;
use crate::base::ids::LinkId;
use crate::base::via::Route;
use crate::channel::ChannelFault;
use crate::channel::pex::{Mapping, PEER_MAX, PeerHint, Statement};
use crate::channel::sync::message;
use crate::wire::reader::Reader;
use crate::wire::writer::Put;
use core::net::SocketAddr;
use core::time::Duration;
use proptest::prelude::*;

fn heard(world: &World, index: usize) -> Vec<(usize, SocketAddr)> {
    let of = |peer| (0..world.nodes.len()).find(|other| device(*other) == peer).unwrap();
    world.nodes[index].out.candidates.iter().map(|hint| (of(hint.device), hint.addr)).collect()
}

fn proven(index: usize) -> SocketAddr {
    ([198, 51, 100, 1], u16::try_from(index).unwrap() + 1_000).into()
}

fn stated(routes: Vec<Route>) -> Statement {
    Statement { routes, ..Statement::default() }
}

// BC-09.24
#[test]
fn members_pass_on_what_their_own_links_proved() {
    let mut world = World::new(4, 30);
    world.link(0, 1);
    world.run(Duration::from_secs(100));
    world.link(1, 2);
    world.run(Duration::from_secs(200));
    world.link(2, 3);
    world.run(Duration::from_secs(200));
    assert!(heard(&world, 2).contains(&(0, proven(0))));
    assert!(heard(&world, 0).contains(&(2, proven(2))));
    assert!(heard(&world, 3).contains(&(1, proven(1))));
    assert!(!heard(&world, 3).iter().any(|(of, _)| *of == 0), "hearsay travels one step");
}

#[test]
fn what_a_member_says_of_itself_travels_too() {
    let mut world = World::new(3, 31);
    world.link(0, 1);
    world.link(1, 2);
    let own: SocketAddr = "[2001:db8::7]:4000".parse().unwrap();
    let unusable: SocketAddr = "0.0.0.0:1".parse().unwrap();
    let now = world.clock();
    let node = &mut world.nodes[0];
    node.channel.set_local_addresses(now, &[unusable, own], &mut node.out);
    world.run(Duration::from_secs(300));
    assert_eq!(heard(&world, 1).iter().filter(|hint| **hint == (0, own)).count(), 1);
    assert!(heard(&world, 2).contains(&(0, own)));
}

// BC-09.25
#[test]
fn one_message_a_minute() {
    let mut world = World::new(2, 32);
    world.link(0, 1);
    world.settle();
    let begun = world.now;
    let mut times = Vec::new();
    for round in 0..200_u16 {
        let own: SocketAddr = ([192, 0, 2, 1], 2_000 + round).into();
        let now = world.clock();
        let node = &mut world.nodes[0];
        node.channel.set_local_addresses(now, &[own], &mut node.out);
        let before = world.nodes[1].out.candidates.len();
        world.run(Duration::from_secs(1));
        if world.nodes[1].out.candidates.len() > before {
            times.push(world.now.saturating_since(begun).as_secs());
        }
    }
    assert!((3..=5).contains(&times.len()), "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 59), "{times:?}");
}

// BC-09.25, BC-09.27
#[test]
fn a_flood_of_peers_is_cut_short() {
    let mut world = World::new(3, 33);
    let link = world.link(0, 1);
    world.settle();
    world.now += Duration::from_secs(300);
    let limit = world.nodes[1].channel.config().limits.node.peers_per_source;
    let hint = |port: usize| PeerHint {
        device: device(2),
        age: 0,
        of: stated(vec![
            Route::Udp(([203, 0, 113, 1], u16::try_from(port).unwrap() + 1).into()),
            Route::Udp(([127, 0, 0, 1], 22).into()),
            Route::Udp(([224, 0, 0, 1], 22).into()),
        ]),
    };
    let hints: Vec<_> = (0..limit + 100).map(hint).collect();
    let (now, message) = (world.clock(), message::put_peers(&hints));
    let node = &mut world.nodes[1];
    node.out.candidates.clear();
    for _ in 0..5 {
        node.channel.on_message(now, link, &message, &mut node.out).unwrap();
    }
    assert_eq!(node.out.candidates.len(), limit);
    assert!(node.out.candidates.iter().all(|hint| hint.addr.ip().to_string() == "203.0.113.1"));
}

/// Gives node 0 of a fresh pair a PEERS whose one member has these bytes behind its length, and
/// returns what node 0 makes of it.
fn told(member: &[u8]) -> Result<Vec<SocketAddr>, ChannelFault> {
    let mut world = World::new(3, 34);
    let link = world.link(0, 1);
    world.settle();
    let mut message = message::put_peers(&[]);
    message.put_prefixed(member);
    hear(&mut world, link, &message)?;
    Ok(world.nodes[0].out.candidates.iter().map(|hint| hint.addr).collect())
}

fn hear(world: &mut World, link: LinkId, message: &[u8]) -> Result<(), ChannelFault> {
    world.nodes[0].out.candidates.clear();
    world.now += Duration::from_secs(60);
    let now = world.clock();
    let node = &mut world.nodes[0];
    node.channel.on_message(now, link, message, &mut node.out)
}

/// The member's device, that it was seen just now, and these facts.
fn member(facts: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = [&device(2).peer.0[..], &device(2).id.0, &[0]].concat();
    for (kind, value) in facts {
        bytes.push(*kind);
        bytes.put_prefixed(value);
    }
    bytes
}

// BC-09.61
#[test]
fn facts_that_are_not_known_are_skipped() {
    let udp: &[u8] = &[203, 0, 113, 1, 0x10, 0x27];
    let all = member(&[(1, udp), (63, b"whatever"), (4, &[0x40, 9]), (5, &[200]), (2, udp)]);
    assert_eq!(told(&all), Ok(vec![([203, 0, 113, 1], 10_000).into()]));
    assert_eq!(told(&member(&[])), Ok(vec![]));
    let long = member(&[(50, &[0; 600]), (51, &[0; 363])]);
    assert_eq!((long.len(), told(&long)), (1_018, Ok(vec![])));
    let longer = member(&[(50, &[0; 600]), (51, &[0; 370])]);
    assert!(matches!(told(&longer), Err(ChannelFault::Decode(_))), "{} bytes", longer.len());
}

// BC-09.26, BC-09.61
#[test]
fn facts_of_another_form_than_their_kind_has_close_the_link() {
    let device: &[u8] = &[7; 48];
    let udp: &[u8] = &[203, 0, 113, 1, 0x10, 0x27];
    let faulty: [Vec<u8>; 8] = [
        member(&[(1, &udp[1..])]),
        member(&[(2, &[0; 17])]),
        member(&[(3, &device[1..])]),
        member(&[(4, &[0x40])]),
        member(&[(4, &[1, 2])]),
        member(&[(5, &[])]),
        member(&[(1, udp)])[..55].to_vec(),
        member(&[(1, udp); 9]),
    ];
    for bytes in faulty {
        assert!(matches!(told(&bytes), Err(ChannelFault::Decode(_))), "{bytes:?}");
    }
    assert_eq!(told(&member(&[(1, udp); 8])).map(|found| found.len()), Ok(8));
    assert_eq!(told(&member(&[(3, device)])), Ok(vec![]));
}

// BC-09.24
#[test]
fn what_a_member_states_travels_one_step_whatever_its_kind() {
    let mut world = World::new(4, 35);
    let link = world.link(0, 1);
    world.link(0, 3);
    world.settle();
    let tcp: SocketAddr = ([203, 0, 113, 1], 443).into();
    let routes = vec![Route::Tcp(tcp), Route::Relay(device(2)), Route::Udp(tcp)];
    let of = Statement { routes, capabilities: 5, mapping: Mapping::Same };
    let hint = PeerHint { device: device(1), age: 0, of: of.clone() };
    world.nodes[0].out.wires.clear();
    hear(&mut world, link, &message::put_peers(&[hint])).unwrap();
    let mut sent = world.nodes[0].out.wires.values().flatten();
    let sent = sent.find(|message| message[0] == 7);
    let mut list = Reader::new(&sent.expect("a PEERS")[1..]);
    let mut passed_on = None;
    while !list.is_empty() {
        let hint = PeerHint::read(&mut list).unwrap();
        passed_on = passed_on.or(Some(hint.of).filter(|_| hint.device == device(1)));
    }
    let mut expected = of;
    expected.routes.insert(0, Route::Udp(proven(1)));
    assert_eq!(passed_on, Some(expected));
}

proptest! {
    #[test]
    fn a_member_is_read_as_it_was_written(
        addrs in prop::collection::vec(any::<SocketAddr>(), 0..5),
        age in 0..1_000_000_u64,
        capabilities in 0..1_u64 << 62,
    ) {
        let mut routes: Vec<_> = addrs.iter().copied().map(addr::canonical).map(Route::Udp).collect();
        routes.extend(addrs.into_iter().take(2).map(addr::canonical).map(Route::Tcp));
        routes.push(Route::Relay(device(3)));
        let of = Statement { routes, capabilities, mapping: Mapping::Differs };
        let hint = PeerHint { device: device(2), age, of };
        let mut bytes = Vec::new();
        hint.put(&mut bytes);
        prop_assert!(bytes.len() <= PEER_MAX);
        let mut list = Reader::new(&bytes);
        prop_assert_eq!(PeerHint::read(&mut list), Ok(hint));
        prop_assert!(list.is_empty());
    }
}

//! Peer exchange.

use super::world::{World, device};
use crate::channel::pex::PeerHint;
use crate::channel::sync::message;
use core::net::SocketAddr;
use core::time::Duration;

fn heard(world: &World, index: usize) -> Vec<(usize, SocketAddr)> {
    let of = |peer| (0..world.nodes.len()).find(|other| device(*other) == peer).unwrap();
    world.nodes[index].out.candidates.iter().map(|hint| (of(hint.device), hint.addr)).collect()
}

fn proven(index: usize) -> SocketAddr {
    ([198, 51, 100, 1], u16::try_from(index).unwrap() + 1_000).into()
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
        addrs: vec![
            ([203, 0, 113, 1], u16::try_from(port).unwrap() + 1).into(),
            ([127, 0, 0, 1], 22).into(),
            ([224, 0, 0, 1], 22).into(),
        ],
        age: 0,
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

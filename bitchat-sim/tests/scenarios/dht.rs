//! Being found with every tracker dead: by other people's nodes of the DHT.

use crate::{agree, secs};
use bitchat_core::chatfile::{Draft, Node, Outside};
use bitchat_core::node::{DhtMode, Event, NodeUpdate};
use bitchat_core::wire::url::Host;
use bitchat_sim::crew::{Chan, Crew};
use bitchat_sim::dht::PORT;
use bitchat_sim::net::HostId;
use bitchat_sim::scenario::assert_replays;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A DHT of `count` nodes in as many networks that know each other; then three of ten are dead, of those
/// that it gives as well.
fn private_dht(crew: &mut Crew, count: u8) -> Vec<SocketAddr> {
    let mut nodes: Vec<(HostId, SocketAddr)> = Vec::new();
    for number in 0..count {
        let ip = IpAddr::from([81, number, 7, 1]);
        let known: Vec<SocketAddr> = nodes.iter().take(8).map(|(_, at)| *at).collect();
        let host = crew.world.add_dht_node(ip, &known);
        nodes.push((host, SocketAddr::new(ip, PORT)));
        crew.run(Duration::from_millis(200));
    }
    crew.run(secs(60));
    for at in (0..nodes.len()).filter(|at| at % 10 % 4 == 1) {
        crew.world.net.set_unreachable(nodes[at].0, true);
    }
    nodes.into_iter().map(|(_, at)| at).collect()
}

fn named(addresses: &[SocketAddr]) -> Vec<Node> {
    addresses.iter().map(|at| Node { host: Host::Ip(at.ip()), port: at.port() }).collect()
}

/// A channel without a tracker whose file names these nodes.
fn channel(crew: &mut Crew, nodes: &[SocketAddr]) -> Chan {
    let outside = Outside { nodes: named(nodes), ..Outside::default() };
    crew.add_channel(&Draft { name: "nobody to ask".into(), outside, ..Draft::default() })
}

#[test]
fn members_who_have_only_the_file_meet_through_the_dht_with_a_third_of_it_dead() {
    for size in [30, 60] {
        assert_replays(0..2, |seed, text| {
            let mut crew = Crew::new(seed, text);
            let nodes = private_dht(&mut crew, size);
            let chan = channel(&mut crew, &nodes[..8]);
            let all: Vec<_> = (0..4).map(|_| crew.member()).collect();
            for who in &all {
                crew.join(*who, chan);
                crew.start(*who);
                let gap = crew.world.dice.within(secs(2));
                crew.run(gap);
            }
            crew.expect(secs(30), "a mesh", |crew| crew.meshed(chan));
            for who in &all {
                crew.say(*who, chan);
            }
            agree(&mut crew, chan, secs(5));
            for who in &all {
                let stats = crew.node(*who).and_then(bitchat_core::node::Node::dht_stats).unwrap();
                assert!(stats.nodes[0] >= 8, "{stats:?}");
            }
            crew.finish()
        });
    }
}

#[test]
fn who_starts_at_the_same_moment_meets_as_well() {
    assert_replays(0..3, |seed, text| {
        let mut crew = Crew::new(seed, text);
        let nodes = private_dht(&mut crew, 30);
        let chan = channel(&mut crew, &nodes[..8]);
        crew.members(2, chan);
        crew.expect(secs(30), "a link", |crew| crew.meshed(chan));
        crew.finish()
    });
}

#[test]
fn the_nodes_of_the_last_run_are_enough() {
    assert_replays(0..2, |seed, text| {
        let mut crew = Crew::new(seed, text);
        let nodes = private_dht(&mut crew, 30);
        let chan = crew.channel("no nodes", &[]);
        let all = [crew.member(), crew.member()];
        for who in all {
            crew.config(who).dht_routers = named(&nodes[..4]);
            crew.join(who, chan);
            crew.start(who);
        }
        crew.expect(secs(30), "a link", |crew| crew.meshed(chan));
        for who in all {
            crew.quit(who);
            crew.config(who).dht_routers.clear();
        }
        // Nobody is where anybody was.
        for (at, who) in all.into_iter().enumerate() {
            let host = crew.host(who);
            let number = u8::try_from(at).unwrap();
            crew.world.net.readdress(host, IpAddr::from([82, number, 0, 1]));
            crew.start(who);
        }
        crew.expect(secs(60), "a link again", |crew| crew.meshed(chan));
        crew.finish()
    });
}

#[test]
fn who_switched_the_dht_off_or_knows_nobody_there_sends_nothing_to_it() {
    assert_replays(0..1, |seed, text| {
        let mut crew = Crew::new(seed, text);
        let nodes = private_dht(&mut crew, 10);
        let chan = channel(&mut crew, &nodes[..8]);
        let off = crew.member();
        crew.config(off).dht = DhtMode::Off;
        let lost = crew.member();
        let plain = crew.channel("no nodes", &[]);
        for (who, chan) in [(off, chan), (lost, plain)] {
            crew.join(who, chan);
            crew.start(who);
        }
        crew.run(secs(300));
        for who in [off, lost] {
            assert_eq!(crew.world.counters(crew.host(who)).sent, 0);
            let told = |event: &Event| matches!(event, Event::Node(NodeUpdate::Dht { .. }));
            assert!(!crew.events(who).iter().any(|(_, event)| told(event)));
        }
        crew.finish()
    });
}

//! What is noted of the links is what asking each of them would give.

use crate::channel::Channel;
use crate::channel::tests::world::World;
use core::time::Duration;

fn check(channel: &Channel) {
    let (peers, pex) = (&channel.sync.peers, &channel.pex);
    assert!(peers.touched.is_empty(), "every call ends with a flush");
    for (link, peer) in &peers.all {
        assert_eq!(peers.due.of.get(link).copied(), peer.poll_timeout(pex));
        assert_eq!(peers.ahead.contains(link), peer.ask_again_at().is_some());
        let until = peer.ask_again_at().filter(|at| *at > channel.now);
        assert_eq!(peers.trusted.of.get(link).copied().filter(|at| *at > channel.now), until);
    }
    let asked = peers.all.values().filter_map(|peer| peer.poll_timeout(pex)).min();
    assert_eq!(peers.next_due(), asked);
    for deadlines in [&peers.due, &peers.trusted] {
        assert!(deadlines.of.keys().all(|link| peers.all.contains_key(link)));
        assert_eq!(deadlines.of.len(), deadlines.order.len());
    }
}

#[test]
fn the_noted_deadlines_are_those_of_the_links() {
    let mut world = World::new(6, 90);
    world.mesh();
    for round in 0..80_usize {
        world.say(round % 6, &format!("{round}"));
        world.nodes[round % 5].out.capacity = round % 3;
        if round % 9 == 8 {
            let link = *world.links.keys().next().expect("there are links");
            world.cut(link);
            world.link(round % 6, (round + 1) % 6);
        }
        world.run(Duration::from_millis(700));
        world.nodes.iter().for_each(|node| check(&node.channel));
    }
}

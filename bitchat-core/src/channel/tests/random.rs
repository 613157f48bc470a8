//! Whatever happens in whatever order, everybody ends with the same chat.

use super::world::World;
use crate::base::limits::Limits;
use crate::channel::ChannelEvent;
use core::time::Duration;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Say(usize),
    Link(usize, usize),
    Cut(usize),
    Restart { node: usize, kept: usize },
    Steps(u16),
    Sleep(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..9_usize).prop_map(Op::Say),
        3 => (0..9_usize, 0..9_usize).prop_map(|(a, b)| Op::Link(a, b)),
        2 => (0..9_usize).prop_map(Op::Cut),
        1 => (0..9_usize, 0..6_usize).prop_map(|(node, kept)| Op::Restart { node, kept }),
        4 => (1..40_u16).prop_map(Op::Steps),
        2 => (1..8_000_u64).prop_map(Op::Sleep),
    ]
}

fn apply(world: &mut World, op: &Op, limits: &Limits, said: &mut usize) {
    let count = world.nodes.len();
    match *op {
        Op::Say(node) => {
            world.say(node % count, &format!("{said}"));
            *said += 1;
        }
        Op::Link(a, b) if a % count != b % count => {
            world.link(a % count, b % count);
        }
        Op::Link(..) => (),
        Op::Cut(at) => {
            let link = world.links.keys().nth(at % world.links.len().max(1)).copied();
            link.into_iter().for_each(|link| world.cut(link));
        }
        Op::Restart { node, kept } => world.restart(node % count, kept, limits),
        Op::Steps(steps) => (0..steps).for_each(|_| {
            world.step();
        }),
        Op::Sleep(millis) => {
            let until = world.now + Duration::from_millis(millis);
            while world.sleep(until) {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    // BC-09.05, BC-09.08, BC-09.15, BC-09.21
    #[test]
    fn everybody_ends_with_the_same_chat(
        seed: u64,
        count in 2..6_usize,
        capacity in prop_oneof![Just(usize::MAX), 1..6_usize],
        ops in prop::collection::vec(op(), 1..60),
    ) {
        let limits = Limits::default();
        let mut world = World::new(count, seed);
        world.nodes.iter_mut().for_each(|node| node.out.capacity = capacity);
        let mut said = 0;
        for op in &ops {
            apply(&mut world, op, &limits, &mut said);
        }
        // In the end everybody is joined, by a line, and time passes.
        (1..count).for_each(|index| {
            world.link(index - 1, index);
        });
        world.run(Duration::from_secs(120));
        world.assert_agreed();
        for node in &world.nodes {
            let lied = |event: &ChannelEvent| matches!(
                event,
                ChannelEvent::AuthorEquivocated { .. } | ChannelEvent::OwnChainForked { .. }
            );
            prop_assert!(!node.out.events.iter().any(lied), "an honest author looks like a liar");
        }
    }
}

#[test]
fn a_thousand_entries_among_five_are_fast() {
    let mut world = World::new(5, 9);
    world.mesh();
    let begun = world.now;
    for round in 0..1_000 {
        world.say(round % 5, "a text of usual length, as people write it");
        if round % 10 == 0 {
            world.run(Duration::from_millis(300));
        }
    }
    world.run(Duration::from_secs(60));
    assert!(world.now > begun);
    assert_eq!(world.texts(4).len(), 1_000);
    world.assert_agreed();
}

use super::world::{World, device, restore};
use crate::base::limits::Limits;
use crate::channel::ChannelEvent;
use core::time::Duration;

// BC-09.16
#[test]
fn a_text_reaches_everybody_and_the_author_learns_it() {
    let mut world = World::new(4, 1);
    world.mesh();
    world.settle();
    let id = world.say(0, "hello");
    assert_eq!(world.texts(0), Vec::<String>::new(), "not shown before it is stored");
    world.run(Duration::from_secs(1));
    assert_eq!(world.texts(3), ["hello"]);
    world.assert_agreed();
    assert_eq!(world.nodes[0].channel.stored_by(&id).count(), 3);
    let delivered: Vec<_> = world.nodes[0]
        .out
        .events
        .iter()
        .filter_map(|event| match event {
            ChannelEvent::Delivered { entry, device } if *entry == id => Some(*device),
            _ => None,
        })
        .collect();
    assert_eq!(delivered.len(), 3);
    assert!(delivered.contains(&device(2)));
}

#[test]
fn a_line_of_members_passes_messages_on() {
    let mut world = World::new(5, 2);
    (1..5).for_each(|index| {
        world.link(index - 1, index);
    });
    for round in 0..20 {
        world.say(round % 5, &format!("message {round}"));
        world.run(Duration::from_secs(1));
    }
    world.run(Duration::from_secs(60));
    assert_eq!(world.texts(0).len(), 20);
    world.assert_agreed();
}

#[test]
fn a_late_joiner_gets_the_whole_history() {
    let mut world = World::new(3, 3);
    world.link(0, 1);
    for round in 0..1_500 {
        world.say(round % 2, &format!("message {round}"));
        if round % 7 == 0 {
            world.settle();
        }
    }
    world.run(Duration::from_secs(10));
    world.link(2, 1);
    world.run(Duration::from_secs(1));
    assert_eq!(world.texts(2).len(), 1_500);
    world.assert_agreed();
}

#[test]
fn a_restart_forgets_nothing() {
    let limits = Limits::default();
    let mut world = World::new(2, 4);
    world.link(0, 1);
    world.say(0, "one");
    world.say(1, "two");
    world.run(Duration::from_secs(1));
    world.restart(0, 0, &limits);
    assert_eq!(world.texts(0).len(), 2);
    world.link(0, 1);
    world.say(0, "three");
    world.run(Duration::from_secs(10));
    assert_eq!(world.nodes[1].channel.log.chains().authors().count(), 2, "the chain goes on");
    assert_eq!(world.texts(1).len(), 3);
    world.assert_agreed();
    let (again, skipped) = restore(0, &world.nodes[0].out.disk, &limits);
    assert_eq!((again.digest(), skipped), (world.nodes[0].channel.digest(), 0));
}

// BC-09.30
#[test]
fn in_a_full_mesh_an_entry_crosses_a_link_about_once() {
    let mut world = World::new(8, 5);
    world.mesh();
    world.say(0, "warming up");
    world.run(Duration::from_secs(10));
    let sent = |world: &World| world.nodes.iter().map(|node| node.out.sent_bytes).sum::<usize>();
    let before = sent(&world);
    let text = "x".repeat(2_000);
    for _ in 0..20 {
        world.say(0, &text);
        world.run(Duration::from_secs(10));
    }
    let payload = 20 * 7 * text.len();
    let spent = sent(&world) - before;
    assert!(spent < payload * 3 / 2, "{spent} bytes for {payload}");
    world.assert_agreed();
}

#[test]
fn a_message_finds_another_way_when_its_usual_one_is_gone() {
    let mut world = World::new(3, 6);
    world.link(0, 1);
    world.link(1, 2);
    let usual = world.link(0, 2);
    for _ in 0..3 {
        world.say(0, "as usual");
        world.run(Duration::from_secs(10));
    }
    world.cut(usual);
    for _ in 0..2 {
        world.say(0, "around");
        world.run(Duration::from_secs(10));
        world.assert_agreed();
    }
    world.say(0, "at once");
    world.run(Duration::from_millis(100));
    world.assert_agreed();
}

#[test]
fn catching_up_costs_what_is_missing() {
    let limits = Limits::default();
    let mut world = World::new(2, 7);
    world.link(0, 1);
    for round in 0..800 {
        world.say(round % 2, "a message of the past");
        world.settle();
    }
    world.run(Duration::from_secs(10));
    world.restart(1, 0, &limits);
    for _ in 0..10 {
        world.say(0, "a message of today");
    }
    world.settle();
    world.nodes.iter_mut().for_each(|node| node.out.sent_bytes = 0);
    world.link(0, 1);
    world.run(Duration::from_secs(60));
    world.assert_agreed();
    let spent: usize = world.nodes.iter().map(|node| node.out.sent_bytes).sum();
    assert!(spent < 10 * 400 + 1_000, "{spent} bytes for ten entries");
}

#[test]
fn a_slow_link_gets_everything_and_holds_little() {
    let mut world = World::new(2, 8);
    for round in 0..700 {
        world.say(0, &"long ".repeat(round + 1));
    }
    world.settle();
    world.nodes.iter_mut().for_each(|node| node.out.capacity = 1);
    let first = world.link(0, 1);
    (0..400).for_each(|_| {
        world.step();
        let waiting = world.nodes[0].out.wires.values().map(std::collections::VecDeque::len);
        assert!(waiting.sum::<usize>() <= 3);
    });
    let half = world.texts(1).len();
    assert!(0 < half && half < 700, "the link broke in the middle");
    world.cut(first);
    world.link(0, 1);
    world.say(0, "and this");
    world.run(Duration::from_secs(10));
    assert_eq!(world.texts(1).len(), 701);
    world.assert_agreed();
}

#[test]
fn delivery_is_known_again_after_a_restart() {
    let limits = Limits::default();
    let mut world = World::new(2, 10);
    world.link(0, 1);
    let id = world.say(0, "hello");
    world.run(Duration::from_secs(10));
    world.restart(0, 0, &limits);
    assert_eq!(world.nodes[0].channel.stored_by(&id).count(), 0);
    world.link(0, 1);
    world.run(Duration::from_secs(1));
    assert_eq!(world.nodes[0].channel.stored_by(&id).collect::<Vec<_>>(), [device(1)]);
}

// BC-09.17, BC-09.21
#[test]
fn what_is_not_stored_is_neither_shown_nor_acknowledged_nor_passed_on() {
    let mut world = World::new(3, 11);
    world.link(0, 1);
    world.link(1, 2);
    world.settle();
    let id = world.say(0, "hello");
    // Every disk but that of node 1 answers.
    let until = world.now + Duration::from_secs(40);
    loop {
        let wires: Vec<_> = (0..3)
            .flat_map(|index| {
                world.nodes[index]
                    .out
                    .wires
                    .keys()
                    .map(move |wire| (index, *wire))
                    .collect::<Vec<_>>()
            })
            .collect();
        let moved = wires.into_iter().fold(false, |moved, (from, (link, priority))| {
            world.deliver_one(from, link, priority) || moved
        });
        let stored = world.store_one(0) || world.store_one(2);
        if !moved && !stored && !world.sleep(until) {
            break;
        }
    }
    assert_eq!(world.nodes[1].channel.log.pending(), 2, "binding and text are with the disk");
    assert_eq!(world.nodes[1].channel.log.chains().heads().count(), 0);
    assert_eq!(world.texts(1).len() + world.texts(2).len(), 0);
    assert_eq!(world.nodes[0].channel.stored_by(&id).count(), 0);
    world.run(Duration::from_secs(10));
    assert_eq!(world.nodes[0].channel.stored_by(&id).count(), 1);
    world.assert_agreed();
}

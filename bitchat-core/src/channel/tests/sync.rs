use super::world::{World, device, restore};
use crate::base::limits::Limits;
use crate::channel::ChannelEvent;
use core::time::Duration;

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
    let state = world.nodes[0].channel.delivery(&id).unwrap();
    assert!(state.stored && state.sent);
    assert_eq!((state.stored_by, state.members), (3, 3));
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
    assert_eq!(world.nodes[1].channel.authors().count(), 2, "the chain goes on");
    assert_eq!(world.texts(1).len(), 3);
    world.assert_agreed();
    let (again, skipped) = restore(0, &world.nodes[0].out.disk, &limits);
    assert_eq!((again.digest(), skipped), (world.nodes[0].channel.digest(), 0));
}

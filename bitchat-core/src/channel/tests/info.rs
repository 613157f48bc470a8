//! `info` for those who joined by a link.

use super::world::{World, config};
use crate::base::limits::Limits;
use crate::base::rng::{Rng, Seed};
use crate::channel::sync::message;
use crate::channel::{Channel, ChannelConfig, ChannelEvent, ChannelFault, ChannelInfo};
use crate::chatfile::{ChatFile, Draft, InfoError, JoinLink};
use crate::crypto::channel_keys::Epoch;
use core::time::Duration;

fn file(name: &str) -> ChatFile {
    let mut rng = Rng::new(&Seed([3; 32]));
    let draft = Draft { name: name.into(), ..Draft::default() };
    draft.create(None, &mut rng.secret, &Limits::default()).expect("a sound draft")
}

/// The first `knowing` of `count` nodes have the file, the others a link.
fn world(count: usize, knowing: usize) -> (World, ChatFile) {
    let mut world = World::new(count, 60);
    let file = file("by link");
    for (index, node) in world.nodes.iter_mut().enumerate() {
        let chan = file.channel_id();
        let config =
            ChannelConfig { chan, epoch: Epoch::default(), ..config(index, &Limits::default()) };
        node.channel = Channel::new(config);
        node.channel.set_info(if index < knowing {
            ChannelInfo::Held(file.encode_bare().into())
        } else {
            ChannelInfo::Wanted(Box::new(JoinLink::from(&file)))
        });
    }
    (world, file)
}

fn learnt(world: &World, index: usize) -> Vec<&ChatFile> {
    let events = world.nodes[index].out.events.iter();
    let files = events.filter_map(|event| match event {
        ChannelEvent::Info(file) => Some(file.as_ref()),
        _ => None,
    });
    files.collect()
}

// BC-09.40, BC-09.41
#[test]
fn info_is_asked_for_given_once_and_passed_on() {
    let (mut world, file) = world(3, 1);
    world.link(1, 2);
    world.run(Duration::from_secs(10));
    assert!(learnt(&world, 1).is_empty() && learnt(&world, 2).is_empty(), "nobody has it");
    let link = world.link(0, 1);
    world.run(Duration::from_secs(1));
    for index in [1, 2] {
        let learnt = learnt(&world, index);
        assert_eq!(learnt.len(), 1);
        assert_eq!(learnt[0].encode_bare(), file.encode_bare());
    }
    let now = world.clock();
    let node = &mut world.nodes[0];
    let sent = node.out.sent_messages;
    let again = message::put_want_info();
    assert_eq!(node.channel.on_message(now, link, &again, &mut node.out), Ok(()));
    assert_eq!(node.out.sent_messages, sent, "a peer cannot ask for it again and again");
    world.say(1, "and now a word");
    world.run(Duration::from_secs(10));
    world.assert_agreed();
}

// BC-09.42
#[test]
fn what_is_no_info_of_the_channel_closes_the_link() {
    let (mut world, _) = world(2, 1);
    let link = world.link(0, 1);
    let (now, node) = (world.clock(), &mut world.nodes[1]);
    let other = message::put_info(&file("another").encode_bare());
    let fault = node.channel.on_message(now, link, &other, &mut node.out);
    assert_eq!(fault, Err(ChannelFault::Info(InfoError::OtherChannel)));
    assert!(node.out.events.is_empty());
}

// BC-09.43
#[test]
fn who_knows_it_looks_at_no_other() {
    let (mut world, _) = world(2, 2);
    let link = world.link(0, 1);
    let (now, node) = (world.clock(), &mut world.nodes[1]);
    let wrong = message::put_info(b"whatever");
    assert_eq!(node.channel.on_message(now, link, &wrong, &mut node.out), Ok(()));
    assert!(node.out.events.is_empty());
}

#[test]
fn a_link_that_takes_nothing_gets_it_later() {
    let (mut world, _) = world(2, 1);
    world.nodes[0].out.capacity = 0;
    world.link(0, 1);
    world.run(Duration::from_secs(1));
    assert!(learnt(&world, 1).is_empty());
    world.nodes[0].out.capacity = 10;
    let (now, link) = (world.clock(), *world.links.keys().next().expect("one"));
    let node = &mut world.nodes[0];
    node.channel.on_writable(now, link, &mut node.out);
    world.run(Duration::from_secs(1));
    assert_eq!(learnt(&world, 1).len(), 1);
}

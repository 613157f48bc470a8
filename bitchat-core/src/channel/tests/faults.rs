//! Disks that fail, backups that come back, authors that lie.

use super::world::{CHAN, World, damaged, device, restore};
use crate::base::ids::{EntryId, LinkId};
use crate::base::limits::Limits;
use crate::base::time::UnixMillis;
use crate::channel::sync::message::{self, Role};
use crate::channel::{ChannelEvent, FullReason, Record, SendError};
use crate::crypto::channel_keys::Epoch;
use crate::crypto::identity::Identity;
use crate::crypto::suite::Secret;
use crate::log::{AuthorId, Draft, Entry, Kind};
use core::time::Duration;

fn log_key(world: &World, index: usize) -> Secret {
    let key = world.nodes[index].out.disk.iter().rev().find_map(|record| match record {
        Record::LogKey { secret, .. } => Some(secret.clone()),
        _ => None,
    });
    key.expect("the node has written")
}

pub(super) fn author_of(world: &World, index: usize, id: &EntryId) -> AuthorId {
    world.nodes[index].channel.message(id).expect("the entry is shown").author
}

/// Another entry in the place that `id` has.
pub(super) fn contradict(world: &World, index: usize, id: &EntryId, text: &str) -> Entry {
    let entry = world.nodes[index].channel.log.chains().entry(id).unwrap();
    let draft = Draft {
        chan: CHAN,
        epoch: Epoch::default(),
        seq: entry.seq(),
        prev: entry.prev(),
        cited: entry.cited().collect::<Vec<_>>(),
        lamport: entry.lamport(),
        wall: UnixMillis(1),
        kind: Kind::Text,
        body: text.as_bytes(),
    };
    draft.sign(&Identity::from_bytes(&log_key(world, index))).unwrap()
}

pub(super) fn inject(world: &mut World, index: usize, link: LinkId, entry: &Entry) {
    let now = world.clock();
    let message = message::put_entries(Role::Push, core::iter::once(&entry.raw()[..]));
    let node = &mut world.nodes[index];
    node.channel.on_message(now, link, &message, &mut node.out).unwrap();
}

pub(super) fn frozen(world: &World, index: usize) -> Vec<(AuthorId, u64)> {
    let events = world.nodes[index].out.events.iter();
    let found = events.filter_map(|event| match event {
        ChannelEvent::AuthorEquivocated { author, seq, .. } => Some((*author, *seq)),
        _ => None,
    });
    found.collect()
}

// BC-09.10, BC-09.11
#[test]
fn a_liar_is_known_to_all_and_both_halves_agree_again() {
    let mut world = World::new(5, 20);
    world.link(0, 1);
    let bridge = world.link(1, 2);
    world.link(2, 3);
    world.say(0, "before");
    world.say(2, "hello");
    world.run(Duration::from_secs(10));
    world.cut(bridge);
    let true_one = world.say(0, "yes");
    world.run(Duration::from_secs(10));
    world.say(0, "and more");
    world.run(Duration::from_secs(10));
    world.say(1, "you said yes");
    let liar = author_of(&world, 0, &true_one);
    let false_one = contradict(&world, 0, &true_one, "no");
    let accomplice = world.link(2, 4);
    inject(&mut world, 2, accomplice, &false_one);
    world.cut(accomplice);
    world.run(Duration::from_secs(10));
    assert!(world.texts(3).contains(&"no".to_owned()));
    world.say(3, "you said no");
    world.run(Duration::from_secs(10));
    world.link(1, 2);
    world.link(2, 4);
    world.run(Duration::from_secs(60));
    world.assert_agreed();
    let mut texts = world.texts(0);
    texts.sort();
    assert_eq!(texts, ["before", "hello", "you said no", "you said yes"]);
    for index in 0..5 {
        assert_eq!(frozen(&world, index), [(liar, false_one.seq())], "node {index}");
    }
    // The proof survives a restart, and the liar writes on under a new key.
    let limits = Limits::default();
    let (again, skipped) = restore(3, &world.nodes[3].out.disk, &limits);
    assert_eq!((again.digest(), skipped), (world.nodes[3].channel.digest(), 0));
    let anew = world.say(0, "sorry");
    world.run(Duration::from_secs(10));
    assert_ne!(author_of(&world, 3, &anew), liar);
    world.assert_agreed();
}

// BC-09.22
#[test]
fn an_old_backup_begins_a_new_chain() {
    let limits = Limits::default();
    let mut world = World::new(3, 21);
    world.link(0, 1);
    world.link(1, 2);
    world.say(0, "one");
    world.run(Duration::from_secs(10));
    let backup = world.nodes[0].out.disk.clone();
    let two = world.say(0, "two");
    world.run(Duration::from_secs(10));
    let old = author_of(&world, 1, &two);
    world.nodes[0].out.disk = backup;
    world.restart(0, 0, &limits);
    assert_eq!(world.texts(0), ["one"]);
    world.nodes[0].out.events.clear();
    world.link(0, 1);
    world.run(Duration::from_secs(10));
    assert_eq!(world.texts(0), ["one", "two"]);
    let forked = ChannelEvent::OwnChainForked { author: old };
    assert!(world.nodes[0].out.events.contains(&forked));
    // Given up for good: a restart before the next message does not take the old chain up again.
    world.restart(0, 0, &limits);
    world.link(0, 1);
    let three = world.say(0, "three");
    world.run(Duration::from_secs(10));
    assert_ne!(author_of(&world, 2, &three), old);
    assert_eq!(world.nodes[2].channel.message(&three).unwrap().device, device(0));
    assert!(world.nodes.iter().all(|node| {
        !node.out.events.iter().any(|event| matches!(event, ChannelEvent::AuthorEquivocated { .. }))
    }));
    world.assert_agreed();
    // The new key is the one in use after a restart, too.
    world.restart(0, 0, &limits);
    world.link(0, 1);
    let four = world.say(0, "four");
    world.run(Duration::from_secs(10));
    assert_eq!(author_of(&world, 2, &four), author_of(&world, 2, &three));
}

#[test]
fn damaged_records_cost_themselves_and_the_chain() {
    let limits = Limits::default();
    let mut world = World::new(2, 22);
    world.link(0, 1);
    let old = world.say(0, "one");
    world.run(Duration::from_secs(1));
    let mut disk = world.nodes[0].out.disk.clone();
    disk.pop();
    disk.push(damaged());
    let (channel, skipped) = restore(0, &disk, &limits);
    assert_eq!((skipped, channel.messages().count()), (1, 0));
    world.nodes[0].channel = channel;
    world.nodes[0].out.asked.clear();
    let next = world.say(0, "two");
    while world.store_one(0) {}
    assert!(author_of(&world, 0, &next) != author_of(&world, 1, &old));
}

// BC-09.21
#[test]
fn nothing_leaves_before_it_is_stored() {
    let mut world = World::new(2, 23);
    world.link(0, 1);
    world.settle();
    let id = world.say(0, "hello");
    let before = world.nodes[0].out.sent_messages;
    assert_eq!(world.nodes[0].out.asked.len(), 3, "key, binding, text");
    assert!(world.nodes[0].channel.message(&id).is_none());
    // The last one first: what is stored counts only with everything ahead of it.
    let now = world.clock();
    let asked: Vec<_> = world.nodes[0].out.asked.drain(..).collect();
    for (ticket, record) in asked.into_iter().rev() {
        assert_eq!(world.nodes[0].out.sent_messages, before);
        assert_eq!(world.texts(0).len(), 0);
        let node = &mut world.nodes[0];
        node.out.disk.push(record);
        node.channel.on_persisted(now, ticket, &mut node.out);
        node.channel.on_persisted(now, ticket, &mut node.out);
    }
    assert!(world.nodes[0].out.sent_messages > before);
    world.run(Duration::from_secs(1));
    assert_eq!(world.texts(1), ["hello"]);
}

#[test]
fn a_full_log_refuses_and_keeps() {
    let limits = Limits::with(|limits| limits.channel.log_entries = 6);
    let mut world = World::with_limits(2, 24, &limits);
    world.nodes[0].channel = super::world::fresh(0, &Limits::default());
    world.link(0, 1);
    for round in 0..10 {
        world.say(0, &format!("{round}"));
    }
    world.run(Duration::from_secs(120));
    assert_eq!(world.texts(1), ["0", "1", "2", "3", "4"]);
    let full = ChannelEvent::Full(FullReason::Log);
    assert_eq!(world.nodes[1].out.events.iter().filter(|event| **event == full).count(), 1);
    let now = world.clock();
    let node = &mut world.nodes[1];
    assert_eq!(node.channel.send_text(now, "me too", &mut node.out), Err(SendError::LogFull));
}

#[test]
fn a_text_that_cannot_be_sent_is_refused_with_a_reason() {
    let limits = Limits::with(|limits| limits.channel.waiting_entries = 4);
    let mut world = World::with_limits(1, 25, &limits);
    let now = world.clock();
    let node = &mut world.nodes[0];
    let send = |node: &mut super::world::Node, text: &str| {
        node.channel.send_text(now, text, &mut node.out)
    };
    assert_eq!(send(node, ""), Err(SendError::Empty));
    let long = "x".repeat(65_537);
    assert_eq!(send(node, &long), Err(SendError::TooLong { len: 65_537, max: 65_536 }));
    node.out.may_sign = false;
    assert_eq!(send(node, "hello"), Err(SendError::NoIdentityKey));
    node.out.may_sign = true;
    assert!(send(node, &long[1..]).is_ok());
    assert_eq!(send(node, "too fast"), Err(SendError::Busy));
}

#[test]
fn the_longest_texts_fit_a_message_and_so_does_their_contradiction() {
    let mut world = World::new(3, 26);
    let bridge = world.link(0, 1);
    let long = world.say(0, &"x".repeat(65_536));
    world.run(Duration::from_secs(10));
    assert_eq!(world.nodes[1].channel.message(&long).unwrap().id, long);
    let liar = author_of(&world, 0, &long);
    let false_one = contradict(&world, 0, &long, &"y".repeat(65_536));
    world.cut(bridge);
    inject_fresh(&mut world, &false_one);
    world.link(0, 1);
    world.link(1, 2);
    world.run(Duration::from_secs(60));
    for index in 0..2 {
        assert_eq!(frozen(&world, index), [(liar, 1)]);
    }
    assert_eq!(frozen(&world, 2), [], "who never saw either branch needs no proof");
    world.assert_agreed();
}

/// Gives `entry` to node 1 over a link that is gone afterwards.
fn inject_fresh(world: &mut World, entry: &Entry) {
    let link = world.link(1, 2);
    inject(world, 1, link, entry);
    world.cut(link);
}

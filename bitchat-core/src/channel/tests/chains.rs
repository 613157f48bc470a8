//! Many chains, frozen chains, and chains that lost a piece.

use super::faults::{author_of, contradict, frozen, inject};
use super::hostile::{binding, draft};
use super::world::{World, config, damaged, device, restore};
use crate::base::ids::{EntryId, LinkId};
use crate::base::limits::Limits;
use crate::channel::sync::message::{self, Inbound};
use crate::channel::{CHAINS_PER_DEVICE, Channel, ChannelRestore, Record};
use crate::crypto::identity::Identity;
use crate::crypto::suite::Secret;
use crate::log::{Entry, Kind};
use core::time::Duration;

/// The first entry of a chain of `device`, under a made-up key.
fn first_entry(index: usize, number: usize) -> Entry {
    let key = Secret([u8::try_from(number).unwrap() + 10; 32]);
    let body = binding(index, &key);
    draft(0, EntryId([0; 32]), Kind::Bind, &body).sign(&Identity::from_bytes(&key)).unwrap()
}

// BC-09.50
#[test]
fn a_device_with_too_many_chains_does_not_part_the_others() {
    let mut world = World::new(3, 50);
    world.link(0, 1);
    let ends = [world.link(0, 2), world.link(1, 2)];
    world.settle();
    for number in 0..2 * CHAINS_PER_DEVICE {
        let node = number / CHAINS_PER_DEVICE;
        inject(&mut world, node, ends[node], &first_entry(2, number));
        while world.store_one(node) {}
    }
    ends.into_iter().for_each(|end| world.cut(end));
    world.say(0, "hi");
    world.say(1, "ho");
    world.run(Duration::from_secs(200));
    for index in 0..2 {
        let mut texts = world.texts(index);
        texts.sort();
        assert_eq!(texts, ["hi", "ho"], "node {index}");
    }
}

// BC-09.51
#[test]
fn what_is_written_after_a_freeze_is_shown_behind_all_before_it() {
    let mut world = World::new(3, 51);
    world.mesh();
    for number in 0..20 {
        world.say(2, &format!("{number}"));
        world.run(Duration::from_secs(1));
    }
    let bait = world.say(0, "bait");
    world.run(Duration::from_secs(10));
    let other = contradict(&world, 0, &bait, "switch");
    let accomplice = world.link(1, 0);
    inject(&mut world, 1, accomplice, &other);
    world.run(Duration::from_secs(10));
    assert_eq!(world.texts(2).len(), 20);
    let after = world.say(1, "after");
    world.run(Duration::from_secs(10));
    assert_eq!(world.texts(2).last().unwrap(), "after");
    let cited =
        world.nodes[1].channel.log.chains().entry(&after).unwrap().cited().collect::<Vec<_>>();
    assert!(cited.contains(&world.ids(2)[19]), "the last honest text is a tip again");
    world.assert_agreed();
    // And so after a restart, which puts the frozen chain back first.
    let limits = Limits::default();
    let (again, _) = restore(2, &world.nodes[2].out.disk, &limits);
    assert_eq!(
        again.log.chains().latest_tips(16, after),
        world.nodes[2].channel.log.chains().latest_tips(16, after)
    );
}

// BC-09.50
#[test]
fn a_device_with_many_chains_of_its_own_is_still_heard() {
    let limits = Limits::default();
    let mut world = World::new(2, 52);
    world.nodes[0].out.disk.push(damaged());
    let said: Vec<_> = (0..CHAINS_PER_DEVICE + 6).map(|start| format!("start {start}")).collect();
    for text in &said {
        world.nodes[0].channel = restore(0, &world.nodes[0].out.disk, &limits).0;
        world.say(0, text);
        while world.store_one(0) {}
    }
    world.link(0, 1);
    world.run(Duration::from_secs(60));
    assert_eq!(world.nodes[0].channel.log.chains().authors().count(), said.len());
    assert_eq!(world.texts(1), said);
    let (again, skipped) = restore(0, &world.nodes[0].out.disk, &limits);
    assert_eq!((again.messages().count(), skipped), (said.len(), 1));
}

#[test]
fn a_lost_record_costs_itself_only() {
    let limits = Limits::default();
    let mut world = World::new(3, 53);
    let link = world.link(0, 1);
    world.link(1, 2);
    for round in 0..10 {
        world.say(round % 2, &format!("{round}"));
        world.run(Duration::from_secs(10));
    }
    world.cut(link);
    world.say(0, "not delivered");
    while world.store_one(0) {}
    let said = world.texts(0);
    let lost = world.ids(1)[3];
    for record in &mut world.nodes[0].out.disk {
        if matches!(record, Record::Entry(entry) if entry.id() == lost) {
            *record = damaged();
        }
    }
    let (channel, skipped) = restore(0, &world.nodes[0].out.disk, &limits);
    assert_eq!(skipped, 1);
    world.nodes[0].channel = channel;
    assert_eq!(world.texts(0), ["0", "1", "2"]);
    // Minutes without a member do not make it forget.
    world.run(Duration::from_secs(300));
    world.link(0, 1);
    world.run(Duration::from_secs(10));
    assert_eq!(world.texts(0), said);
    world.assert_agreed();
    let (_, skipped) = restore(2, &world.nodes[2].out.disk, &limits);
    assert_eq!(skipped, 0);
}

#[test]
fn the_bytes_of_one_link_leave_room_for_what_comes_over_others() {
    let limits = Limits::with(|limits| limits.channel.log_bytes = 1 << 20);
    let mut world = World::with_limits(3, 54, &limits);
    let links = [world.link(0, 1), world.link(0, 2)];
    world.settle();
    let body = "x".repeat(10_000);
    let waiter = |number: u8| {
        let key = Identity::from_bytes(&Secret([number; 32]));
        draft(7, EntryId([number; 32]), Kind::Text, body.as_bytes()).sign(&key).unwrap()
    };
    (1..20).for_each(|number| inject(&mut world, 0, links[0], &waiter(number)));
    assert_eq!(world.nodes[0].channel.log.waiting(), 3, "a quarter of an eighth of the log");
    inject(&mut world, 0, links[1], &waiter(20));
    assert_eq!(world.nodes[0].channel.log.waiting(), 4);
}

// BC-09.23
#[test]
fn every_entry_that_waits_asks_in_time() {
    let mut world = World::new(2, 55);
    let link = world.link(0, 1);
    world.settle();
    let start = world.now;
    for number in 1..4 {
        let key = Identity::from_bytes(&Secret([number; 32]));
        let entry = draft(7, EntryId([number; 32]), Kind::Text, b"x").sign(&key).unwrap();
        inject(&mut world, 0, link, &entry);
        world.now += Duration::from_millis(30);
    }
    while world.sleep(start + Duration::from_millis(2_500)) {}
    let mut asked = Vec::new();
    for message in world.nodes[0].out.wires.remove(&(link, 0)).unwrap_or_default() {
        if let Ok(Inbound::WantIds(mut list)) = message::decode(&message) {
            while !list.is_empty() {
                asked.push(EntryId(list.array().unwrap()));
            }
        }
    }
    assert_eq!(asked, [1, 2, 3].map(|number| EntryId([number; 32])));
}

/// What a node finds in its store, one record damaged so that only its key is left.
fn restore_without(world: &World, index: usize, lost: impl Fn(&Record) -> bool) -> Channel {
    let mut restore = ChannelRestore::new(config(index, &Limits::default()));
    for record in &world.nodes[index].out.disk {
        if lost(record) { restore.add_lost(&record.key()) } else { restore.add(record).unwrap() }
    }
    restore.finish().0
}

fn is_entry(record: &Record, id: EntryId) -> bool {
    matches!(record, Record::Entry(entry) if entry.id() == id)
}

// BC-09.52
#[test]
fn a_loss_ends_the_own_chain_only_if_it_may_be_of_it_and_once() {
    let mut world = World::new(2, 56);
    let link = world.link(0, 1);
    let own = world.say(0, "mine");
    world.run(Duration::from_secs(10));
    let other = world.say(1, "yours");
    world.run(Duration::from_secs(10));
    world.cut(link);
    let first = author_of(&world, 0, &own);
    let say = |world: &mut World, lost: &dyn Fn(&Record) -> bool| {
        world.nodes[0].channel = restore_without(world, 0, lost);
        let id = world.say(0, "more");
        while world.store_one(0) {}
        author_of(world, 0, &id)
    };
    assert_eq!(say(&mut world, &|record| is_entry(record, other)), first, "of another chain");
    let second = say(&mut world, &|record| is_entry(record, own));
    assert_ne!(second, first, "of the own chain");
    assert_eq!(say(&mut world, &|record| is_entry(record, own)), second, "known by now");
    let keys = |record: &Record| matches!(record, Record::LogKey { generation: 1, .. });
    let third = say(&mut world, &keys);
    assert!(third != first && third != second, "the key in use is lost");
    let generations = world.nodes[0].out.disk.iter().filter_map(|record| match record {
        Record::LogKey { generation, .. } => Some(*generation),
        _ => None,
    });
    assert_eq!(generations.collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(say(&mut world, &|_| false), third);
    // Gone without a trace, and somebody had built on it: it may have been our last.
    let mut vanished = world.nodes[0].out.disk.clone();
    vanished.retain(|record| !is_entry(record, own));
    world.nodes[0].out.disk = vanished;
    let fourth = say(&mut world, &|_| false);
    assert_ne!(fourth, third);
}

#[test]
fn the_keys_of_another_device_are_not_used() {
    let limits = Limits::default();
    let mut world = World::new(2, 57);
    let before = world.say(0, "mine");
    while world.store_one(0) {}
    world.nodes[1].channel = restore(1, &world.nodes[0].out.disk, &limits).0;
    let id = world.say(1, "mine too");
    while world.store_one(1) {}
    let channel = &world.nodes[1].channel;
    assert_eq!(channel.message(&id).unwrap().device, device(1));
    assert!(channel.message(&id).unwrap().own && !channel.message(&before).unwrap().own);
}

/// Lets everything travel and everybody but node 0 store, until nothing moves.
fn run_with_a_slow_disk(world: &mut World) {
    loop {
        let mut moved = false;
        for index in 0..world.nodes.len() {
            let wires: Vec<_> = world.nodes[index].out.wires.keys().copied().collect();
            for (link, priority) in wires {
                moved |= world.deliver_one(index, link, priority);
            }
            moved |= index > 0 && world.store_one(index);
        }
        if !moved {
            break;
        }
    }
}

// BC-09.53
#[test]
fn what_was_written_too_early_and_never_left_is_written_again() {
    let limits = Limits::default();
    let mut world = World::new(3, 58);
    world.link(0, 1);
    world.link(1, 2);
    world.say(0, "one");
    world.run(Duration::from_secs(10));
    let backup = world.nodes[0].out.disk.clone();
    for text in ["two", "three"] {
        world.say(0, text);
        world.run(Duration::from_secs(10));
    }
    world.nodes[0].out.disk = backup;
    world.restart(0, 0, &limits);
    world.say(0, "late");
    world.say(0, "later");
    world.link(0, 1);
    run_with_a_slow_disk(&mut world);
    world.run(Duration::from_secs(60));
    for index in 0..3 {
        assert_eq!(frozen(&world, index), [], "node {index}");
        let mut texts = world.texts(index);
        texts.sort();
        assert_eq!(texts, ["late", "later", "one", "three", "two"], "node {index}");
    }
    world.assert_agreed();
    let digest = world.nodes[0].channel.digest();
    world.restart(0, 0, &limits);
    assert_eq!(world.nodes[0].channel.digest(), digest, "the store holds nothing else");
}

fn types_on(world: &World, index: usize, link: LinkId) -> Vec<u8> {
    let wire = world.nodes[index].out.wires.get(&(link, 0));
    wire.into_iter().flatten().map(|message| message[0]).collect()
}

#[test]
fn an_entry_asked_for_by_name_prunes_nobody() {
    let mut world = World::new(3, 59);
    let link = world.link(0, 1);
    world.link(1, 2);
    let id = world.say(2, "hello");
    world.run(Duration::from_secs(60));
    let node = &mut world.nodes[0];
    node.channel.sync.peers.get_mut(link).unwrap().want_id(id);
    node.channel.flush(&mut node.out);
    assert_eq!(types_on(&world, 0, link), [4], "WANT_IDS");
    assert!(world.deliver_one(0, link, 0));
    assert!(world.deliver_one(1, link, 2), "the answer");
    assert!(types_on(&world, 0, link).is_empty(), "no PRUNE");
}

// BC-09.30
#[test]
fn what_was_queued_for_a_peer_that_prunes_is_not_pushed() {
    let mut world = World::new(3, 60);
    let (near, far) = (world.link(0, 1), world.link(0, 2));
    world.settle();
    world.nodes[0].out.capacity = 1;
    for round in 0..5 {
        world.say(2, &format!("{round}"));
        while world.store_one(2) {}
        while world.deliver_one(2, far, 1) {}
        while world.store_one(0) {}
    }
    let author = world.nodes[0].channel.messages().next().unwrap().author;
    inject_message(&mut world, 0, near, &message::put_prune([author].iter()));
    world.nodes[0].out.capacity = usize::MAX;
    world.settle();
    assert_eq!(world.texts(0).len(), 5);
    assert!(world.texts(1).len() <= 2, "what the link held: {:?}", world.texts(1));
    world.run(Duration::from_secs(60));
    assert_eq!(world.texts(1).len(), 5, "heads repair it");
}

fn inject_message(world: &mut World, index: usize, link: LinkId, message: &[u8]) {
    let now = world.clock();
    let node = &mut world.nodes[index];
    node.channel.on_message(now, link, message, &mut node.out).unwrap();
}

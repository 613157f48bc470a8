//! Fetching what is missing: what it costs, and who may stand in its way.

use super::faults::frozen;
use super::hostile::{binding, draft, feed, push};
use super::world::{World, fresh};
use crate::base::ids::{EntryId, LinkId};
use crate::base::limits::Limits;
use crate::channel::Priority;
use crate::channel::sync::message::{self, Role};
use crate::crypto::identity::Identity;
use crate::crypto::suite::Secret;
use crate::log::{AuthorId, Entry, Head, Kind};
use core::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn forget_sent(world: &mut World) {
    world.nodes.iter_mut().for_each(|node| node.out.sent_bytes = 0);
}

/// Everything that `from` has sent on `link` arrives, and is stored there.
fn deliver(world: &mut World, from: usize, to: usize, link: LinkId) {
    for priority in [Priority::Control, Priority::Chat, Priority::History] {
        while world.deliver_one(from, link, priority as usize) {}
    }
    while world.store_one(to) {}
}

/// The peer that a history came from was never told that it had arrived, and gave all of it again
/// with the next question.
#[test]
fn what_came_from_a_peer_is_not_sent_again_by_it() {
    // BC-09.56
    let mut world = World::new(4, 70);
    let source = world.link(3, 1);
    for _ in 0..600 {
        world.say(3, "a text");
    }
    world.run(SECOND * 10);
    world.cut(source);
    world.link(0, 1);
    world.link(1, 2);
    let usual = world.link(0, 2);
    for _ in 0..3 {
        world.say(0, "as usual");
        world.run(SECOND * 10);
    }
    assert_eq!(world.texts(2).len(), 603);
    world.cut(usual);
    forget_sent(&mut world);
    world.say(0, "around");
    world.run(SECOND * 10);
    assert_eq!(world.texts(2).len(), 604);
    let sent = world.nodes[1].out.sent_bytes;
    assert!(sent < 10_000, "{sent} bytes for one message");
}

/// A message became visible between the own digest and the peer's: one side took the two for equal,
/// the other did not, and waited for heads for as long as the link lived.
#[test]
fn digests_of_different_moments_leave_nobody_behind() {
    // BC-09.55
    let mut world = World::new(3, 71);
    let known = world.link(0, 2);
    let other = world.link(1, 2);
    for _ in 0..300 {
        world.say(2, "a text");
    }
    world.run(SECOND * 10);
    world.cut(other);
    let link = world.link(0, 1);
    world.say(2, "meanwhile");
    while world.store_one(2) {}
    deliver(&mut world, 2, 0, known);
    assert_eq!(world.texts(0).len(), 301);
    forget_sent(&mut world);
    deliver(&mut world, 1, 0, link);
    deliver(&mut world, 0, 1, link);
    world.run(SECOND);
    assert_eq!(world.texts(1).len(), 301, "it is passed on at once");
    world.run(SECOND * 60);
    world.say(2, "and later");
    world.run(SECOND / 2);
    assert_eq!(world.texts(1).len(), 302);
    world.run(SECOND * 60);
    let sent = world.nodes[0].out.sent_bytes;
    assert!(sent < 20_000, "{sent} bytes for two messages");
    world.assert_agreed();
}

/// A member that answered a question with junk, just often enough, was asked for ever.
#[test]
fn an_answer_that_leads_nowhere_keeps_nobody_else_from_being_asked() {
    // BC-09.59
    let mut world = World::new(3, 72);
    for _ in 0..50 {
        world.say(2, "a text");
    }
    world.run(SECOND);
    // Node 1 says nothing by itself: all that comes from it is made up here.
    world.nodes[1].out.capacity = 0;
    let liar = world.link(0, 1);
    feed(&mut world, liar, &message::put_digest(&[1; 32])).unwrap();
    let heads: Vec<_> = (0..200_u8)
        .map(|number| Head { author: AuthorId([number; 32]), seq: 9, id: EntryId([number; 32]) })
        .collect();
    feed(&mut world, liar, &message::put_heads(&heads)).unwrap();
    world.link(0, 2);
    for number in 0..30_u8 {
        let key = Identity::from_bytes(&Secret([number + 1; 32]));
        let junk = draft(7, EntryId([number + 1; 32]), Kind::Text, b"x").sign(&key).unwrap();
        let answer = message::put_entries(Role::Answer, core::iter::once(&junk.raw()[..]));
        feed(&mut world, liar, &answer).unwrap();
        world.run(SECOND * 49 / 10);
    }
    assert_eq!(world.texts(0).len(), 50);
}

/// A log that had room for small entries only asked for a large one again and again.
#[test]
fn a_full_log_does_not_ask_for_what_it_cannot_take() {
    let mut world = World::new(2, 73);
    world.nodes[0].channel = fresh(0, &Limits::with(|limits| limits.channel.log_bytes = 20_000));
    let text = "x".repeat(1_000);
    for _ in 0..40 {
        world.say(1, &text);
    }
    world.run(SECOND);
    world.link(0, 1);
    world.run(SECOND * 60);
    assert!((10..20).contains(&world.texts(0).len()));
    forget_sent(&mut world);
    world.run(SECOND * 600);
    let sent: usize = world.nodes.iter().map(|node| node.out.sent_bytes).sum();
    assert!(sent < 5_000, "{sent} bytes that lead nowhere");
}

/// A chain of node 1 under a key of its own: the binding and `texts` texts.
fn chain(key: &Secret, texts: u64) -> Vec<Entry> {
    let pair = Identity::from_bytes(key);
    let body = binding(1, key);
    let mut all = vec![draft(0, EntryId([0; 32]), Kind::Bind, &body).sign(&pair).unwrap()];
    for seq in 1..=texts {
        let prev = all.last().unwrap().id();
        all.push(draft(seq, prev, Kind::Text, b"branch").sign(&pair).unwrap());
    }
    all
}

/// Members built on a long branch before its author was convicted. Whoever came later could get it
/// only entry by entry from its end, in vain after 256 of them, and was locked out for ever.
#[test]
fn a_long_disputed_branch_locks_nobody_out() {
    // BC-09.57, BC-09.58
    let mut world = World::new(4, 74);
    world.nodes[1].out.capacity = 0;
    let liar = world.link(0, 1);
    let peer = world.link(0, 2);
    world.say(0, "before");
    let key = Secret([9; 32]);
    let branch = chain(&key, 600);
    for entry in &branch {
        feed(&mut world, liar, &push(entry.raw())).unwrap();
        world.settle();
    }
    world.say(0, "on top of it");
    world.run(SECOND * 10);
    let other = draft(1, branch[0].id(), Kind::Text, b"other");
    let other = other.sign(&Identity::from_bytes(&key)).unwrap();
    feed(&mut world, liar, &push(other.raw())).unwrap();
    world.run(SECOND * 10);
    assert_eq!(world.texts(0), ["before", "on top of it"]);
    world.cut(liar);
    world.cut(peer);
    world.link(2, 3);
    world.run(SECOND * 60);
    assert_eq!(world.texts(3), ["before", "on top of it"], "by one link, from who got it later");
    assert_eq!(frozen(&world, 3), [(AuthorId(Identity::from_bytes(&key).peer_id().0), 1)]);
    world.say(3, "and goes on");
    world.run(SECOND * 10);
    assert_eq!(world.texts(2).len(), 3);
}

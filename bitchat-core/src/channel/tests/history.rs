//! Reading a history in pages.

use super::faults::{contradict, inject};
use super::world::World;
use crate::base::ids::EntryId;
use crate::channel::Page;
use core::time::Duration;

fn page(world: &World, page: Page, limit: usize) -> Option<Vec<EntryId>> {
    let found = world.nodes[0].channel.page(page, limit)?;
    Some(found.iter().map(|message| message.id).collect())
}

#[test]
fn pages_from_either_end_make_the_whole_history() {
    let mut world = World::new(2, 80);
    world.link(0, 1);
    for round in 0..25 {
        world.say(round % 2, &format!("{round}"));
        world.run(Duration::from_secs(1));
    }
    let all = world.ids(0);
    assert_eq!(world.nodes[0].channel.message_count(), 25);
    for limit in [1, 7, 25, 100] {
        let mut forth = page(&world, Page::First, limit).unwrap();
        while let Some(last) = forth.last().copied()
            && let next = page(&world, Page::After(last), limit).unwrap()
            && !next.is_empty()
        {
            assert!(next.len() <= limit);
            forth.extend(next);
        }
        assert_eq!(forth, all, "{limit} at a time");
        let mut back = page(&world, Page::Last, limit).unwrap();
        while let Some(first) = back.first().copied()
            && let before = page(&world, Page::Before(first), limit).unwrap()
            && !before.is_empty()
        {
            back.splice(..0, before);
        }
        assert_eq!(back, all, "{limit} at a time");
    }
    assert_eq!(page(&world, Page::First, 0), Some(vec![]));
    assert_eq!(page(&world, Page::After(EntryId([1; 32])), 5), None);
    assert_eq!(page(&world, Page::Before(EntryId([1; 32])), 5), None);
}

/// What was read last may be frozen before the reader goes on.
#[test]
fn a_message_that_is_no_longer_shown_still_has_a_place() {
    let mut world = World::new(3, 81);
    let link = world.link(0, 1);
    world.link(0, 2);
    let first = world.say(0, "first");
    world.run(Duration::from_secs(10));
    let gone = world.say(1, "gone");
    world.run(Duration::from_secs(10));
    let last = world.say(2, "last");
    world.run(Duration::from_secs(10));
    let other = contradict(&world, 1, &gone, "another");
    inject(&mut world, 0, link, &other);
    world.run(Duration::from_secs(10));
    assert_eq!(world.ids(0), [first, last]);
    assert_eq!(page(&world, Page::After(gone), 9), Some(vec![last]));
    assert_eq!(page(&world, Page::Before(gone), 9), Some(vec![first]));
}

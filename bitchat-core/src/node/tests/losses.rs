//! Stores that lost something.

use super::*;

/// Where the log begins in a key of the store: behind `chan/<id>/`.
const LOG: usize = 26;

fn log_records(world: &World, kind: u8) -> Vec<Vec<u8>> {
    let of_log =
        |key: &&Vec<u8>| key.get(LOG..).is_some_and(|name| name.starts_with(&[b'r', kind]));
    world.hosts[0].store.keys().filter(of_log).cloned().collect()
}

#[test]
fn a_damaged_record_ends_the_chain_once() {
    let mut world = World::new(1);
    world.join(0);
    for start in 0..5 {
        world.send(0, &format!("{start}")).unwrap();
        world.run(SECOND);
        let mut store = world.hosts[0].store.clone();
        if start == 0 {
            let texts = log_records(&world, 1);
            let text = texts.iter().find(|key| key[LOG + 34..LOG + 42] == 1_u64.to_be_bytes());
            store.insert(text.expect("stored").clone(), Bytes::from_static(b"de"));
        }
        world.hosts[0] = Host::new(0, world.now, store, 99 - start);
        world.drain();
        world.join(0);
    }
    assert_eq!(world.texts(0), ["1", "2", "3", "4"]);
    assert_eq!(log_records(&world, 0).len(), 2, "the second chain goes on");
}

#[test]
fn a_record_in_the_place_of_another_is_not_used() {
    let mut world = World::new(1);
    world.join(0);
    world.send(0, "one").unwrap();
    world.send(0, "two").unwrap();
    world.run(SECOND);
    let mut store = world.hosts[0].store.clone();
    let entries = log_records(&world, 1);
    store.insert(entries[2].clone(), store[&entries[1]].clone());
    world.hosts[0] = Host::new(0, world.now, store, 99);
    world.drain();
    world.join(0);
    let damaged = |event: &Event| matches!(event, Event::Store(StoreUpdate::Damaged { key }) if *key == entries[2]);
    assert!(world.hosts[0].events.iter().any(damaged));
    world.send(0, "three").unwrap();
    world.run(SECOND);
    assert_eq!(world.texts(0), ["one", "three"]);
    assert_eq!(log_records(&world, 0).len(), 2);
}

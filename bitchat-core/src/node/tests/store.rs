//! Stores that are not there, that cannot be read, or that cannot be written.

use super::*;

fn count(host: &Host, what: impl Fn(&Event) -> bool) -> usize {
    host.events.iter().filter(|event| what(event)).count()
}

fn failing(host: &Host) -> usize {
    count(host, |event| matches!(event, Event::Store(StoreUpdate::Failing { .. })))
}

fn recovered(host: &Host) -> usize {
    count(host, |event| *event == Event::Store(StoreUpdate::Recovered))
}

impl World {
    /// Host 0, started anew with the store of before, which cannot be read.
    fn unreadable(&mut self) {
        let store = self.hosts[0].store.clone();
        self.hosts[0] = Host::new(0, self.now, store, 90);
        self.hosts[0].unreadable = true;
    }
}

#[test]
fn a_store_that_is_not_supported_is_done_without() {
    // BC-11.61
    for unreadable in [false, true] {
        let mut world = World::new(0);
        let mut host = Host::new(0, world.now, BTreeMap::new(), 0);
        (host.full, host.unreadable, host.why) = (true, unreadable, Failure::Unsupported);
        world.hosts.push(host);
        world.join(0);
        world.send(0, "said").expect("ready");
        assert_eq!(world.texts(0), ["said"]);
        let now = world.time();
        let (host, second) = (&mut world.hosts[0], file_of(201));
        host.channel = Some(host.node.join(now, &second).unwrap());
        world.drain();
        world.send(0, "in another channel").expect("ready");
        assert_eq!(failing(&world.hosts[0]), 0);
        assert_eq!(
            count(&world.hosts[0], |e| matches!(
                e,
                Event::Channel(_, ChannelUpdate::Message { .. })
            )),
            2
        );
        world.hosts[0].node.shutdown(now);
        world.run(SECOND * 10);
        assert!(world.hosts[0].node.is_drained());
        assert!(world.hosts[0].store.is_empty());
    }
}

#[test]
fn a_store_that_was_of_use_once_is_not_done_without() {
    // BC-11.62: the log key that it holds would sign two entries under one number after a restart.
    let mut world = World::new(1);
    world.join(0);
    world.send(0, "stored").unwrap();
    world.run(SECOND);
    let (device, store) = (world.hosts[0].node.device(), world.hosts[0].store.clone());
    let mut host = Host::new(0, world.now, store, 91);
    (host.full, host.why) = (true, Failure::Unsupported);
    world.hosts[0] = host;
    world.drain();
    assert_eq!(world.hosts[0].node.device(), device);
    world.join(0);
    world.send(0, "waits").unwrap();
    world.run(SECOND * 10);
    assert_eq!((failing(&world.hosts[0]), world.texts(0)), (1, vec!["stored".to_owned()]));
    world.hosts[0].full = false;
    world.run(SECOND * 60);
    assert_eq!((recovered(&world.hosts[0]), world.texts(0).len()), (1, 2));
    // Nor one that only took something.
    let now = world.time();
    let host = &mut world.hosts[0];
    host.unreadable = true;
    host.channel = Some(host.node.join(now, &file_of(201)).unwrap());
    world.run(SECOND);
    assert_eq!(failing(&world.hosts[0]), 2);
    assert_eq!(world.send(0, "too early"), Err(SendError::NotReady));
}

#[test]
fn a_load_that_failed_is_tried_again_and_until_then_nobody_is_answered() {
    // BC-11.63
    let mut world = World::new(2);
    world.join(0);
    world.join(1);
    let device = world.hosts[0].node.device();
    world.unreadable();
    world.join(0);
    world.introduce(0, 1);
    world.introduce(1, 0);
    world.run(SECOND * 300);
    let (node, address) = (&world.hosts[0].node, world.hosts[0].address);
    assert_eq!((node.device(), failing(&world.hosts[0])), (None, 1));
    assert!(node.stats().datagrams_in > 0 && node.stats().datagrams_out == 0);
    assert!(world.wire.iter().all(|(_, from, ..)| *from != address));
    assert_eq!(recovered(&world.hosts[0]), 0);
    world.hosts[0].unreadable = false;
    world.run(SECOND * 31);
    assert_eq!(world.hosts[0].node.device(), device);
    assert_eq!((failing(&world.hosts[0]), recovered(&world.hosts[0])), (1, 1));
    world.introduce(0, 1);
    world.run(SECOND * 30);
    assert_eq!(world.hosts[0].node.links().len(), 1);
}

#[test]
fn a_load_is_tried_again_ever_more_slowly_from_the_page_that_failed_on() {
    // BC-11.63
    let now = |at| Now::new(at, WALL);
    let mut host = Host::new(0, Timestamp::ZERO, BTreeMap::new(), 0);
    let (mut at, mut waits, mut loads) = (Timestamp::ZERO, Vec::new(), 0);
    let key = b"node/resumption/x".to_vec();
    while loads < 9 {
        while let Some(action) = host.node.poll_action() {
            let Action::Load { request, after, .. } = action else {
                host.carry_out(now(at), action);
                continue;
            };
            loads += 1;
            let input = if loads == 1 {
                // A first page; what is damaged in it is only told of.
                let (key, value) = (key.clone(), Bytes::new());
                let records = vec![Record { key, value, secret: true, expires: None }];
                Input::Loaded { request, records, more: true }
            } else {
                assert_eq!(after, key);
                Input::Failed { request, failure: Failure::Other("disk asleep".into()) }
            };
            host.node.handle_input(now(at), input);
        }
        let next = host.node.poll_timeout().expect("it is tried again");
        assert_eq!(next.reason, "store retry");
        waits.push(next.at.saturating_since(at).as_secs());
        at = next.at;
        host.node.handle_timeout(now(at));
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
}

#[test]
fn a_channel_whose_records_cannot_be_read_is_not_an_empty_one() {
    // BC-11.63
    let mut world = World::new(1);
    world.join(0);
    world.send(0, "before").unwrap();
    world.run(SECOND);
    let now = world.time();
    let host = &mut world.hosts[0];
    host.node.leave(now, host.channel.take().unwrap()).unwrap();
    host.unreadable = true;
    world.join(0);
    world.run(SECOND * 100);
    let ready = |event: &Event| matches!(event, Event::Channel(_, ChannelUpdate::Ready { .. }));
    assert_eq!(world.send(0, "too early"), Err(SendError::NotReady));
    assert_eq!((count(&world.hosts[0], ready), failing(&world.hosts[0])), (1, 1));
    world.hosts[0].unreadable = false;
    world.run(SECOND * 31);
    assert_eq!(world.texts(0), ["before"]);
    assert_eq!((count(&world.hosts[0], ready), recovered(&world.hosts[0])), (2, 1));
    world.send(0, "after").unwrap();
    let host = &world.hosts[0];
    let messages = host.node.messages(host.channel.unwrap(), Page::First, 10).unwrap();
    assert_eq!(messages[0].seq + 1, messages[1].seq, "the chain goes on");
}

#[test]
fn the_load_of_a_channel_that_was_left_is_not_tried_again() {
    let mut world = World::new(1);
    world.hosts[0].unreadable = true;
    world.join(0);
    world.run(SECOND * 3);
    let now = world.time();
    let host = &mut world.hosts[0];
    host.node.leave(now, host.channel.take().unwrap()).unwrap();
    world.drain();
    let node = &world.hosts[0].node;
    assert!(node.poll_timeout().is_none_or(|next| next.reason != "store retry"));
    // The store is found to work by whatever is asked of it next.
    world.hosts[0].unreadable = false;
    world.join(0);
    world.run(SECOND);
    assert_eq!((failing(&world.hosts[0]), recovered(&world.hosts[0])), (1, 1));
}

#[test]
fn a_node_that_shuts_down_does_not_wait_for_a_store_that_cannot_be_read() {
    let mut world = World::new(1);
    world.unreadable();
    world.join(0);
    world.run(SECOND);
    let now = world.time();
    world.hosts[0].node.shutdown(now);
    world.drain();
    assert!(world.hosts[0].node.is_drained());
    assert!(world.hosts[0].node.poll_timeout().is_none());
}

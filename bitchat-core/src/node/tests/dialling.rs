//! Whom a node calls, when, and where it finds those who moved.

use super::*;

fn sent_to(world: &World, of: usize, to: SocketAddr) -> usize {
    let from = world.hosts[of].address;
    world.wire.iter().filter(|(_, source, target, _)| (*source, *target) == (from, to)).count()
}

/// Two linked hosts; the second has moved to another address, and the link with it.
fn moved() -> (World, SocketAddr) {
    let mut world = World::new(3);
    (0..2).for_each(|of| _ = world.join(of));
    world.introduce(0, 1);
    world.run(SECOND);
    let place = SocketAddr::from((Ipv4Addr::new(10, 0, 9, 9), 7_000));
    world.hosts[1].address = place;
    world.send(1, "from elsewhere").unwrap();
    world.run(SECOND * 2);
    assert_eq!(world.hosts[0].node.links()[0].address, place, "the link followed");
    (world, place)
}

#[test]
fn a_member_that_moved_is_called_where_it_was_last() {
    // BC-08.82
    let (mut world, place) = moved();
    let device = world.hosts[1].node.device();
    // It starts anew there, and knows nobody; the link breaks by silence.
    let mut host = Host::new(1, world.now, BTreeMap::new(), 99);
    host.address = place;
    world.hosts[1] = host;
    world.drain();
    world.join(1);
    world.run(SECOND * 70);
    let closed = |event: &Event| matches!(event, Event::Link(_, LinkUpdate::Closed { .. }));
    assert!(world.hosts[0].events.iter().any(closed), "{:?}", world.hosts[0].events);
    assert_ne!(world.hosts[1].node.device(), device);
    assert_eq!(world.hosts[0].node.links().len(), 1, "within seconds, not ten minutes later");
}

#[test]
fn a_member_that_moved_is_remembered_there_and_others_are_told() {
    // BC-08.82
    let (mut world, place) = moved();
    world.join(2);
    world.introduce(2, 0);
    world.run(SECOND * 90);
    assert_eq!(world.hosts[2].node.links().len(), 2, "it was told where the second one is");
    let store = world.hosts[0].store.clone();
    let mut host = Host::new(0, world.now, store, 99);
    host.address = SocketAddr::from((Ipv4Addr::new(10, 0, 8, 8), 1));
    world.hosts[0] = host;
    world.hosts.pop();
    world.drain();
    world.join(0);
    assert!(sent_to(&world, 0, place) > 0, "the next run knows the place");
}

#[test]
fn an_address_whose_session_moved_and_ended_is_called_again() {
    let (mut world, place) = moved();
    // As if the session had been dialled and had moved before it carried the channel.
    let dialled = SocketAddr::from((Ipv4Addr::new(10, 0, 7, 7), 1));
    let (now, channel) = (world.now, world.hosts[0].channel.unwrap());
    let node = &mut world.hosts[0].node;
    let id = node.links()[0].link;
    let candidates = &mut node.discovery.get_mut(channel).unwrap().candidates;
    assert!(candidates.add(now, dialled));
    assert_eq!(candidates.poll(now), Some(dialled));
    let link = node.sessions.links.remove(id).unwrap();
    node.sessions.links.insert(id, link, Some(dialled));
    world.hosts[1] = Host::new(1, world.now, BTreeMap::new(), 99);
    world.hosts[1].address = place;
    world.run(SECOND * 70);
    assert_eq!(world.hosts[0].node.links().len(), 0);
    let discovery = &mut world.hosts[0].node.discovery;
    let candidates = &mut discovery.get_mut(channel).unwrap().candidates;
    let mut due = Vec::new();
    let mut now = world.now;
    while let Some(at) = candidates.poll_timeout().filter(|_| due.len() < 50) {
        now = now.max(at);
        if let Some(address) = candidates.poll(now) {
            due.push(address);
            candidates.on_failed(now, address);
        }
    }
    assert!(due.contains(&dialled), "{due:?}");
}

#[test]
fn two_liars_do_not_keep_a_member_from_being_called() {
    // BC-08.83
    let mut world = World::new(2);
    (0..2).for_each(|of| _ = world.join(of));
    let (now, victim) = (world.now, world.hosts[1].address);
    for liar in 1..=4 {
        let sockets = &mut world.hosts[0].node.discovery.own;
        sockets.on_observed(now, IpAddr::from([192, 0, 2, liar]), victim);
    }
    assert_eq!(world.hosts[0].node.discovery.own.addresses(), [victim]);
    world.introduce(0, 1);
    world.run(SECOND);
    assert_eq!(world.hosts[0].node.links().len(), 1);
}

#[test]
fn a_node_that_is_behind_calls_nobody() {
    // BC-08.84
    let mut world = World::new(2);
    (0..2).for_each(|of| _ = world.join(of));
    world.hosts[0].deaf = true;
    world.hosts[0].node.fx.outbox.max_events = 2;
    world.hosts[0].node.fx.outbox.tell(Event::Store(StoreUpdate::Recovered));
    assert!(world.hosts[0].node.is_behind());
    world.introduce(0, 1);
    world.run(SECOND * 10);
    assert_eq!(world.hosts[0].node.stats().handshakes_started, 0);
    assert_eq!(world.hosts[1].node.stats().datagrams_in, 0);
    world.hosts[0].deaf = false;
    world.run(SECOND);
    assert_eq!(world.hosts[0].node.links().len(), 1, "and does so at once when it has caught up");
}

#[test]
fn channels_take_turns_in_dialling() {
    // BC-08.81
    let mut config = Config::default();
    config.families.v6 = false;
    config.limits.node.handshakes = 1;
    let mut world = World::new(1);
    let identity = Identity::from_bytes(&Secret([1; 32]));
    let now = world.time();
    world.hosts[0].node = Node::new(config, identity, Seed([5; 32]), now).unwrap();
    world.drain();
    let channels = [world.join(0), world.join_file(0, &file_of(201))];
    let now = world.time();
    for port in 1..=3 {
        for (of, channel) in (1_u8..).zip(channels) {
            let hint = PeerHint { address: SocketAddr::from(([10, 1, of, 1], port)), peer: None };
            world.hosts[0].node.add_peer(now, channel, hint).unwrap();
        }
    }
    let mut called = Vec::new();
    while let Some(next) = world.hosts[0].node.poll_timeout().filter(|_| called.len() < 6) {
        world.now = next.at;
        let now = world.time();
        world.hosts[0].node.handle_timeout(now);
        world.drain();
        called.extend(world.wire.drain(..).map(|(_, _, to, _)| to));
        called.dedup();
    }
    let of: Vec<u8> = called
        .iter()
        .map(|to| if to.ip() == IpAddr::from([10, 1, 1, 1]) { 1 } else { 2 })
        .collect();
    assert_eq!(of, [1, 2, 1, 2, 1, 2], "{called:?}");
}

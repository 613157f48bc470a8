//! Sessions that come and go: dialled twice, broken, restarted, left and joined again.

use super::*;
use std::collections::BTreeSet;

/// Every link that came up went down once, or is up; members come and go in turns.
fn check_pairs(host: &Host) {
    let (mut links, mut members) = (BTreeSet::new(), BTreeSet::new());
    let mut closed = BTreeSet::new();
    for event in &host.events {
        let fits = match event {
            Event::Link(link, LinkUpdate::Up { .. }) => {
                !closed.contains(link) && links.insert(*link)
            }
            Event::Link(link, LinkUpdate::Closed { .. }) => {
                closed.insert(*link) && links.remove(link)
            }
            Event::Channel(channel, ChannelUpdate::MemberUp { device }) => {
                members.insert((*channel, *device))
            }
            Event::Channel(channel, ChannelUpdate::MemberDown { device }) => {
                members.remove(&(*channel, *device))
            }
            _ => true,
        };
        assert!(fits, "{event:?} in {:?}", host.events);
    }
    let open: BTreeSet<_> = host.node.links().into_iter().map(|info| info.link).collect();
    assert_eq!(links, open, "what was told is what is");
}

impl World {
    fn restart(&mut self, of: usize, store: BTreeMap<Vec<u8>, Bytes>, seed: u8) {
        check_pairs(&self.hosts[of]);
        self.hosts[of] = Host::new(u8::try_from(of).unwrap(), self.now, store, seed);
        self.drain();
        self.join(of);
    }

    fn leave(&mut self, of: usize) {
        let now = self.time();
        let host = &mut self.hosts[of];
        host.node.leave(now, host.channel.take().expect("joined")).expect("joined");
        self.drain();
    }

    fn trouble_someone(&mut self, round: u8, old: &mut [BTreeMap<Vec<u8>, Bytes>; 3]) {
        let of = usize::try_from(self.chance.below(3)).unwrap();
        let to = (of + 1 + usize::try_from(self.chance.below(2)).unwrap()) % 3;
        match self.chance.below(7) {
            0 => {
                let store = self.hosts[of].store.clone();
                self.restart(of, store, 100 + round);
            }
            // A store that went back in time, and with it the resumption secrets.
            1 => self.restart(of, core::mem::take(&mut old[of]), 100 + round),
            2 => old[of] = self.hosts[of].store.clone(),
            3 => {
                self.leave(of);
                self.join(of);
            }
            4 => drop(self.send(of, &format!("round {round}"))),
            _ => {
                self.introduce(of, to);
                self.introduce(to, of);
            }
        }
        let pause = Duration::from_millis(self.chance.below(4_000));
        self.run(pause);
    }
}

#[test]
fn whatever_happens_sessions_come_in_pairs_and_one_stays_for_each_device() {
    // BC-05.35, BC-05.36
    for seed in 0..16 {
        let mut world = World::new(3);
        world.chance = Rng::new(&Seed([seed; 32])).public;
        world.trouble = u64::from(seed % 4) * 8;
        (0..3).for_each(|of| _ = world.join(of));
        let mut old = [const { BTreeMap::new() }; 3];
        for round in 0..25 {
            world.trouble_someone(round, &mut old);
        }
        world.trouble = 0;
        for of in 0..3 {
            (0..3).filter(|to| *to != of).for_each(|to| world.introduce(of, to));
        }
        world.run(SECOND * 700);
        for of in 0..3 {
            world.send(of, &format!("last of {of}")).expect("ready");
        }
        world.run(SECOND * 5);
        for (of, host) in world.hosts.iter().enumerate() {
            check_pairs(host);
            assert_eq!(host.node.links().len(), 2, "seed {seed}: {of}: {:?}", host.events);
            assert_eq!(host.node.sessions.links.len(), 2, "seed {seed}: nothing is left over");
            assert_eq!(world.texts(of), world.texts(0), "seed {seed}");
            for author in 0..3 {
                assert!(world.texts(of).contains(&format!("last of {author}")), "seed {seed}");
            }
        }
    }
}

#[test]
fn a_channel_that_was_left_can_be_joined_again() {
    let mut world = World::new(2);
    (0..2).for_each(|of| _ = world.join(of));
    world.introduce(0, 1);
    world.run(SECOND);
    world.send(0, "before").unwrap();
    world.run(SECOND);
    world.leave(0);
    world.send(1, "meanwhile").unwrap();
    world.join(0);
    world.run(SECOND * 5);
    world.send(0, "after").unwrap();
    world.run(SECOND * 5);
    assert_eq!(world.texts(0), ["before", "meanwhile", "after"]);
    assert_eq!(world.texts(0), world.texts(1));
    world.hosts.iter().for_each(check_pairs);
}

#[test]
fn joining_again_waits_until_the_first_stay_is_stored() {
    let mut world = World::new(1);
    world.join(0);
    world.hosts[0].full = true;
    world.send(0, "not stored yet").unwrap();
    world.run(SECOND);
    world.leave(0);
    world.join(0);
    world.run(SECOND);
    assert_eq!(world.send(0, "too early"), Err(SendError::NotReady));
    world.hosts[0].full = false;
    world.run(SECOND * 60);
    assert_eq!(world.texts(0), ["not stored yet"]);
}

#[test]
fn two_channels_share_a_link_which_outlives_the_one_that_made_it() {
    let mut world = World::new(2);
    let first = [0, 1].map(|of| world.join(of));
    world.introduce(0, 1);
    world.run(SECOND);
    let second = [0, 1].map(|of| world.join_file(of, &file_of(201)));
    world.run(SECOND);
    for host in &world.hosts {
        assert_eq!(host.node.links().len(), 1);
        assert_eq!(host.node.links()[0].channels.len(), 2);
    }
    let now = world.time();
    world.hosts[0].node.leave(now, first[0]).unwrap();
    world.run(SECOND * 20);
    world.hosts[0].channel = Some(second[0]);
    world.send(0, "still here").unwrap();
    world.run(SECOND);
    assert_eq!(world.texts(1), ["still here"]);
    assert_eq!(world.hosts[1].node.links()[0].channels.len(), 1);
    world.hosts.iter().for_each(check_pairs);
}

#[test]
fn an_address_that_one_channel_tries_in_vain_is_tried_by_the_other() {
    let mut world = World::new(2);
    world.join_file(1, &file_of(201));
    world.join(0);
    world.introduce(0, 1);
    world.join_file(0, &file_of(201));
    world.introduce(0, 1);
    world.run(SECOND * 30);
    assert_eq!(world.hosts[0].node.links().len(), 1, "within seconds, not ten minutes later");
}

#[test]
fn an_address_named_before_the_socket_is_open_is_called_once_it_is() {
    let mut world = World::new(2);
    world.join(1);
    let now = world.time();
    let (config, identity) = (
        Config { families: Families { v4: true, v6: false }, store: false, ..Config::default() },
        Identity::from_bytes(&Secret([1; 32])),
    );
    let mut node = Node::new(config, identity, Seed([50; 32]), now).unwrap();
    let channel = node.join(now, &file()).unwrap();
    let hint = PeerHint { address: world.hosts[1].address, peer: None };
    node.add_peer(now, channel, hint).unwrap();
    node.handle_timeout(now);
    let Some(Action::BindUdp { request, .. }) = node.poll_action() else { panic!("no bind") };
    while node.poll_event().is_some() {}
    let local = world.hosts[0].address;
    world.hosts[0].node = node;
    world.hosts[0].channel = Some(channel);
    world.run(SECOND * 3);
    let now = world.time();
    world.hosts[0].node.handle_input(now, Input::Bound { request, socket: SocketId(0), local });
    world.run(SECOND * 10);
    assert_eq!(world.hosts[0].node.links().len(), 1);
}

#[test]
fn shutting_down_is_heard_and_ends_even_while_a_channel_is_read_back() {
    let mut world = World::new(2);
    (0..2).for_each(|of| _ = world.join(of));
    world.introduce(0, 1);
    world.run(SECOND);
    let now = world.time();
    world.hosts[0].node.join(now, &file_of(201)).unwrap();
    world.hosts[0].node.shutdown(now);
    world.run(SECOND);
    assert!(world.hosts[0].node.is_drained());
    let heard = |event: &Event| {
        matches!(
            event,
            Event::Link(_, LinkUpdate::Closed { reason: CloseReason::Peer { code: 13 }, .. })
        )
    };
    assert!(world.hosts[1].events.iter().any(heard), "{:?}", world.hosts[1].events);
    assert_eq!(
        world.hosts[1].node.sessions.links.len(),
        0,
        "a link that is over is forgotten at once"
    );
    world.hosts.iter().for_each(check_pairs);
}

#[test]
fn lost_or_old_resumption_secrets_lock_nobody_out() {
    for old in [false, true] {
        for of in 0..2 {
            let mut world = World::new(2);
            (0..2).for_each(|of| _ = world.join(of));
            world.introduce(0, 1);
            world.run(SECOND);
            let mut store = world.hosts[of].store.clone();
            for hour in 0..2 {
                // An hourly ML-KEM renewal, and another one, leave the store two secrets behind.
                world.run(SECOND * 3_601);
                let now = world.time();
                assert_eq!(world.hosts[hour].node.renew_keys(now), 1);
                world.run(SECOND * 3);
            }
            if !old {
                store.retain(|key, _| !key.starts_with(b"node/resumption/"));
            }
            world.restart(of, store, 150);
            world.run(SECOND * 20);
            assert_eq!(world.hosts[of].node.links().len(), 1, "old {old}, {of}");
            assert_eq!(world.hosts[1 - of].node.links().len(), 1);
        }
    }
}

#[test]
fn fresh_entropy_drops_every_session_and_new_ones_follow() {
    let mut world = World::new(2);
    (0..2).for_each(|of| _ = world.join(of));
    world.introduce(0, 1);
    world.run(SECOND);
    let now = world.time();
    world.hosts[0].node.reseed(now, &Seed([60; 32]));
    assert_eq!(world.hosts[0].node.links().len(), 0);
    world.run(SECOND * 10);
    for host in &world.hosts {
        assert_eq!(host.node.links().len(), 1, "{:?}", host.events);
        check_pairs(host);
    }
}

/// BC-08.87: in a copy of this process the same keys and numbers go on.
#[test]
fn fresh_entropy_lets_no_packet_leave_under_an_old_key() {
    let mut world = World::new(2);
    (0..2).for_each(|of| _ = world.join(of));
    world.introduce(0, 1);
    world.run(SECOND);
    let old: BTreeSet<[u8; 8]> = world.hosts[1]
        .node
        .sessions
        .links
        .iter()
        .flat_map(Link::local_cids)
        .map(|cid| cid.0)
        .collect();
    assert!(!old.is_empty());
    world.send(1, "under way").unwrap();
    let now = world.time();
    world.hosts[0].node.reseed(now, &Seed([60; 32]));
    let closed = Event::Link(
        LinkId(0),
        LinkUpdate::Closed {
            device: world.hosts[1].node.device().unwrap(),
            reason: CloseReason::Local,
        },
    );
    for _ in 0..2 {
        world.drain();
        let from = world.hosts[0].address;
        let sent = world.wire.iter().filter(|(_, host, ..)| *host == from);
        for (_, _, _, datagram) in sent {
            assert!(!datagram.first_chunk().is_some_and(|cid| old.contains(cid)));
        }
        world.run(Duration::from_millis(11));
    }
    assert!(world.hosts[0].events.contains(&closed), "{:?}", world.hosts[0].events);
}

#[test]
fn a_device_cannot_take_all_places_for_links() {
    let mut world = World::new(2);
    (0..2).for_each(|of| _ = world.join(of));
    // Runs of one device that die right after they have a session.
    for run in 0..30 {
        let store = world.hosts[0].store.clone();
        world.hosts[0] = Host::new(0, world.now, store, 100 + run);
        world.drain();
        world.join(0);
        world.introduce(0, 1);
        world.run(Duration::from_millis(70));
        assert!(world.hosts[1].node.sessions.links.len() <= 8);
    }
}

/// BC-04.50: a tracker's owner may name a machine of its own, which sends back whatever it gets.
#[test]
fn a_host_that_echoes_everything_learns_nothing() {
    let mut world = World::new(1);
    let channel = world.join(0);
    let (own, echo) = (world.hosts[0].address, SocketAddr::from(([10, 0, 0, 99], 1_000)));
    let now = world.time();
    let hint = PeerHint { address: echo, peer: None };
    world.hosts[0].node.add_peer(now, channel, hint).unwrap();
    let mut sent = 0;
    // Datagrams take 10 ms: none arrives before it was turned round.
    for _ in 0..4_000 {
        world.run(Duration::from_millis(5));
        for (_, from, to, _) in world.wire.iter_mut().filter(|(_, _, to, _)| *to == echo) {
            (*from, *to) = (echo, own);
            sent += 1;
        }
    }
    assert_eq!((sent, world.hosts[0].node.stats().probes_answered), (5, 0), "probes, and no acks");
}

#[test]
fn a_link_sends_from_the_address_that_the_peer_sends_to() {
    let mut world = World::new(2);
    world.join(0);
    world.join(1);
    world.introduce(0, 1);
    world.run(3 * SECOND);
    let mut buf = vec![0; 65_536];
    for of in 0..2 {
        let (now, own) = (world.time(), world.hosts[of].address.ip());
        let channel = world.hosts[of].channel.expect("joined");
        let node = &mut world.hosts[of].node;
        node.send_text(now, channel, "from where you reach me").expect("ready");
        let persist = core::iter::from_fn(|| node.poll_action());
        let stored: Vec<_> = persist
            .filter_map(|action| match action {
                Action::Persist { request, .. } => Some(request),
                _ => None,
            })
            .collect();
        for request in stored {
            node.handle_input(now, Input::Persisted { request });
        }
        let TransmitPoll::Ready(sent) = node.poll_transmit(now, 1, &mut buf) else {
            panic!("it sends the message");
        };
        assert_eq!(sent.local, Some(own));
    }
    // In another network the old address is not this host's any more.
    let now = world.time();
    world.hosts[0].node.handle_input(now, Input::Interfaces(&["10.9.9.9".parse().unwrap()]));
    let sent = world.hosts[0].node.poll_transmit(now, 1, &mut buf);
    assert!(matches!(sent, TransmitPoll::Ready(Transmit { local: None, .. })), "{sent:?}");
}

//! A node and its trackers: when it asks them, for what, and whom it calls because of them.

use super::*;
use crate::wire::url::TrackerUrl;

const DAY: i64 = 86_400_000;

pub(super) fn address() -> SocketAddr {
    SocketAddr::from(([80, 1, 1, 1], 6_969))
}

impl World {
    /// Answers as a UDP tracker does (BEP 15), with an interval of 1,800 s.
    pub(super) fn on_tracker_request(&mut self, from: SocketAddr, packet: &[u8]) {
        let reply = if packet.len() == 16 {
            [&packet[8..16], &[9; 8]].concat()
        } else {
            self.announces.push((self.now, packet.to_vec()));
            [&packet[8..16], &[0, 0, 7, 8], &[0; 8], self.peers.as_slice()].concat()
        };
        self.wire.push((self.now + Duration::from_millis(10), address(), from, reply));
    }

    /// The infohash and the event of what was announced since the last call.
    fn announced(&mut self) -> Vec<([u8; 20], u8)> {
        let all = self.announces.drain(..);
        all.map(|(_, packet)| (packet[16..36].try_into().unwrap(), packet[83])).collect()
    }
}

fn tracked(rotate: bool) -> ChatFile {
    let mut rng = Rng::new(&Seed([202; 32])).secret;
    let url = TrackerUrl::parse("udp://80.1.1.1:6969").unwrap();
    let outside = Outside { trackers: vec![vec![url]], ..Outside::default() };
    let draft = Draft { name: "tracked".into(), rotate, outside, ..Draft::default() };
    draft.create(None, &mut rng, &Limits::default()).expect("the settings are valid")
}

#[test]
fn a_node_that_is_left_alone_asks_its_trackers_soon() {
    // BC-10.18, BC-10.60
    let mut world = World::new(2);
    (0..2).for_each(|of| _ = world.join_file(of, &tracked(false)));
    world.introduce(0, 1);
    let minute = SECOND * 60;
    world.run(minute * 21);
    assert_eq!(world.hosts[0].node.links().len(), 1);
    world.hosts[1] = Host::new(1, world.now, BTreeMap::new(), 99);
    let down = |event: &Event| matches!(event, Event::Channel(_, ChannelUpdate::MemberDown { .. }));
    while !world.hosts[0].events.iter().any(down) {
        world.run(SECOND);
    }
    world.announced();
    world.run(minute);
    assert!(!world.announced().is_empty(), "it does not wait for the interval of half an hour");
    world.run(minute * 60);
    let alone = world.announced().len();
    assert!((5..=24).contains(&alone), "{alone} announces in an hour alone");
}

#[test]
fn a_rotating_channel_follows_the_wall_clock_wherever_it_jumps() {
    // BC-02.14, BC-10.62
    let mut world = World::new(1);
    let file = tracked(true);
    let handle = world.join_file(0, &file);
    world.run(SECOND);
    let mut old = world.announced();
    assert!(!old.is_empty());
    for ahead in [2 * DAY, -2 * DAY, 300 * DAY] {
        world.ahead = ahead;
        world.run(SECOND * 11 * 60);
        let all = world.announced();
        let expected = file.infohashes(world.time().wall).unwrap();
        for (infohash, _) in &old {
            assert!(all.contains(&(*infohash, 3)), "{ahead}: the old one is left");
            assert!(!expected.iter().any(|new| new.0 == *infohash));
        }
        for infohash in &expected {
            assert!(all.contains(&(infohash.0, 2)), "{ahead}: the new one is announced");
        }
        old = expected.into_iter().map(|infohash| (infohash.0, 0)).collect();
    }
    // A clock that is set by a little changes nothing.
    world.ahead -= 50;
    world.run(SECOND);
    assert!(world.announced().iter().all(|(_, event)| *event == 0));
    assert!(world.hosts[0].node.discovery.get_mut(handle).unwrap().rotation.is_some());
}

#[test]
fn a_tracker_cannot_point_the_node_at_machines_near_it() {
    // BC-10.63
    let mut world = World::new(1);
    let near: &[[u8; 4]] = &[[127, 0, 0, 1], [169, 254, 1, 1], [10, 1, 2, 3], [192, 168, 0, 1]];
    let public = [80, 2, 2, 2];
    for ip in near.iter().chain([&public]) {
        world.peers.extend_from_slice(ip);
        world.peers.extend_from_slice(&[0, 9]);
    }
    world.join_file(0, &tracked(false));
    world.run(SECOND * 2);
    assert_eq!(world.hosts[0].node.stats().handshakes_started, 1, "the public one only");
    assert!(world.hosts[0].node.sessions.handshakes.is_dialling(&SocketAddr::from((public, 9))));
}

#[test]
fn a_channel_that_was_left_makes_room_at_once() {
    let mut config = Config::default();
    config.families.v6 = false;
    config.limits.node.channels = 1;
    let mut world = World::new(1);
    let identity = Identity::from_bytes(&Secret([1; 32]));
    let now = world.time();
    world.hosts[0].node = Node::new(config, identity, Seed([5; 32]), now).unwrap();
    world.drain();
    let first = world.join_file(0, &tracked(false));
    world.run(SECOND);
    let now = world.time();
    let node = &mut world.hosts[0].node;
    assert_eq!(node.join(now, &file()), Err(JoinError::TooMany(1)));
    node.leave(now, first).unwrap();
    assert_eq!(node.discovery.handles().len(), 1, "its tracker is still being told");
    node.join(now, &file()).expect("there is room");
    world.run(SECOND);
    assert_eq!(world.hosts[0].node.discovery.handles().len(), 1);
    assert!(world.announced().iter().any(|(_, event)| *event == 3));
}

#[test]
fn nothing_is_announced_before_every_socket_is_open_or_failed() {
    // BC-10.61
    let mut world = World::new(1);
    let identity = Identity::from_bytes(&Secret([1; 32]));
    let now = world.time();
    let mut node = Node::new(Config::default(), identity, Seed([5; 32]), now).unwrap();
    let mut binds = Vec::new();
    while let Some(action) = node.poll_action() {
        match action {
            Action::BindUdp { request, family, .. } => binds.push((request, family)),
            Action::Load { request, .. } => {
                node.handle_input(now, Input::Loaded { request, records: Vec::new(), more: false });
            }
            Action::Persist { request, .. } => node.handle_input(now, Input::Persisted { request }),
            other => panic!("not asked for here: {other:?}"),
        }
    }
    world.hosts[0].node = node;
    world.join_file(0, &tracked(false));
    let local = world.hosts[0].address;
    let node = &mut world.hosts[0].node;
    node.handle_input(now, Input::Bound { request: binds[0].0, socket: SocketId(0), local });
    world.run(SECOND);
    assert!(world.announced().is_empty());
    let now = world.time();
    let failure = Failure::Other("no IPv6 here".into());
    world.hosts[0].node.handle_input(now, Input::Failed { request: binds[1].0, failure });
    world.run(SECOND);
    assert_eq!(world.announced().len(), 1, "once, not once for each socket");
}

#[test]
fn what_cannot_be_asked_for_reaches_an_application_that_was_asleep() {
    let mut world = World::new(1);
    world.join(0);
    world.hosts[0].deaf = true;
    let node = &mut world.hosts[0].node;
    let limit = node.fx.config.limits.node.events;
    while node.fx.outbox.events.len() < limit {
        node.fx.outbox.tell(Event::Store(StoreUpdate::Recovered));
    }
    world.hosts[0].full = true;
    let (now, channel) = (world.time(), world.hosts[0].channel.unwrap());
    let node = &mut world.hosts[0].node;
    for _ in 0..3 {
        node.fx.outbox.tell(Event::Node(NodeUpdate::WallTimeNeeded));
    }
    node.send_text(now, channel, "not stored").unwrap();
    world.run(SECOND * 10);
    assert_eq!(world.hosts[0].node.fx.outbox.events.len(), limit + 2);
    world.hosts[0].deaf = false;
    world.drain();
    let failing = |event: &&Event| matches!(event, Event::Store(StoreUpdate::Failing { .. }));
    assert_eq!(world.hosts[0].events.iter().filter(failing).count(), 1);
}

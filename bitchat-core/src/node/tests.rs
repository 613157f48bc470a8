use super::*;
use crate::base::ids::{ChannelHandle, EntryId, LinkId, RequestId, SocketId, StreamId};
use crate::base::limits::Limits;
use crate::base::rng::Stream;
use crate::base::time::{Timestamp, UnixMillis};
use crate::chatfile::{Access, ChatFile, Draft, History, Outside};
use crate::crypto::suite::Secret;
use crate::link::Link;
use bytes::Bytes;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;

mod by_link;
mod dialling;
mod key_log;
mod logging;
mod losses;
mod peer_streams;
mod sessions;
mod store;
mod trackers;

const SECOND: Duration = Duration::from_secs(1);
const WALL: UnixMillis = UnixMillis(1_800_000_000_000);

/// A node with the smallest world that it can live in: a store, and datagrams that take 10 ms.
struct Host {
    node: Node,
    channel: Option<ChannelHandle>,
    address: SocketAddr,
    store: BTreeMap<Vec<u8>, Bytes>,
    events: Vec<Event>,
    /// The store refuses.
    full: bool,
    /// The application takes no events.
    deaf: bool,
    /// The store cannot read.
    unreadable: bool,
    /// What it says then.
    why: Failure,
}

struct World {
    now: Timestamp,
    hosts: Vec<Host>,
    wire: Vec<(Timestamp, SocketAddr, SocketAddr, Vec<u8>)>,
    chance: Stream,
    /// A UDP tracker at [`TRACKER`]: the peers that it names, and the announces that it got.
    peers: Vec<u8>,
    announces: Vec<(Timestamp, Vec<u8>)>,
    /// How far the wall clocks are ahead, in milliseconds.
    ahead: i64,
    /// How many datagrams of a hundred are lost, and as many arrive twice and late.
    trouble: u64,
}

fn file() -> ChatFile {
    file_of(200)
}

fn file_of(seed: u8) -> ChatFile {
    let mut rng = Rng::new(&Seed([seed; 32])).secret;
    let draft = Draft {
        name: "test".into(),
        access: Access::Keyed,
        history: History::All,
        rotate: false,
        outside: Outside::default(),
    };
    draft.create(None, &mut rng, &Limits::default()).expect("the settings are valid")
}

impl Host {
    fn new(of: u8, now: Timestamp, store: BTreeMap<Vec<u8>, Bytes>, seed: u8) -> Self {
        let mut config = Config::default();
        config.families.v6 = false;
        let identity = Identity::from_bytes(&Secret([of + 1; 32]));
        let now = Now::new(now, WALL);
        let node = Node::new(config, identity, Seed([seed; 32]), now).expect("valid");
        let address = SocketAddr::from((Ipv4Addr::new(10, 0, 0, of + 1), 1_000));
        let why = Failure::Other("no space left".into());
        let (full, unreadable, deaf, events) = (false, false, false, Vec::new());
        Self { node, channel: None, address, store, events, full, deaf, unreadable, why }
    }
}

impl World {
    fn new(hosts: u8) -> Self {
        let now = Timestamp::from_millis(1);
        let hosts = (0..hosts).map(|of| Host::new(of, now, BTreeMap::new(), of)).collect();
        let chance = Rng::new(&Seed([77; 32])).public;
        let mut world = Self {
            now,
            hosts,
            wire: Vec::new(),
            chance,
            peers: Vec::new(),
            announces: Vec::new(),
            ahead: 0,
            trouble: 0,
        };
        world.drain();
        world
    }

    fn time(&self) -> Now {
        let wall = WALL.plus(self.now.saturating_since(Timestamp::ZERO));
        Now::new(self.now, UnixMillis(wall.0.saturating_add_signed(self.ahead)))
    }

    fn join(&mut self, of: usize) -> ChannelHandle {
        self.join_file(of, &file())
    }

    fn join_file(&mut self, of: usize, file: &ChatFile) -> ChannelHandle {
        let now = self.time();
        let handle = self.hosts[of].node.join(now, file).expect("joins");
        self.hosts[of].channel = Some(handle);
        self.drain();
        handle
    }

    fn introduce(&mut self, of: usize, to: usize) {
        let (now, address) = (self.time(), self.hosts[to].address);
        let host = &mut self.hosts[of];
        let hint = PeerHint { address, peer: None };
        host.node.add_peer(now, host.channel.expect("joined"), hint).expect("joined");
        self.drain();
    }

    fn send(&mut self, of: usize, text: &str) -> Result<EntryId, SendError> {
        let now = self.time();
        let host = &mut self.hosts[of];
        let sent = host.node.send_text(now, host.channel.expect("joined"), text);
        self.drain();
        sent
    }

    fn drain(&mut self) {
        let now = self.time();
        for host in &mut self.hosts {
            loop {
                let mut idle = true;
                let mut buf = [0; 65_507];
                while let TransmitPoll::Ready(sent) = host.node.poll_transmit(now, 4, &mut buf) {
                    idle = false;
                    let size = sent.segment_size.unwrap_or(sent.len);
                    for datagram in buf[..sent.len].chunks(size) {
                        let at = self.now + Duration::from_millis(10);
                        let fate = self.chance.below(100);
                        if fate >= self.trouble {
                            self.wire.push((at, host.address, sent.to, datagram.to_vec()));
                        }
                        if fate < self.trouble * 2 && fate.is_multiple_of(2) {
                            let late = at + Duration::from_millis(self.chance.below(300));
                            self.wire.push((late, host.address, sent.to, datagram.to_vec()));
                        }
                    }
                }
                while let Some(action) = host.node.poll_action() {
                    idle = false;
                    host.carry_out(now, action);
                }
                while !host.deaf
                    && let Some(event) = host.node.poll_event()
                {
                    host.events.push(event);
                }
                if idle {
                    break;
                }
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        for step in 0.. {
            assert!(step < 100_000, "spinning: {:?}", self.hosts[0].node.poll_timeout());
            self.drain();
            let arrival = self.wire.iter().map(|(at, ..)| *at).min();
            let timers =
                self.hosts.iter().filter_map(|host| host.node.poll_timeout().map(|d| d.at));
            let Some(next) = timers.chain(arrival).min().filter(|at| *at <= until) else { break };
            self.now = self.now.max(next);
            let now = self.time();
            if let Some(at) = self.wire.iter().position(|(at, ..)| *at <= self.now) {
                let (_, from, to, mut data) = self.wire.remove(at);
                if to == trackers::address() {
                    self.on_tracker_request(from, &data);
                }
                if let Some(host) = self.hosts.iter_mut().find(|host| host.address == to) {
                    let stride = data.len();
                    let input = Input::Datagram {
                        socket: SocketId(0),
                        from,
                        local: Some(to.ip()),
                        ecn: None,
                        stride,
                        data: &mut data,
                    };
                    host.node.handle_input(now, input);
                }
            } else {
                self.hosts.iter_mut().for_each(|host| host.node.handle_timeout(now));
            }
        }
        self.now = until;
    }

    fn texts(&self, of: usize) -> Vec<String> {
        let host = &self.hosts[of];
        let channel = host.channel.expect("joined");
        let messages = host.node.messages(channel, Page::First, usize::MAX).expect("joined");
        messages.into_iter().map(|message| text(&message)).collect()
    }
}

impl Host {
    fn carry_out(&mut self, now: Now, action: Action) {
        let answer = match action {
            Action::BindUdp { request, .. } => {
                Input::Bound { request, socket: SocketId(0), local: self.address }
            }
            Action::Persist { request, .. } if self.full => {
                Input::Failed { request, failure: self.why.clone() }
            }
            Action::Persist { request, changes } => {
                for change in changes {
                    match change {
                        Change::Put(record) => drop(self.store.insert(record.key, record.value)),
                        Change::Delete(key) => drop(self.store.remove(&key)),
                    }
                }
                Input::Persisted { request }
            }
            Action::Load { request, .. } if self.unreadable => {
                Input::Failed { request, failure: self.why.clone() }
            }
            Action::Load { request, prefix, after, limit } => {
                let found = self.store.iter().filter(|(key, _)| {
                    key.starts_with(&prefix) && key.as_slice() > after.as_slice()
                });
                let mut records: Vec<Record> = found
                    .take(limit + 1)
                    .map(|(key, value)| Record {
                        key: key.clone(),
                        value: value.clone(),
                        secret: false,
                        expires: None,
                    })
                    .collect();
                let more = records.len() > limit;
                records.truncate(limit);
                Input::Loaded { request, records, more }
            }
            other => panic!("not asked for here: {other:?}"),
        };
        self.node.handle_input(now, answer);
    }
}

#[test]
fn two_nodes_meet_chat_and_see_delivery() {
    let mut world = World::new(2);
    world.join(0);
    world.join(1);
    world.introduce(0, 1);
    world.run(SECOND);
    let up = |event: &&Event| matches!(event, Event::Link(_, LinkUpdate::Up { .. }));
    assert_eq!(world.hosts[0].events.iter().filter(up).count(), 1, "{:?}", world.hosts[0].events);
    assert_eq!(world.hosts[1].events.iter().filter(up).count(), 1);
    let id = world.send(0, "hello").unwrap();
    world.send(1, "good day").unwrap();
    world.run(SECOND);
    assert_eq!(world.texts(0).len(), 2);
    assert_eq!(world.texts(0), world.texts(1));
    let device = world.hosts[1].node.device().unwrap();
    let channel = world.hosts[0].channel.unwrap();
    assert_eq!(world.hosts[0].node.delivered(channel, id), Ok(vec![device]));
    let delivered = Event::Channel(channel, ChannelUpdate::Delivered { id, device });
    assert!(world.hosts[0].events.contains(&delivered));
}

#[test]
fn simultaneous_dialling_ends_in_one_link() {
    let mut world = World::new(2);
    world.join(0);
    world.join(1);
    world.introduce(0, 1);
    world.introduce(1, 0);
    world.run(SECOND * 5);
    for host in &world.hosts {
        assert_eq!(host.node.links().len(), 1, "{:?}", host.events);
        let members =
            |event: &&Event| matches!(event, Event::Channel(_, ChannelUpdate::MemberDown { .. }));
        assert_eq!(host.events.iter().filter(members).count(), 0, "{:?}", host.events);
    }
}

#[test]
fn a_third_is_found_through_the_second() {
    let mut world = World::new(3);
    for of in 0..3 {
        world.join(of);
    }
    world.introduce(0, 1);
    world.introduce(2, 1);
    world.run(SECOND * 90);
    for host in &world.hosts {
        assert_eq!(host.node.links().len(), 2, "{:?}", host.events);
    }
}

#[test]
fn nothing_leaves_before_the_store_has_it_and_everything_after() {
    // BC-09.21, BC-11.16
    let mut world = World::new(2);
    world.join(0);
    world.join(1);
    world.introduce(0, 1);
    world.run(SECOND);
    world.hosts[0].full = true;
    world.send(0, "kept").unwrap();
    world.run(SECOND * 10);
    assert!(world.texts(1).is_empty() && world.texts(0).is_empty());
    let failing = |event: &&Event| matches!(event, Event::Store(StoreUpdate::Failing { .. }));
    assert_eq!(world.hosts[0].events.iter().filter(failing).count(), 1);
    world.hosts[0].full = false;
    world.run(SECOND * 60);
    assert_eq!(world.texts(1), ["kept"]);
    assert!(world.hosts[0].events.contains(&Event::Store(StoreUpdate::Recovered)));
}

#[test]
fn a_restarted_node_is_the_same_device_and_catches_up() {
    let mut world = World::new(2);
    world.join(0);
    world.join(1);
    world.introduce(0, 1);
    world.run(SECOND);
    world.send(0, "before").unwrap();
    world.run(SECOND);
    let device = world.hosts[1].node.device();
    let store = world.hosts[1].store.clone();
    world.hosts[1] = Host::new(1, world.now, store, 99);
    world.send(0, "meanwhile").unwrap();
    world.drain();
    world.join(1);
    world.run(SECOND * 20);
    assert_eq!(world.hosts[1].node.device(), device);
    world.send(1, "back").unwrap();
    world.run(SECOND * 5);
    assert_eq!(world.texts(0), ["before", "meanwhile", "back"]);
    assert_eq!(world.texts(0), world.texts(1));
    assert_eq!(world.hosts[0].node.links().len(), 1);
}

#[test]
fn commands_in_the_wrong_order_or_place_are_errors_and_never_panics() {
    let mut world = World::new(1);
    let now = world.time();
    let nowhere = ChannelHandle(77);
    let node = &mut world.hosts[0].node;
    assert_eq!(node.leave(now, nowhere), Err(UnknownChannel));
    assert_eq!(node.send_text(now, nowhere, "x"), Err(SendError::Unknown(UnknownChannel)));
    assert!(
        node.messages(nowhere, Page::Last, 1).is_err()
            && node.delivered(nowhere, EntryId([0; 32])).is_err()
    );
    let handle = node.join(now, &file()).unwrap();
    assert_eq!(node.send_text(now, handle, "x"), Err(SendError::NotReady));
    assert_eq!(node.join(now, &file()), Err(JoinError::AlreadyJoined));
    world.drain();
    let node = &mut world.hosts[0].node;
    assert!(matches!(node.send_text(now, handle, ""), Err(SendError::Refused(_))));
    assert!(matches!(node.send_text(now, handle, &"x".repeat(65_537)), Err(SendError::Refused(_))));
    for request in 0..50 {
        let request = RequestId(request);
        node.handle_input(now, Input::Persisted { request });
        node.handle_input(now, Input::Failed { request, failure: Failure::Unsupported });
        node.handle_input(now, Input::Loaded { request, records: Vec::new(), more: true });
        node.handle_input(
            now,
            Input::Resolved { request, addresses: &[IpAddr::from([1, 2, 3, 4])] },
        );
        node.handle_input(now, Input::Closed { stream: StreamId(request.0) });
    }
    let mut short = [0; 100];
    assert_eq!(node.poll_transmit(now, 1, &mut short), TransmitPoll::NeedSpace(65_507));
    assert_eq!(node.leave(now, handle), Ok(()));
    assert_eq!(node.leave(now, handle), Err(UnknownChannel));
    node.shutdown(now);
    assert_eq!(node.join(now, &file()), Err(JoinError::ShuttingDown));
    world.run(SECOND * 10);
    assert!(world.hosts[0].node.is_drained());
}

#[test]
fn a_datagram_from_port_0_is_dropped_and_never_answered() {
    // BC-11.64
    let mut world = World::new(2);
    world.join(0);
    world.join(1);
    world.introduce(0, 1);
    let (_, from, _, probe) = world.wire.remove(0);
    let now = world.time();
    let node = &mut world.hosts[1].node;
    for port in [0, from.port()] {
        let from = SocketAddr::new(from.ip(), port);
        let (mut data, stride) = (probe.repeat(2), probe.len());
        let input = Input::Datagram {
            socket: SocketId(0),
            from,
            local: None,
            ecn: None,
            stride,
            data: &mut data,
        };
        node.handle_input(now, input);
        let answered = node.poll_transmit(now, 1, &mut [0; 65_507]) != TransmitPoll::Pending;
        assert_eq!(answered, port != 0);
    }
    assert_eq!((node.stats().datagrams_in, node.stats().dropped_unknown), (4, 2));
}

#[test]
fn messages_told_of_can_be_put_in_the_order_that_everybody_shows() {
    // BC-09.08
    let mut world = World::new(3);
    for of in 0..3 {
        world.join(of);
        world.send(of, &format!("of {of}")).expect("ready");
    }
    world.introduce(0, 1);
    world.introduce(0, 2);
    world.run(SECOND * 30);
    for host in &world.hosts {
        let mut told: Vec<Message> = Vec::new();
        for event in &host.events {
            if let Event::Channel(_, ChannelUpdate::Message { message, after }) = event {
                let at = |id| told.iter().position(|shown: &Message| shown.id == id);
                let place = after.map_or(Some(0), |id| at(id).map(|place| place + 1));
                told.insert(
                    place.expect("what a message stands behind is told first"),
                    message.clone(),
                );
            }
        }
        assert!(told.len() == 3 && told.iter().all(|message| message.lamport == 2));
        let channel = host.channel.expect("joined");
        assert_eq!(host.node.messages(channel, Page::First, 10), Ok(told.clone()));
        told.sort_by_key(|message| (message.lamport, message.chain, message.seq));
        assert_eq!(host.node.messages(channel, Page::Last, 10), Ok(told.clone()));
        let before = host.node.messages(channel, Page::Before(told[2].id), 1);
        assert_eq!(before, Ok(told[1..2].to_vec()));
        let after = host.node.messages(channel, Page::After(told[0].id), 10);
        assert_eq!(after, Ok(told[1..].to_vec()));
        let nowhere = host.node.messages(channel, Page::After(EntryId([0; 32])), 10);
        assert_eq!(nowhere, Err(HistoryError::NoSuchMessage));
    }
}

fn text(message: &Message) -> String {
    message.content.text().expect("a text").to_owned()
}

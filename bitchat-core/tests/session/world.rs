//! Two nodes, a store for each, and datagrams that take 2 ms: nothing is lost and nothing is
//! random.

use bitchat_core::base::ids::{ChannelHandle, SocketId};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::{Now, Timestamp, UnixMillis};
use bitchat_core::chatfile::{Access, ChatFile, Draft, History, Outside};
use bitchat_core::crypto::identity::Identity;
use bitchat_core::crypto::suite::Secret;
use bitchat_core::node::{Action, Change, Config, Input, Node, PeerHint, Record, TransmitPoll};
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

/// The one that calls: the initiator.
pub(crate) const ALICE: usize = 0;
/// The one that is called.
pub(crate) const BOB: usize = 1;
/// The date when the run begins: 2023-11-14T22:13:20Z.
pub(crate) const WALL: UnixMillis = UnixMillis(1_700_000_000_000);
const DELAY: Duration = Duration::from_millis(2);
/// When the run begins.
pub(crate) const START: Timestamp = Timestamp::from_millis(1);

/// A datagram that left.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Timestamp,
    pub(crate) from: usize,
    pub(crate) bytes: Vec<u8>,
}

struct Host {
    node: Node,
    channel: Option<ChannelHandle>,
    store: BTreeMap<Vec<u8>, Record>,
}

pub(crate) struct World {
    now: Timestamp,
    hosts: [Host; 2],
    /// How many of `sent` have arrived.
    arrived: usize,
    pub(crate) sent: Vec<Sent>,
}

/// Whose side it is.
pub(crate) fn name(side: usize) -> &'static str {
    if side == ALICE { "alice" } else { "bob" }
}

pub(crate) fn address(side: usize) -> SocketAddr {
    if side == ALICE { ([192, 0, 2, 1], 1_001) } else { ([198, 51, 100, 2], 2_002) }.into()
}

pub(crate) fn identity(side: usize) -> Secret {
    Secret([if side == ALICE { 0xa1 } else { 0xb1 }; 32])
}

pub(crate) fn seed(side: usize) -> Seed {
    Seed([if side == ALICE { 0xa2 } else { 0xb2 }; 32])
}

fn time(now: Timestamp) -> Now {
    Now::new(now, WALL.plus(now.saturating_since(START)))
}

impl World {
    pub(crate) fn new() -> Self {
        let hosts = [ALICE, BOB].map(|side| {
            let mut config = Config::default();
            config.families.v6 = false;
            config.insecure_key_log = true;
            let identity = Identity::from_bytes(&identity(side));
            let node = Node::new(config, identity, seed(side), time(START)).expect("valid");
            Host { node, channel: None, store: BTreeMap::new() }
        });
        let mut world = Self { now: START, hosts, arrived: 0, sent: Vec::new() };
        for side in [ALICE, BOB] {
            let interfaces = [address(side).ip()];
            world.hosts[side].node.handle_input(time(START), Input::Interfaces(&interfaces));
        }
        world.drain();
        world
    }

    pub(crate) fn file(&self) -> ChatFile {
        let draft = Draft {
            name: "a worked session".into(),
            access: Access::Keyed,
            history: History::All,
            rotate: false,
            outside: Outside::default(),
        };
        let mut rng = Rng::new(&Seed([0xc1; 32])).secret;
        draft.create(None, &mut rng, &Limits::default()).expect("valid settings")
    }

    /// Both join, and Alice is told where Bob is.
    pub(crate) fn join_and_introduce(&mut self) {
        let file = self.file();
        for side in [BOB, ALICE] {
            let handle = self.hosts[side].node.join(time(self.now), &file).expect("joins");
            self.hosts[side].channel = Some(handle);
            self.drain();
        }
        let host = &mut self.hosts[ALICE];
        let hint = PeerHint { address: address(BOB), peer: None };
        let channel = host.channel.expect("joined");
        host.node.add_peer(time(self.now), channel, hint).expect("joined");
        self.drain();
    }

    pub(crate) fn say(&mut self, side: usize, text: &str) {
        let host = &mut self.hosts[side];
        let channel = host.channel.expect("joined");
        host.node.send_text(time(self.now), channel, text).expect("taken");
        self.drain();
    }

    pub(crate) fn shut_down(&mut self, side: usize) {
        self.hosts[side].node.shutdown(time(self.now));
        self.drain();
    }

    /// The lines of both key logs, each once, in their order.
    pub(crate) fn key_log(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for host in &mut self.hosts {
            while let Some(line) = host.node.poll_key_log() {
                if !lines.iter().any(|known| known == line.as_str()) {
                    lines.push(line.as_str().to_owned());
                }
            }
        }
        lines
    }

    /// Runs on until `millis` after the beginning.
    pub(crate) fn run_until(&mut self, millis: u64) {
        let until = START + Duration::from_millis(millis);
        loop {
            let arrival = self.sent.get(self.arrived).map(|sent| sent.at + DELAY);
            let timers = self.hosts.iter().filter_map(|host| host.node.poll_timeout());
            let next = timers.map(|deadline| deadline.at).chain(arrival).min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            if arrival.is_some_and(|at| at <= self.now) {
                self.deliver();
            } else {
                self.hosts.iter_mut().for_each(|host| host.node.handle_timeout(time(self.now)));
            }
            self.drain();
        }
        self.now = until;
    }

    fn deliver(&mut self) {
        let Sent { from, mut bytes, .. } = self.sent[self.arrived].clone();
        self.arrived += 1;
        let (stride, data) = (bytes.len(), &mut bytes[..]);
        let (socket, ecn, source) = (SocketId(0), None, address(from));
        let input = Input::Datagram { socket, from: source, local: None, ecn, stride, data };
        self.hosts[1 - from].node.handle_input(time(self.now), input);
    }

    fn drain(&mut self) {
        let now = time(self.now);
        for (side, host) in self.hosts.iter_mut().enumerate() {
            let mut buf = [0; 65_507];
            loop {
                let mut idle = true;
                while let TransmitPoll::Ready(sent) = host.node.poll_transmit(now, 1, &mut buf) {
                    idle = false;
                    assert_eq!(sent.to, address(1 - side));
                    let bytes = buf[..sent.len].to_vec();
                    self.sent.push(Sent { at: self.now, from: side, bytes });
                }
                while let Some(action) = host.node.poll_action() {
                    idle = false;
                    host.carry_out(now, address(side), action);
                }
                while host.node.poll_event().is_some() {
                    idle = false;
                }
                if idle {
                    break;
                }
            }
        }
    }
}

impl Host {
    fn carry_out(&mut self, now: Now, local: SocketAddr, action: Action) {
        let answer = match action {
            Action::BindUdp { request, .. } => Input::Bound { request, socket: SocketId(0), local },
            Action::Persist { request, changes } => {
                for change in changes {
                    match change {
                        Change::Put(record) => drop(self.store.insert(record.key.clone(), record)),
                        Change::Delete(key) => drop(self.store.remove(&key)),
                    }
                }
                Input::Persisted { request }
            }
            // A store that was never written to has nothing to give.
            Action::Load { request, .. } => {
                Input::Loaded { request, records: Vec::new(), more: false }
            }
            other => panic!("not asked for here: {other:?}"),
        };
        self.node.handle_input(now, answer);
    }
}

//! What a wake-up and a received message cost a node that is in many channels: a call walks what is
//! due and not what exists, so the figures are to be the same with 256 channels as with one.

use bitchat_core::base::ids::{ChannelHandle, SocketId};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::{Now, Timestamp, UnixMillis};
use bitchat_core::chatfile::{Access, ChatFile, Draft, History, Outside};
use bitchat_core::crypto::identity::Identity;
use bitchat_core::crypto::suite::Secret;
use bitchat_core::node::{
    Action, ChannelUpdate, Config, Event, Failure, Input, LinkUpdate, Node, PeerHint, Transmit,
    TransmitPoll,
};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

const WALL: UnixMillis = UnixMillis(1_800_000_000_000);
const CHANNELS: [u16; 5] = [1, 4, 16, 64, 256];
/// Calls of one sample, and samples: the fastest sample counts, for it was disturbed least.
const CALLS: u32 = 200;
const SAMPLES: u32 = 25;
/// With 256 channels a call may cost this much of what it costs with one.
const MOST: f64 = 1.2;

/// CPU time of the thread, so that other programs on the machine do not count.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// A node whose store answers at once.
struct Host {
    node: Node,
    address: SocketAddr,
    out: Vec<(SocketAddr, Vec<u8>)>,
    buf: Vec<u8>,
    messages: usize,
    links: usize,
}

impl Host {
    fn new(of: u8, now: Now) -> Self {
        let mut config = Config::default();
        config.families.v6 = false;
        config.limits.node.channels = 512;
        let identity = Identity::from_bytes(&Secret([of; 32]));
        let node = Node::new(config, identity, Seed([of; 32]), now).expect("valid settings");
        let address = SocketAddr::from((Ipv4Addr::new(10, 0, 0, of), 1_000));
        let buf = vec![0; 65_507];
        let mut host = Self { node, address, out: Vec::new(), buf, messages: 0, links: 0 };
        host.drain(now);
        host
    }

    fn drain(&mut self, now: Now) {
        loop {
            while let TransmitPoll::Ready(sent) = self.node.poll_transmit(now, 1, &mut self.buf) {
                let Transmit { to, len, .. } = sent;
                self.out.push((to, self.buf[..len].to_vec()));
            }
            let Some(action) = self.node.poll_action() else { break };
            let (socket, local) = (SocketId(0), self.address);
            let input = match action {
                Action::BindUdp { request, .. } => Input::Bound { request, socket, local },
                Action::Persist { request, .. } => Input::Persisted { request },
                Action::Load { request, .. } => {
                    Input::Loaded { request, records: Vec::new(), more: false }
                }
                Action::Resolve { request, .. } | Action::OpenTcp { request, .. } => {
                    Input::Failed { request, failure: Failure::Unsupported }
                }
                _ => continue,
            };
            self.node.handle_input(now, input);
        }
        while let Some(event) = self.node.poll_event() {
            match event {
                Event::Channel(_, ChannelUpdate::Message { .. }) => self.messages += 1,
                Event::Link(_, LinkUpdate::Up { .. }) => self.links += 1,
                _ => {}
            }
        }
    }

    fn receive(&mut self, now: Now, from: SocketAddr, data: &mut [u8]) {
        let stride = data.len();
        let input = Input::Datagram { socket: SocketId(0), from, local: None, ecn: None, stride, data };
        self.node.handle_input(now, input);
        self.drain(now);
    }

    fn wake(&mut self, now: Now) {
        black_box(self.node.poll_timeout());
        self.node.handle_timeout(now);
        self.drain(now);
    }
}

/// Two nodes that share one channel. The second is in others, too.
struct Pair {
    now: Timestamp,
    hosts: [Host; 2],
    /// The first node's name for the channel that both are in.
    channel: ChannelHandle,
}

fn file(of: u16) -> ChatFile {
    let mut seed = [9; 32];
    seed[..2].copy_from_slice(&of.to_be_bytes());
    let draft = Draft {
        name: format!("channel {of}"),
        access: Access::Keyed,
        history: History::All,
        rotate: false,
        outside: Outside::default(),
    };
    let rng = &mut Rng::new(&Seed(seed)).secret;
    draft.create(None, rng, &Limits::default()).expect("the settings are valid")
}

impl Pair {
    fn new(channels: u16) -> Self {
        let now = Timestamp::from_millis(1);
        let hosts = [1, 2].map(|of| Host::new(of, Now::new(now, WALL)));
        let mut pair = Self { now, hosts, channel: ChannelHandle(0) };
        let now = pair.time();
        for of in 1..channels {
            pair.hosts[1].node.join(now, &file(of)).expect("there is room");
            pair.hosts[1].drain(now);
        }
        for host in &mut pair.hosts {
            host.node.join(now, &file(0)).expect("there is room");
            host.drain(now);
        }
        let hint = PeerHint { address: pair.hosts[1].address, peer: None };
        pair.hosts[0].node.add_peer(now, pair.channel, hint).expect("joined");
        pair.hosts[0].drain(now);
        for _ in 0..20_000 {
            pair.step();
        }
        assert!(pair.hosts.iter().all(|host| host.links == 1), "the nodes are linked");
        pair
    }

    fn time(&self) -> Now {
        Now::new(self.now, WALL.plus(self.now.saturating_since(Timestamp::ZERO)))
    }

    /// A millisecond passes, and what was sent arrives. Gives the time that the second node took to
    /// receive.
    fn step(&mut self) -> Duration {
        self.now += Duration::from_millis(1);
        let now = self.time();
        let mut taken = Duration::ZERO;
        for of in 0..2 {
            let [from, to] = [self.hosts[of].address, self.hosts[1 - of].address];
            for (address, mut data) in std::mem::take(&mut self.hosts[of].out) {
                if address == to {
                    let start = cpu_time();
                    self.hosts[1 - of].receive(now, from, &mut data);
                    taken += if of == 0 { cpu_time() - start } else { Duration::ZERO };
                }
            }
        }
        for host in &mut self.hosts {
            if host.node.poll_timeout().is_some_and(|due| due.at <= self.now) {
                host.wake(now);
            }
        }
        taken
    }

    /// The mean cost of a message of 100 bytes to who receives it.
    fn messages(&mut self) -> Duration {
        let text = "x".repeat(100);
        let (mut taken, before) = (Duration::ZERO, self.hosts[1].messages);
        for _ in 0..CALLS {
            let now = self.time();
            self.hosts[0].node.send_text(now, self.channel, &text).expect("there is room");
            self.hosts[0].drain(now);
            for _ in 0..30 {
                taken += self.step();
            }
        }
        assert_eq!(self.hosts[1].messages - before, CALLS as usize, "each message arrived");
        taken / CALLS
    }

    /// The mean cost of a wake-up at which nothing is due.
    fn wake_ups(&mut self) -> Duration {
        let now = self.time();
        let start = cpu_time();
        for _ in 0..CALLS {
            self.hosts[1].wake(now);
        }
        (cpu_time() - start) / CALLS
    }
}

fn main() {
    println!("{:>8}  {:>14}  {:>14}", "channels", "wake-up", "message");
    let mut all = Vec::new();
    for channels in CHANNELS {
        let mut pair = Pair::new(channels);
        let mut best = [Duration::MAX; 2];
        for _ in 0..SAMPLES {
            best[0] = best[0].min(pair.wake_ups());
            best[1] = best[1].min(pair.messages());
        }
        println!("{channels:>8}  {:>14?}  {:>14?}", best[0], best[1]);
        all.push(best);
    }
    let (first, last) = (all[0], all[all.len() - 1]);
    for (what, of) in [("wake-up", 0), ("message", 1)] {
        let growth = last[of].as_secs_f64() / first[of].as_secs_f64();
        let verdict = if growth <= MOST { "within" } else { "above" };
        println!(
            "{what}: {growth:.2} times as much with 256 channels as with one, {verdict} {MOST}"
        );
    }
}

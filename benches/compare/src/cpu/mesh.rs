//! Whole nodes: from their start until each reaches each other one, in a world without real time.

use crate::measure::cpu;
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::Now;
use bitchat_core::chatfile::{ChatFile, Draft, Outside};
use bitchat_core::crypto::identity::Identity;
use bitchat_core::crypto::suite::Secret;
use bitchat_core::node::{
    Action, ChannelUpdate, Config, Deadline, Event, Input, Node, TransmitPoll,
};
use bitchat_core::wire::url::TrackerUrl;
use bitchat_sim::machine::Machine;
use bitchat_sim::net::LinkConfig;
use bitchat_sim::world::World;
use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

const WAKE_UPS: u32 = 1_000;

/// What a mesh took.
#[derive(Clone, Copy, Debug)]
pub struct Mesh {
    /// On the world's clock, from the start of the nodes until the last member is up everywhere.
    pub simulated: Duration,
    /// CPU time of all nodes together, without the world around them.
    pub cpu: Duration,
    /// Datagrams that the nodes sent.
    pub datagrams: u64,
    /// CPU time of one node that is woken while nothing is due, and asked for everything.
    pub wake_up: Duration,
}

/// A node whose CPU time is taken.
struct Metered {
    node: Node,
    spent: Rc<Cell<Duration>>,
}

impl Metered {
    fn meter<R>(&mut self, work: impl FnOnce(&mut Node) -> R) -> R {
        let before = cpu();
        let result = work(&mut self.node);
        self.spent.set(self.spent.get() + (cpu() - before));
        result
    }
}

impl Machine for Metered {
    fn handle_input(&mut self, now: Now, input: Input<'_>) {
        self.meter(|node| node.handle_input(now, input));
    }
    fn handle_timeout(&mut self, now: Now) {
        self.meter(|node| node.handle_timeout(now));
    }
    fn poll_transmit(&mut self, now: Now, max_segments: usize, buf: &mut [u8]) -> TransmitPoll {
        self.meter(|node| node.poll_transmit(now, max_segments, buf))
    }
    fn poll_action(&mut self) -> Option<Action> {
        self.node.poll_action()
    }
    fn poll_event(&mut self) -> Option<Event> {
        self.node.poll_event()
    }
    fn poll_timeout(&self) -> Option<Deadline> {
        self.node.poll_timeout()
    }
}

fn file() -> ChatFile {
    let url = TrackerUrl::parse("udp://tracker.example:6969/announce").expect("a URL");
    let outside = Outside { trackers: vec![vec![url]], ..Outside::default() };
    let draft = Draft { name: "mesh".to_owned(), outside, ..Draft::default() };
    let mut rng = Rng::new(&Seed([9; 32]));
    draft.create(None, &mut rng.secret, &Limits::default()).expect("the settings are valid")
}

/// `count` nodes on a LAN (0.2 ms one way) that start together and know one UDP tracker. `None` if
/// they are not meshed within `limit`.
pub fn mesh(count: usize, seed: u64, limit: Duration) -> Option<Mesh> {
    let mut world = World::new(seed, false);
    world.net.set_default(&LinkConfig { delay: Duration::from_micros(200), ..LinkConfig::ideal() });
    world.add_tracker("tracker.example", 6_969);
    let hosts: Vec<_> = (0..count).map(|_| world.add_host()).collect();
    let spent = Rc::new(Cell::new(Duration::ZERO));
    let file = file();
    for host in &hosts {
        let identity = Identity::from_bytes(&Secret(world.dice.bytes()));
        let entropy = Seed(world.dice.bytes());
        let spent = spent.clone();
        world.start(*host, |now| {
            let node = Node::new(Config::default(), identity, entropy, now).expect("valid");
            Metered { node, spent }
        });
        world.call(*host, |machine, now| {
            machine.meter(|node| node.join(now, &file)).expect("joined");
        });
    }
    let start = world.now();
    // A member that went down again counts against one that came up.
    let members = |events: &[(_, Event)]| {
        let up = events.iter().filter(|(_, event)| {
            matches!(event, Event::Channel(_, ChannelUpdate::MemberUp { .. }))
        });
        let down = events.iter().filter(|(_, event)| {
            matches!(event, Event::Channel(_, ChannelUpdate::MemberDown { .. }))
        });
        up.count().saturating_sub(down.count())
    };
    let done = world.run_until(limit, |world| {
        hosts.iter().all(|host| members(world.events(*host)) + 1 >= count)
    });
    let datagrams = hosts.iter().map(|host| world.counters(*host).sent).sum();
    let simulated = world.now().saturating_since(start);
    let cpu = spent.get();
    world.run(Duration::from_secs(1));
    let wake_up = hosts.first().map(|host| world.call(*host, |machine, now| wake_up(machine, now)));
    done.then(|| Mesh { simulated, cpu, datagrams, wake_up: wake_up.unwrap_or_default() })
}

fn wake_up(machine: &mut Metered, now: Now) -> Duration {
    let mut buf = vec![0; 65_535];
    let before = cpu();
    for _ in 0..WAKE_UPS {
        machine.node.handle_timeout(now);
        while let TransmitPoll::Ready(_) = machine.node.poll_transmit(now, 1, &mut buf) {}
        black_box(machine.node.poll_timeout());
    }
    (cpu() - before) / WAKE_UPS
}

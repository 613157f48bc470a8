//! Sessions that share one line, and the clock that they live by.

use super::{End, IP_UDP, Line, Peer, Taken};
use bitchat_core::base::time::Timestamp;
use bitchat_core::transport::PathMemory;
use bitchat_sim::dice::Dice;
use bitchat_sim::net::{Link, Schedule};
use std::time::Duration;

/// Figures are kept for every span of this length.
pub const BIN: Duration = Duration::from_millis(100);
/// Rounds in which nothing moves before a session counts as spinning.
const SPINS: u32 = 10_000;

/// A session and what came of it.
pub struct Flow {
    ends: [Box<dyn End>; 2],
    /// End 0 has bulk data without end.
    pub bulk: bool,
    taken: Taken,
    /// Bytes that end 0 put on the line, headers included.
    pub wire: u64,
    /// How long the messages that arrived took, in milliseconds.
    pub waits: Vec<f64>,
    /// The session ended.
    pub dead: bool,
    /// For each bin so far: bulk bytes taken, bytes on the wire.
    pub bins: Vec<(u64, u64)>,
}

impl Flow {
    /// Bulk bytes that end 1 was given.
    pub fn received(&self) -> u64 {
        self.taken.bulk
    }

    /// Bulk bytes and bytes on the wire in the bins from `from` on.
    pub fn since(&self, from: Duration) -> (u64, u64) {
        let first = (from.as_millis() / BIN.as_millis()) as usize;
        let bins = self.bins.get(first..).unwrap_or_default();
        bins.iter().fold((0, 0), |sum, bin| (sum.0 + bin.0, sum.1 + bin.1))
    }

    /// Does everything that can be done now; end 0 first.
    fn pump(&mut self, flow: usize, now: Timestamp, wires: &mut Wires) {
        for (of, end) in self.ends.iter_mut().enumerate() {
            if end.poll_timeout().is_some_and(|at| at <= now) {
                end.handle_timeout(now);
            }
            if of == 0 && self.bulk {
                end.fill(now);
            }
            while let Some(data) = end.poll_transmit(now) {
                if of == 0 {
                    self.wire += (data.len() + IP_UDP) as u64;
                }
                wires.offer(now, flow, 1 - of, data);
            }
            self.dead |= end.is_dead();
        }
        self.ends[1].take(&mut self.taken);
        let arrived = self.taken.messages.drain(..);
        self.waits.extend(arrived.map(|sent| now.saturating_since(sent).as_secs_f64() * 1e3));
    }

    fn poll_timeout(&mut self) -> Option<Timestamp> {
        self.ends.iter_mut().filter_map(|end| end.poll_timeout()).min()
    }
}

/// A datagram on its way.
struct Flight {
    flow: usize,
    to: usize,
    data: Vec<u8>,
}

/// The two directions of the line.
struct Wires {
    links: [Link; 2],
    planned: Schedule<Flight>,
}

impl Wires {
    fn offer(&mut self, now: Timestamp, flow: usize, to: usize, data: Vec<u8>) {
        let [exit, copy] = self.links[1 - to].offer(now, data.len() + IP_UDP);
        for exit in [exit, copy].into_iter().flatten() {
            self.planned.push(exit.at, Flight { flow, to, data: data.clone() });
        }
    }
}

/// One line, its sessions and their time.
pub struct World {
    now: Timestamp,
    start: Timestamp,
    line: Line,
    wires: Wires,
    pub flows: Vec<Flow>,
    /// Bytes in the queue at the end of each bin.
    pub queue: Vec<u64>,
}

impl World {
    /// Sessions of these peers, all set up on the line in good weather. The time that counts begins
    /// then, and so does the weather.
    pub fn new(line: Line, seed: u64, peers: &[Peer]) -> Self {
        let dice = Dice::new(seed);
        let link = |name| Link::new(line.clean(), dice.fork(name));
        let now = Timestamp::from_millis(1);
        let window = line.volume();
        let flows = peers.iter().zip(0..).map(|(peer, of)| Flow {
            ends: peer.ends(seed * 16 + of, now, window),
            bulk: false,
            taken: Taken::default(),
            wire: 0,
            waits: Vec::new(),
            dead: false,
            bins: Vec::new(),
        });
        let wires = Wires { links: [link("there"), link("back")], planned: Schedule::default() };
        let (flows, queue) = (flows.collect(), Vec::new());
        let mut world = Self { now, start: now, line, wires, flows, queue };
        world.set_up();
        world
    }

    fn set_up(&mut self) {
        let limit = self.now + Duration::from_secs(20);
        while !self.flows.iter().all(|flow| flow.ends.iter().all(|end| end.is_ready())) {
            assert!(self.now < limit, "a session on a clean line is not ready");
            self.advance(self.now + BIN);
        }
        // What the set-up left on the line is gone before anything counts.
        self.advance(self.now + Duration::from_secs(1));
        for link in &mut self.wires.links {
            link.config = self.line.config();
        }
        self.start = self.now;
        for flow in &mut self.flows {
            flow.wire = 0;
            flow.taken = Taken::default();
            flow.waits.clear();
        }
    }

    /// What the sender of a session measured of the line.
    pub fn memory(&self, flow: usize) -> Option<PathMemory> {
        self.flows[flow].ends[0].memory()
    }

    /// The sender of a session, which has sent nothing that counts, begins with such a memory.
    pub fn resume(&mut self, flow: usize, memory: PathMemory) {
        self.flows[flow].ends[0].resume(memory);
    }

    /// End 0 of a session sends a message.
    pub fn send(&mut self, flow: usize) {
        self.flows[flow].ends[0].send(self.now);
    }

    /// Lets `time` pass, and keeps figures of each bin. A whole number of bins.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            let before: Vec<_> =
                self.flows.iter().map(|flow| (flow.received(), flow.wire)).collect();
            self.advance(self.now + BIN);
            for (flow, (received, wire)) in self.flows.iter_mut().zip(before) {
                flow.bins.push((flow.received() - received, flow.wire - wire));
            }
            self.queue.push(self.wires.links[0].waiting(self.now));
        }
    }

    fn advance(&mut self, until: Timestamp) {
        let mut spins = 0;
        loop {
            for (of, flow) in self.flows.iter_mut().enumerate() {
                flow.pump(of, self.now, &mut self.wires);
            }
            let timeouts = self.flows.iter_mut().filter_map(Flow::poll_timeout);
            let next = timeouts.chain(self.wires.planned.next_at()).min();
            let Some(next) = next.filter(|at| *at < until) else { break };
            spins = if next > self.now { 0 } else { spins + 1 };
            assert!(spins < SPINS, "a session does not move on");
            self.now = self.now.max(next);
            while let Some(Flight { flow, to, data }) = self.wires.planned.pop_due(self.now) {
                self.flows[flow].ends[to].handle_datagram(self.now, data);
            }
        }
        self.now = until;
    }
}

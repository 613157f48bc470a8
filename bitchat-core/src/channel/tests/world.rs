//! Several channels, joined by links in memory, each with a disk of its own.

use crate::base::ids::{ChannelId, Device, DeviceId, EntryId, LinkId};
use crate::base::limits::Limits;
use crate::base::rng::{Rng, Seed, Stream};
use crate::base::time::{Now, Timestamp, UnixMillis};
use crate::channel::{
    Candidate, Channel, ChannelConfig, ChannelEvent, ChannelFault, ChannelRestore, ChannelSink,
    ContentRef, Priority, Record, Ticket,
};
use crate::crypto::channel_keys::Epoch;
use crate::crypto::identity::Identity;
use crate::crypto::suite::Secret;
use crate::crypto::suite::Suite;
use crate::log::{Draft, Kind};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

pub(crate) const CHAN: ChannelId = ChannelId([7; 20]);

/// What a node's surroundings hold.
pub(crate) struct Outside {
    identity: Secret,
    rng: Rng,
    /// Messages on their way, by link and priority.
    pub(crate) wires: BTreeMap<(LinkId, usize), VecDeque<Vec<u8>>>,
    /// Messages that one wire holds before it refuses.
    pub(crate) capacity: usize,
    refused: bool,
    pub(crate) asked: VecDeque<(Ticket, Record)>,
    pub(crate) disk: Vec<Record>,
    forgotten: Vec<Record>,
    pub(crate) events: Vec<ChannelEvent>,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) violations: Vec<(LinkId, ChannelFault)>,
    pub(crate) sent_bytes: usize,
    pub(crate) sent_messages: usize,
    pub(crate) may_sign: bool,
}

impl ChannelSink for Outside {
    fn send(&mut self, link: LinkId, priority: Priority, message: &[u8]) -> bool {
        let wire = self.wires.entry((link, priority as usize)).or_default();
        if wire.len() >= self.capacity {
            self.refused = true;
            return false;
        }
        self.sent_bytes += message.len();
        self.sent_messages += 1;
        wire.push_back(message.to_vec());
        true
    }
    fn persist(&mut self, ticket: Ticket, record: Record) {
        self.asked.push_back((ticket, record));
    }
    fn forget(&mut self, record: &Record) {
        self.forgotten.push(record.clone());
        self.disk.retain(|stored| stored != record);
    }
    fn event(&mut self, event: ChannelEvent) {
        self.events.push(event);
    }
    fn candidate(&mut self, hint: Candidate) {
        self.candidates.push(hint);
    }
    fn violation(&mut self, link: LinkId, fault: ChannelFault) {
        self.violations.push((link, fault));
    }
    fn secret(&mut self) -> Secret {
        Secret(self.rng.secret.bytes())
    }
    fn sign(&mut self, label: &'static [u8], parts: &[&[u8]]) -> Option<[u8; 64]> {
        self.may_sign.then(|| Identity::from_bytes(&self.identity).sign(label, parts))
    }
}

pub(crate) struct Node {
    pub(crate) channel: Channel,
    pub(crate) out: Outside,
}

/// Link `n` joins two nodes; both ends have the same number.
pub(crate) struct World {
    pub(crate) nodes: Vec<Node>,
    pub(crate) links: BTreeMap<LinkId, (usize, usize)>,
    next_link: u64,
    pub(crate) now: Timestamp,
    pub(crate) dice: Stream,
}

pub(crate) fn identity(index: usize) -> Secret {
    Secret([u8::try_from(index).unwrap() + 1; 32])
}

pub(crate) fn device(index: usize) -> Device {
    let peer = Identity::from_bytes(&identity(index)).peer_id();
    Device { peer, id: DeviceId([u8::try_from(index).unwrap(); 16]) }
}

pub(crate) fn config(index: usize, limits: &Limits) -> ChannelConfig {
    let limits = limits.clone();
    ChannelConfig {
        suite: Suite::default(),
        chan: CHAN,
        epoch: Epoch::default(),
        local: device(index),
        limits,
    }
}

pub(crate) fn outside(index: usize, seed: u64) -> Outside {
    let mut bytes = [u8::try_from(index).unwrap(); 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    Outside {
        identity: identity(index),
        rng: Rng::new(&Seed(bytes)),
        wires: BTreeMap::new(),
        capacity: usize::MAX,
        refused: false,
        asked: VecDeque::new(),
        disk: Vec::new(),
        forgotten: Vec::new(),
        events: Vec::new(),
        candidates: Vec::new(),
        violations: Vec::new(),
        sent_bytes: 0,
        sent_messages: 0,
        may_sign: true,
    }
}

impl World {
    pub(crate) fn new(count: usize, seed: u64) -> Self {
        Self::with_limits(count, seed, &Limits::default())
    }

    pub(crate) fn with_limits(count: usize, seed: u64, limits: &Limits) -> Self {
        let node = |index| Node {
            channel: Channel::new(config(index, limits)),
            out: outside(index, seed),
        };
        let mut bytes = [0xdd; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self {
            nodes: (0..count).map(node).collect(),
            links: BTreeMap::new(),
            next_link: 0,
            now: Timestamp::from_millis(1_000),
            dice: Rng::new(&Seed(bytes)).public,
        }
    }

    pub(crate) fn clock(&self) -> Now {
        let wall = 1_700_000_000_000 + self.now.as_nanos() / 1_000_000;
        Now::new(self.now, UnixMillis(wall))
    }

    pub(crate) fn link(&mut self, a: usize, b: usize) -> LinkId {
        let (link, now) = (LinkId(self.next_link), self.clock());
        self.next_link += 1;
        self.links.insert(link, (a, b));
        for (here, there) in [(a, b), (b, a)] {
            let node = &mut self.nodes[here];
            let port = u16::try_from(there).unwrap() + 1_000;
            let addr = ([198, 51, 100, 1], port).into();
            node.channel.on_link_up(now, link, device(there), Some(addr), &mut node.out);
        }
        link
    }

    pub(crate) fn mesh(&mut self) {
        for a in 0..self.nodes.len() {
            for b in 0..a {
                self.link(a, b);
            }
        }
    }

    /// The link breaks; what is on its way is lost.
    pub(crate) fn cut(&mut self, link: LinkId) {
        let now = self.clock();
        let Some((a, b)) = self.links.remove(&link) else { return };
        for end in [a, b] {
            let node = &mut self.nodes[end];
            node.out.wires.retain(|(of, _), _| *of != link);
            node.channel.on_link_down(now, link, &mut node.out);
            node.out.wires.retain(|(of, _), _| *of != link);
        }
    }

    /// The process of a node dies and starts again. What was asked of its disk in the end may have
    /// been written or not: `kept` of it was.
    pub(crate) fn restart(&mut self, index: usize, kept: usize, limits: &Limits) {
        let links = self.links.iter().filter(|(_, (a, b))| *a == index || *b == index);
        let links: Vec<_> = links.map(|(link, _)| *link).collect();
        let node = &mut self.nodes[index];
        let forgotten = core::mem::take(&mut node.out.forgotten);
        node.out.asked.retain(|(_, record)| !forgotten.contains(record));
        let kept = kept.min(node.out.asked.len());
        let written: Vec<_> = node.out.asked.drain(..kept).map(|(_, record)| record).collect();
        node.out.disk.extend(written);
        node.out.asked.clear();
        for link in links {
            self.cut(link);
        }
        let node = &mut self.nodes[index];
        node.out.asked.clear();
        let (channel, skipped) = restore(index, &node.out.disk, limits);
        assert_eq!(skipped, 0);
        node.channel = channel;
    }

    pub(crate) fn say(&mut self, index: usize, text: &str) -> EntryId {
        let now = self.clock();
        let node = &mut self.nodes[index];
        node.channel.send_text(now, text, &mut node.out).expect("a plain text is taken")
    }

    /// Lets the disk of one node answer its oldest request.
    pub(crate) fn store_one(&mut self, index: usize) -> bool {
        let now = self.clock();
        let node = &mut self.nodes[index];
        let Some((ticket, record)) = node.out.asked.pop_front() else { return false };
        if !node.out.forgotten.contains(&record) {
            node.out.disk.push(record);
        }
        node.channel.on_persisted(now, ticket, &mut node.out);
        true
    }

    /// Delivers the oldest message of one wire; a refused sender learns that there is room.
    pub(crate) fn deliver_one(&mut self, from: usize, link: LinkId, priority: usize) -> bool {
        let now = self.clock();
        let out = &mut self.nodes[from].out;
        let message = out.wires.get_mut(&(link, priority)).and_then(VecDeque::pop_front);
        let Some(message) = message else { return false };
        let Some((a, b)) = self.links.get(&link).copied() else { return false };
        let node = &mut self.nodes[if a == from { b } else { a }];
        let result = node.channel.on_message(now, link, &message, &mut node.out);
        assert_eq!(result, Ok(()), "an honest peer is never at fault");
        let node = &mut self.nodes[from];
        if core::mem::take(&mut node.out.refused) {
            let links: Vec<_> = self.links.keys().copied().collect();
            for link in links {
                node.channel.on_writable(now, link, &mut node.out);
            }
        }
        true
    }

    /// One random thing that can happen without time passing; false if nothing can.
    pub(crate) fn step(&mut self) -> bool {
        let mut choices = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            if !node.out.asked.is_empty() {
                choices.push((index, None));
            }
            let wires = node.out.wires.iter().filter(|(_, wire)| !wire.is_empty());
            choices.extend(wires.map(|(wire, _)| (index, Some(*wire))));
        }
        if choices.is_empty() {
            return false;
        }
        let pick = usize::try_from(self.dice.below(choices.len() as u64)).unwrap();
        match choices[pick] {
            (index, None) => self.store_one(index),
            (index, Some((link, priority))) => self.deliver_one(index, link, priority),
        }
    }

    /// Everything in flight arrives.
    pub(crate) fn settle(&mut self) {
        let mut steps = 0;
        while self.step() {
            steps += 1;
            assert!(steps < 3_000_000, "the world does not come to rest");
        }
    }

    /// Sleeps to the next deadline and handles it; false if there is none within `limit`.
    pub(crate) fn sleep(&mut self, until: Timestamp) -> bool {
        let next = self.nodes.iter().filter_map(|node| node.channel.poll_timeout()).min();
        let Some(next) = next.filter(|next| *next <= until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = self.now.max(next);
        let now = self.clock();
        for node in &mut self.nodes {
            node.channel.handle_timeout(now, &mut node.out);
            let again = node.channel.poll_timeout();
            assert!(again.is_none_or(|at| at > self.now), "a deadline stays in the past");
        }
        true
    }

    /// Lets `duration` pass, with everything that happens meanwhile.
    pub(crate) fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        self.settle();
        let mut sleeps = 0;
        while self.sleep(until) {
            self.settle();
            sleeps += 1;
            assert!(sleeps < 100_000, "timers spin");
        }
    }

    pub(crate) fn texts(&self, index: usize) -> Vec<String> {
        let text = |content| match content {
            ContentRef::Text(text) => text.to_owned(),
            ContentRef::Unknown { kind, .. } => format!("kind {kind}"),
        };
        self.nodes[index].channel.messages().map(|message| text(message.content)).collect()
    }

    pub(crate) fn ids(&self, index: usize) -> Vec<EntryId> {
        self.nodes[index].channel.messages().map(|message| message.id).collect()
    }

    /// All nodes show the same, and nobody found fault with anybody.
    pub(crate) fn assert_agreed(&self) {
        for index in 1..self.nodes.len() {
            assert_eq!(
                self.texts(0),
                self.texts(index),
                "nodes 0 and {index} show different chats"
            );
            assert_eq!(self.ids(0), self.ids(index));
            assert_eq!(self.nodes[0].channel.digest(), self.nodes[index].channel.digest());
        }
        for node in &self.nodes {
            assert!(node.out.violations.is_empty(), "{:?}", node.out.violations);
            assert_eq!(node.channel.log.waiting(), 0, "entries still wait");
        }
    }
}

pub(crate) fn restore(index: usize, disk: &[Record], limits: &Limits) -> (Channel, usize) {
    let mut restore = ChannelRestore::new(config(index, limits));
    for record in disk {
        let read = Record::decode(&record.encode()).expect("a record reads back");
        assert_eq!(&read, record);
        let _ = restore.add(&read);
    }
    restore.finish()
}

/// A record that no node has written: an entry of another channel.
pub(crate) fn damaged() -> Record {
    let draft = Draft {
        chan: ChannelId([8; 20]),
        epoch: Epoch::default(),
        seq: 1,
        prev: EntryId([1; 32]),
        cited: Vec::new(),
        lamport: 2,
        wall: UnixMillis(0),
        kind: Kind::Text,
        body: b"elsewhere",
    };
    Record::Entry(draft.sign(&Identity::from_bytes(&Secret([1; 32]))).unwrap())
}

pub(crate) fn fresh(index: usize, limits: &Limits) -> Channel {
    Channel::new(config(index, limits))
}

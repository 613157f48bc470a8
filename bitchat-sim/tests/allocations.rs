//! Carrying packets allocates nothing once it runs: buffers are used again. A test binary of its own,
//! because it counts every allocation of its process.

use allocation_counter::measure;
use bitchat_core::base::ids::{
    ChannelId, ConnectionId, Device, DeviceId, LinkId, PeerId, SocketId,
};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::{Now, Timestamp, UnixMillis};
use bitchat_core::chatfile::{ChatFile, Draft, Outside};
use bitchat_core::crypto::channel_keys::Epoch;
use bitchat_core::crypto::identity::{Certificate, Identity};
use bitchat_core::crypto::noise::Role;
use bitchat_core::crypto::suite::{DhSecret, Secret, Suite};
use bitchat_core::handshake::{BootId, Established, SessionSecrets};
use bitchat_core::link::{Lane, Link, LinkConfig, LinkEvent, PACKET_LEN, Verdict, Via};
use bitchat_core::node::{Action, Config, Deadline, Event, Input, Node, TransmitPoll};
use bitchat_core::wire::url::TrackerUrl;
use bitchat_sim::machine::Machine;
use bitchat_sim::net;
use bitchat_sim::world::World;
use std::net::SocketAddr;
use std::time::Duration;

const CHANNEL: ChannelId = ChannelId([1; 20]);
const FLIGHT: Duration = Duration::from_micros(500);

/// Two links of one session and a network without loss.
struct Links {
    now: Timestamp,
    ends: [Link; 2],
    rngs: [Rng; 2],
    events: Vec<LinkEvent>,
    wire: Vec<u8>,
    lens: Vec<usize>,
    up: usize,
    received: u64,
    packets: u64,
}

fn via(of: usize) -> Via {
    Via::Udp {
        socket: SocketId(0),
        remote: SocketAddr::from(([192, 0, 2, 2 - u8::from(of == 1)], 9)),
    }
}

fn session(of: usize, keys: &[DhSecret; 2]) -> Established {
    let key = keys[1 - of].public();
    let identity = Identity::from_bytes(&Secret([9; 32]));
    let device = Device { peer: PeerId([u8::from(of == 0); 32]), id: DeviceId([7; 16]) };
    let life = Duration::from_secs(86_400);
    let certificate = Certificate::issue(&identity, device.id, key, UnixMillis(0), life);
    let secret = |byte| Secret([byte; 32]);
    let cid = |of: usize| ConnectionId([u8::from(of == 1); 8]);
    Established {
        role: if of == 0 { Role::Initiator } else { Role::Responder },
        device,
        certificate: certificate.expect("the lifetime is allowed"),
        remote_static: key,
        local_cid: cid(of),
        remote_cid: cid(1 - of),
        features: 0,
        boot: BootId([0; 16]),
        channel: (CHANNEL, Epoch::default()),
        handshake_hash: [3; 32],
        secrets: SessionSecrets {
            i2r: secret(1),
            r2i: secret(2),
            mask_i2r: secret(3),
            mask_r2i: secret(4),
            exporter: secret(5),
        },
        resumed: false,
        proven_current: false,
        remote: via(of).remote().expect("an address"),
        rtt: None,
    }
}

impl Links {
    fn ready() -> Self {
        let mut rngs = [1, 2].map(|byte| Rng::new(&Seed([byte; 32])));
        let keys = rngs.each_mut().map(|rng| DhSecret::generate(Suite::default(), &mut rng.secret));
        let now = Timestamp::from_millis(1);
        let config = LinkConfig {
            rekey_interval: Duration::from_secs(3_600),
            keepalive: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(60),
            limits: Limits::default(),
            key_log: false,
        };
        let mut events = Vec::new();
        let ends = [0, 1].map(|of| {
            let (session, config, rng) = (session(of, &keys), config.clone(), &mut rngs[of]);
            let id = LinkId(of as u64);
            let mut link = Link::new(now, id, &session, &keys[of], via(of), config, rng);
            link.join(CHANNEL, &Secret([8; 32]), rng, &mut events);
            link
        });
        let (wire, lens) = (vec![0; 4_096 * PACKET_LEN], Vec::with_capacity(4_096));
        let mut links =
            Self { now, ends, rngs, events, wire, lens, up: 0, received: 0, packets: 0 };
        while links.up < 2 {
            links.round();
        }
        links
    }

    /// What one end has to send arrives at the other.
    fn flush(&mut self, from: usize) {
        let Self { now, ends, rngs, events, wire, lens, .. } = self;
        lens.clear();
        for room in wire.chunks_mut(PACKET_LEN) {
            let Some(sealed) = ends[from].poll_packet(*now, room) else { break };
            lens.push(sealed.len);
        }
        *now += FLIGHT;
        let to = 1 - from;
        for (packet, len) in wire.chunks_mut(PACKET_LEN).zip(&*lens) {
            let packet = &mut packet[..*len];
            let verdict =
                ends[to].handle_datagram(*now, via(to), None, packet, &mut rngs[to], events);
            assert_eq!(verdict, Verdict::Authentic);
            for event in events.drain(..) {
                match event {
                    LinkEvent::Message { data, .. } => self.received += data.len() as u64,
                    LinkEvent::ChannelUp(_) => self.up += 1,
                    LinkEvent::Closed(why) => panic!("a link without faults ended: {why:?}"),
                    _ => {}
                }
            }
        }
        self.packets += self.lens.len() as u64;
    }

    fn round(&mut self) {
        let before = self.packets;
        (0..2).for_each(|from| self.flush(from));
        if self.packets == before {
            let deadlines = self.ends.iter().filter_map(Link::poll_timeout);
            let next = deadlines.map(|(at, _)| at).min().expect("a link has a deadline");
            self.now = self.now.max(next);
        }
        let now = Now { mono: self.now, wall: None };
        for (link, rng) in self.ends.iter_mut().zip(&mut self.rngs) {
            if link.poll_timeout().is_some_and(|(at, _)| at <= now.mono) {
                link.handle_timeout(now, rng, &mut self.events);
            }
        }
    }

    /// Sends `count` messages of `len` bytes, at most `batch` between two flights.
    fn carry(&mut self, lane: Lane, count: u64, len: usize, batch: u64) {
        let message = vec![7; len];
        let (mut sent, target) = (0, self.received + count * len as u64);
        while self.received < target {
            let until = count.min(sent + batch);
            while sent < until && self.ends[0].send(CHANNEL, lane, &message) {
                sent += 1;
            }
            self.round();
        }
    }
}

/// Both ends of a link, sending and receiving, in bulk and message by message.
#[test]
fn links_allocate_nothing_per_packet() {
    for (lane, len, batch) in [
        (Lane::History, 16_384, 1_000),
        (Lane::Chat, 100, 1),
        (Lane::Chat, 100, 100),
        (Lane::Chat, 5_000, 3),
    ] {
        let mut links = Links::ready();
        let count = 8_000_000 / (len as u64 + 400);
        links.carry(lane, count, len, batch);
        let before = links.packets;
        let info = measure(|| links.carry(lane, count, len, batch));
        let packets = links.packets - before;
        println!("{lane:?}, {len} B, {batch} at once: {info:?} for {packets} packets");
        assert!(packets > 2_000 || len == 100, "{packets} packets");
        // The message itself, and what a buffer grows by when a burst is larger than those before.
        assert!(info.count_total <= 8, "{lane:?} {len}: {info:?} for {packets} packets");
    }
}

/// A link that carried much and is quiet again holds no more than before.
#[test]
fn a_quiet_link_gives_its_memory_back() {
    let grown = |bytes: u64| {
        let mut links = Links::ready();
        let info = measure(|| {
            links.carry(Lane::History, bytes / 16_384, 16_384, 1_000);
            let end = links.now + Duration::from_secs(4);
            while links.now < end {
                links.round();
            }
        });
        println!("{bytes} bytes: {info:?}");
        info.bytes_current
    };
    println!("a Link takes {} bytes", size_of::<Link>());
    grown(0);
    let held = grown(16 << 20);
    assert!(held <= 4_096, "two ends still hold {held} bytes");
}

/// A node whose allocations are counted, where packets go in and out.
struct Counted {
    node: Node,
    sending: u64,
    receiving: u64,
    datagrams: u64,
    /// Most packets that went out in one batch.
    largest_batch: usize,
}

impl Machine for Counted {
    fn handle_input(&mut self, now: Now, input: Input<'_>) {
        let datagrams = match &input {
            Input::Datagram { stride, data, .. } => data.len().div_ceil((*stride).max(1)),
            _ => 0,
        };
        let info = measure(|| self.node.handle_input(now, input));
        if datagrams > 0 {
            self.datagrams += datagrams as u64;
            self.receiving += info.count_total;
        }
    }
    fn handle_timeout(&mut self, now: Now) {
        self.node.handle_timeout(now);
    }
    fn poll_transmit(&mut self, now: Now, max_segments: usize, buf: &mut [u8]) -> TransmitPoll {
        let mut poll = TransmitPoll::Pending;
        let info = measure(|| poll = self.node.poll_transmit(now, max_segments, buf));
        self.sending += info.count_total;
        if let TransmitPoll::Ready(transmit) = &poll
            && let Some(size) = transmit.segment_size
        {
            // Packets of one size for one address; only the last may be shorter.
            assert!(size < transmit.len && transmit.len <= size * max_segments);
            self.largest_batch = self.largest_batch.max(transmit.len.div_ceil(size));
        }
        poll
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
    let draft = Draft { name: "counted".to_owned(), outside, ..Draft::default() };
    let mut rng = Rng::new(&Seed([9; 32]));
    draft.create(None, &mut rng.secret, &Limits::default()).expect("the settings are valid")
}

/// What a message costs a node does not depend on how many packets carry it: a text of fifty packets
/// takes as many allocations as one of one packet, at both ends.
#[test]
fn nodes_allocate_per_message_and_not_per_packet() {
    let mut world = World::new(5, false);
    // Packets of 1,200 bytes and no more pass.
    let lan = net::LinkConfig { delay: FLIGHT, mtu: 1_248, ..net::LinkConfig::ideal() };
    world.net.set_default(&lan);
    world.add_tracker("tracker.example", 6_969);
    let hosts = [world.add_host(), world.add_host()];
    let file = file();
    let mut channel = None;
    for host in hosts {
        let identity = Identity::from_bytes(&Secret(world.dice.bytes()));
        let entropy = Seed(world.dice.bytes());
        world.start(host, |now| {
            let node = Node::new(Config::default(), identity, entropy, now).expect("valid");
            Counted { node, sending: 0, receiving: 0, datagrams: 0, largest_batch: 0 }
        });
        channel =
            Some(world.call(host, |machine, now| machine.node.join(now, &file).expect("joined")));
    }
    let channel = channel.expect("both joined");
    world.run(Duration::from_secs(10));
    // Sends texts one after the other, and says what a text took: allocations, datagrams.
    let mut texts = |len: usize| {
        let text = "x".repeat(len);
        let count = |world: &World<Counted>| {
            let all = hosts.map(|host| world.machine(host).expect("it runs"));
            let sum = |of: fn(&Counted) -> u64| all.iter().map(|machine| of(machine)).sum::<u64>();
            (sum(|machine| machine.sending), sum(|m| m.receiving), sum(|m| m.datagrams))
        };
        let mut before = count(&world);
        for round in 0..40 {
            if round == 20 {
                before = count(&world);
            }
            world.call(hosts[0], |machine, now| {
                machine.node.send_text(now, channel, &text).expect("it fits")
            });
            world.run(Duration::from_millis(200));
        }
        let after = count(&world);
        let each = |after: u64, before: u64| (after - before) as f64 / 20.0;
        let figures = [each(after.0, before.0), each(after.1, before.1), each(after.2, before.2)];
        println!("texts of {len} B: sending, receiving, datagrams: {figures:?}");
        figures
    };
    let short = texts(100);
    let long = texts(60_000);
    assert!(long[2] > short[2] + 50.0, "the long text takes many datagrams");
    let batch = world.machine(hosts[0]).expect("it runs").largest_batch;
    assert!(batch >= 10, "packets leave in batches, and not in {batch}s");
    assert!(long[0] <= short[0] + 1.0, "{} allocations while sending", long[0]);
    assert!(long[1] <= short[1] + 10.0, "{} and {} while receiving", long[1], short[1]);
}

//! Whoever can send datagrams to a node: strangers, members, trackers that lie (BC-12.62).

use crate::{Attack, Job};
use bitchat_core::base::ids::{ChannelHandle, Device, DeviceId, SocketId};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed, Stream};
use bitchat_core::base::time::{Now, Timestamp, UnixMillis};
use bitchat_core::chatfile::{Access, ChatFile, Draft};
use bitchat_core::crypto::channel_keys::{ChannelKeys, Epoch};
use bitchat_core::crypto::gate::{
    Cookie, CookieJar, ENVELOPE_LEN, Envelope, Kind, Probe, ProbeAck, seal, start,
};
use bitchat_core::crypto::identity::{Certificate, Identity};
use bitchat_core::crypto::suite::{DhPublic, DhSecret, Secret, Suite};
use bitchat_core::handshake::{BootId, Devices, Effect, Env, Initiator, Local, Target};
use bitchat_core::node::{Action, Config, Input, Node, PeerHint, TransmitPoll};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

const WALL: UnixMillis = UnixMillis(1_800_000_000_000);
/// Where the node is, and its tracker.
const NODE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 1_000);
const TRACKER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 6_969);
/// The body of an hs1 that is answered has at least so many bytes (BC-05.21).
const HS1_BODY: usize = 400;
/// What a node holds of strangers: nonces of probes, handshakes under way, candidates, datagrams that
/// wait.
const MEMORY: u64 = 1 << 20;

/// An address of its own for each attacker, each in a network of its own.
fn stranger(at: usize) -> SocketAddr {
    let [_, _, high, low] = u32::try_from(at).unwrap_or(0).to_be_bytes();
    SocketAddr::from(([100, 64 + high, low, 7], 4_000))
}

fn one(_: usize) -> SocketAddr {
    stranger(0)
}

fn file(of: u8) -> ChatFile {
    let mut rng = Rng::new(&Seed([of; 32])).secret;
    let mut draft =
        Draft { name: "besieged".to_owned(), access: Access::Keyed, ..Draft::default() };
    if of == 1 {
        let url = format!("udp://{TRACKER}/announce").parse().expect("a URL");
        draft.outside.trackers = vec![vec![url]];
    }
    draft.create(None, &mut rng, &Limits::default()).expect("valid")
}

/// A node in one channel with one tracker.
struct Besieged {
    node: Node,
    channel: ChannelHandle,
    now: Now,
    buf: Vec<u8>,
}

impl Besieged {
    fn new() -> Self {
        let mut config = Config::default();
        (config.store, config.local_trackers, config.families.v6) = (false, true, false);
        let now = Now { mono: Timestamp::from_millis(1), wall: Some(WALL) };
        let identity = Identity::from_bytes(&Secret([1; 32]));
        let mut node = Node::new(config, identity, Seed([2; 32]), now).expect("valid");
        let channel = node.join(now, &file(1)).expect("joins");
        let buf = vec![0; Limits::default().link.datagram_bytes];
        let mut besieged = Self { node, channel, now, buf };
        while let Some(action) = besieged.node.poll_action() {
            let Action::BindUdp { request, .. } = action else { continue };
            let (socket, local) = (SocketId(0), NODE);
            besieged.node.handle_input(now, Input::Bound { request, socket, local });
        }
        besieged
    }

    /// A datagram arrives; `sent` is shown what leaves.
    fn take(&mut self, from: SocketAddr, data: &mut [u8], mut sent: impl FnMut(SocketAddr, &[u8])) {
        let (stride, socket) = (data.len(), SocketId(0));
        let input = Input::Datagram { socket, from, local: None, ecn: None, stride, data };
        self.node.handle_input(self.now, input);
        self.pass(Duration::from_micros(100), &mut sent);
    }

    fn pass(&mut self, time: Duration, sent: &mut impl FnMut(SocketAddr, &[u8])) {
        self.now.mono += time;
        if self.node.poll_timeout().is_some_and(|deadline| deadline.at <= self.now.mono) {
            self.node.handle_timeout(self.now);
        }
        while let TransmitPoll::Ready(out) = self.node.poll_transmit(self.now, 1, &mut self.buf) {
            sent(out.to, &self.buf[..out.len]);
        }
        while self.node.poll_action().is_some() {}
        while self.node.poll_event().is_some() {}
    }

    fn dial(&mut self, address: SocketAddr) {
        let hint = PeerHint { address, peer: None };
        self.node.add_peer(self.now, self.channel, hint).expect("joined");
    }
}

/// Whoever knows a channel's keys.
struct Member {
    keys: ChannelKeys,
    public: Stream,
}

impl Member {
    fn of(channel: u8) -> Self {
        let keys = file(channel).keys(Epoch::default());
        Self { keys, public: Rng::new(&Seed([3; 32])).public }
    }

    fn day() -> u64 {
        WALL.day()
    }

    fn sealed(&mut self, body: &[u8]) -> Vec<u8> {
        let mut datagram = start(body.len());
        datagram.extend_from_slice(body);
        seal(&self.keys, Self::day(), &mut self.public, &mut datagram);
        datagram
    }

    fn probe(&mut self) -> Vec<u8> {
        let probe = Probe { nonce: self.public.bytes(), cookie: Cookie(self.public.bytes()) };
        probe.seal(&self.keys, Self::day(), &mut self.public)
    }

    /// A body of a kind, with random bytes behind `head`.
    fn garbage(&mut self, kind: Kind, head: &[u8], len: usize) -> Vec<u8> {
        let mut body = vec![kind.byte()];
        body.extend_from_slice(head);
        while body.len() < len {
            body.push(self.public.bytes::<1>()[0]);
        }
        self.sealed(&body)
    }

    /// The cookie that the node gives `from`.
    fn cookie(&mut self, besieged: &mut Besieged, from: SocketAddr) -> Cookie {
        let (mut probe, mut cookie) = (self.probe(), None);
        besieged.take(from, &mut probe, |to, datagram| {
            if to == from {
                let mut datagram = datagram.to_vec();
                let envelope = Envelope::new(&mut datagram).expect("long enough");
                let ack = ProbeAck::decode(envelope.unmask(&self.keys)).expect("an ack");
                cookie = Some(ack.cookie);
            }
        });
        cookie.expect("the probe is answered")
    }

    /// The true first message of a handshake, from whoever has the cookie.
    fn hello(&mut self, cookie: Cookie) -> Vec<u8> {
        let mut rng = Rng::new(&Seed(self.public.bytes()));
        let key = DhSecret::generate(Suite::default(), &mut rng.secret);
        let identity = Identity::from_bytes(&Secret([9; 32]));
        let life = Duration::from_secs(86_400);
        let certificate =
            Certificate::issue(&identity, DeviceId([7; 16]), key.public(), WALL, life)
                .expect("the lifetime is allowed");
        let local = Local { static_key: key, certificate, features: 0, boot: BootId([0; 16]) };
        let mut effects = Vec::new();
        let cookies = CookieJar::new(&mut rng.secret);
        let mut env = Env {
            now: Timestamp::ZERO,
            wall: WALL,
            local: &local,
            keys: &self.keys,
            cookies: &cookies,
            devices: &Nobody,
            rng: &mut rng,
            key_log: false,
            effects: &mut effects,
        };
        let _attempt =
            Initiator::start(&mut env, Target { remote: NODE, peer: None, cookie: Some(cookie) });
        let sent = effects.into_iter().find_map(|effect| match effect {
            Effect::Send { datagram, .. } => Some(datagram),
            _ => None,
        });
        sent.expect("it begins with a datagram")
    }
}

struct Nobody;

impl Devices for Nobody {
    fn secrets(&self, _: &DhPublic) -> [Option<Secret>; 2] {
        [None, None]
    }
    fn is_linked(&self, _: &Device, _: &BootId) -> bool {
        false
    }
}

/// A node, and what is sent to it.
struct Flood {
    besieged: Besieged,
    packets: Vec<(SocketAddr, Vec<u8>)>,
}

impl Flood {
    fn new(
        units: usize,
        from: fn(usize) -> SocketAddr,
        mut packet: impl FnMut(&mut Besieged, SocketAddr, usize) -> Vec<u8>,
    ) -> Self {
        let mut besieged = Besieged::new();
        let packets = (0..units)
            .map(|at| (from(at), packet(&mut besieged, from(at), at)))
            .collect::<Vec<_>>();
        Self { besieged, packets }
    }

    fn job(mut self) -> Job {
        Box::new(move || {
            for (from, packet) in &mut self.packets {
                self.besieged.take(*from, packet, |_, _| {});
            }
        })
    }
}

fn strange_probes(units: usize, from: fn(usize) -> SocketAddr) -> Flood {
    let mut member = Member::of(2);
    Flood::new(units, from, |_, _, _| member.probe())
}

fn probes(units: usize, from: fn(usize) -> SocketAddr) -> Flood {
    let mut member = Member::of(1);
    Flood::new(units, from, |_, _, _| member.probe())
}

fn probe_again(units: usize, from: fn(usize) -> SocketAddr) -> Flood {
    let probe = Member::of(1).probe();
    Flood::new(units, from, |_, _, _| probe.clone())
}

fn bodies(units: usize, from: fn(usize) -> SocketAddr) -> Flood {
    let mut member = Member::of(1);
    let kinds = [Kind::Probe, Kind::ProbeAck, Kind::Hs1, Kind::Hs2, Kind::Hs3];
    Flood::new(units, from, |_, _, at| member.garbage(kinds[at % 5], &[], 20 + at * 37 % 400))
}

fn hellos_without_cookie(units: usize, from: fn(usize) -> SocketAddr) -> Flood {
    let mut member = Member::of(1);
    Flood::new(units, from, |_, _, _| member.garbage(Kind::Hs1, &[], HS1_BODY))
}

/// All with the cookie of one address.
fn hellos_with_a_cookie_of_another(units: usize, from: fn(usize) -> SocketAddr) -> Flood {
    let (mut member, mut cookie) = (Member::of(1), None);
    Flood::new(units, from, |besieged, _, _| {
        let other = stranger(20_000);
        let cookie = *cookie.get_or_insert_with(|| member.cookie(besieged, other));
        member.garbage(Kind::Hs1, &cookie.0, HS1_BODY)
    })
}

/// Each with its cookie, and a message that was made with other keys.
fn hellos_with_wrong_keys(units: usize, from: fn(usize) -> SocketAddr) -> Flood {
    let mut member = Member::of(1);
    let mut cookies = BTreeMap::new();
    Flood::new(units, from, |besieged, from, _| {
        let cookie = *cookies.entry(from).or_insert_with(|| member.cookie(besieged, from));
        member.garbage(Kind::Hs1, &cookie.0, HS1_BODY)
    })
}

/// Handshakes that are begun and not gone on with.
fn hellos(units: usize, from: fn(usize) -> SocketAddr) -> Flood {
    let mut member = Member::of(1);
    let mut cookies = BTreeMap::new();
    Flood::new(units, from, |besieged, from, _| {
        let cookie = *cookies.entry(from).or_insert_with(|| member.cookie(besieged, from));
        member.hello(cookie)
    })
}

fn hello_again(units: usize, from: fn(usize) -> SocketAddr) -> Flood {
    let (mut member, mut hello) = (Member::of(1), None);
    Flood::new(units, from, |besieged, from, _| {
        let cookie = hello.is_none().then(|| member.cookie(besieged, from));
        let hello = hello.get_or_insert_with(|| member.hello(cookie.expect("the first")));
        hello.clone()
    })
}

fn late_messages(units: usize, from: fn(usize) -> SocketAddr) -> Flood {
    let mut member = Member::of(1);
    let kinds = [Kind::Hs2, Kind::Hs3];
    Flood::new(units, from, |_, _, at| {
        member.garbage(kinds[at % 2], &(at as u64).to_le_bytes(), HS1_BODY)
    })
}

/// Acknowledgements from where the node is probing, of probes that it did not send.
fn acks(units: usize, from: fn(usize) -> SocketAddr) -> Flood {
    let mut member = Member::of(1);
    Flood::new(units, from, |besieged, from, at| {
        if at == 0 {
            besieged.dial(from);
        }
        let nonce = member.public.bytes();
        let ack = ProbeAck { nonce, cookie: Cookie([1; 16]), observed: NODE };
        ack.seal(&member.keys, Member::day(), ProbeAck::LEN + 50, &mut member.public)
    })
}

fn unknown_ids(units: usize, from: fn(usize) -> SocketAddr) -> Flood {
    let mut public = Rng::new(&Seed([4; 32])).public;
    Flood::new(units, from, |_, _, at| {
        let mut packet = vec![0; ENVELOPE_LEN + at * 37 % 1_100];
        packet.iter_mut().for_each(|byte| *byte = public.bytes::<1>()[0]);
        packet
    })
}

fn wrong_transactions(units: usize, from: fn(usize) -> SocketAddr) -> Flood {
    Flood::new(units, from, |_, _, at| {
        let transaction = u32::try_from(at).unwrap_or(0);
        announce_reply(transaction, (0..10).map(|peer| 10 * transaction + peer))
    })
}

fn announce_reply(transaction: u32, peers: impl Iterator<Item = u32>) -> Vec<u8> {
    let mut reply = Vec::new();
    reply.extend(1_u32.to_be_bytes());
    reply.extend(transaction.to_be_bytes());
    reply.extend([60_u32, 1, 1].map(u32::to_be_bytes).as_flattened());
    for peer in peers {
        let [_, a, b, c] = peer.to_be_bytes();
        reply.extend([101, a, b, c, 0x1a, 0xe1]);
    }
    reply
}

/// A tracker that names `peers` others in each answer, for so many answers.
fn lying_tracker(answers: usize, peers: u32, copies: bool) -> Job {
    let mut besieged = Besieged::new();
    Box::new(move || {
        let (mut answered, mut asked) = (0, Vec::new());
        while answered < answers {
            for request in asked.drain(..) {
                let request: Vec<u8> = request;
                let transaction = u32::from_be_bytes(*request[12..].first_chunk().expect("long"));
                let is_announce = request[8..12] == [0, 0, 0, 1];
                let first = if copies { 0 } else { u32::try_from(answered).unwrap_or(0) * peers };
                let mut reply = if is_announce {
                    announce_reply(transaction, first..first + peers)
                } else {
                    let mut reply = vec![0, 0, 0, 0];
                    reply.extend(transaction.to_be_bytes());
                    reply.extend([1; 8]);
                    reply
                };
                answered += usize::from(is_announce);
                besieged.take(TRACKER, &mut reply, |_, _| {});
            }
            besieged.pass(Duration::from_secs(1), &mut |to, data| {
                if to == TRACKER {
                    asked.push(data.to_vec());
                }
            });
        }
    })
}

macro_rules! floods {
    ($($units:literal, $name:literal, $flood:ident, $from:ident;)*) => {
        /// The floods, as attacks.
        pub(crate) const ATTACKS: &[Attack] = &[
            $(Attack {
                name: $name,
                units: $units,
                memory: MEMORY,
                prepare: |units| $flood(units, $from).job(),
            },)*
            Attack {
                name: "a tracker that names ever new peers",
                units: 20,
                memory: MEMORY,
                prepare: |units| lying_tracker(units, 200, false),
            },
            Attack {
                name: "a tracker whose answers are as large as a datagram",
                units: 20,
                memory: MEMORY,
                prepare: |units| lying_tracker(units, 10_900, false),
            },
            Attack {
                name: "a tracker that names the same peers again and again",
                units: 20,
                memory: MEMORY,
                prepare: |units| lying_tracker(units, 200, true),
            },
        ];
        /// The same, to look at what is answered.
        const FLOODS: &[(&str, fn() -> Flood)] = &[$(($name, || $flood($units, $from)),)*];
    };
}

floods! {
    200, "probes for a channel that is not ours", strange_probes, one;
    200, "the same from many addresses", strange_probes, stranger;
    200, "probes, all new", probes, one;
    200, "the same probes from many addresses", probes, stranger;
    200, "one probe again and again", probe_again, one;
    200, "one probe from many addresses", probe_again, stranger;
    200, "envelopes of the channel around garbage", bodies, one;
    200, "such garbage from many addresses", bodies, stranger;
    200, "first messages without a cookie", hellos_without_cookie, one;
    200, "such first messages from many addresses", hellos_without_cookie, stranger;
    200, "first messages with the cookie of another address", hellos_with_a_cookie_of_another, one;
    200, "one cookie from many addresses", hellos_with_a_cookie_of_another, stranger;
    40, "first messages with a cookie and wrong keys", hellos_with_wrong_keys, one;
    40, "wrong keys from many addresses", hellos_with_wrong_keys, stranger;
    40, "handshakes begun", hellos, one;
    100, "handshakes begun from many addresses", hellos, stranger;
    40, "one first message again and again", hello_again, one;
    200, "second and third messages of no handshake", late_messages, one;
    200, "the same messages from many addresses", late_messages, stranger;
    200, "acknowledgements of probes that were not sent", acks, one;
    200, "such acknowledgements from many addresses", acks, stranger;
    200, "packets with unknown connection ids", unknown_ids, one;
    200, "unknown connection ids from many addresses", unknown_ids, stranger;
    200, "answers of a tracker to nothing", wrong_transactions, tracker;
    200, "answers to nothing from many addresses", wrong_transactions, stranger;
}

fn tracker(_: usize) -> SocketAddr {
    TRACKER
}

/// BC-12.63: nobody is sent more than came from there, unless the node called upon it by itself.
#[test]
fn nobody_is_sent_more_than_came_from_there() {
    let mut answered = Vec::new();
    for (name, make) in FLOODS {
        let Flood { mut besieged, mut packets } = make();
        let (mut came, mut went) = (BTreeMap::new(), BTreeMap::new());
        for (from, packet) in &mut packets {
            *came.entry(*from).or_insert(0) += packet.len();
            besieged.take(*from, packet, |to, datagram| {
                *went.entry(to).or_insert(0) += datagram.len();
            });
            for (to, bytes) in &went {
                let called = *to == TRACKER || name.contains("acknowledgements");
                let allowed = came.get(to).copied().unwrap_or(0);
                assert!(called || *bytes <= allowed, "{name}: {bytes} of {allowed} to {to}");
            }
        }
        went.remove(&TRACKER);
        if !went.is_empty() {
            answered.push(*name);
        }
    }
    assert_eq!(
        answered,
        [
            "probes, all new",
            "the same probes from many addresses",
            "one probe again and again",
            "one probe from many addresses",
            "envelopes of the channel around garbage",
            "such garbage from many addresses",
            "handshakes begun",
            "handshakes begun from many addresses",
            "one first message again and again",
            "acknowledgements of probes that were not sent",
            "such acknowledgements from many addresses",
        ],
        "what proves no more than that is not answered"
    );
}

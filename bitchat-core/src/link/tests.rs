use super::control::{Control, Opening, StreamHeader, stream_code};
use super::receive::Inbox;
use super::*;
use crate::base::ids::{ChannelId, DeviceId, PeerId, SocketId};
use crate::base::limits::Limits;
use crate::base::rng::{Seed, Stream};
use crate::base::time::{Now, UnixMillis};
use crate::crypto::channel_keys::Epoch;
use crate::crypto::identity::Identity;
use crate::crypto::suite::Suite;
use crate::handshake::{BootId, SessionSecrets};
use crate::transport::{Class, TransportSink};
use crate::wire::frame::Frame;
use bytes::Bytes;
use core::net::SocketAddr;
use std::collections::BTreeSet;

mod byte_streams;
mod hostile;
mod paths;

const CHAN: ChannelEpoch = ChannelEpoch::first(ChannelId([1; 20]));

/// The port that stands for a second address of both.
const SECOND_PATH: u16 = 50;

/// The port of somebody who copies the first side's packets and is faster with them.
const RACER: u16 = 66;

fn via(port: u16) -> Via {
    let ip = match port {
        SECOND_PATH => [198, 51, 100, 1],
        RACER => [203, 0, 113, 1],
        _ => [192, 0, 2, 1],
    };
    Via::Udp { socket: SocketId(0), remote: SocketAddr::from((ip, port)) }
}

fn config() -> LinkConfig {
    LinkConfig {
        rekey_interval: Duration::from_secs(120),
        keepalive: Duration::from_secs(15),
        idle_timeout: Duration::from_secs(60),
        limits: Limits::default(),
        key_log: false,
    }
}

/// Two links of one session, and a network between them.
struct Pair {
    now: Timestamp,
    links: [Link; 2],
    rngs: [Rng; 2],
    events: [Vec<LinkEvent>; 2],
    /// Packets under way: when they arrive, at whom, by which address.
    wire: Vec<(Timestamp, usize, u16, Vec<u8>)>,
    /// The port that each side's packets come from.
    ports: [u16; 2],
    /// Ports to which packets of each side get lost.
    dead: [Vec<u16>; 2],
    /// What a listener sees: whose packets, where they go, and their connection ids.
    seen: BTreeSet<(usize, u16, [u8; 8])>,
    /// There is a [`RACER`].
    raced: bool,
    chance: Stream,
    loss_percent: u64,
    delivered: u64,
    forge: bool,
}

fn established(role: Role, keys: &[DhSecret; 2]) -> Established {
    let (local, remote) = match role {
        Role::Initiator => (0, 1),
        Role::Responder => (1, 0),
    };
    let identity = Identity::from_bytes(&Secret([9; 32]));
    let key = keys[remote].public();
    let start = UnixMillis(0);
    let end = Duration::from_secs(86_400);
    let certificate = Certificate::issue(&identity, DeviceId([7; 16]), key, start, end).unwrap();
    let secret = |byte| Secret([byte; 32]);
    let cid = |of: usize| ConnectionId([u8::try_from(of).unwrap(); 8]);
    Established {
        role,
        device: Device { peer: PeerId([u8::try_from(remote).unwrap(); 32]), id: DeviceId([7; 16]) },
        certificate,
        remote_static: key,
        local_cid: cid(local),
        remote_cid: cid(remote),
        features: 0,
        boot: BootId([0; 16]),
        channel: (CHAN.channel, Epoch::default()),
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
        remote: via(0).remote().expect("an address"),
        rtt: None,
    }
}

impl Pair {
    fn new(seed: u8, loss_percent: u64) -> Self {
        let mut rngs = [seed, seed + 100].map(|byte| Rng::new(&Seed([byte; 32])));
        let keys = [
            DhSecret::generate(Suite::default(), &mut rngs[0].secret),
            DhSecret::generate(Suite::default(), &mut rngs[1].secret),
        ];
        let now = Timestamp::from_millis(1);
        let mut link = |of: usize, role| {
            let session = established(role, &keys);
            let id = LinkId(of as u64);
            Link::new(now, id, &session, &keys[of], via(0), config(), &mut rngs[of])
        };
        Self {
            now,
            links: [link(0, Role::Initiator), link(1, Role::Responder)],
            rngs,
            events: [Vec::new(), Vec::new()],
            wire: Vec::new(),
            ports: [0, 0],
            dead: [Vec::new(), Vec::new()],
            seen: BTreeSet::new(),
            raced: false,
            chance: Rng::new(&Seed([seed; 32])).public,
            loss_percent,
            delivered: 0,
            forge: false,
        }
    }

    fn with_channel(seed: u8, loss_percent: u64) -> Self {
        let mut pair = Self::new(seed, loss_percent);
        for of in 0..2 {
            pair.links[of].join(CHAN, &Secret([8; 32]), &mut pair.rngs[of], &mut pair.events[of]);
        }
        pair
    }

    fn flush(&mut self) {
        for of in 0..2 {
            let mut buf = [0; 65_536];
            let mut packets = 0;
            while let Some(Sealed { via, len, .. }) = self.links[of].poll_packet(self.now, &mut buf)
            {
                packets += 1;
                let to = via.remote().expect("an address").port();
                self.seen.insert((of, to, *buf.first_chunk().unwrap()));
                if self.dead[of].contains(&to) {
                    continue;
                }
                let from = if to == SECOND_PATH { to } else { self.ports[of] };
                assert!(packets < 10_000, "a link that never stops sending");
                if self.raced && of == 0 {
                    let at = self.now + Duration::from_millis(10);
                    self.wire.push((at, 1, RACER, buf[..len].to_vec()));
                }
                if self.chance.below(100) >= self.loss_percent {
                    let jitter =
                        Duration::from_millis(self.chance.below(if self.loss_percent > 0 {
                            20
                        } else {
                            1
                        }));
                    let at = self.now + Duration::from_millis(25) + jitter;
                    self.wire.push((at, 1 - of, from, buf[..len].to_vec()));
                }
            }
        }
    }

    /// Goes to the next thing that happens, but not past `until`; false if that is reached.
    fn step(&mut self, until: Timestamp) -> bool {
        self.flush();
        let arrival = self.wire.iter().map(|(at, ..)| *at).min();
        let timers = self.links.iter().filter_map(|link| link.poll_timeout().map(|(at, _)| at));
        let Some(next) = timers.chain(arrival).min().filter(|next| *next <= until) else {
            self.now = until;
            return false;
        };
        self.now = self.now.max(next);
        if let Some(at) = self.wire.iter().position(|(at, ..)| *at <= self.now) {
            let (_, to, port, mut packet) = self.wire.swap_remove(at);
            if self.forge {
                let mut forged = packet.clone();
                let flip = usize::try_from(self.chance.below(forged.len() as u64 - 8)).unwrap() + 8;
                forged[flip] ^= 1;
                let verdict = self.receive(to, port, &mut forged);
                assert_ne!(verdict, Verdict::Authentic);
            }
            let mut again = packet.clone();
            if self.receive(to, port, &mut packet) == Verdict::Authentic {
                self.delivered += 1;
            }
            assert_ne!(
                self.receive(to, port, &mut again),
                Verdict::Authentic,
                "a packet taken twice"
            );
            return true;
        }
        for of in 0..2 {
            let now = Now { mono: self.now, wall: None };
            self.links[of].handle_timeout(now, &mut self.rngs[of], &mut self.events[of]);
        }
        true
    }

    fn receive(&mut self, to: usize, port: u16, packet: &mut [u8]) -> Verdict {
        self.links[to].handle_datagram(
            self.now,
            via(port),
            None,
            packet,
            &mut self.rngs[to],
            &mut self.events[to],
        )
    }

    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        let mut steps = 0;
        while self.step(until) {
            steps += 1;
            assert!(steps < 200_000, "spinning: {:?}", self.links[0].poll_timeout());
        }
    }

    fn messages(&self, of: usize) -> Vec<Bytes> {
        let message = |event: &LinkEvent| match event {
            LinkEvent::Message { channel, data } if *channel == CHAN => Some(data.clone()),
            _ => None,
        };
        self.events[of].iter().filter_map(message).collect()
    }

    fn has(&self, of: usize, wanted: impl Fn(&LinkEvent) -> bool) -> bool {
        self.events[of].iter().any(wanted)
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_link_becomes_post_quantum_then_finds_its_channel_and_carries_it() {
    // BC-08.05
    let mut pair = Pair::with_channel(1, 0);
    pair.run(SECOND);
    for of in 0..2 {
        assert!(pair.links[of].is_ready() && pair.links[of].rekeys() == 1);
        let kinds: Vec<u8> = pair.events[of]
            .iter()
            .filter(|event| !matches!(event, LinkEvent::LocalId(_) | LinkEvent::Observed(_)))
            .map(|event| match event {
                LinkEvent::Ready => 1,
                LinkEvent::Rekeyed(1) => 2,
                LinkEvent::Resumption(_) => 3,
                LinkEvent::ChannelUp(CHAN) => 4,
                _ => 9,
            })
            .collect();
        assert!(kinds == [1, 2, 3, 4] || kinds == [3, 1, 2, 4], "{kinds:?}");
    }
    assert!(pair.links[0].send(CHAN, Lane::Chat, b"hello"));
    assert!(pair.links[1].send(CHAN, Lane::History, b"earlier"));
    assert!(pair.links[1].send(CHAN, Lane::Sync, b"heads"));
    assert!(!pair.links[0].send(ChannelId([2; 20]), Lane::Chat, b"nobody has this"));
    pair.run(SECOND);
    assert_eq!(pair.messages(1), ["hello"]);
    let mut got = pair.messages(0);
    got.sort();
    assert_eq!(got, ["earlier", "heads"]);
}

/// BC-08.04: what a rekey agreed on goes into the stream that the next ephemeral keys come from.
#[test]
fn a_rekey_heals_the_randomness_of_either_side() {
    for of in 0..2 {
        let drawn = [false, true].map(|other| {
            let mut pair = Pair::with_channel(1, 0);
            if other {
                pair.rngs[1 - of].reseed(&Seed([77; 32]));
            }
            pair.run(SECOND);
            let now = pair.now;
            pair.links[0].rekey(now, &mut pair.rngs[0]);
            pair.run(SECOND);
            assert_eq!(pair.links[of].rekeys(), 2);
            pair.rngs[of].secret.bytes::<32>()
        });
        assert_ne!(drawn[0], drawn[1], "side {of} depends on what only the peer drew");
    }
}

#[test]
fn both_sides_keep_the_same_resumption_secret() {
    let mut pair = Pair::with_channel(2, 0);
    pair.run(SECOND);
    let secret = |of: usize| {
        pair.events[of].iter().find_map(|event| match event {
            LinkEvent::Resumption(secret) => Some(secret.clone()),
            _ => None,
        })
    };
    assert!(secret(0).is_some());
    assert_eq!(secret(0), secret(1));
}

#[test]
fn everything_arrives_once_and_in_order_whatever_is_lost_repeated_forged_or_rekeyed() {
    // BC-08.04, BC-08.06, BC-08.09
    for seed in 0..12 {
        let mut pair = Pair::with_channel(seed, 20);
        pair.forge = true;
        pair.run(SECOND * 20);
        let mut expected = [Vec::new(), Vec::new()];
        for round in 0..30u32 {
            for of in 0..2 {
                let message =
                    Bytes::from(vec![u8::try_from(round).unwrap() + 1; 1 + 97 * round as usize]);
                if pair.links[of].send(CHAN, Lane::Chat, &message) {
                    expected[1 - of].push(message);
                }
            }
            if round % 5 == 0 {
                let of = usize::from(round % 10 == 0);
                let now = pair.now;
                pair.links[of].rekey(now, &mut pair.rngs[of]);
            }
            pair.run(Duration::from_millis(700));
        }
        pair.run(SECOND * 30);
        for (of, expected) in expected.iter().enumerate() {
            assert!(expected.len() > 20, "seed {seed}: sending went on");
            assert_eq!(&pair.messages(of), expected, "seed {seed}");
            assert!(pair.links[of].rekeys() >= 5, "seed {seed}: {}", pair.links[of].rekeys());
            assert!(pair.links[of].is_open());
        }
        assert_eq!(pair.links[0].rekeys(), pair.links[1].rekeys());
    }
}

#[test]
fn traffic_replaces_keys_after_the_interval_and_an_idle_link_keeps_quiet() {
    let mut pair = Pair::with_channel(3, 0);
    pair.run(SECOND * 5);
    for _ in 0..300 {
        assert!(pair.links[1].send(CHAN, Lane::Chat, b"only the responder speaks"));
        pair.run(SECOND);
    }
    let number = pair.links[0].rekeys();
    assert!((3..=4).contains(&number), "two rekeys in five minutes of traffic: {number}");
    pair.run(SECOND * 300);
    let (number, delivered) = (pair.links[0].rekeys(), pair.delivered);
    pair.run(SECOND * 600);
    assert_eq!(pair.links[0].rekeys(), number, "no traffic, no rekey");
    // A keepalive and its acknowledgement at most, from either side.
    assert!(pair.delivered - delivered <= 4 * 600 / 15, "{}", pair.delivered - delivered);
    assert!(pair.links.iter().all(Link::is_open));
}

#[test]
fn the_peer_is_followed_to_another_address_after_it_was_asked_there() {
    // BC-08.14
    let mut pair = Pair::with_channel(4, 0);
    pair.run(SECOND);
    pair.ports[0] = 77;
    // The NAT has forgotten the old mapping.
    pair.dead[1] = vec![0];
    assert!(pair.links[0].send(CHAN, Lane::Chat, b"from elsewhere"));
    pair.run(SECOND * 2);
    assert_eq!(pair.links[1].via().remote().expect("an address").port(), 77);
    assert!(pair.has(1, |event| matches!(event, LinkEvent::Moved)));
    assert_eq!(
        pair.links[0].via().remote().expect("an address").port(),
        0,
        "the peer did not move"
    );
    assert_eq!(pair.messages(1), ["from elsewhere"]);
}

#[test]
fn silence_ends_a_link_and_a_close_is_heard() {
    let mut pair = Pair::with_channel(5, 0);
    pair.run(SECOND);
    let mut silent = Pair::with_channel(5, 0);
    silent.run(SECOND);
    silent.loss_percent = 100;
    silent.run(SECOND * 61);
    for of in 0..2 {
        assert!(silent.has(of, |event| matches!(event, LinkEvent::Closed(Ended::Silence))));
        assert!(silent.has(of, |event| matches!(event, LinkEvent::ChannelDown(CHAN))));
        assert!(silent.links[of].is_dead());
    }
    let now = pair.now;
    pair.links[0].close(now, code::GOING_AWAY, &mut pair.events[0]);
    pair.run(SECOND * 5);
    let heard =
        |event: &LinkEvent| matches!(event, LinkEvent::Closed(Ended::Peer(code::GOING_AWAY)));
    assert!(pair.has(1, heard));
    assert!(pair.links.iter().all(Link::is_dead));
}

#[test]
fn a_link_without_a_common_channel_is_closed_and_one_that_is_left_too() {
    let mut pair = Pair::new(6, 0);
    pair.links[0].join(CHAN, &Secret([8; 32]), &mut pair.rngs[0], &mut pair.events[0]);
    pair.run(SECOND * 15);
    let closed = |event: &LinkEvent| {
        matches!(
            event,
            LinkEvent::Closed(Ended::Local(code::NO_CHANNEL) | Ended::Peer(code::NO_CHANNEL))
        )
    };
    assert!(pair.has(0, closed) && pair.has(1, closed));

    let mut pair = Pair::with_channel(7, 0);
    pair.run(SECOND);
    pair.links[0].leave(CHAN, &mut pair.events[0]);
    pair.run(SECOND);
    assert!(pair.has(1, |event| matches!(event, LinkEvent::ChannelDown(CHAN))));
    assert!(pair.links.iter().all(Link::is_open), "a grace for another channel");
    pair.run(SECOND * 15);
    assert!(pair.has(0, closed) && pair.has(1, closed));
}

#[test]
fn a_second_channel_joins_the_same_link() {
    let mut pair = Pair::with_channel(8, 10);
    pair.run(SECOND * 5);
    let other = ChannelEpoch::first(ChannelId([2; 20]));
    for of in 0..2 {
        pair.links[of].join(other, &Secret([9; 32]), &mut pair.rngs[of], &mut pair.events[of]);
        pair.run(SECOND * 2);
    }
    assert!(pair.links[0].send(other, Lane::Chat, b"second"));
    assert!(pair.links[0].send(CHAN, Lane::Chat, b"first"));
    pair.run(SECOND * 5);
    let second = |event: &LinkEvent| matches!(event, LinkEvent::Message { channel, data } if *channel == other && data == "second");
    assert!(pair.has(1, second));
    assert_eq!(pair.messages(1), ["first"]);
}

#[test]
fn messages_in_turn_find_their_streams_and_none_once_the_channel_is_left() {
    let mut pair = Pair::with_channel(8, 0);
    let other = ChannelEpoch::first(ChannelId([2; 20]));
    for of in 0..2 {
        pair.links[of].join(other, &Secret([9; 32]), &mut pair.rngs[of], &mut pair.events[of]);
    }
    pair.run(SECOND * 2);
    let [chat, history] = [Lane::Chat, Lane::History];
    let turns =
        [(CHAN, chat), (CHAN, chat), (other, chat), (CHAN, history), (other, chat), (CHAN, chat)];
    for (number, (channel, lane)) in (b'0'..).zip(turns) {
        assert!(pair.links[0].send(channel, lane, &[number]));
    }
    pair.run(SECOND);
    assert_eq!(pair.messages(1), ["0", "1", "5", "3"], "in order, and chat before history");
    pair.links[0].leave(CHAN, &mut pair.events[0]);
    assert!(!pair.links[0].send(CHAN, chat, b"6"), "it wrote the last message");
    assert!(pair.links[0].send(other, chat, b"7"));
    pair.run(SECOND);
    assert_eq!(pair.messages(1).len(), 4);
}

#[test]
fn a_paused_link_holds_the_peer_back_and_loses_nothing() {
    let mut pair = Pair::with_channel(9, 0);
    pair.run(SECOND);
    pair.links[1].pause(true, &mut Vec::new());
    let message = vec![5; 60_000];
    let mut accepted = 0;
    for _ in 0..100 {
        if !pair.links[0].send(CHAN, Lane::Chat, &message) {
            break;
        }
        accepted += 1;
        pair.run(SECOND);
    }
    assert!((2..60).contains(&accepted), "{accepted}");
    assert!(pair.messages(1).is_empty());
    pair.links[1].pause(false, &mut pair.events[1]);
    pair.run(SECOND * 20);
    assert_eq!(pair.messages(1).len(), accepted);
    assert!(pair.has(0, |event| matches!(event, LinkEvent::Writable(CHAN))));
}

#[test]
fn wrong_control_messages_end_the_link() {
    // BC-08.02, BC-08.03, BC-08.07, BC-08.08, BC-08.12
    let gap = {
        let mut message = vec![4, 32];
        message.resize(2 + 256, 0);
        message
    };
    let cases: [(&str, Vec<u8>, bool); 7] = [
        // BC-07.61
        ("a datagram that every path carries", vec![6, 0x44, 0xb0], true),
        ("less than every path carries", vec![6, 0x44, 0xaf], false),
        ("an unknown kind is skipped", vec![200, 1, 2, 3], true),
        ("a rekey out of turn", vec![2, 5, 0], false),
        ("a rekey that does not authenticate", [&[1, 2, 0][..], &[0; 48]].concat(), false),
        ("a gap in the slots", gap, false),
        ("an empty ask is fine", vec![3], true),
    ];
    for (what, message, survives) in cases {
        let mut pair = Pair::with_channel(10, 0);
        pair.run(SECOND);
        pair.links[0].send_control(&message);
        pair.run(SECOND * 2);
        assert_eq!(pair.links[1].is_open(), survives, "{what}");
        let violation = |event: &LinkEvent| matches!(event, LinkEvent::Closed(Ended::Violation(_)));
        assert_eq!(pair.has(1, violation), !survives, "{what}");
    }
    let mut pair = Pair::with_channel(11, 0);
    pair.run(SECOND);
    pair.links[0].send_control(&vec![200; 131_073]);
    pair.run(SECOND * 5);
    assert!(!pair.links[1].is_open(), "a message that is too long");
}

#[test]
fn a_channel_that_was_just_found_keeps_the_link() {
    let mut pair = Pair::new(40, 0);
    let join = |pair: &mut Pair, of: usize| {
        pair.links[of].join(CHAN, &Secret([8; 32]), &mut pair.rngs[of], &mut pair.events[of]);
    };
    join(&mut pair, 1);
    pair.run(SECOND);
    let deadline = pair.links[0].carried.none_since.expect("nothing in common") + SECOND * 10;
    pair.run(deadline.saturating_since(pair.now) - Duration::from_millis(10));
    join(&mut pair, 0);
    assert!(pair.has(0, |event| matches!(event, LinkEvent::ChannelUp(CHAN))));
    let now = Now { mono: deadline, wall: None };
    pair.links[0].handle_timeout(now, &mut pair.rngs[0], &mut pair.events[0]);
    assert!(pair.links[0].is_open());
}

#[test]
fn only_what_users_say_makes_keys_old() {
    let mut pair = Pair::with_channel(41, 0);
    pair.run(Duration::from_secs(300));
    assert!(pair.links.iter().all(|link| link.rekeys() == 1), "slots and addresses are no data");
    assert!(pair.links[0].send(CHAN, Lane::Chat, b"data"));
    pair.run(Duration::from_secs(300));
    assert_eq!(pair.links.each_ref().map(Link::rekeys), [2, 2]);
}

#[test]
fn timers_start_from_the_round_trip_of_the_handshake() {
    let mut rng = Rng::new(&Seed([42; 32]));
    let keys = [(); 2].map(|()| DhSecret::generate(Suite::default(), &mut rng.secret));
    let mut session = established(Role::Initiator, &keys);
    let now = Timestamp::from_millis(1);
    let mut link = |rtt: Option<u64>| {
        session.rtt = rtt.map(Duration::from_millis);
        Link::new(now, LinkId(0), &session, &keys[0], via(0), config(), &mut rng)
    };
    let mut pto = |rtt: Option<u64>| link(rtt).transport.pto();
    // A round trip, four times half of it, and what the peer may wait.
    assert_eq!(pto(Some(20)), Duration::from_millis(20 + 40 + 25));
    let unknown = Duration::from_millis(333 + 666 + 25);
    assert_eq!(pto(None), unknown);
    // An answer that was repeated takes longer than the path.
    assert_eq!(pto(Some(15_000)), Duration::from_millis(1_000 + 2_000 + 25));
    // It says nothing of another path.
    let mut link = link(Some(2));
    link.transport.path_changed(now, None);
    assert_eq!(link.transport.pto(), unknown);
}

#[test]
fn a_link_without_rekey_asks_again_and_ends_with_a_code() {
    // BC-08.92: the initiator takes no notice of requests.
    let mut pair = Pair::with_channel(90, 0);
    pair.run(SECOND);
    assert!(pair.links[1].send(CHAN, Lane::Chat, b"the keys begin to age"));
    let interval = config().rekey_interval;
    let mut asked = Vec::new();
    let until = pair.now + interval + Duration::from_secs(121);
    while pair.now < until && pair.links[1].is_open() {
        // An initiator with a fault: it forgets that a rekey is due, and puts off what is asked for.
        pair.links[0].session.keys.forget_use();
        pair.links[0].session.last_rekey = until;
        if let Some(at) = pair.links[1].session.asked
            && asked.last() != Some(&at)
        {
            asked.push(at);
        }
        pair.step(pair.now + SECOND);
    }
    assert!(asked.len() >= 10, "it asks again and again: {asked:?}");
    let apart = asked.windows(2).map(|two| two[1].saturating_since(two[0])).min();
    assert!(apart >= Some(Duration::from_secs(10)), "{apart:?}");
    let ended =
        |event: &LinkEvent| matches!(event, LinkEvent::Closed(Ended::Local(code::NO_REKEY)));
    assert!(pair.has(1, ended), "{:?}", pair.events[1].last());
    pair.run(SECOND);
    let told = |event: &LinkEvent| matches!(event, LinkEvent::Closed(Ended::Peer(code::NO_REKEY)));
    assert!(pair.has(0, told), "{:?}", pair.events[0].last());
}

#[test]
fn datagrams_of_unknown_flows_are_dropped_and_counted() {
    // BC-08.96
    let mut pair = Pair::with_channel(91, 0);
    pair.run(SECOND);
    for data in [&[][..], &[7][..], &[0x40][..], b"a flow that nobody has opened"] {
        let expires = pair.now + SECOND;
        pair.links[0].transport.send_datagram(Bytes::copy_from_slice(data), expires).unwrap();
        pair.run(SECOND);
    }
    assert_eq!(pair.links[1].unknown_flows(), 4);
    assert!(pair.links.iter().all(Link::is_open), "{:?}", pair.events[1].last());
}

use super::*;
use crate::base::rng::{Rng, Seed};
use crate::tracker::interface::TrackerStatus;
use crate::tracker::profile::PROFILES;
use crate::tracker::udp::PROTOCOL_ID;
use crate::wire::url::TrackerUrl;
use proptest::prelude::*;

/// What an announcer asked for.
#[derive(Clone, Debug, PartialEq)]
enum Effect {
    Resolve(TrackerQuery, String),
    Open(TrackerQuery, SocketAddr, String, bool),
    Write(TrackerQuery, String),
    Close(TrackerQuery),
    Udp(SocketAddr, Vec<u8>),
    Peers(usize, Vec<SocketAddr>),
    Status(usize, TrackerStatus),
}

#[derive(Default)]
struct Sink(Vec<Effect>);

impl TrackerSink for Sink {
    fn resolve(&mut self, query: TrackerQuery, host: &str) {
        self.0.push(Effect::Resolve(query, host.into()));
    }
    fn open_stream(&mut self, query: TrackerQuery, addr: SocketAddr, host: &str, tls: bool) {
        self.0.push(Effect::Open(query, addr, host.into(), tls));
    }
    fn write(&mut self, query: TrackerQuery, data: Vec<u8>) {
        self.0.push(Effect::Write(query, String::from_utf8(data).expect("text")));
    }
    fn close(&mut self, query: TrackerQuery) {
        self.0.push(Effect::Close(query));
    }
    fn send_udp(&mut self, to: SocketAddr, data: Vec<u8>) {
        self.0.push(Effect::Udp(to, data));
    }
    fn peers(&mut self, tracker: usize, peers: &[SocketAddr]) {
        self.0.push(Effect::Peers(tracker, peers.to_vec()));
    }
    fn status(&mut self, tracker: usize, status: TrackerStatus) {
        self.0.push(Effect::Status(tracker, status));
    }
}

/// An announcer with its clock and its world.
struct World {
    announcer: Announcer,
    rng: Rng,
    sink: Sink,
    now: Timestamp,
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

const HASH: InfoHash = InfoHash([0xab; 20]);

fn config(tiers: &[&[&str]]) -> AnnouncerConfig {
    let parse = |url: &&str| TrackerUrl::parse(url).expect("valid");
    AnnouncerConfig {
        tiers: tiers.iter().map(|tier| tier.iter().map(parse).collect()).collect(),
        infohashes: vec![HASH],
        port: 6881,
        profile: &PROFILES[1],
        max_trackers: 32,
        max_peers: 200,
        max_reply_bytes: 64 * 1024,
        allow: |ip| !ip.is_loopback(),
    }
}

impl World {
    fn new(config: AnnouncerConfig) -> Self {
        let mut rng = Rng::new(&Seed([7; 32]));
        let announcer = Announcer::new(config, &mut rng.public);
        let mut world = Self { announcer, rng, sink: Sink::default(), now: at(1_000) };
        world.announcer.start(world.now, &mut world.rng.public, &mut world.sink);
        world
    }

    fn drain(&mut self) -> Vec<Effect> {
        core::mem::take(&mut self.sink.0)
    }

    /// Sleeps to the next deadline and handles it.
    fn sleep(&mut self) -> Timestamp {
        let deadline = self.announcer.poll_timeout().expect("a deadline");
        self.now = self.now.max(deadline);
        self.announcer.handle_timeout(self.now, &mut self.rng.public, &mut self.sink);
        let next = self.announcer.poll_timeout();
        assert!(next.is_none_or(|next| next > self.now), "a timeout that was handled is gone");
        deadline
    }

    fn resolved(&mut self, query: TrackerQuery, ips: &[&str]) {
        let ips: Vec<IpAddr> = ips.iter().map(|ip| ip.parse().expect("address")).collect();
        self.announcer.on_resolved(self.now, query, &ips, &mut self.rng.public, &mut self.sink);
    }

    fn opened(&mut self, query: TrackerQuery) {
        self.announcer.on_opened(self.now, query, &mut self.rng.public, &mut self.sink);
    }

    fn readable(&mut self, query: TrackerQuery, data: &[u8]) {
        self.announcer.on_readable(self.now, query, data, &mut self.rng.public, &mut self.sink);
    }

    fn datagram(&mut self, from: SocketAddr, data: &[u8]) -> bool {
        self.announcer.on_datagram(self.now, from, data, &mut self.rng.public, &mut self.sink)
    }

    /// Answers every open stream with `body`; returns the requests.
    fn serve(&mut self, body: &str) -> Vec<String> {
        let mut requests = Vec::new();
        while let Some(effect) = (!self.sink.0.is_empty()).then(|| self.sink.0.remove(0)) {
            match effect {
                Effect::Open(query, ..) => self.opened(query),
                Effect::Write(query, request) => {
                    requests.push(request);
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                    self.readable(query, (head + body).as_bytes());
                }
                _ => {}
            }
        }
        requests
    }

    /// Answers every UDP request; returns the announces.
    fn serve_udp(&mut self, peers: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut announces = Vec::new();
        while let Some(effect) = (!self.sink.0.is_empty()).then(|| self.sink.0.remove(0)) {
            let Effect::Udp(to, packet) = effect else { continue };
            let reply = if packet.len() == 16 {
                [&packet[8..16], &[9; 8]].concat()
            } else {
                announces.push((to, packet.clone()));
                [&packet[8..16], &[0, 0, 7, 8], &[0; 8], peers].concat()
            };
            assert!(self.datagram(to, &reply));
        }
        announces
    }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("address")
}

fn count(requests: &[String], what: &str) -> usize {
    requests.iter().filter(|request| request.contains(what)).count()
}

const EMPTY: &str = "d8:intervali1800e5:peers0:e";

#[test]
fn an_http_announce_from_start_to_stop() {
    // BC-10.17, BC-10.22
    let mut world = World::new(config(&[&["http://tracker.example/announce"]]));
    let effects = world.drain();
    let [Effect::Status(0, TrackerStatus::Announcing), Effect::Resolve(lookup, host)] =
        &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!(host, "tracker.example");
    world.resolved(*lookup, &["192.0.2.1", "2001:db8::1"]);
    let opened = world.sink.0.clone();
    assert!(matches!(&opened[..], [Effect::Open(_, a, name, false), Effect::Open(_, b, ..)]
        if *a == addr("192.0.2.1:80") && *b == addr("[2001:db8::1]:80") && name == "tracker.example"));
    let requests = world.serve("d8:intervali1800e5:peers6:\u{1}\u{2}\u{3}\u{4}\u{1}\u{1}e");
    assert_eq!((requests.len(), count(&requests, "&event=started&")), (2, 2));

    // While peers are missing the next announce comes soon, without an event.
    assert_eq!(world.announcer.poll_timeout(), Some(at(1_015)));
    world.sleep();
    let Some(Effect::Resolve(lookup, _)) = world.drain().pop() else { panic!("no look-up") };
    world.resolved(lookup, &["192.0.2.1"]);
    let requests = world.serve(EMPTY);
    assert_eq!((requests.len(), count(&requests, "event=")), (1, 0));

    world.announcer.stop(world.now, &mut world.rng.public, &mut world.sink);
    assert!(!world.announcer.is_stopped());
    let requests = world.serve(EMPTY);
    assert_eq!((requests.len(), count(&requests, "&event=stopped&numwant=0&")), (2, 2));
    assert!(world.announcer.is_stopped());
    assert_eq!(world.announcer.poll_timeout(), None);
}

#[test]
fn a_udp_announce_and_who_is_not_believed() {
    // BC-10.09
    let mut world = World::new(config(&[&["udp://192.0.2.1:6969/announce"]]));
    let effects = world.drain();
    let [_, Effect::Udp(to, connect)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((connect.len(), &connect[..8]), (16, &PROTOCOL_ID.to_be_bytes()[..]));
    let reply = [&connect[8..16], &[9; 8]].concat();
    assert!(!world.datagram(addr("192.0.2.2:6969"), &reply), "another address");
    assert!(!world.datagram(addr("192.0.2.1:6970"), &reply), "another port");
    let mut wrong = reply.clone();
    wrong[7] ^= 1;
    assert!(!world.datagram(*to, &wrong), "another transaction");
    assert!(world.drain().is_empty());
    assert!(world.datagram(addr("[::ffff:192.0.2.1]:6969"), &reply));
    assert!(!world.datagram(*to, &reply), "the same answer again");
    let announces = world.serve_udp(&[10, 0, 0, 1, 0, 80]);
    assert_eq!(announces.len(), 1);
    assert_eq!(announces[0].1[..8], [9; 8]);

    // The connection id is used again within its minute.
    world.sleep();
    let effects = world.drain();
    assert!(matches!(&effects[..], [_, Effect::Udp(_, packet)] if packet[..8] == [9; 8]));
}

#[test]
fn a_silent_udp_tracker_is_asked_three_times_then_later() {
    // BC-10.08, BC-10.19
    let mut world = World::new(config(&[&["udp://192.0.2.1:6969"]]));
    let sent = |world: &mut World| {
        world.drain().iter().filter(|effect| matches!(effect, Effect::Udp(..))).count()
    };
    assert_eq!(sent(&mut world), 1);
    for wait in [15, 45] {
        assert_eq!(world.sleep(), at(1_000 + wait));
        assert_eq!(sent(&mut world), 1);
    }
    assert_eq!(world.sleep(), at(1_105));
    let effects = world.drain();
    let [Effect::Status(0, TrackerStatus::Failed { retry_at, .. })] = &effects[..] else {
        panic!("{effects:?}")
    };
    let wait = retry_at.saturating_since(world.now);
    assert!((Duration::from_secs(12)..=Duration::from_secs(18)).contains(&wait), "{wait:?}");
}

#[test]
fn addresses_that_are_not_allowed_are_not_spoken_to() {
    // BC-10.10, BC-10.11
    let mut world = World::new(config(&[&["http://127.0.0.1:1/a"], &["http://t.example/"]]));
    let Some(Effect::Resolve(lookup, _)) = world.drain().pop() else { panic!("no look-up") };
    world.resolved(lookup, &["127.0.0.1", "::1", "::ffff:127.0.0.1", "192.0.2.7"]);
    let effects = world.drain();
    let [Effect::Open(stream, to, ..)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(*to, addr("192.0.2.7:80"));
    world.opened(*stream);
    world.readable(*stream, b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n");
    let effects = world.drain();
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Open(..))), "{effects:?}");
    assert!(matches!(effects.last(), Some(Effect::Status(_, TrackerStatus::Failed { .. }))));
}

#[test]
fn redirects_are_followed_three_times() {
    // BC-10.11
    let mut world = World::new(config(&[&["http://192.0.2.1/a"]]));
    for hop in 0..=3 {
        let effects = world.drain();
        let open = effects.iter().find_map(|effect| match effect {
            Effect::Open(query, ..) => Some(*query),
            _ => None,
        });
        let stream = open.expect("a stream for every hop");
        world.opened(stream);
        let Some(Effect::Write(_, request)) = world.drain().pop() else { panic!("no request") };
        assert_eq!(request.starts_with("GET /a?info_hash="), hop == 0, "{request}");
        world.readable(stream, b"HTTP/1.1 301 x\r\nLocation: http://192.0.2.9/b?c=1\r\n\r\n");
    }
    let effects = world.drain();
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Open(..))), "{effects:?}");
}

#[test]
fn a_stream_that_drips_is_cut() {
    let mut world = World::new(config(&[&["http://192.0.2.1/a"]]));
    let Some(Effect::Open(stream, ..)) = world.drain().pop() else { panic!("no stream") };
    world.opened(stream);
    for second in 0..29 {
        world.now = at(1_000 + second);
        world.readable(stream, b"H");
        assert_eq!(world.announcer.poll_timeout(), Some(at(1_030)));
        world.readable(stream, b"");
        if second == 0 {
            world.readable(stream, b"TTP/1.1 200 OK\r\nX: ");
        }
    }
    world.drain();
    world.sleep();
    let effects = world.drain();
    assert!(effects.contains(&Effect::Close(stream)));
    assert!(matches!(effects.last(), Some(Effect::Status(_, TrackerStatus::Failed { .. }))));
}

#[test]
fn tiers_and_who_is_asked() {
    // BC-10.20
    let tier: &[&str] =
        &["http://192.0.2.1/", "http://192.0.2.2/", "http://192.0.2.3/", "http://192.0.2.4/"];
    let mut world = World::new(config(&[tier, &["http://192.0.2.9/"]]));
    // Without peers, every tracker is asked.
    assert_eq!(world.serve("d8:intervali600e12:min intervali600e5:peers0:e").len(), 5);
    // Ten minutes later the wish for peers is over: one tracker of each tier.
    while world.now < at(1_600) {
        world.sleep();
    }
    let requests = world.serve(EMPTY);
    assert_eq!(requests.len(), 2, "{requests:#?}");
    assert_eq!(count(&requests, "Host: 192.0.2.9"), 1);
    // Asked for more, it asks all again, but not before their minimum.
    world.announcer.want_more_peers(world.now);
    world.announcer.handle_timeout(world.now, &mut world.rng.public, &mut world.sink);
    assert_eq!(world.serve(EMPTY).len(), 3);
}

#[test]
fn a_failing_tracker_makes_room_for_the_next_one() {
    // BC-10.20
    let mut world = World::new(config(&[&["http://192.0.2.1/", "http://192.0.2.2/"]]));
    world.announcer.hungry_until = Timestamp::ZERO;
    let asked = |world: &mut World| {
        let effects = world.drain();
        let streams: Vec<_> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Open(query, to, ..) => Some((*query, *to)),
                _ => None,
            })
            .collect();
        streams
    };
    let fail = |world: &mut World, query| {
        let (rng, sink) = (&mut world.rng.public, &mut world.sink);
        world.announcer.on_failed(world.now, query, "refused", rng, sink);
    };
    let both = asked(&mut world);
    assert_eq!(both.len(), 2, "at the start all are asked");
    fail(&mut world, both[0].0);
    fail(&mut world, both[1].0);
    world.sleep();
    world.sleep();
    let again = asked(&mut world);
    assert_eq!(again.len(), 2, "all fail: each by its own back-off");
    world.opened(again[0].0);
    world.serve(EMPTY);
    fail(&mut world, again[1].0);
    world.drain();
    assert_eq!(world.announcer.poll_timeout(), Some(world.now + Duration::from_secs(1_800)));
}

#[test]
fn a_new_infohash_is_announced_and_the_old_one_left() {
    // BC-10.21
    let mut world = World::new(config(&[&["udp://192.0.2.1:1/x"]]));
    let first = world.serve_udp(&[]);
    let next = InfoHash([0xcd; 20]);
    world.announcer.set_infohashes(
        world.now,
        &[HASH, next],
        &mut world.rng.public,
        &mut world.sink,
    );
    let both = world.serve_udp(&[]);
    assert_eq!(both.len(), 2);
    assert_eq!(both[0].1[36..56], first[0].1[36..56], "the one that stays keeps its peer id");
    assert_ne!(both[1].1[36..56], first[0].1[36..56], "a new infohash gets a new peer id");
    assert_eq!((both[0].1[83], both[1].1[83]), (0, 2), "events: none, started");
    world.announcer.set_infohashes(world.now, &[next], &mut world.rng.public, &mut world.sink);
    let last = world.serve_udp(&[]);
    let events: Vec<_> = last.iter().map(|(_, packet)| (packet[16], packet[83])).collect();
    assert_eq!(events, [(0xcd, 0), (0xab, 3)]);
}

/// Opens a round over both families of a tracker that is named, and answers it: `[v4, v6]`.
fn opened_over_both(world: &mut World) -> Vec<TrackerQuery> {
    let Some(Effect::Resolve(lookup, _)) = world.drain().pop() else { panic!("no look-up") };
    world.resolved(lookup, &["192.0.2.1", "2001:db8::1"]);
    let opened = world.drain().into_iter().filter_map(|effect| match effect {
        Effect::Open(query, ..) => Some(query),
        _ => None,
    });
    opened.collect()
}

fn answer(world: &mut World, stream: TrackerQuery, body: &str) {
    world.opened(stream);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    world.readable(stream, (head + body).as_bytes());
}

#[test]
fn only_a_family_that_has_not_answered_is_cut_short() {
    // BC-10.64
    let mut config = config(&[&["udp://192.0.2.1:1/x"]]);
    config.infohashes.push(InfoHash([0xcd; 20]));
    let mut world = World::new(config);
    let udp = |world: &mut World| -> Vec<(SocketAddr, Vec<u8>)> {
        let sent = world.drain().into_iter().filter_map(|effect| match effect {
            Effect::Udp(to, packet) => Some((to, packet)),
            _ => None,
        });
        sent.collect()
    };
    let (to, connect) = udp(&mut world).remove(0);
    world.datagram(to, &[&connect[8..16], &[9; 8]].concat());
    let (_, first) = udp(&mut world).remove(0);
    world.datagram(to, &[&first[8..16], &[0, 0, 7, 8], &[0; 8]].concat());
    let mut lost = udp(&mut world).len();
    for _ in 0..2 {
        world.sleep();
        lost += udp(&mut world).len();
    }
    assert_eq!(lost, 3, "the second infohash is announced as often as the first would be");
}

#[test]
fn a_silent_family_is_given_up_after_the_other_has_answered() {
    // BC-10.64
    let mut world = World::new(config(&[&["http://tracker.example/"]]));
    let streams = opened_over_both(&mut world);
    answer(&mut world, streams[1], EMPTY);
    world.opened(streams[0]);
    world.drain();
    assert_eq!(world.sleep(), at(1_020));
    assert!(world.sink.0.contains(&Effect::Close(streams[0])), "IPv4 is silent");
    assert_eq!(opened_over_both(&mut world).len(), 1, "and rests, unlike the one that works");
}

#[test]
fn the_longest_of_all_least_intervals_counts() {
    // BC-10.17
    let mut world = World::new(config(&[&["http://tracker.example/"]]));
    let streams = opened_over_both(&mut world);
    answer(&mut world, streams[0], "d8:intervali1800e12:min intervali60e5:peers0:e");
    answer(&mut world, streams[1], "d8:intervali1800e12:min intervali900e5:peers0:e");
    assert_eq!(world.announcer.poll_timeout(), Some(at(1_900)));
    world.announcer.want_more_peers(world.now);
    assert_eq!(world.announcer.poll_timeout(), Some(at(1_900)));
}

#[test]
fn a_stop_during_a_farewell_does_not_swallow_it() {
    // BC-10.22
    let mut world = World::new(config(&[&["http://192.0.2.1/"]]));
    world.serve(EMPTY);
    let next = [InfoHash([0xcd; 20])];
    world.announcer.set_infohashes(world.now, &next, &mut world.rng.public, &mut world.sink);
    let Some(Effect::Open(stream, ..)) = world.drain().pop() else { panic!("no announce") };
    answer(&mut world, stream, EMPTY);
    let Some(Effect::Open(stream, ..)) = world.drain().pop() else { panic!("no farewell") };
    world.opened(stream);
    let effects = world.drain();
    assert!(matches!(&effects[..], [Effect::Write(_, said)] if said.contains("event=stopped")));
    world.announcer.stop(world.now, &mut world.rng.public, &mut world.sink);
    let requests = world.serve(EMPTY);
    assert_eq!(count(&requests, "&event=stopped&"), 2, "{requests:#?}");
    assert_eq!(count(&requests, "info_hash=%ab"), 1, "the farewell is said again");
    assert!(world.announcer.is_stopped());
}

#[test]
fn whoever_may_be_on_the_list_already_says_that_it_leaves() {
    // BC-10.22
    let mut world = World::new(config(&[&["http://192.0.2.1/"]]));
    let Some(Effect::Open(stream, ..)) = world.drain().pop() else { panic!("no announce") };
    world.opened(stream);
    world.drain();
    world.announcer.stop(world.now, &mut world.rng.public, &mut world.sink);
    assert_eq!(count(&world.serve(EMPTY), "&event=stopped&"), 1);
    assert!(world.announcer.is_stopped());
}

#[test]
fn what_is_new_does_not_wait_for_a_farewell() {
    // BC-10.21
    let mut world = World::new(config(&[&["udp://192.0.2.1:1/x"]]));
    world.serve_udp(&[]);
    let next = [InfoHash([0xcd; 20])];
    world.announcer.set_infohashes(world.now, &next, &mut world.rng.public, &mut world.sink);
    let Some(Effect::Udp(_, packet)) = world.drain().pop() else { panic!("no announce") };
    assert_eq!((packet[16], packet[83]), (0xcd, 2), "the new one, although nobody answers");
}

#[test]
fn a_tracker_is_asked_only_over_families_in_which_peers_reach_us() {
    // BC-10.61
    let mut world = World::new(config(&[&["http://tracker.example/"], &["udp://[2001:db8::5]:1"]]));
    world.announcer = Announcer::new(
        config(&[&["http://tracker.example/"], &["udp://[2001:db8::5]:1"]]),
        &mut world.rng.public,
    );
    world.announcer.set_families(world.now, true, false);
    world.drain();
    world.announcer.start(world.now, &mut world.rng.public, &mut world.sink);
    let effects = world.drain();
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Udp(..))), "{effects:?}");
    let lookup = effects.iter().find_map(|effect| match effect {
        Effect::Resolve(lookup, _) => Some(*lookup),
        _ => None,
    });
    world.resolved(lookup.expect("a look-up"), &["192.0.2.1", "2001:db8::1"]);
    let Some(Effect::Open(stream, to, ..)) = world.drain().pop() else { panic!("no stream") };
    assert_eq!(to, addr("192.0.2.1:80"));
    answer(&mut world, stream, EMPTY);
    world.announcer.set_families(world.now, true, true);
    world.sleep();
    let seen = world.drain();
    assert!(seen.iter().any(|effect| matches!(effect, Effect::Resolve(..))), "{seen:?}");
}

#[test]
fn a_new_port_is_announced_at_once_and_none_is_not() {
    let mut config = config(&[&["http://192.0.2.1/"]]);
    config.port = 0;
    let mut world = World::new(config);
    assert_eq!(world.announcer.poll_timeout(), None);
    assert!(world.drain().is_empty());
    world.announcer.set_port(world.now, 7_000);
    world.sleep();
    assert_eq!(count(&world.serve(EMPTY), "&port=7000&"), 1);
    world.announcer.set_port(world.now, 7_001);
    world.sleep();
    let requests = world.serve(EMPTY);
    assert_eq!(
        (requests.len(), count(&requests, "&port=7001&"), count(&requests, "event")),
        (1, 1, 0)
    );
}

#[test]
fn leaving_is_bounded() {
    // BC-10.22
    let mut world = World::new(config(&[&["http://192.0.2.1/"], &["http://192.0.2.2/"]]));
    world.serve(EMPTY);
    world.announcer.stop(world.now, &mut world.rng.public, &mut world.sink);
    assert_eq!(world.announcer.poll_timeout(), Some(world.now + Duration::from_secs(5)));
    world.sleep();
    assert!(world.announcer.is_stopped());
    let closed = world.drain().iter().filter(|effect| matches!(effect, Effect::Close(_))).count();
    assert_eq!(closed, 2);
    assert_eq!(world.announcer.poll_timeout(), None);
}

#[test]
fn answers_that_nobody_waits_for_are_ignored() {
    let mut world = World::new(config(&[&["http://192.0.2.1/"]]));
    let stale = TrackerQuery(999);
    world.drain();
    world.resolved(stale, &["192.0.2.1"]);
    world.readable(stale, b"x");
    world.announcer.on_closed(world.now, stale, &mut world.rng.public, &mut world.sink);
    world.announcer.on_failed(world.now, stale, "", &mut world.rng.public, &mut world.sink);
    assert!(world.drain().is_empty());
    world.opened(stale);
    assert_eq!(world.drain(), [Effect::Close(stale)]);
}

#[test]
fn one_silent_family_does_not_hold_up_the_other() {
    // BC-10.10
    let mut world = World::new(config(&[&["udp://t.example:1"]]));
    let Some(Effect::Resolve(lookup, _)) = world.drain().pop() else { panic!("no look-up") };
    world.resolved(lookup, &["2001:db8::1", "192.0.2.1"]);
    let v4 = addr("192.0.2.1:1");
    let answer = |world: &mut World| {
        for _ in 0..2 {
            let effects = world.drain();
            let packet = effects.iter().rev().find_map(|effect| match effect {
                Effect::Udp(to, packet) if *to == v4 => Some(packet.clone()),
                _ => None,
            });
            let Some(packet) = packet else { continue };
            let rest: &[u8] = if packet.len() == 16 { &[9; 8] } else { &[0; 12] };
            world.datagram(v4, &[&packet[8..16], rest].concat());
        }
        effects_v6(&world.drain())
    };
    fn effects_v6(effects: &[Effect]) -> usize {
        effects.iter().filter(|effect| matches!(effect, Effect::Udp(to, _) if to.is_ipv6())).count()
    }
    answer(&mut world);
    // Fifteen seconds: the other family's second try; twenty: it is given up, and the next round
    // goes without it.
    assert_eq!(world.sleep(), at(1_015));
    assert_eq!(effects_v6(&world.drain()), 1);
    assert_eq!(world.sleep(), at(1_020));
    let Some(Effect::Resolve(lookup, _)) = world.drain().pop() else { panic!("no look-up") };
    world.resolved(lookup, &["2001:db8::1", "192.0.2.1"]);
    assert_eq!(effects_v6(&world.sink.0), 0);
    assert_eq!(answer(&mut world), 0);
}

/// One thing that the world does, chosen by numbers: what, to which of the queries seen, with what.
type Move = (u8, usize, Vec<u8>);

fn play(world: &mut World, seen: &[TrackerQuery], (what, which, data): &Move) {
    let query = *seen.get(which % seen.len().max(1)).unwrap_or(&TrackerQuery(0));
    let (now, rng) = (world.now, &mut world.rng.public);
    let sink = &mut world.sink;
    let seconds = u64::from(*data.first().unwrap_or(&0));
    match what {
        0 => world.now = now + Duration::from_secs(seconds * seconds),
        1 => world.resolved(query, &["192.0.2.1", "2001:db8::1", "127.0.0.1"][..which % 4]),
        2 => world.opened(query),
        3 => world.readable(query, data),
        4 => world.readable(query, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nde"),
        5 => world.readable(query, b"HTTP/1.1 302 x\r\nLocation: http://r.example/\r\n\r\n"),
        6 => world.announcer.on_closed(now, query, rng, sink),
        7 => world.announcer.on_failed(now, query, "no", rng, sink),
        8 => world.announcer.stop(now, rng, sink),
        9 => world.announcer.start(now, rng, sink),
        10 => world.announcer.want_more_peers(now),
        11 => world.announcer.set_port(now, u16::from(data.is_empty())),
        12 => {
            let hashes: Vec<_> = data.iter().map(|byte| InfoHash([byte % 7; 20])).collect();
            world.announcer.set_infohashes(now, &hashes, rng, sink);
        }
        _ => {
            // The true answer to the last datagram, or something near it.
            let sent = sink.0.iter().rev().find_map(|effect| match effect {
                Effect::Udp(to, packet) => Some((*to, packet.clone())),
                _ => None,
            });
            if let Some((to, packet)) = sent {
                world.datagram(to, &[&packet[8..16], data].concat());
            }
        }
    }
}

proptest! {
    /// Whatever happens in whatever order: no panic, no flood, no timer that is stuck.
    #[test]
    fn no_order_of_events_is_a_trap(
        moves in proptest::collection::vec(
            (0..16_u8, 0..8_usize, proptest::collection::vec(any::<u8>(), 0..24)), 0..80),
    ) {
        let mut world = World::new(config(&[
            &["http://a.example/", "udp://192.0.2.1:1/a"],
            &["https://[2001:db8::2]/x", "udp://b.example:2"],
        ]));
        let mut seen = Vec::new();
        for step in &moves {
            seen.extend(world.sink.0.iter().filter_map(|effect| match effect {
                Effect::Resolve(query, _) | Effect::Open(query, ..) => Some(*query),
                _ => None,
            }));
            let udp = world.sink.0.iter().rposition(|effect| matches!(effect, Effect::Udp(..)));
            let last = udp.map(|at| world.sink.0[at].clone());
            world.sink.0 = last.into_iter().collect();
            play(&mut world, &seen, step);
            world.announcer.handle_timeout(world.now, &mut world.rng.public, &mut world.sink);
            prop_assert!(world.announcer.poll_timeout().is_none_or(|at| at > world.now));
            prop_assert!(world.sink.0.len() < 100, "{} effects", world.sink.0.len());
        }
        // It always comes to an end.
        world.announcer.stop(world.now, &mut world.rng.public, &mut world.sink);
        world.now += Duration::from_secs(5);
        world.announcer.handle_timeout(world.now, &mut world.rng.public, &mut world.sink);
        prop_assert!(world.announcer.is_stopped());
        prop_assert_eq!(world.announcer.poll_timeout(), None);
    }
}

fn opens(world: &mut World) -> Vec<(TrackerQuery, SocketAddr)> {
    let open = |effect| match effect {
        Effect::Open(query, to, ..) => Some((query, to)),
        _ => None,
    };
    world.drain().into_iter().filter_map(open).collect()
}

fn lookup(world: &mut World) -> TrackerQuery {
    let find = |effect| match effect {
        Effect::Resolve(query, _) => Some(query),
        _ => None,
    };
    world.drain().into_iter().find_map(find).expect("a look-up")
}

#[test]
fn the_address_that_answered_is_remembered() {
    // BC-10.67
    let mut world = World::new(config(&[&["http://t.example/"]]));
    let query = lookup(&mut world);
    let ips = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
    world.resolved(query, &ips);
    let streams = opens(&mut world);
    assert_eq!(streams[0].1, addr("192.0.2.1:80"), "one of each family");
    assert_eq!((streams.len(), streams[1].1), (2, addr("[2001:db8::1]:80")));
    world.opened(streams[1].0);
    world.drain();
    answer(&mut world, streams[1].0, EMPTY);
    world.drain();
    world.sleep();
    assert_eq!(world.now, at(1_003), "the dead one costs three seconds");
    let next = opens(&mut world);
    assert_eq!((next.len(), next[0].1), (1, addr("192.0.2.2:80")), "within the round");
    world.opened(next[0].0);
    answer(&mut world, next[0].0, EMPTY);
    for _ in 0..2 {
        world.drain();
        world.sleep();
        let query = lookup(&mut world);
        world.resolved(query, &ips);
        let streams = opens(&mut world);
        assert_eq!(streams.len(), 2);
        assert_eq!(
            streams[0].1,
            addr("192.0.2.2:80"),
            "each announce goes to the one that answered"
        );
        for (query, _) in streams {
            world.opened(query);
            answer(&mut world, query, EMPTY);
        }
    }
}

#[test]
fn a_dead_address_of_a_udp_tracker_costs_three_seconds() {
    // BC-10.67
    let mut world = World::new(config(&[&["udp://t.example:1"]]));
    let query = lookup(&mut world);
    world.resolved(query, &["192.0.2.1", "192.0.2.2"]);
    world.drain();
    assert_eq!(world.sleep(), at(1_003));
    let announces = world.serve_udp(&[]);
    assert_eq!((announces.len(), announces[0].0), (1, addr("192.0.2.2:1")));
    world.drain();
    world.sleep();
    let query = lookup(&mut world);
    world.resolved(query, &["192.0.2.1", "192.0.2.2"]);
    assert_eq!(world.serve_udp(&[])[0].0, addr("192.0.2.2:1"));
}

#[test]
fn a_slow_name_server_delays_once() {
    // BC-10.68
    let mut world = World::new(config(&[&["http://t.example/"]]));
    let query = lookup(&mut world);
    world.now = at(1_030);
    world.announcer.handle_timeout(world.now, &mut world.rng.public, &mut world.sink);
    world.resolved(query, &["192.0.2.1"]);
    assert_eq!(world.serve(EMPTY).len(), 1);
    let due = world.sleep();
    let late = lookup(&mut world);
    assert_eq!(world.sleep(), due + Duration::from_secs(2), "what was known before serves");
    assert_eq!(opens(&mut world)[0].1, addr("192.0.2.1:80"));
    world.resolved(late, &["192.0.2.7"]);
    assert_eq!(opens(&mut world), [], "the late answer is for the next round");
    world.sleep();
    world.drain();
    world.sleep();
    lookup(&mut world);
    world.sleep();
    assert_eq!(opens(&mut world)[0].1, addr("192.0.2.7:80"));
}

#[test]
fn one_tracker_named_several_times_is_asked_once() {
    // BC-10.66
    let tiers: &[&[&str]] = &[
        &["http://T.example:80/a", "http://t.example/%61"],
        &["http://t.example./a", "http://192.0.2.1/"],
    ];
    let mut world = World::new(config(tiers));
    let effects = world.drain();
    let lookups = effects.iter().filter(|effect| matches!(effect, Effect::Resolve(..))).count();
    assert_eq!(lookups, 1);
    let numbers: Vec<usize> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Status(number, _) => Some(*number),
            _ => None,
        })
        .collect();
    assert_eq!(numbers, [0, 3], "numbered as they stand in the file");
}

#[test]
fn the_trackers_own_words_beat_a_bare_status() {
    // BC-10.65
    let mut world = World::new(config(&[&["http://192.0.2.1/"]]));
    let words = "d14:failure reason14:not registered8:intervali7200ee";
    let (query, _) = opens(&mut world)[0];
    world.opened(query);
    let head = format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\n\r\n", words.len());
    world.readable(query, (head + words).as_bytes());
    let Some(Effect::Status(_, TrackerStatus::Failed { reason, retry_at })) = world.drain().pop()
    else {
        panic!("no status")
    };
    assert_eq!(reason, "the tracker refused: not registered");
    assert_eq!(retry_at, at(1_000 + 7_200));
    world.sleep();
    let (query, _) = opens(&mut world)[0];
    world.opened(query);
    world.readable(query, b"HTTP/1.1 503 x\r\nRetry-After: 900\r\n\r\n<html>");
    world.sleep();
    let Some(Effect::Status(_, TrackerStatus::Failed { reason, retry_at })) = world.drain().pop()
    else {
        panic!("no status")
    };
    assert_eq!(reason, "the tracker answered with HTTP status 503");
    assert_eq!(retry_at, world.now + Duration::from_secs(900), "though the stream stayed open");
}

//! The key log (spec 13): what a node says there opens what it sent.

use super::*;
use crate::crypto::key_log::KeyLogLine;
use crate::crypto::packet_key::{MaskKey, PacketKey};
use crate::crypto::suite::Suite;
use std::collections::BTreeSet;

fn world(insecure_key_log: bool) -> World {
    let mut world = World::new(0);
    for of in 0..2 {
        let mut host = Host::new(of, world.now, BTreeMap::new(), of);
        let mut config = Config { insecure_key_log, ..Config::default() };
        config.families.v6 = false;
        let identity = Identity::from_bytes(&Secret([of + 1; 32]));
        host.node = Node::new(config, identity, Seed([of; 32]), world.time()).expect("valid");
        world.hosts.push(host);
    }
    world.drain();
    world
}

/// Two that meet, talk and renew their keys.
fn talk(world: &mut World) {
    world.join(0);
    world.join(1);
    world.introduce(0, 1);
    world.run(Duration::from_secs(3));
    world.send(0, "hello").expect("sent");
    world.run(SECOND);
    let now = world.time();
    world.hosts[0].node.renew_keys(now);
    world.drain();
    world.run(Duration::from_secs(3));
}

fn lines(node: &mut Node) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(line) = node.poll_key_log() {
        lines.push(line.as_str().to_owned());
    }
    lines
}

/// BC-13.01
#[test]
fn without_the_flag_no_key_is_told() {
    assert!(!Config::default().insecure_key_log);
    let mut world = world(false);
    talk(&mut world);
    assert!(world.hosts.iter_mut().all(|host| host.node.poll_key_log().is_none()));
}

/// BC-13.04, BC-13.05
#[test]
fn both_ends_log_the_same_keys_and_every_generation() {
    let mut world = world(true);
    talk(&mut world);
    let [a, b] = [0, 1].map(|of| lines(&mut world.hosts[of].node));
    assert!(a[0].starts_with("BITCHAT1_GATE_MAC ") && a[1].starts_with("BITCHAT1_GATE_MASK "));
    let set = |lines: &[String]| lines.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(set(&a), set(&b));
    let count = |start: &str| a.iter().filter(|line| line.starts_with(start)).count();
    // hs1 has one sealed part, hs2 and hs3 have two.
    assert_eq!(count("BITCHAT1_HANDSHAKE "), 5);
    assert_eq!(count("BITCHAT1_MASK "), 2);
    // The handshake's, the first renewal's with ML-KEM, the one that was asked for.
    assert_eq!(count("BITCHAT1_PACKET "), 6);
    // BC-13.09: each side gives four further ids.
    assert_eq!(count("BITCHAT1_CONNECTION_ID "), 8);
}

/// BC-13.05: the line of a key is there before a packet is sealed with it.
#[test]
fn a_key_is_logged_before_it_is_used() {
    let mut world = world(true);
    world.join(0);
    world.join(1);
    world.introduce(0, 1);
    let mut log = Vec::new();
    let mut opened = 0;
    for _ in 0..400 {
        world.run(Duration::from_millis(10));
        let lines = world.hosts.iter_mut().flat_map(|host| lines(&mut host.node));
        log.extend(lines);
        for (_, _, _, datagram) in &world.wire {
            opened += usize::from(opens(&log, datagram));
        }
    }
    assert!(opened > 10, "only {opened} packets were opened");
}

/// Whether a packet of a session opens with the keys in the log; other datagrams do not.
fn opens(log: &[String], datagram: &[u8]) -> bool {
    let cid: String = datagram[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let further = |line: &&String| {
        line.starts_with("BITCHAT1_CONNECTION_ID ") && line.ends_with(&format!(" {cid}"))
    };
    let first = log.iter().find(further).and_then(|line| line.split(' ').nth(1));
    let cid = first.map_or(cid.clone(), str::to_owned);
    let of = |label: &str| {
        let start = format!("{label} {cid} ");
        log.iter().filter(move |line| line.starts_with(&start)).map(|line| last_hex(line))
    };
    let Some(mask) = of("BITCHAT1_MASK").next() else { return false };
    let mut packet = datagram.to_vec();
    // Fewer than 128 packets each way: the number is the byte that was sent.
    let header = MaskKey::new(&mask).unmask(&mut packet, None).expect("a packet of the session");
    // A key that does not fit wipes what it was tried on.
    let opened = of("BITCHAT1_PACKET").any(|key| {
        PacketKey::new(Suite::default(), &key).open(&header, &mut packet.clone()).is_ok()
    });
    assert!(opened, "a packet of a session whose key is not in the log");
    true
}

fn last_hex(line: &str) -> Secret {
    let hex = line.rsplit(' ').next().expect("a word");
    let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex");
    Secret(core::array::from_fn(byte))
}

/// BC-13.07
#[test]
fn lines_that_nobody_takes_are_bounded() {
    let mut world = world(true);
    let node = &mut world.hosts[0].node;
    let keys = file().keys(Default::default());
    let [mac, mask] = KeyLogLine::gate(&keys);
    node.fx.outbox.log_key(mac);
    (0..2_000).for_each(|_| node.fx.outbox.log_key(mask.clone()));
    let lines = lines(node);
    assert_eq!(lines.len(), 1_024);
    assert!(lines.iter().all(|line| line.starts_with("BITCHAT1_GATE_MASK")), "the oldest went");
}

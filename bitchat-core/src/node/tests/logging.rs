//! What a node says of its work: enough to find a fault, and nothing that must not be said.

use super::*;
use crate::node::log::LogLevel;

impl World {
    /// Hosts that say everything, up to `level`.
    fn talkative(hosts: u8, level: LogLevel) -> Self {
        let mut world = Self::new(hosts);
        for (of, host) in world.hosts.iter_mut().enumerate() {
            let mut config = host.node.fx.config.clone();
            config.log = level;
            let of = u8::try_from(of).expect("few");
            let identity = Identity::from_bytes(&Secret([of + 1; 32]));
            let now = Now::new(world.now, WALL);
            host.node = Node::new(config, identity, Seed([of; 32]), now).expect("valid");
        }
        world.drain();
        world
    }

    fn records(&mut self, of: usize) -> Vec<LogRecord> {
        core::iter::from_fn(|| self.hosts[of].node.poll_log()).collect()
    }

    fn said_by(&mut self, of: usize) -> String {
        self.records(of).into_iter().map(|record| record.text + "\n").collect()
    }
}

/// Two hosts meet, talk, renew their keys and part.
fn a_conversation(level: LogLevel) -> World {
    let mut world = World::talkative(2, level);
    world.join(0);
    world.join(1);
    world.introduce(0, 1);
    world.run(3 * SECOND);
    world.send(0, "a word in confidence").expect("ready");
    world.run(SECOND);
    let now = world.time();
    assert_eq!(world.hosts[0].node.renew_keys(now), 1);
    world.run(SECOND);
    let now = world.time();
    world.hosts[0].node.shutdown(now);
    world.run(SECOND);
    world
}

#[test]
fn by_default_nothing_is_said() {
    let mut world = World::new(2);
    world.join(0);
    world.join(1);
    world.introduce(0, 1);
    world.run(3 * SECOND);
    assert_eq!(world.hosts[0].node.links().len(), 1);
    assert_eq!((world.records(0), world.records(1)), (Vec::new(), Vec::new()));
}

#[test]
fn the_whole_way_to_a_link_and_back_can_be_followed_on_both_sides() {
    let mut world = a_conversation(LogLevel::Debug);
    let caller = world.said_by(0);
    let mut rest = &caller[..];
    for said in [
        "listening on",
        "channel 0 is joined",
        "channel 0 is live",
        "somebody may be at 10.0.0.2:1000",
        "10.0.0.2:1000 is due: sending a probe to it",
        "a member answers our probe at 10.0.0.2:1000",
        "10.0.0.2:1000 goes on with our handshake",
        "(Initiator): waiting for its first packets",
        "is up",
        "has its keys number 2",
        "shutting down",
        "is down: closed by this side",
    ] {
        let at = rest.find(said).unwrap_or_else(|| panic!("{said:?} is missing in:\n{rest}"));
        rest = &rest[at..];
    }
    let called = world.said_by(1);
    for said in [
        "a probe from 10.0.0.1:1000 is answered",
        "10.0.0.1:1000 begins a handshake",
        "10.0.0.1:1000 finishes its handshake",
        "(Responder): waiting for its first packets",
        "is down: closed by the peer",
    ] {
        assert!(called.contains(said), "{said:?} is missing in:\n{called}");
    }
}

#[test]
fn why_two_nodes_do_not_meet_is_said() {
    let mut world = World::talkative(2, LogLevel::Debug);
    world.join(0);
    world.join_file(1, &file_of(201));
    world.introduce(0, 1);
    world.run(30 * SECOND);
    let caller = world.said_by(0);
    let said = "the attempt with 10.0.0.2:1000 failed: no member answers at this address";
    assert!(caller.contains(said), "{caller}");
    let called = world.said_by(1);
    assert!(
        called.contains("bytes from 10.0.0.1:1000 are dropped: it is of no channel"),
        "{called}"
    );
}

#[test]
fn no_secret_is_said_at_any_level_and_no_address_below_debug() {
    let mut world = a_conversation(LogLevel::Trace);
    let key = file().info().key.clone().expect("keyed");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let device = world.hosts[0].node.own.keys.clone().expect("known").static_key;
    let link = crate::chatfile::JoinLink::from(&file()).to_text();
    let secrets = [hex(&key.0), format!("{:?}", key.0), format!("{device:?}"), link];
    for of in 0..2 {
        let records = world.records(of);
        assert!(records.len() > 10 && records.iter().any(|it| it.level == LogLevel::Trace));
        for LogRecord { level, text, .. } in records {
            assert!(!text.contains("confidence"), "{text}");
            assert!(level > LogLevel::Info || !text.contains("10.0.0."), "{text}");
            assert!(secrets.iter().all(|secret| !text.contains(&secret[..])), "{text}");
            // No run of hex longer than the eight digits that tell devices apart.
            let mut runs = text.split(|c: char| !c.is_ascii_hexdigit());
            assert!(runs.all(|run| run.len() <= 8), "{text}");
        }
    }
}

#[test]
fn a_log_that_nobody_takes_stays_within_its_limit() {
    let mut config = Config { log: LogLevel::Trace, store: false, ..Config::default() };
    config.limits.node.log_records = 16;
    let identity = Identity::from_bytes(&Secret([1; 32]));
    let now = Now::new(Timestamp::from_millis(1), WALL);
    let mut node = Node::new(config, identity, Seed([1; 32]), now).expect("valid");
    let from = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 9), 9));
    for _ in 0..1_000 {
        let data = &mut [7; 100];
        node.handle_input(
            now,
            Input::Datagram { socket: SocketId(0), from, local: None, ecn: None, stride: 0, data },
        );
    }
    let records: Vec<_> = core::iter::from_fn(|| node.poll_log()).collect();
    assert_eq!(records.len(), 16);
    assert_eq!(records[0].lost, 1_000 - 16);
}

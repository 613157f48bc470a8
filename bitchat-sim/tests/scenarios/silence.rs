//! Whoever does not have the key learns nothing, not even that somebody is there.

use crate::{UDP, secs};
use bitchat_core::chatfile::{Access, Draft};
use bitchat_core::node::Family;
use bitchat_sim::crew::Crew;
use bitchat_sim::net::HostId;
use bitchat_sim::scenario::assert_replays;
use std::net::SocketAddr;
use std::time::Duration;

#[test]
fn a_node_with_another_key_at_the_same_infohash_gets_no_answer() {
    assert_replays(0..4, |seed, text| {
        let mut crew = Crew::new(seed, text);
        let tracker = crew.world.add_tracker("tracker.example", 6_969);
        let (mine, theirs) = (crew.channel("mine", &[UDP]), crew.channel("theirs", &[]));
        let (one, other) = (crew.members(1, mine)[0], crew.members(1, theirs)[0]);
        crew.run(secs(1));
        let swarm = *crew.world.tracker(tracker).swarms().next().unwrap();
        let (now, address) = (crew.world.now(), crew.address(other));
        crew.world.tracker(tracker).plant(now, swarm, address);
        crew.introduce(one, other, mine);
        crew.run(secs(1_200));
        let (from, to) = (crew.host(one), crew.host(other));
        let probes = crew.world.net.path_stats(from, to).offered;
        assert!((1..=15).contains(&probes), "{probes} probes in 20 minutes");
        assert_eq!(crew.world.net.path_stats(to, from).offered, 0, "an answer to a stranger");
        crew.finish()
    });
}

#[test]
fn noise_and_replays_get_no_answer() {
    assert_replays(0..3, |seed, text| {
        let (mut crew, chan, all) = crate::gather(seed, text, 2);
        crew.world.net.tap();
        let stranger = crew.world.net.add_host(&["90.1.2.3".parse().unwrap()]);
        crew.world.net.bind(stranger, Family::V4, 9).unwrap();
        crew.expect(secs(60), "a link", |crew| crew.meshed(chan));
        crew.say(all[0], chan);
        crew.run(secs(30));
        let (host, target) = (crew.host(all[0]), crew.address(all[0]));
        let heard = crew.world.net.tap().into_iter().filter(|(_, to, _)| *to == target);
        let mut datagrams: Vec<Vec<u8>> = heard.map(|(.., data)| data).collect();
        assert!(datagrams.len() > 5);
        for _ in 0..300 {
            let len = crew.world.dice.index(1_400);
            datagrams.push(crew.world.dice.blob(len));
        }
        let mut damaged = datagrams.clone();
        for data in damaged.iter_mut().filter(|data| !data.is_empty()) {
            let at = crew.world.dice.index(data.len());
            data[at] ^= 1 << crew.world.dice.below(8);
        }
        for data in datagrams.into_iter().chain(damaged) {
            let now = crew.world.now();
            crew.world.net.send(now, stranger, 9, target, data);
            crew.run(Duration::from_millis(5));
        }
        assert_eq!(crew.world.net.path_stats(host, stranger).offered, 0);
        crew.say(all[0], chan);
        crate::agree(&mut crew, chan, secs(5));
        crew.finish()
    });
}

#[test]
fn a_tracker_cannot_make_a_node_flood_strangers() {
    assert_replays(0..2, |seed, text| {
        let (mut crew, _, all) = crate::gather(seed, text, 1);
        crew.run(secs(1));
        let tracker = HostId(0);
        let swarm = *crew.world.tracker(tracker).swarms().next().unwrap();
        crew.world.tracker(tracker).interval = secs(60);
        for n in 0..2_000u16 {
            let [high, low] = n.to_be_bytes();
            let now = crew.world.now();
            let address = SocketAddr::from(([91, 0, high, low], 443));
            crew.world.tracker(tracker).plant(now, swarm, address);
        }
        crew.kill(all[0]);
        crew.start(all[0]);
        let before = crew.world.counters(crew.host(all[0])).sent;
        crew.run(secs(600));
        let sent = crew.world.counters(crew.host(all[0])).sent - before;
        assert!((100..=200 * 5 * 4).contains(&sent), "{sent} datagrams in ten minutes");
        crew.finish()
    });
}

#[test]
fn a_public_channel_is_found_by_its_infohash() {
    assert_replays(0..2, |seed, text| {
        let mut crew = Crew::new(seed, text);
        crew.world.add_tracker("tracker.example", 6_969);
        let keyed = crew.channel("trackers", &[UDP]);
        let outside = crew.file(keyed).outside().clone();
        let draft =
            Draft { name: "agora".into(), access: Access::Public, outside, ..Draft::default() };
        let chan = crew.add_channel(&draft);
        let all = crew.members(3, chan);
        crew.expect(secs(60), "a full mesh", |crew| crew.meshed(chan));
        crew.say(all[0], chan);
        crate::agree(&mut crew, chan, secs(5));
        crew.finish()
    });
}

//! Wall clocks that jump, are wrong, or are not there.

use crate::{UDP, agree, gather, linked, secs};
use bitchat_core::chatfile::{Draft, Outside};
use bitchat_core::node::{ClockKind, CloseReason, Event, LinkUpdate, NodeUpdate};
use bitchat_core::wire::url::TrackerUrl;
use bitchat_sim::crew::{Chan, Crew, Who};
use bitchat_sim::scenario::assert_replays;

const DAY: i64 = 86_400_000;

#[test]
fn small_jumps_of_the_wall_clock_change_nothing() {
    assert_replays(0..3, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 3);
        crew.run(secs(2)); // sessions made at once over several addresses settle
        let start = crew.world.now();
        for _ in 0..10 {
            let who = all[crew.world.dice.index(all.len())];
            let host = crew.host(who);
            let hours = i64::try_from(crew.world.dice.below(40)).unwrap() - 20;
            crew.world.clock(host).wall = Some(hours * 3_600_000);
            crew.say(who, chan);
            crew.run(secs(20));
            assert!(crew.meshed(chan));
        }
        agree(&mut crew, chan, secs(5));
        let closed = |event: &Event| matches!(event, Event::Link(_, LinkUpdate::Closed { .. }));
        assert!(!all.iter().any(|who| crew.told(*who, start, closed)));
        crew.finish()
    });
}

#[test]
fn a_season_passes_and_certificates_with_it() {
    assert_replays(0..2, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 2);
        for days in [80, 89, 91, 100, 200] {
            for who in &all {
                let host = crew.host(*who);
                crew.world.clock(host).wall = Some(days * DAY);
            }
            crew.run(secs(30));
            crew.expect(secs(900), "a link", |crew| crew.meshed(chan));
            crew.say(all[0], chan);
            crew.say(all[1], chan);
            agree(&mut crew, chan, secs(5));
        }
        crew.finish()
    });
}

#[test]
fn a_clock_that_is_a_year_off_meets_nobody_until_it_is_set() {
    assert_replays(0..2, |seed, text| {
        let (mut crew, chan, all) = gather(seed, text, 2);
        let host = crew.host(all[1]);
        crew.kill(all[1]);
        crew.world.clock(host).wall = Some(365 * DAY);
        crew.start(all[1]);
        crew.run(secs(120));
        assert!(!crew.meshed(chan));
        crew.world.clock(host).wall = Some(0);
        crew.expect(secs(1_200), "a link", |crew| crew.meshed(chan));
        crew.say(all[1], chan);
        agree(&mut crew, chan, secs(5));
        crew.finish()
    });
}

#[test]
fn without_a_wall_clock_a_node_asks_for_one() {
    assert_replays(0..2, |seed, text| {
        let (mut crew, chan, all) = gather(seed, text, 2);
        let host = crew.host(all[1]);
        crew.kill(all[1]);
        crew.wipe(all[1]);
        crew.world.clock(host).wall = None;
        let start = crew.world.now();
        crew.start(all[1]);
        crew.run(secs(30));
        let needed = |event: &Event| matches!(event, Event::Node(NodeUpdate::WallTimeNeeded));
        assert!(crew.told(all[1], start, needed));
        crew.world.clock(host).wall = Some(0);
        crew.expect(secs(1_200), "a link", |crew| crew.meshed(chan));
        crew.finish()
    });
}

#[test]
fn members_of_a_rotating_channel_meet_after_a_clock_was_wrong_or_slept() {
    for hours in [-72, 20, 26, 400] {
        assert_replays(0..2, |seed, text| {
            let mut crew = Crew::new(seed, text);
            crew.world.add_tracker("tracker.example", 6_969);
            let url = TrackerUrl::parse(UDP).expect("a URL");
            let outside = Outside { trackers: vec![vec![url]], ..Outside::default() };
            let draft = Draft { name: "daily".into(), rotate: true, outside, ..Draft::default() };
            let chan = crew.add_channel(&draft);
            let all: Vec<_> = (0..2).map(|_| crew.member()).collect();
            for who in &all {
                crew.join(*who, chan);
            }
            // One of them starts with another date, and another day's infohash.
            let host = crew.host(all[1]);
            crew.world.clock(host).wall = Some(hours * 3_600_000);
            crew.start(all[0]);
            crew.start(all[1]);
            crew.run(secs(60));
            crew.world.clock(host).wall = Some(0);
            crew.expect(secs(900), "a link", |crew| crew.meshed(chan));
            crew.say(all[0], chan);
            crew.say(all[1], chan);
            agree(&mut crew, chan, secs(5));
            crew.finish()
        });
    }
}

/// Three who are linked; the clock of the first runs in sleep, or stops.
fn with_a_sleeper(seed: u64, text: bool, clock: ClockKind) -> (Crew, Chan, Vec<Who>) {
    let (mut crew, chan, all) = linked(seed, text, 3);
    crew.kill(all[0]);
    crew.config(all[0]).clock = clock;
    crew.start(all[0]);
    crew.expect(secs(300), "links", |crew| crew.meshed(chan));
    crew.run(secs(30)); // sessions made at once over several addresses settle
    (crew, chan, all)
}

#[test]
fn links_outlive_a_short_sleep() {
    for clock in [ClockKind::StopsInSleep, ClockKind::RunsInSleep] {
        assert_replays(0..2, |seed, text| {
            let (mut crew, chan, all) = with_a_sleeper(seed, text, clock);
            let (host, start) = (crew.host(all[0]), crew.world.now());
            crew.world.sleep(host);
            crew.run(secs(30));
            crew.world.awake(host, clock == ClockKind::StopsInSleep);
            crew.say(all[0], chan);
            crew.say(all[1], chan);
            agree(&mut crew, chan, secs(5));
            crew.run(secs(90));
            assert!(crew.meshed(chan));
            let closed = |event: &Event| matches!(event, Event::Link(_, LinkUpdate::Closed { .. }));
            assert!(!all.iter().any(|who| crew.told(*who, start, closed)));
            crew.finish()
        });
    }
}

#[test]
fn a_host_that_slept_for_ten_minutes_is_back_at_once_whatever_its_clock_did() {
    for clock in [ClockKind::StopsInSleep, ClockKind::RunsInSleep] {
        assert_replays(0..3, |seed, text| {
            let (mut crew, chan, all) = with_a_sleeper(seed, text, clock);
            let host = crew.host(all[0]);
            crew.world.sleep(host);
            crew.run(secs(300));
            crew.say(all[1], chan);
            crew.run(secs(300));
            let start = crew.world.now();
            crew.world.awake(host, clock == ClockKind::StopsInSleep);
            crew.run(secs(1));
            let dead = |event: &Event| {
                let silence = CloseReason::TimedOut;
                matches!(event, Event::Link(_, LinkUpdate::Closed { reason, .. }) if *reason == silence)
            };
            assert!(!crew.told(all[0], start, dead), "given up before it was asked");
            // The others gave the links up long ago: new ones carry what is said, and the old ones go.
            crew.run(secs(3));
            crew.say(all[0], chan);
            agree(&mut crew, chan, secs(5));
            crew.expect(secs(20), "no link but the new ones", |crew| crew.meshed(chan));
            crew.finish()
        });
    }
}

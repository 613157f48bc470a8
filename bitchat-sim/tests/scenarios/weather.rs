//! Bad lines.

use crate::{UDP, agree, gather, linked, secs};
use bitchat_core::node::{Event, LinkUpdate};
use bitchat_sim::crew::Crew;
use bitchat_sim::net::{LinkConfig, Loss};
use bitchat_sim::scenario::assert_replays;
use bitchat_sim::trace::Trace;
use std::time::Duration;

/// Three nodes meet and talk over such lines.
fn talk_over(line: &LinkConfig, seed: u64, text: bool) -> Trace {
    let (mut crew, chan, all) = gather(seed, text, 3);
    crew.allowed.tracker_violations = line.corrupt > 0.0;
    crew.world.net.set_default(line);
    crew.expect(secs(600), "a full mesh", |crew| crew.meshed(chan));
    for _ in 0..30 {
        let who = all[crew.world.dice.index(all.len())];
        crew.say(who, chan);
        let pause = crew.world.dice.within(secs(1));
        crew.run(pause);
    }
    agree(&mut crew, chan, secs(60));
    crew.finish()
}

#[test]
fn ten_percent_loss() {
    assert_replays(0..3, |seed, text| talk_over(&LinkConfig::default().lossy(0.1), seed, text));
}

#[test]
fn twenty_percent_loss() {
    assert_replays(0..3, |seed, text| talk_over(&LinkConfig::default().lossy(0.2), seed, text));
}

#[test]
fn forty_percent_loss() {
    assert_replays(0..2, |seed, text| talk_over(&LinkConfig::default().lossy(0.4), seed, text));
}

#[test]
fn bursts_of_loss() {
    let loss = Loss::Bursts {
        good_for: secs(1),
        bad_for: Duration::from_millis(133),
        good: 0.0,
        bad: 0.9,
    };
    let line = LinkConfig { loss, ..LinkConfig::default() };
    assert_replays(0..3, |seed, text| talk_over(&line, seed, text));
}

#[test]
fn copies_disorder_and_damage() {
    let line = LinkConfig {
        duplicate: 0.2,
        reorder: 0.3,
        reorder_by: Duration::from_millis(80),
        corrupt: 0.05,
        ..LinkConfig::default()
    };
    assert_replays(0..3, |seed, text| talk_over(&line, seed, text));
}

#[test]
fn a_slow_line_with_a_short_queue_carries_large_messages() {
    assert_replays(0..2, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 2);
        let slow = LinkConfig {
            delay: Duration::from_millis(60),
            rate: Some(512_000),
            queue: 16 * 1_024,
            ..LinkConfig::default()
        };
        crew.world.net.set_default(&slow);
        for n in 0..8 {
            let text = format!("{n} {}", "long ".repeat(8_000));
            crew.say_text(all[n % 2], chan, text);
        }
        crew.say(all[0], chan);
        agree(&mut crew, chan, secs(60));
        crew.finish()
    });
}

#[test]
fn a_partition_heals() {
    assert_replays(0..4, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 4);
        let hosts: Vec<_> = all.iter().map(|who| crew.host(*who)).collect();
        let long = secs(5 + crew.world.dice.below(300));
        crew.world.net.partition(&[&hosts[..2], &hosts[2..]]);
        for who in &all {
            crew.say(*who, chan);
        }
        crew.run(long);
        for who in &all {
            crew.say(*who, chan);
        }
        crew.run(secs(3));
        assert!(!crew.agreed(chan));
        crew.world.net.heal();
        crew.expect(secs(600), "healing", |crew| crew.meshed(chan));
        agree(&mut crew, chan, secs(60));
        assert_eq!(crew.messages(all[0], chan).len(), 8);
        crew.finish()
    });
}

#[test]
fn a_node_that_roams_keeps_its_links() {
    assert_replays(0..4, |seed, text| {
        let mut crew = Crew::new(seed, text);
        crew.world.add_tracker("tracker.example", 6_969);
        let chan = crew.channel("roaming", &[UDP]);
        let mut all = Vec::new();
        for n in 1..=3 {
            let host = crew.world.add_host_at(&[[84, 0, 0, n].into()]);
            all.push(crew.member_on(host));
            crew.join(all[all.len() - 1], chan);
            crew.start(all[all.len() - 1]);
        }
        crew.expect(secs(60), "a full mesh", |crew| crew.meshed(chan));
        let start = crew.world.now();
        let host = crew.host(all[0]);
        for turn in 1..=3u8 {
            crew.world.roam(host, [85, 0, 0, turn].into());
            crew.say(all[0], chan);
            crew.say(all[1], chan);
            agree(&mut crew, chan, secs(30));
            let pause = crew.world.dice.within(secs(40));
            crew.run(pause);
        }
        let moved = |event: &Event| matches!(event, Event::Link(_, LinkUpdate::Moved { .. }));
        let closed = |event: &Event| matches!(event, Event::Link(_, LinkUpdate::Closed { .. }));
        for who in &all[1..] {
            assert!(crew.told(*who, start, moved));
            assert!(!crew.told(*who, start, closed));
        }
        crew.finish()
    });
}

//! Restarts, crashes, full disks, old backups.

use crate::{agree, linked, secs};
use bitchat_core::node::{ChannelUpdate, Event, Node, StoreUpdate};
use bitchat_sim::scenario::assert_replays;
use std::time::Duration;

#[test]
fn a_restart_with_the_disk_goes_on_where_it_was() {
    assert_replays(0..4, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 2);
        crew.say(all[0], chan);
        crew.say(all[1], chan);
        agree(&mut crew, chan, secs(5));
        let before = crew.messages(all[0], chan);
        let device = crew.node(all[0]).and_then(Node::device);
        crew.quit(all[0]);
        crew.say(all[1], chan);
        crew.run(secs(30));
        crew.start(all[0]);
        crew.expect(secs(5), "the history", |crew| {
            crew.messages(all[0], chan).starts_with(&before)
        });
        assert_eq!(crew.node(all[0]).and_then(Node::device), device);
        crew.expect(secs(300), "a link", |crew| crew.meshed(chan));
        crew.say(all[0], chan);
        agree(&mut crew, chan, secs(5));
        assert_eq!(crew.messages(all[1], chan).len(), 4);
        crew.finish()
    });
}

#[test]
fn a_restart_without_the_disk_is_a_new_device_with_the_same_history() {
    assert_replays(0..4, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 2);
        crew.say(all[0], chan);
        crew.say(all[1], chan);
        agree(&mut crew, chan, secs(5));
        let device = crew.node(all[0]).and_then(Node::device);
        crew.kill(all[0]);
        crew.wipe(all[0]);
        crew.run(secs(2));
        crew.start(all[0]);
        crew.expect(secs(300), "a link", |crew| crew.meshed(chan));
        agree(&mut crew, chan, secs(60));
        assert_ne!(crew.node(all[0]).and_then(Node::device), device);
        crew.say(all[0], chan);
        agree(&mut crew, chan, secs(5));
        crew.finish()
    });
}

#[test]
fn kills_at_any_moment_lose_nothing_that_was_told() {
    assert_replays(0..8, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 3);
        for _ in 0..6 {
            let victim = all[crew.world.dice.index(all.len())];
            // Some words are being written while the process dies.
            for _ in 0..crew.world.dice.below(4) {
                crew.say(victim, chan);
                let pause = crew.world.dice.within(Duration::from_millis(6));
                crew.run(pause);
            }
            let moment = crew.world.dice.within(Duration::from_millis(60));
            crew.run(moment);
            crew.kill(victim);
            let away = crew.world.dice.within(secs(100));
            crew.run(away);
            crew.start(victim);
            let settle = crew.world.dice.within(secs(20));
            crew.run(settle);
        }
        crew.expect(secs(600), "a full mesh", |crew| crew.meshed(chan));
        crew.expect(secs(60), "agreement", |crew| crew.agreed(chan));
        crew.finish()
    });
}

#[test]
fn an_old_backup_does_not_equivocate() {
    assert_replays(0..4, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 3);
        crew.say(all[0], chan);
        agree(&mut crew, chan, secs(5));
        let host = crew.host(all[0]);
        let backup = crew.world.disk(host).snapshot();
        for _ in 0..3 {
            crew.say(all[0], chan);
        }
        agree(&mut crew, chan, secs(5));
        crew.kill(all[0]);
        crew.restore(all[0], backup);
        crew.start(all[0]);
        // It hears from those who know better before it speaks.
        crew.expect(secs(300), "a link", |crew| crew.meshed(chan));
        crew.run(secs(1));
        crew.say(all[0], chan);
        crew.expect(secs(300), "a full mesh", |crew| crew.meshed(chan));
        agree(&mut crew, chan, secs(60));
        crew.say(all[0], chan);
        agree(&mut crew, chan, secs(60));
        assert_eq!(crew.messages(all[1], chan).len(), 6);
        crew.finish()
    });
}

#[test]
fn a_full_disk_keeps_messages_waiting() {
    assert_replays(0..4, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 2);
        crew.say(all[0], chan);
        agree(&mut crew, chan, secs(5));
        let host = crew.host(all[0]);
        let start = crew.world.now();
        crew.world.disk(host).config.full = true;
        let own = crew.say(all[0], chan);
        let foreign = crew.say(all[1], chan);
        crew.run(secs(120));
        let failing = |event: &Event| matches!(event, Event::Store(StoreUpdate::Failing { .. }));
        let recovered = |event: &Event| matches!(event, Event::Store(StoreUpdate::Recovered));
        assert!(crew.told(all[0], start, failing) && !crew.told(all[0], start, recovered));
        // What is not stored has neither left nor been acknowledged.
        assert!(!crew.messages(all[1], chan).iter().any(|message| message.id == own));
        assert!(!crew.told(all[1], start, |event| {
            matches!(event, Event::Channel(_, ChannelUpdate::Delivered { id, .. }) if *id == foreign)
        }));
        crew.world.disk(host).config.full = false;
        agree(&mut crew, chan, secs(90));
        assert!(crew.told(all[0], start, recovered));
        crew.expect(secs(10), "the delivery", |crew| {
            crew.told(
                all[1],
                start,
                |event| matches!(event, Event::Channel(_, ChannelUpdate::Delivered { id, .. }) if *id == foreign),
            )
        });
        crew.finish()
    });
}

#[test]
fn a_flaky_slow_disk_only_delays() {
    assert_replays(0..3, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 2);
        for who in &all {
            let host = crew.host(*who);
            let disk = crew.world.disk(host);
            disk.config.flaky = 0.3;
            disk.config.latency = Duration::from_millis(150);
        }
        for turn in 0..20 {
            crew.say(all[turn % 2], chan);
            crew.run(Duration::from_millis(200));
        }
        agree(&mut crew, chan, secs(300));
        crew.finish()
    });
}

#[test]
fn a_late_joiner_gets_the_history() {
    assert_replays(0..3, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 2);
        for turn in 0..60 {
            crew.say(all[turn % 2], chan);
            if turn % 10 == 0 {
                crew.run(Duration::from_millis(100));
            }
        }
        agree(&mut crew, chan, secs(10));
        // The author of half of it is gone.
        crew.quit(all[0]);
        let late = crew.members(1, chan)[0];
        crew.expect(secs(120), "a link", |crew| crew.meshed(chan));
        agree(&mut crew, chan, secs(10));
        assert_eq!(crew.messages(late, chan).len(), 60);
        crew.finish()
    });
}

//! Finding each other, by every way there is.

use crate::{HTTP, UDP, agree, gather, linked, secs};
use bitchat_core::base::time::Timestamp;
use bitchat_core::node::{ChannelUpdate, Event, Node, TrackerState, TrackerUpdate};
use bitchat_sim::crew::Crew;
use bitchat_sim::net::LinkConfig;
use bitchat_sim::scenario::assert_replays;
use bitchat_sim::tracker::Mood;
use std::time::Duration;

#[test]
fn two_nodes_meet_through_a_udp_tracker_and_talk() {
    assert_replays(0..4, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 2);
        let hello = crew.say(all[0], chan);
        crew.say(all[1], chan);
        agree(&mut crew, chan, secs(5));
        crew.expect(secs(5), "the delivery", |crew| {
            crew.told(
                all[0],
                crew.world.now() - secs(20),
                |event| matches!(event, Event::Channel(_, ChannelUpdate::Delivered { id, .. }) if *id == hello),
            )
        });
        crew.finish()
    });
}

#[test]
fn two_nodes_meet_through_an_http_tracker() {
    assert_replays(0..4, |seed, text| {
        let mut crew = Crew::new(seed, text);
        crew.world.add_tracker("tracker.example", 6_969);
        let chan = crew.channel("web", &[HTTP]);
        let all = crew.members(2, chan);
        crew.expect(secs(60), "a link", |crew| crew.meshed(chan));
        crew.say(all[0], chan);
        agree(&mut crew, chan, secs(5));
        crew.finish()
    });
}

#[test]
fn two_nodes_meet_through_a_tracker_behind_tls() {
    assert_replays(0..2, |seed, text| {
        let mut crew = Crew::new(seed, text);
        crew.world.add_tracker("tracker.example", 443);
        let chan = crew.channel("tls", &["https://tracker.example/announce"]);
        crew.members(2, chan);
        crew.expect(secs(60), "a link", |crew| crew.meshed(chan));
        crew.finish()
    });
}

#[test]
fn five_nodes_form_a_full_mesh_and_converse() {
    assert_replays(0..3, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 5);
        for turn in 0..25 {
            let who = all[crew.world.dice.index(all.len())];
            crew.say(who, chan);
            if turn % 3 == 0 {
                crew.run(Duration::from_millis(40));
            }
        }
        agree(&mut crew, chan, secs(10));
        assert_eq!(crew.messages(all[0], chan).len(), 25);
        crew.finish()
    });
}

#[test]
fn simultaneous_opening_ends_with_one_link() {
    assert_replays(0..15, |seed, text| {
        let mut crew = Crew::new(seed, text);
        let chan = crew.channel("both", &[]);
        let all = crew.members(2, chan);
        let delay = Duration::from_millis(1 + crew.world.dice.below(200));
        crew.world.net.set_default(&LinkConfig::delay(delay));
        crew.run(secs(1));
        crew.introduce(all[0], all[1], chan);
        let gap = crew.world.dice.within(delay * 3);
        crew.run(gap);
        crew.introduce(all[1], all[0], chan);
        crew.expect(secs(20), "one link", |crew| crew.meshed(chan));
        crew.say(all[0], chan);
        crew.run(secs(70));
        assert!(crew.meshed(chan), "the link did not last");
        agree(&mut crew, chan, secs(1));
        crew.finish()
    });
}

#[test]
fn two_channels_share_one_link() {
    assert_replays(0..3, |seed, text| {
        let (mut crew, one, all) = linked(seed, text, 2);
        let two = crew.channel("second", &[UDP]);
        for who in &all {
            crew.join(*who, two);
        }
        crew.expect(secs(120), "the second channel", |crew| crew.meshed(two));
        for who in &all {
            assert_eq!(crew.node(*who).map(Node::links).unwrap_or_default().len(), 1);
        }
        crew.say(all[0], two);
        crew.say(all[1], one);
        agree(&mut crew, one, secs(5));
        agree(&mut crew, two, secs(5));
        // The link outlives the channel that made it.
        crew.leave(all[0], one);
        crew.run(secs(90));
        crew.say(all[1], two);
        agree(&mut crew, two, secs(5));
        assert!(crew.meshed(two));
        crew.finish()
    });
}

#[test]
fn peer_exchange_connects_whom_a_dead_tracker_does_not() {
    assert_replays(0..3, |seed, text| {
        let (mut crew, chan, all) = gather(seed, text, 2);
        crew.expect(secs(60), "the first link", |crew| crew.meshed(chan));
        let tracker = crew.world.hosts().next().unwrap();
        crew.world.net.set_unreachable(tracker, true);
        let late = crew.member();
        crew.join(late, chan);
        crew.start(late);
        crew.run(secs(2));
        assert!(!crew.meshed(chan));
        crew.introduce(late, all[0], chan);
        crew.expect(secs(150), "a link by peer exchange", |crew| crew.meshed(chan));
        crew.say(late, chan);
        agree(&mut crew, chan, secs(5));
        crew.finish()
    });
}

#[test]
fn a_bad_tracker_is_reported_and_found_well_again() {
    for mood in [Mood::Failing("not today".into()), Mood::Garbage, Mood::Silent] {
        for url in [UDP, HTTP] {
            assert_replays(0..2, |seed, text| {
                let mut crew = Crew::new(seed, text);
                let host = crew.world.add_tracker("tracker.example", 6_969);
                crew.world.tracker(host).mood = mood.clone();
                let chan = crew.channel("sick", &[url]);
                let all = crew.members(2, chan);
                let failed = |event: &Event| {
                    matches!(
                        event,
                        Event::Tracker(_, TrackerUpdate { state: TrackerState::Failed { .. }, .. })
                    )
                };
                crew.expect(secs(600), "a report", |crew| {
                    crew.told(all[0], Timestamp::ZERO, failed)
                });
                assert!(!crew.meshed(chan));
                crew.world.tracker(host).mood = Mood::Working;
                crew.expect(secs(2 * 3_600), "a link after all", |crew| crew.meshed(chan));
                crew.finish()
            });
        }
    }
}

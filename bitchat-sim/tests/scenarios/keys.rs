//! Key renewal.

use crate::{agree, linked, secs};
use bitchat_core::node::{CloseReason, Event, LinkUpdate, Node};
use bitchat_sim::crew::Crew;
use bitchat_sim::net::LinkConfig;
use bitchat_sim::scenario::assert_replays;
use std::time::Duration;

#[test]
fn keys_are_renewed_every_few_seconds_for_hours_of_traffic() {
    assert_replays(0..1, |seed, text| {
        let mut crew = Crew::new(seed, text);
        crew.world.add_tracker("tracker.example", 6_969);
        let chan = crew.channel("keys", &[crate::UDP]);
        let all = [crew.member(), crew.member()];
        for who in all {
            crew.config(who).rekey_interval = secs(5);
            crew.join(who, chan);
            crew.start(who);
        }
        let bad = LinkConfig { reorder: 0.2, duplicate: 0.05, ..LinkConfig::default().lossy(0.05) };
        crew.world.net.set_default(&bad);
        crew.expect(secs(120), "a link", |crew| crew.meshed(chan));
        // Sessions made at once over several addresses settle, on a line that loses some packets.
        crew.run(secs(10));
        let start = crew.world.now();
        for turn in 0..720 {
            crew.say(all[turn % 2], chan);
            let pause = crew.world.dice.within(secs(20));
            crew.run(pause);
        }
        agree(&mut crew, chan, secs(30));
        let links = crew.node(all[0]).map(Node::links).unwrap_or_default();
        assert!(links[0].generation > 300, "{links:?}");
        let closed = |event: &Event| matches!(event, Event::Link(_, LinkUpdate::Closed { .. }));
        assert!(!crew.told(all[0], start, closed), "a link did not survive");
        crew.finish()
    });
}

#[test]
fn renewal_by_hand_while_everybody_talks() {
    assert_replays(0..5, |seed, text| {
        let (mut crew, chan, all) = linked(seed, text, 3);
        let line = LinkConfig { reorder: 0.3, ..LinkConfig::default().lossy(0.1) };
        crew.world.net.set_default(&line);
        for _ in 0..40 {
            let who = all[crew.world.dice.index(all.len())];
            let host = crew.host(who);
            crew.world.call(host, Node::renew_keys);
            crew.say(who, chan);
            let pause = crew.world.dice.within(Duration::from_millis(300));
            crew.run(pause);
        }
        agree(&mut crew, chan, secs(60));
        let dead = |event: &Event| {
            matches!(
                event,
                Event::Link(_, LinkUpdate::Closed { reason: CloseReason::TimedOut, .. })
            )
        };
        assert!(!all.iter().any(|who| crew.events(*who).iter().any(|(_, event)| dead(event))));
        crew.finish()
    });
}

//! Joining with nothing but a link, where the line is bad and nodes are started again.

use crate::{UDP, agree, secs};
use bitchat_sim::crew::Crew;
use bitchat_sim::net::LinkConfig;
use bitchat_sim::scenario::assert_replays;
use bitchat_sim::trace::Trace;
use std::time::Duration;

/// Two members have the file, two others a link. `trouble` befalls them while they meet.
fn meet_by_link(
    seed: u64,
    text: bool,
    line: &LinkConfig,
    trouble: impl Fn(&mut Crew, usize),
) -> Trace {
    let mut crew = Crew::new(seed, text);
    crew.world.add_tracker("tracker.example", 6_969);
    crew.world.net.set_default(line);
    let chan = crew.channel("crew", &[UDP]);
    let givers = crew.members(2, chan);
    crew.expect(secs(300), "the members are ready", |crew| {
        givers.iter().all(|who| crew.ready(*who, chan))
    });
    crew.say(givers[0], chan);
    let takers = [crew.member(), crew.member()];
    for taker in takers {
        crew.join_by_link(taker, chan);
        crew.start(taker);
    }
    (0..4).for_each(|round| trouble(&mut crew, round));
    crew.expect(secs(600), "a link is enough", |crew| {
        crew.all().all(|who| crew.ready(who, chan)) && crew.meshed(chan)
    });
    for taker in takers {
        crew.say(taker, chan);
    }
    agree(&mut crew, chan, secs(120));
    crew.finish()
}

#[test]
fn a_link_is_enough_over_lines_that_lose_double_and_reorder() {
    let line = LinkConfig {
        duplicate: 0.2,
        reorder: 0.2,
        reorder_by: Duration::from_millis(100),
        ..LinkConfig::default().lossy(0.2)
    };
    assert_replays(0..4, |seed, text| meet_by_link(seed, text, &line, |_, _| {}));
}

/// A giver or a taker falls over every few seconds: before it has met anybody, in the midst of what
/// it is given, or when it has just stored it.
#[test]
fn a_link_is_enough_where_nodes_are_started_again() {
    let line = LinkConfig::default().lossy(0.1);
    assert_replays(0..6, |seed, text| {
        meet_by_link(seed, text, &line, |crew, round| {
            let pause = crew.world.dice.within(secs(3));
            crew.run(pause);
            let all: Vec<_> = crew.all().collect();
            let who = all[(round + usize::try_from(seed).unwrap_or(0)) % all.len()];
            crew.kill(who);
            let pause = crew.world.dice.within(secs(2));
            crew.run(pause);
            crew.start(who);
        })
    });
}

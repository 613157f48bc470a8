//! Anything at any time.

use crate::{gather, secs};
use bitchat_sim::crew::{Chan, Crew, Who};
use bitchat_sim::net::{HostId, LinkConfig, Loss};
use bitchat_sim::scenario::assert_replays;
use bitchat_sim::tracker::Mood;
use std::time::Duration;

fn some_line(crew: &mut Crew) -> LinkConfig {
    let dice = &mut crew.world.dice;
    let loss = match dice.below(3) {
        0 => Loss::None,
        1 => Loss::Random(dice.below(30) as f64 / 100.0),
        _ => Loss::Bursts {
            good_for: secs(1),
            bad_for: Duration::from_millis(100),
            good: 0.01,
            bad: 0.8,
        },
    };
    LinkConfig {
        delay: dice.within(Duration::from_millis(250)),
        rate: dice.chance(0.4).then(|| 200_000 + dice.below(10_000_000)),
        queue: 8 * 1_024 + dice.index(100_000),
        loss,
        duplicate: dice.below(10) as f64 / 100.0,
        reorder: dice.below(30) as f64 / 100.0,
        reorder_by: Duration::from_millis(100),
        corrupt: dice.below(3) as f64 / 100.0,
        ..LinkConfig::default()
    }
}

fn step(crew: &mut Crew, chan: Chan, all: &[Who]) {
    let who = all[crew.world.dice.index(all.len())];
    let runs = crew.node(who).is_some();
    let host = crew.host(who);
    match crew.world.dice.below(16) {
        0 if runs => crew.kill(who),
        1 if runs => crew.quit(who),
        2 => {
            let line = some_line(crew);
            crew.world.net.set_default(&line);
        }
        3 => {
            let split = crew.world.dice.index(all.len());
            let hosts: Vec<_> = all.iter().map(|who| crew.host(*who)).collect();
            crew.world.net.partition(&[&hosts[..split], &hosts[split..]]);
        }
        4 | 5 => crew.world.net.heal(),
        6 => {
            let full = crew.world.dice.chance(0.4);
            crew.world.disk(host).config.full = full;
        }
        7 => {
            let moods = [Mood::Working, Mood::Silent, Mood::Garbage];
            let mood = moods[crew.world.dice.index(moods.len())].clone();
            // The tracker was the first host.
            crew.world.tracker(HostId(0)).mood = mood;
        }
        _ if crew.ready(who, chan) => drop(crew.say(who, chan)),
        _ if runs => {}
        _ => crew.start(who),
    }
}

#[test]
fn anything_may_happen_and_everybody_agrees_in_the_end() {
    assert_replays(0..10, |seed, text| {
        let (mut crew, chan, all) = gather(seed, text, 4);
        crew.allowed.tracker_violations = true;
        for _ in 0..60 {
            step(&mut crew, chan, &all);
            let longest = [secs(1), secs(5), secs(60)][crew.world.dice.index(3)];
            let pause = crew.world.dice.within(longest);
            crew.run(pause);
        }
        crew.world.tracker(HostId(0)).mood = Mood::Working;
        crew.world.net.heal();
        crew.world.net.set_default(&LinkConfig::default());
        for who in &all {
            let host = crew.host(*who);
            crew.world.disk(host).config.full = false;
            if crew.node(*who).is_none() {
                crew.start(*who);
            }
        }
        crew.expect(secs(3_600), "a full mesh", |crew| crew.meshed(chan));
        crew.expect(secs(120), "agreement", |crew| crew.agreed(chan));
        crew.finish()
    });
}

//! Whole chats in a simulated world: every scenario over several seeds, each replayed.
//! `SIM_SEED=n` replays one seed with its trace, `SIM_CASES=n` runs n times as many.

mod backends;
mod by_link;
mod chaos;
mod clocks;
mod dht;
mod durability;
mod keys;
mod meeting;
mod paths;
mod quiet;
mod silence;
mod weather;

use bitchat_sim::crew::{Chan, Crew, Who};
use std::time::Duration;

const UDP: &str = "udp://tracker.example:6969/announce";
const HTTP: &str = "http://tracker.example:6969/announce";

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A crew with a tracker and `count` members of one channel, all running.
fn gather(seed: u64, text: bool, count: usize) -> (Crew, Chan, Vec<Who>) {
    let mut crew = Crew::new(seed, text);
    crew.world.add_tracker("tracker.example", 6_969);
    let chan = crew.channel("crew", &[UDP]);
    let all = crew.members(count, chan);
    (crew, chan, all)
}

/// As [`gather`], linked to each other.
fn linked(seed: u64, text: bool, count: usize) -> (Crew, Chan, Vec<Who>) {
    let (mut crew, chan, all) = gather(seed, text, count);
    crew.expect(secs(60), "a full mesh", |crew| crew.meshed(chan));
    (crew, chan, all)
}

/// Everybody gets everything that was said.
fn agree(crew: &mut Crew, chan: Chan, limit: Duration) {
    crew.expect(limit, "agreement", |crew| crew.all_said(chan) && crew.agreed(chan));
}

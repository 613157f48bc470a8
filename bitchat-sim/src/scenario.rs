//! Running a scenario over many seeds, twice each.

use crate::trace::Trace;
use std::env;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// Runs `scenario` for `seeds`, twice each, and compares the traces byte for byte. The scenario is
/// given the seed and whether its trace should keep its text.
///
/// - `SIM_SEED=n` runs that seed only and prints its trace.
/// - `SIM_CASES=n` multiplies the number of seeds.
///
/// # Panics
/// If the scenario does, after printing the seed; or if two runs of a seed differ.
pub fn assert_replays(seeds: Range<u64>, scenario: impl Fn(u64, bool) -> Trace) {
    if let Some(seed) = number("SIM_SEED") {
        let trace = scenario(seed, true);
        println!("{}", trace.text().unwrap_or_default());
        return;
    }
    let more = (seeds.end - seeds.start) * number("SIM_CASES").unwrap_or(1);
    for seed in seeds.start..seeds.start + more {
        let run = |text| match catch_unwind(AssertUnwindSafe(|| scenario(seed, text))) {
            Ok(trace) => trace,
            Err(panic) => {
                println!("replay it with SIM_SEED={seed}");
                resume_unwind(panic);
            }
        };
        let (one, other) = (run(false), run(false));
        if one.hash() != other.hash() {
            let (one, other) = (run(true), run(true));
            panic!("two runs of seed {seed} differ:\n{}", difference(&one, &other));
        }
    }
}

fn difference(one: &Trace, other: &Trace) -> String {
    let (one, other) = (one.text().unwrap_or_default(), other.text().unwrap_or_default());
    let mut lines = one.lines().zip(other.lines());
    match lines.find(|(one, other)| one != other) {
        Some((one, other)) => format!("{one}\n{other}"),
        None => "one of them goes on for longer, or only some runs differ".into(),
    }
}

#[cfg(test)]
mod tests;

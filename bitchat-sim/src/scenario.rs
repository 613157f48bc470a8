//! Running a scenario over many seeds, twice each.

use crate::trace::Trace;
use std::env;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// Runs `scenario` for `seeds`, twice each, and compares the traces byte for byte. The scenario is
/// given the seed and whether its trace should keep its text.
///
/// - `SIM_SEED=n` runs that seed only and prints its trace.
/// - `SIM_CASES=n` multiplies the number of seeds.
/// - `SIM_OUTWARD=path` appends a line for each seed to that file: the test, the seed and the hash of
///   all that left a host. Sorted, the files of two builds are equal where no byte was to change.
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
        if let Some(path) = env::var_os("SIM_OUTWARD") {
            note(&path, seed, &one);
        }
    }
}

fn note(path: &OsStr, seed: u64, trace: &Trace) {
    let hash =
        trace.outward_hash().iter().fold(String::new(), |all, byte| all + &format!("{byte:02x}"));
    let thread = thread::current();
    let line = format!("{} {seed} {hash}\n", thread.name().unwrap_or("main"));
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the file of SIM_OUTWARD");
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

//! What hostile input costs grows no faster than the input: ten times as much of it takes at most ten
//! times as many instructions, and memory stays within named limits (spec 12 §What hostile input
//! costs).
//!
//! Instructions are counted by valgrind's callgrind, which is exact and the same in every run; time
//! is not measured. A test binary of its own, because it counts every allocation of its process.

mod links;
mod nodes;
mod parsers;
mod received;
mod sent;

use allocation_counter::measure;
use std::env;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

/// Hostile input, made ready: the call takes it all in. It may be called once.
pub(crate) type Job = Box<dyn FnMut()>;

/// What a hostile peer does, and what it may cost.
pub(crate) struct Attack {
    /// Its name.
    pub(crate) name: &'static str,
    /// How many units make the short input; the long one has ten times as many.
    pub(crate) units: usize,
    /// Bytes that the long input may make us hold at once.
    pub(crate) memory: u64,
    /// Makes an input of so many units.
    pub(crate) prepare: fn(usize) -> Job,
}

/// So much longer is the long input.
const FACTOR: usize = 10;
/// The cost may grow by a tenth more than the input: trees get deeper, and counters longer.
const TOLERANCE: f64 = 1.1;
/// Names the test that is run inside of callgrind.
const INSIDE: &str = "BITCHAT_GROWTH_INSIDE";

fn attacks() -> impl Iterator<Item = Attack> {
    let all = received::ATTACKS.iter().chain(sent::ATTACKS).chain(links::ATTACKS);
    all.chain(parsers::ATTACKS).chain(nodes::ATTACKS).map(|attack| Attack { ..*attack })
}

/// Work that grows with the square of the input: the measure must see it.
fn quadratic(units: usize) -> Job {
    Box::new(move || {
        for one in 0..units {
            (0..units).for_each(|other| assert!(black_box(one + other) < 2 * units));
        }
    })
}

/// What callgrind counts: nothing else.
#[inline(never)]
fn growth_work(job: &mut Job) {
    black_box(job)();
}

/// BC-12.60
#[test]
fn hostile_input_holds_no_more_memory_than_its_limit() {
    for Attack { name, units, memory, prepare } in attacks() {
        let mut long = prepare(units * FACTOR);
        let long = measure(&mut long);
        println!("{name}: {long:?}");
        assert!(long.bytes_max <= memory, "{name}: {} of {memory} bytes", long.bytes_max);
    }
}

/// BC-12.61
#[test]
fn hostile_input_costs_in_proportion_to_its_length() {
    if env::var_os(INSIDE).is_some() {
        for Attack { units, prepare, .. } in attacks() {
            for units in [units, units * FACTOR] {
                growth_work(&mut prepare(units));
            }
        }
        [40, 40 * FACTOR].into_iter().for_each(|units| growth_work(&mut quadratic(units)));
        return;
    }
    let present = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if !present.is_ok_and(|status| status.success()) {
        println!("FOREIGN TEST SKIPPED: cost of hostile input (apt-get install valgrind)");
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let mut counts = instructions(dir.path());
    let control = counts.split_off(2 * attacks().count());
    assert!(control[1] > control[0] * 50, "what is quadratic is seen: {control:?}");
    let mut faults = Vec::new();
    for (Attack { name, units, .. }, costs) in attacks().zip(counts.chunks(2)) {
        let [short, long] = *costs else { panic!("{name}: not counted twice") };
        let ratio = long as f64 / short as f64;
        println!("{name}: {units} units, {} instructions each, {ratio:.2}", short / units as u64);
        if ratio > FACTOR as f64 * TOLERANCE {
            faults.push(format!("{name}: ten times the input costs {ratio:.2} times as much"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    println!("FOREIGN TEST RAN: cost of hostile input, counted by callgrind");
}

/// The instructions of each call of [`growth_work`], in order.
fn instructions(dir: &Path) -> Vec<u64> {
    let out = dir.join("out");
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--toggle-collect=growth::growth_work",
            "--dump-after=growth::growth_work",
        ])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe().expect("this test"))
        .args(["--exact", "hostile_input_costs_in_proportion_to_its_length", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .expect("valgrind runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let failed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{failed}\n{said}");
    (1..)
        .map_while(|number| fs::read_to_string(dir.join(format!("out.{number}"))).ok())
        .filter_map(|dump| {
            let total = dump.lines().find_map(|line| line.strip_prefix("totals: "))?;
            total.trim().parse().ok()
        })
        .filter(|total| *total > 0)
        .collect()
}

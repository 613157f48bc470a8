//! Bit Chat beside its peers: CPU time, real sockets, lossy lines in virtual time. `benches/README.md`
//! says how to read what it prints.

mod alloc;
mod cpu;
mod line;
mod loopback;
mod machine;
mod measure;
mod plot;
mod report;

use bitchat_core::crypto::suite::Suite;
use machine::Machine;
use report::Report;
use std::error::Error;
use std::fs;
use std::path::Path;

/// The back ends of Bit Chat's cryptography, the default first.
const AWS_LC: Suite = Suite::ALL[1];
const RUST_CRYPTO: Suite = Suite::ALL[0];

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

/// How many runs of what chance decides.
#[derive(Clone, Copy, Debug)]
struct Seeds {
    /// Of each figure.
    figure: u64,
    /// When looking for sessions that die.
    survival: u64,
}

type Group = fn(Seeds) -> Report;

/// The groups, by the names that they are asked for on the command line.
const GROUPS: [(&str, Group); 10] = [
    ("handshake", |_| cpu::handshake()),
    ("bulk", |_| cpu::bulk()),
    ("messages", |_| cpu::messages()),
    ("idle", |_| cpu::idle()),
    ("mesh", |_| cpu::meshing()),
    ("loopback", |_| loopback::report()),
    ("goodput", |seeds| line::goodput::report(seeds.figure)),
    ("survival", |seeds| line::survival::report(seeds.survival)),
    ("latency", |seeds| line::latency::report(seeds.figure)),
    ("fairness", |seeds| line::fairness::report(seeds.figure)),
];

const HELP: &str = "usage: bitchat-compare [--seeds N] [GROUP...]
  Without groups: all of them, and the result is written to benches/results/.
  --seeds N   runs of each bad line when looking for sessions that die (100)
  groups: ";

fn main() -> Result<(), Box<dyn Error>> {
    let mut names = Vec::new();
    let mut seeds = Seeds { figure: 3, survival: 100 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seeds" => {
                seeds.survival = words.next().and_then(|number| number.parse().ok()).ok_or(HELP)?;
            }
            name if GROUPS.iter().any(|(group, _)| *group == name) => names.push(word),
            // What `cargo bench` would add, and everything unknown.
            _ => {
                let groups = GROUPS.map(|(group, _)| group).join(", ");
                return Err(format!("{word} is no group\n{HELP}{groups}").into());
            }
        }
    }
    let mut report = Report::default();
    for (name, group) in GROUPS {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            let before = measure::process_cpu();
            report.append(group(seeds));
            let spent = measure::process_cpu() - before;
            eprintln!("{name}: {:.1} s of CPU time", spent.as_secs_f64());
        }
    }
    let machine = Machine::here();
    let facts: String = machine.lines.iter().map(|line| format!("- {line}\n")).collect();
    let title = format!("# {}, {}", machine.date, machine.short);
    let text = format!("{title}\n\n{facts}{}", report.markdown());
    print!("{text}");
    if !names.is_empty() {
        // A part of the figures is for looking at; the file holds all of one run.
        return Ok(());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results");
    fs::create_dir_all(&folder)?;
    for plot in &report.plots {
        fs::write(folder.join(format!("compare-{}.svg", plot.name)), &plot.svg)?;
    }
    fs::write(folder.join(format!("{}-{}-compare.md", machine.date, machine.short)), text)?;
    Ok(())
}

//! Searches all orders of events of the models.
//!
//! `cargo run --release` takes a minute; `-- --full` goes far, and writes `RESULTS.md`; `--threads N`.

use bitchat_models::{Extent, Report, check_all};
use std::fmt::Write as _;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let extent = if args.iter().any(|arg| arg == "--full") { Extent::Full } else { Extent::Quick };
    let threads = args.iter().skip_while(|arg| *arg != "--threads").nth(1);
    let threads = threads.and_then(|number| number.parse().ok()).unwrap_or(1);
    let mut reports = Vec::new();
    check_all(extent, threads, |report| {
        println!(
            "{}: {} states, depth {}, {:?}",
            report.name, report.states, report.depth, report.time
        );
        report.broken.iter().for_each(|(what, how)| println!("  BROKEN: {what}: {how}"));
        reports.push(report);
    });
    let states: usize = reports.iter().map(|report| report.states).sum();
    let broken: usize = reports.iter().map(|report| report.broken.len()).sum();
    println!("{states} states, {broken} properties broken");
    if extent == Extent::Full {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS.md");
        if let Err(error) = std::fs::write(path, table(&reports, states, broken)) {
            eprintln!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    }
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn table(reports: &[Report], states: usize, broken: usize) -> String {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let commit = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let mut out = format!(
        "# What the models came to\n\nWritten by `cargo run --release -- --full` in `models/`, at commit `{}`.\n\n\
         | model | states | depth | seconds | broken |\n|---|---:|---:|---:|---:|\n",
        commit.unwrap_or_default()
    );
    for report in reports {
        let Report { name, states, depth, time, broken } = report;
        let (seconds, broken) = (time.as_secs(), broken.len());
        let _ = writeln!(out, "| {name} | {states} | {depth} | {seconds} | {broken} |");
    }
    let seconds: u64 = reports.iter().map(|report| report.time.as_secs()).sum();
    let _ = writeln!(out, "| **all** | **{states}** | | {seconds} | **{broken}** |");
    out
}

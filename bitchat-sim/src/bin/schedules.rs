//! Runs schedules by the million; see [`bitchat_sim::schedule`].
//!
//! ```text
//! schedules [--first N] [--count N] [--shard N] [--dir PATH]   run, one file for each shard
//! schedules --seed N                                           run one and say what happens
//! schedules --table [--dir PATH]                               sum the files into a table
//! ```
//!
//! A shard that has its file is not run again, so that a run which was stopped goes on where it
//! was. Several processes may run different seeds into one directory. Files are kept by commit:
//! numbers of different programs are never mixed.

use bitchat_sim::schedule::run;
use bitchat_sim::schedule::table::Tally;
use std::env;
use std::error::Error;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/results/schedules.md");

struct Options {
    seeds: Range<u64>,
    shard: u64,
    dir: PathBuf,
    seed: Option<u64>,
    table: bool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let (mut first, mut count) = (0, 100_000);
        let dir = PathBuf::from("target/schedules");
        let mut options = Self { seeds: 0..0, shard: 10_000, dir, seed: None, table: false };
        while let Some(name) = args.next() {
            if name == "--table" {
                options.table = true;
                continue;
            }
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--first" => first = value.parse()?,
                "--count" => count = value.parse()?,
                "--shard" => options.shard = value.parse::<u64>()?.max(1),
                "--dir" => options.dir = value.into(),
                "--seed" => options.seed = Some(value.parse()?),
                _ => return Err(format!("unknown option {name}; see the top of its source").into()),
            }
        }
        options.seeds = first..first.checked_add(count).ok_or("too many seeds")?;
        Ok(options)
    }
}

fn main() -> ExitCode {
    let result = Options::parse(env::args().skip(1)).and_then(|options| match options.seed {
        Some(seed) => Ok(explain(seed)),
        None if options.table => write_table(&options.dir),
        None => run_all(&options),
    });
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// The commit that is run, marked if the files differ from it.
fn commit() -> Result<String, Box<dyn Error>> {
    let git = |args: &[&str]| -> Result<String, Box<dyn Error>> {
        let output = Command::new("git").args(args).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--", "*.rs", "*.toml", "Cargo.lock"])?;
    let mark = if changed.is_empty() { "" } else { "-changed" };
    Ok(git(&["rev-parse", "--short=12", "HEAD"])? + mark)
}

fn explain(seed: u64) -> bool {
    match run(seed, true) {
        Ok(outcome) => {
            println!("{}recovered in {:?}", outcome.words, outcome.recovery);
            true
        }
        Err(failure) => {
            println!("{}{failure}", failure.words);
            false
        }
    }
}

fn run_all(options: &Options) -> Result<bool, Box<dyn Error>> {
    let dir = options.dir.join(commit()?);
    fs::create_dir_all(&dir)?;
    // Panics are caught and counted with their seeds.
    std::panic::set_hook(Box::new(|_| {}));
    let mut sound = true;
    let mut first = options.seeds.start;
    while first < options.seeds.end {
        let seeds = first..(first + options.shard).min(options.seeds.end);
        first = seeds.end;
        let file = dir.join(format!("{:012}-{:012}.txt", seeds.start, seeds.end));
        if !file.exists() {
            sound &= run_shard(&file, seeds)?;
        }
    }
    Ok(sound)
}

fn run_shard(file: &Path, seeds: Range<u64>) -> Result<bool, Box<dyn Error>> {
    let start = Instant::now();
    let mut tally = Tally::default();
    for seed in seeds.clone() {
        if let Err(failure) = tally.run(seed) {
            println!("{failure}");
        }
    }
    let each = start.elapsed() / u32::try_from(tally.schedules().max(1))?;
    println!("seeds {seeds:?}: {} failed; {each:?} each", tally.failures());
    // In one step, so that no half-written file counts as done.
    let part = file.with_extension("part");
    fs::write(&part, tally.to_text())?;
    fs::rename(part, file)?;
    Ok(tally.failures() == 0)
}

fn write_table(dir: &Path) -> Result<bool, Box<dyn Error>> {
    let commit = commit()?;
    let dir = dir.join(&commit);
    let mut tally = Tally::default();
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for entry in fs::read_dir(&dir).map_err(|error| format!("{}: {error}", dir.display()))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let Some((from, to)) =
            name.split_once('-').filter(|_| path.extension() == Some("txt".as_ref()))
        else {
            continue;
        };
        ranges.push((from.parse()?, to.parse()?));
        let shard = Tally::from_text(&fs::read_to_string(&path)?);
        tally.merge(&shard.ok_or_else(|| format!("{} is not a shard", path.display()))?);
    }
    let seeds = merged(ranges)?;
    fs::create_dir_all(Path::new(TABLE).parent().unwrap_or(Path::new(".")))?;
    fs::write(TABLE, tally.table(&commit, &seeds))?;
    println!("{} schedules, {} failed: {TABLE}", tally.schedules(), tally.failures());
    Ok(tally.failures() == 0)
}

/// The seeds in words; an error if one is counted twice.
fn merged(mut ranges: Vec<(u64, u64)>) -> Result<String, Box<dyn Error>> {
    ranges.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for (from, to) in ranges {
        match merged.last_mut() {
            Some((_, end)) if from < *end => {
                return Err("shards overlap: use one size of shard".into());
            }
            Some((_, end)) if from == *end => *end = to,
            _ => merged.push((from, to)),
        }
    }
    let words: Vec<String> =
        merged.iter().map(|(from, to)| format!("{from} to {}", to.saturating_sub(1))).collect();
    Ok(words.join(", "))
}

//! Many schedules: counted in shards, one small file each, and the table that sums them.

use super::{Failure, Outcome, run};
use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::panic::catch_unwind;

/// Upper bounds of the columns of recovery times, in milliseconds.
const COLUMNS: [u64; 12] = [0, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000];
/// How many of the slowest schedules are named.
const WORST: usize = 10;
/// Every so many schedules one is run twice, and must be the same byte for byte.
const REPLAY_EVERY: u64 = 64;

/// What some schedules came to, together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sums and maxima by name.
    numbers: BTreeMap<String, u64>,
    /// The slowest to recover: milliseconds, seed.
    worst: Vec<(u64, u64)>,
    /// Those in which something did not hold.
    failures: Vec<(u64, String)>,
}

/// Numbers of which the largest counts, not the sum.
const MAXIMA: [&str; 2] = ["busiest second", "slowest recovery, ms"];

impl Tally {
    /// How many schedules failed.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.failures.len()
    }

    /// How many schedules were run.
    #[must_use]
    pub fn schedules(&self) -> u64 {
        self.get("schedules")
    }

    fn get(&self, name: &str) -> u64 {
        self.numbers.get(name).copied().unwrap_or(0)
    }

    fn count(&mut self, name: &str, number: u64) {
        let entry = self.numbers.entry(name.to_owned()).or_default();
        *entry =
            if MAXIMA.contains(&name) { number.max(*entry) } else { entry.wrapping_add(number) };
    }

    /// Runs the schedule numbered `seed` and counts it. A failure is returned as well.
    ///
    /// # Errors
    /// [`Failure`] if something did not hold.
    pub fn run(&mut self, seed: u64) -> Result<(), Failure> {
        let result = checked(seed);
        self.count("schedules", 1);
        match &result {
            Ok(outcome) => self.add(seed, outcome),
            Err(failure) => self.failures.push((seed, failure.what.clone())),
        }
        result.map(|_| ())
    }

    fn add(&mut self, seed: u64, outcome: &Outcome) {
        self.count("digest", outcome.hash);
        self.count("packets", outcome.packets);
        self.count("packets above 1,200 bytes", outcome.large_packets);
        self.count("messages", outcome.messages);
        self.count("key renewals", outcome.renewals);
        self.count("sessions", outcome.sessions);
        self.count("replayed", u64::from(seed.is_multiple_of(REPLAY_EVERY)));
        self.count("simulated seconds", outcome.simulated.as_secs());
        self.count("with several addresses", u64::from(outcome.several_addresses));
        self.count("in which a link moved", u64::from(outcome.moves > 0));
        self.count("in which an address in use died", u64::from(outcome.address_died));
        self.count("with copies from elsewhere", u64::from(outcome.raced));
        if let Some(shaken) = &outcome.handshakes {
            self.count("with the real handshake", 1);
            self.count("real handshakes begun", shaken.attempts);
            self.count("real handshakes that made a session", shaken.completed);
            self.count("of these with what an earlier one left", shaken.resumed);
            self.count("sessions without another end, given up", shaken.withdrawn);
        }
        self.count("busiest second", outcome.busiest_second.into());
        let Some(recovery) = outcome.recovery else {
            self.count("closed in the storm", 1);
            return;
        };
        let millis = u64::try_from(recovery.as_millis()).unwrap_or(u64::MAX);
        self.count("slowest recovery, ms", millis);
        let column = COLUMNS.iter().find(|column| millis <= **column).unwrap_or(&u64::MAX);
        self.count(&column_name(*column), 1);
        self.worst.push((millis, seed));
        self.cut_worst();
    }

    fn cut_worst(&mut self) {
        self.worst.sort_unstable_by(|one, other| other.cmp(one));
        self.worst.truncate(WORST);
    }

    /// Adds what others came to.
    pub fn merge(&mut self, other: &Self) {
        other.numbers.iter().for_each(|(name, number)| self.count(name, *number));
        self.worst.extend(&other.worst);
        self.cut_worst();
        self.failures.extend(other.failures.iter().cloned());
    }

    /// As the text of a shard's file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for (name, number) in &self.numbers {
            let _ = writeln!(out, "number\t{number}\t{name}");
        }
        for (millis, seed) in &self.worst {
            let _ = writeln!(out, "worst\t{millis}\t{seed}");
        }
        for (seed, what) in &self.failures {
            let _ = writeln!(out, "failure\t{seed}\t{}", what.replace(['\n', '\t'], " "));
        }
        out
    }

    /// Reads the text of a shard's file; `None` if it is not one.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut tally = Self::default();
        for line in text.lines() {
            let mut fields = line.splitn(3, '\t');
            let (kind, number) = (fields.next()?, fields.next()?.parse().ok()?);
            let rest = fields.next()?;
            match kind {
                "number" => drop(tally.numbers.insert(rest.to_owned(), number)),
                "worst" => tally.worst.push((number, rest.parse().ok()?)),
                "failure" => tally.failures.push((number, rest.to_owned())),
                _ => return None,
            }
        }
        Some(tally)
    }

    /// The table of all shards, as Markdown.
    #[must_use]
    pub fn table(&self, commit: &str, seeds: &str) -> String {
        let recovered: u64 = COLUMNS.iter().map(|column| self.get(&column_name(*column))).sum();
        let mut out = format!(
            "# Schedules\n\n\
             Two links, a bad line, and everything that can befall them; what must hold is in\n\
             `bitchat-sim/src/schedule/mod.rs`. This file is written by\n\
             `cargo run --release -p bitchat-sim --bin schedules -- --table`.\n\n\
             Commit `{commit}`, seeds {seeds}.\n\n| | |\n|---|---:|\n"
        );
        let mut row = |name: &str, number: String| {
            let _ = writeln!(out, "| {name} | {number} |");
        };
        row("schedules", self.schedules().to_string());
        row("failed", self.failures.len().to_string());
        row("run twice and compared", self.get("replayed").to_string());
        for name in ["with several addresses", "in which an address in use died"]
            .into_iter()
            .chain(["in which a link moved", "with copies from elsewhere"])
        {
            row(name, self.get(name).to_string());
        }
        for name in ["with the real handshake", "real handshakes begun"].into_iter().chain([
            "real handshakes that made a session",
            "of these with what an earlier one left",
            "sessions without another end, given up",
        ]) {
            row(name, self.get(name).to_string());
        }
        for name in ["closed in the storm", "sessions", "key renewals", "messages", "packets"]
            .into_iter()
            .chain(["packets above 1,200 bytes"])
        {
            row(name, self.get(name).to_string());
        }
        row("simulated hours", (self.get("simulated seconds") / 3_600).to_string());
        row("most wake-ups of an end in one second", self.get("busiest second").to_string());
        row("sum of all hashes", format!("{:016x}", self.get("digest")));
        out.push_str("\nTime from the end of the storm until everything was in order:\n\n");
        out.push_str("| at most | schedules | share so far |\n|---:|---:|---:|\n");
        let mut so_far = 0;
        for column in COLUMNS {
            let number = self.get(&column_name(column));
            so_far += number;
            let share = so_far as f64 * 100.0 / recovered.max(1) as f64;
            let _ = writeln!(out, "| {column} ms | {number} | {share:.3} % |");
        }
        out.push_str("\nThe slowest:\n\n| seed | ms |\n|---:|---:|\n");
        for (millis, seed) in &self.worst {
            let _ = writeln!(out, "| {seed} | {millis} |");
        }
        if !self.failures.is_empty() {
            out.push_str("\nFailed:\n\n");
            for (seed, what) in &self.failures {
                let _ = writeln!(out, "- {seed}: {what}");
            }
        }
        out
    }
}

fn column_name(millis: u64) -> String {
    format!("recovered in {millis} ms")
}

/// Runs a schedule; a panic in it is a failure as well, and some are run twice.
fn checked(seed: u64) -> Result<Outcome, Failure> {
    let failure = |what: String| Failure { seed, what, words: String::new() };
    let caught = || catch_unwind(|| run(seed, false));
    let outcome = caught().map_err(|panic| failure(format!("panic: {}", words_of(&*panic))))??;
    if seed.is_multiple_of(REPLAY_EVERY) {
        let again = caught().map_err(|_| failure("it panics the second time".to_owned()))??;
        if again != outcome {
            return Err(failure("two runs of it differ".to_owned()));
        }
    }
    Ok(outcome)
}

fn words_of(panic: &(dyn core::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests;

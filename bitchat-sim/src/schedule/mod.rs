//! Schedules: what can befall the two ends of a link, in any order, decided by one number.
//!
//! A schedule is two real [`Link`](bitchat_core::link::Link)s with real keys over a line that loses,
//! doubles, reorders and damages packets, is cut and mended, carries packets of any size from 1,228 to
//! 65,535 bytes and then of another, while each end computes with one back end or the other, addresses
//! change with or without the host knowing, one of two addresses dies, somebody forwards copies of
//! packets faster than the line, clocks jump, keys are renewed, ends restart, and sessions are opened and closed from both
//! sides at once. In one of eight the sessions are made by the real handshake, over the same line and
//! from both sides at once. It lasts up to a minute of its own time and a few milliseconds of ours, so that
//! millions of them can be run; `cargo run --release -p bitchat-sim --bin schedules` does.
//!
//! What must hold in each, whatever happens:
//! - A message that a session took comes out of it once, whole and in its turn; what was
//!   acknowledged is there after a restart.
//! - No damaged packet and no copy is taken for a new one.
//! - [`RECOVERY`] after the storm is over, one session is open on both sides, its keys are the same,
//!   and everything that was said has arrived; after as long again both sides send to where the
//!   other really is.
//! - An end sleeps until its deadline and has nothing to send before; it never spins.
//! - What it holds stays within its limits.
//! - A close is heard, or the other side finds out by itself; nothing is left over.
//!
//! Left out is what takes longer than that by design, since neither end can know where the other is, or
//! that it is gone: both ends at new addresses at once; with real handshakes, one that has restarted
//! while the other moves, and a session made through somebody who then leaves.

mod acts;
mod end;
mod greeter;
mod laws;
mod log;
mod mail;
mod place;
mod plan;
mod register;
mod session;
pub mod table;
mod world;

use crate::dice::Dice;
use bitchat_core::base::time::Timestamp;
use core::time::Duration;
pub use laws::RECOVERY;
use plan::Plan;
use world::Run;

/// What a schedule came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Stands for every packet and when it was sent.
    pub hash: u64,
    /// How long after the storm everything was in order again; nothing if a close came before.
    pub recovery: Option<Duration>,
    /// Packets sent.
    pub packets: u64,
    /// Of these, larger than every path carries.
    pub large_packets: u64,
    /// Messages that were said.
    pub messages: u64,
    /// Key renewals, of both ends.
    pub renewals: u64,
    /// Sessions that were made.
    pub sessions: u64,
    /// The most wake-ups of an end in one second.
    pub busiest_second: u32,
    /// Both ends had a second address, and said so.
    pub several_addresses: bool,
    /// How often a link found its peer elsewhere.
    pub moves: u32,
    /// An address died that a link used.
    pub address_died: bool,
    /// Somebody forwarded copies of packets.
    pub raced: bool,
    /// The handshakes, where they were real.
    pub handshakes: Option<Handshakes>,
    /// The time that passed in the schedule.
    pub simulated: Duration,
    /// What happened in words, if that was asked for.
    pub words: String,
}

/// What the real handshakes of a schedule came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshakes {
    /// Attempts of both ends.
    pub attempts: u64,
    /// Sessions that both ends had.
    pub completed: u64,
    /// Of these, begun with what an earlier session left.
    pub resumed: u64,
    /// Sessions that one end gave up, since the other never had them.
    pub withdrawn: u64,
}

impl Handshakes {
    fn of(run: &Run) -> Self {
        let greeters = run.ends.iter().filter_map(|end| end.greeter.as_ref());
        Self {
            attempts: greeters.map(|greeter| greeter.dialled).sum(),
            completed: run.register.counts().1,
            resumed: run.register.resumed(),
            withdrawn: run.ends.iter().map(|end| end.tally.withdrawn).sum(),
        }
    }
}

/// A schedule in which something did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which one.
    pub seed: u64,
    /// What did not hold.
    pub what: String,
    /// What happened before, in words, if that was asked for.
    pub words: String,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { seed, what, .. } = self;
        write!(
            f,
            "seed {seed}: {what}\n  cargo run --release -p bitchat-sim --bin schedules -- --seed {seed}"
        )
    }
}

/// Runs the schedule numbered `seed`; with `words`, says what happens in it.
///
/// # Errors
/// [`Failure`] if something did not hold.
pub fn run(seed: u64, words: bool) -> Result<Outcome, Failure> {
    let mut dice = Dice::new(seed).fork("schedule");
    let plan = Plan::new(&mut dice);
    play(Run::new(seed, plan, dice, words))
}

fn play(mut run: Run) -> Result<Outcome, Failure> {
    let seed = run.seed;
    let result = run.play();
    let simulated = run.now.saturating_since(Timestamp::ZERO);
    let failure = |what, words| Failure { seed, what, words };
    match result {
        Ok(recovery) => Ok(Outcome {
            hash: run.log.hash(),
            recovery,
            packets: run.traffic.packets,
            large_packets: run.traffic.large_packets,
            messages: run.ends.iter().flat_map(|end| &end.mail.said).map(|l| l.len() as u64).sum(),
            renewals: run.ends.iter().map(|end| u64::from(end.tally.renewals)).sum(),
            sessions: run.meetings.len() as u64 + run.register.counts().0,
            busiest_second: run.ends.iter().map(|end| end.tally.busiest_second).max().unwrap_or(0),
            several_addresses: run.plan.several_addresses,
            moves: run.ends.iter().map(|end| end.tally.moved).sum(),
            address_died: run.address_died,
            raced: run.raced,
            handshakes: run.plan.handshakes.then(|| Handshakes::of(&run)),
            simulated,
            words: run.log.into_words(),
        }),
        Err(what) => {
            run.log.note(run.now, format_args!("FAILED: {what}"));
            Err(failure(format!("at {:?}: {what}", run.now), run.log.into_words()))
        }
    }
}

#[cfg(test)]
mod tests;

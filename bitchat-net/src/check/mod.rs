//! `bitchat check`: is the peer at an address one that others can talk with? The minimum profile of
//! chapter 14 of the specification, tried from outside.
//!
//! Each check is a small function with the requirements that it proves. What the checks do on the
//! wire they do with the machines of `bitchat-core`, so that there is one protocol and not two.
//!
//! # In which order to read
//! 1. `report`: what comes out. `place`: what every check is given.
//! 2. `wire`, `session`: datagrams to one peer; a session whose plaintexts lie open.
//! 3. `meeting`, `talk`, `stay`: the checks of the three stages.

mod meeting;
mod place;
mod report;
mod session;
mod stay;
mod talk;
mod wire;

pub use report::{Finding, Report, Stage, Verdict};

use bitchat_core::chatfile::ChatFile;
use place::{Fault, Place};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// How a peer is checked.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long nothing must come where silence is required.
    pub silence: Duration,
    /// How long the peer has for an answer.
    pub patience: Duration,
    /// Write a binding and a text to the channel, to see them stored. They stay in its log.
    pub write: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { silence: Duration::from_millis(700), patience: Duration::from_secs(5), write: false }
    }
}

/// One check: what it is about, which requirements it proves, and how.
struct Check {
    stage: Stage,
    what: &'static str,
    requirements: &'static [&'static str],
    run: fn(&mut Place<'_>) -> Result<(), Fault>,
}

/// Runs all checks against the peer at `address`, a member of the channel of `file`. Blocks for
/// about half a minute with the default options.
///
/// # Errors
/// The system gives no socket or no random numbers. What is wrong with the peer is in the
/// [`Report`].
pub fn run(address: SocketAddr, file: &ChatFile, options: &Options) -> io::Result<Report> {
    run_checks(address, file, options, &[meeting::CHECKS, talk::CHECKS, stay::CHECKS].concat())
}

/// Runs these checks, in their order: later ones build on what earlier ones left.
fn run_checks(
    address: SocketAddr,
    file: &ChatFile,
    options: &Options,
    checks: &[&Check],
) -> io::Result<Report> {
    let mut place = Place::new(address, file, options)?;
    let mut findings = Vec::new();
    for check in checks {
        let verdict = if place.is_absent() {
            Verdict::Untried("no probe is acknowledged".to_owned())
        } else {
            match (check.run)(&mut place) {
                Ok(()) => Verdict::Kept,
                Err(Fault::Broken(why)) => Verdict::Broken(why),
                Err(Fault::Untried(why)) => Verdict::Untried(why),
            }
        };
        let Check { stage, what, requirements, .. } = **check;
        findings.push(Finding { stage, what, requirements, verdict });
    }
    Ok(Report { address, findings })
}

#[cfg(test)]
mod tests;

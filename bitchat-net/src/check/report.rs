//! What a run of all checks found.

use std::fmt;
use std::net::SocketAddr;

/// The stages of chapter 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The peer answers: probe, handshake, session.
    Answered,
    /// The peer talks: first rekey, slots, streams, the log.
    Talk,
    /// The peer stays: further rekeys, paths, the right codes.
    Stay,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answered => "answered",
            Self::Talk => "talk",
            Self::Stay => "stay",
        })
    }
}

/// What became of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The peer keeps the requirements, as far as this check can tell.
    Kept,
    /// It breaks one of them; in words.
    Broken(String),
    /// It could not be tried; the reason.
    Untried(String),
}

/// One check and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stage that it belongs to.
    pub stage: Stage,
    /// What a peer that keeps the requirements does.
    pub what: &'static str,
    /// Their numbers, such as `BC-04.16`.
    pub requirements: &'static [&'static str],
    /// What was found.
    pub verdict: Verdict,
}

/// What all checks found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The peer's address.
    pub address: SocketAddr,
    /// In the order in which they were tried.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many checks failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.findings.iter().filter(|found| matches!(found.verdict, Verdict::Broken(_))).count()
    }

    /// How many could not be tried.
    #[must_use]
    pub fn untried(&self) -> usize {
        self.findings.iter().filter(|found| matches!(found.verdict, Verdict::Untried(_))).count()
    }
}

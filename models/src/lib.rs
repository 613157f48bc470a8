//! Models of the rules on which a link depends, and the search for an order of events that breaks
//! them. The decisions are the product's own where they can be called; see `README.md`.

pub mod close;
pub mod net;
pub mod rekey;
pub mod sessions;

use net::Budget;
use stateright::{Checker, Expectation, Model};
use std::fmt::Debug;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The model and how far it went.
    pub name: String,
    /// States, each counted once.
    pub states: usize,
    /// The longest way to one of them.
    pub depth: usize,
    /// How long it took.
    pub time: Duration,
    /// What does not hold, with the events that lead there; or what was expected to be possible and
    /// is not.
    pub broken: Vec<(&'static str, String)>,
}

/// Visits every state of `model`.
pub fn check<M>(name: &str, model: M, threads: usize) -> Report
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let start = Instant::now();
    let checker = model.checker().threads(threads).spawn_bfs().join();
    let mut broken = Vec::new();
    for property in checker.model().properties() {
        let found = checker.discovery(property.name);
        match (property.expectation, found) {
            (Expectation::Sometimes, None) => {
                broken.push((property.name, "it never happens".to_owned()));
            }
            (Expectation::Always | Expectation::Eventually, Some(path)) => {
                broken.push((property.name, format!("{:?}", path.into_actions())));
            }
            _ => {}
        }
    }
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    Report { name: name.to_owned(), states, depth, time: start.elapsed(), broken }
}

/// How far the searches go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A minute or so: with every change.
    Quick,
    /// More than ten million states, in about ten minutes and less than 6 GB.
    Full,
}

/// The hashes of handshakes in orders that decide differently.
const HASHES: [[u8; 6]; 2] = [[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]];

const fn budget(room: usize, losses: u8, copies: u8, repeats: u8) -> Budget {
    Budget { room, losses, copies, repeats }
}

/// Checks the rules in use.
pub fn check_all(extent: Extent, threads: usize, mut each: impl FnMut(Report)) {
    check_renewals(extent, threads, &mut each);
    check_sessions(extent, threads, &mut each);
    check_closes(extent, threads, &mut each);
}

fn check_renewals(extent: Extent, threads: usize, each: &mut impl FnMut(Report)) {
    let rekeys = [(2, 1, budget(3, 1, 1, 1), false), (3, 1, budget(3, 2, 1, 1), true)];
    for (renewals, asks, budget, only_full) in rekeys {
        if extent == Extent::Full || !only_full {
            let name = format!("renewal: {renewals} renewals, {asks} asked for, {budget}");
            let rule = rekey::Rule::Ours;
            each(check(&name, rekey::Rekey { rule, renewals, asks, budget }, threads));
        }
    }
}

fn check_sessions(extent: Extent, threads: usize, each: &mut impl FnMut(Report)) {
    let sessions = [
        (1, 1, budget(3, 1, 0, 0), false),
        (1, 1, budget(3, 1, 1, 0), true),
        (1, 1, budget(3, 2, 0, 0), true),
        (1, 2, budget(3, 1, 0, 0), true),
    ];
    for (dials, restarts, budget, only_full) in sessions {
        for hashes in HASHES {
            if extent == Extent::Full || !only_full {
                let order = if hashes[0] == 1 { "rising" } else { "falling" };
                let dialled = dials + 1;
                let name = format!(
                    "sessions: {dialled} dialled, {restarts} restarts, hashes {order}, {budget}"
                );
                let rule = sessions::Rule::Ours;
                let model = sessions::Sessions { rule, dials, restarts, hashes, budget };
                each(check(&name, model, threads));
            }
        }
    }
}

fn check_closes(extent: Extent, threads: usize, each: &mut impl FnMut(Report)) {
    let closes = [
        (1, 1, 1, budget(3, 1, 1, 0), false),
        (2, 1, 1, budget(3, 1, 1, 0), true),
        (1, 2, 1, budget(3, 1, 1, 0), true),
        (1, 2, 1, budget(3, 2, 1, 0), true),
    ];
    for (renewals, data, restarts, budget, only_full) in closes {
        if extent == Extent::Full || !only_full {
            let name = format!(
                "closing: {renewals} renewals, {data} packets of data each, {restarts} restarts, {budget}"
            );
            let rule = close::Rule::Ours;
            each(check(&name, close::Close { rule, renewals, data, restarts, budget }, threads));
        }
    }
}

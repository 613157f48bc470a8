//! A model of the rule of key renewal, and the search for an order of events that breaks it. The
//! decisions are the product's own; see `README.md`.

pub mod net;
pub mod rekey;

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
    /// As far as there is time.
    Full,
}

/// Checks the rules in use.
pub fn check_all(extent: Extent, threads: usize, mut each: impl FnMut(Report)) {
    let full = extent == Extent::Full;
    let budget = |room, losses, copies, repeats| Budget { room, losses, copies, repeats };
    let rekeys = [
        (2, 1, budget(3, 1, 1, 1), false),
        (3, 1, budget(3, 2, 1, 1), true),
        (4, 2, budget(3, 2, 1, 1), true),
        (3, 1, budget(4, 3, 2, 1), true),
    ];
    for (renewals, asks, budget, only_full) in rekeys {
        if full || !only_full {
            let name = format!("renewal: {renewals} renewals, {asks} asked for, {budget}");
            each(check(
                &name,
                rekey::Rekey { rule: rekey::Rule::Ours, renewals, asks, budget },
                threads,
            ));
        }
    }
}

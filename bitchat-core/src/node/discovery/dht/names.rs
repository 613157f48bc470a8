//! Nodes to begin with that have a name instead of an address.

use crate::base::time::{Timestamp, earlier};
use core::time::Duration;
use std::collections::BTreeMap;

/// Names that are remembered.
const MAX_NAMES: usize = 64;
/// A name that could not be looked up is tried again after this, then after twice that, and so on.
const RETRY: Duration = Duration::from_secs(15);
/// The number of times that the wait doubles.
const DOUBLINGS: u32 = 7;

#[derive(Clone, Copy, Debug)]
struct Name {
    /// `None` while it is looked up, and once it is known.
    next: Option<Timestamp>,
    failures: u32,
}

/// Names and ports, each looked up until it has an address.
#[derive(Debug, Default)]
pub(super) struct Names {
    all: BTreeMap<(String, u16), Name>,
}

impl Names {
    pub(super) fn add(&mut self, now: Timestamp, name: &str, port: u16) {
        if self.all.len() < MAX_NAMES {
            let new = Name { next: Some(now), failures: 0 };
            self.all.entry((name.to_owned(), port)).or_insert(new);
        }
    }

    /// The names to look up now.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<(String, u16)> {
        let due = self.all.iter_mut().filter(|(_, name)| name.next.is_some_and(|at| at <= now));
        due.map(|(key, name)| {
            name.next = None;
            key.clone()
        })
        .collect()
    }

    pub(super) fn on_failed(&mut self, now: Timestamp, name: &str, port: u16) {
        if let Some(name) = self.all.get_mut(&(name.to_owned(), port)) {
            name.next = Some(now + RETRY * (1 << name.failures.min(DOUBLINGS)));
            name.failures += 1;
        }
    }

    /// In another network what failed may work.
    pub(super) fn hasten(&mut self, now: Timestamp) {
        for name in self.all.values_mut().filter(|name| name.next.is_some()) {
            *name = Name { next: Some(now), failures: 0 };
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.all.values().fold(None, |at, name| earlier(at, name.next))
    }
}

//! When a tracker is asked: the interval it wants, sooner while peers are missing, later and later
//! while it fails.

use super::announce::{Answer, Retry};
use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use core::time::Duration;

/// The interval that is assumed if the tracker names none.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(30 * 60);
/// Bounds within which the tracker's interval is believed.
const INTERVAL: core::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(60 * 60);
/// The first announce after the first answer, while peers are missing; it doubles from there.
const FIRST_FAST: Duration = Duration::from_secs(15);
/// A client that asks to be hurried waits this long after an answer, unless the tracker wants more.
const HURRY_FLOOR: Duration = Duration::from_secs(60);
/// The first retry after a failure; it doubles from there.
const FIRST_RETRY: Duration = Duration::from_secs(15);
/// The longest wait after a failure.
const MAX_RETRY: Duration = Duration::from_secs(30 * 60);
/// The longest wait that a tracker may impose when it refuses.
const MAX_IMPOSED: Duration = Duration::from_secs(24 * 60 * 60);

/// The timer of one tracker.
#[derive(Debug)]
pub(super) struct Schedule {
    /// When the next round begins; [`Timestamp::FAR_FUTURE`] if never.
    pub(super) due: Timestamp,
    /// Rounds that failed since the last that did not.
    pub(super) failures: u32,
    /// Fast announces since the last reason to hurry.
    fast: u32,
    min_interval: Option<Duration>,
    answered: Option<Timestamp>,
    /// The tracker itself said how long to wait after the last failure.
    imposed: bool,
}

impl Schedule {
    pub(super) const fn new() -> Self {
        let (due, min_interval, answered) = (Timestamp::FAR_FUTURE, None, None);
        Self { due, failures: 0, fast: 0, min_interval, answered, imposed: false }
    }

    /// The tracker answered (BC-10.17, BC-10.18).
    pub(super) fn on_answer(&mut self, now: Timestamp, answer: &Answer, hungry_until: Timestamp) {
        let bound = |value: Duration| value.clamp(*INTERVAL.start(), *INTERVAL.end());
        let interval = bound(answer.interval.unwrap_or(DEFAULT_INTERVAL));
        self.min_interval = answer.min_interval.map(|min| min.min(*INTERVAL.end()));
        self.failures = 0;
        self.answered = Some(now);
        let fast = FIRST_FAST.saturating_mul(1 << self.fast.min(16));
        let wait = fast.max(self.min_interval.unwrap_or_default());
        if now + wait < hungry_until && wait < interval {
            self.fast += 1;
            self.due = now + wait;
        } else {
            self.due = now + interval.max(self.min_interval.unwrap_or_default());
        }
    }

    /// It answered for another infohash or address family in the same round: the longest of its least
    /// intervals counts (BC-10.17).
    pub(super) fn on_further_answer(&mut self, now: Timestamp, answer: &Answer) {
        let min = answer.min_interval.map(|min| min.min(*INTERVAL.end()));
        self.min_interval = self.min_interval.max(min);
        self.answered = Some(now);
        self.due = self.due.max(now + self.min_interval.unwrap_or_default());
    }

    /// No address of the tracker answered (BC-10.19).
    pub(super) fn on_failure(&mut self, now: Timestamp, retry: Option<Retry>, rng: &mut Stream) {
        let wait = FIRST_RETRY.saturating_mul(1 << self.failures.min(16)).min(MAX_RETRY);
        self.failures = self.failures.saturating_add(1);
        self.imposed = retry.is_some();
        // Between 80 and 120 percent: members whose tracker came back do not arrive as one.
        let permille = 800 + u32::try_from(rng.below(401)).unwrap_or(200);
        let wait = wait * permille / 1_000;
        self.due = match retry {
            Some(Retry::Never) => Timestamp::FAR_FUTURE,
            Some(Retry::After(imposed)) => now + imposed.max(wait).min(MAX_IMPOSED),
            None => now + wait,
        };
    }

    /// The last failures say nothing any more: ask at once, unless the tracker imposed the wait.
    pub(super) fn forgive(&mut self, now: Timestamp) {
        if self.failures > 0 && !self.imposed {
            self.failures = 0;
            self.due = self.due.min(now);
        }
    }

    /// It refused something in a round in which it answered something else: the wait that it named
    /// holds as a least interval does (BC-10.65).
    pub(super) fn on_partial_refusal(&mut self, now: Timestamp, wait: Duration) {
        let wait = wait.min(*INTERVAL.end());
        self.min_interval = self.min_interval.max(Some(wait));
        self.due = self.due.max(now + wait);
    }

    /// The node knows too few peers: announce soon, but no sooner than the tracker allows.
    pub(super) fn hurry(&mut self, now: Timestamp) {
        if let Some(answered) = self.answered.filter(|_| self.failures == 0) {
            let floor = self.min_interval.map_or(HURRY_FLOOR, |min| min.max(HURRY_FLOOR));
            self.due = self.due.min((answered + floor).max(now));
            self.fast = 0;
        }
    }
}

#[cfg(test)]
mod tests;

//! How often an idle link says that it lives (spec 08 §Keepalive and silence).
//!
//! A NAT forgets a mapping that is not used. How soon, a link learns: each silence that a mapping
//! outlived makes the next one longer, one that it did not makes it short again.

use crate::base::time::Timestamp;
use core::time::Duration;

/// How much longer the next silence is.
const STEP: Duration = Duration::from_secs(5);
/// The longest silence behind a NAT, or where nothing is known (BC-08.51).
const NATTED: Duration = Duration::from_secs(25);

/// The interval, and what it was learnt from.
#[derive(Debug)]
pub(in crate::link) struct Keepalive {
    first: Duration,
    interval: Duration,
    /// An interval that turned out to be too long.
    too_long: Option<Duration>,
    /// The longest silence of a side whose address nobody translates.
    open: Duration,
    /// The peer sees this side at an address of its own.
    not_natted: bool,
    /// A PING after this silence is under way: when it left, and after how long.
    asked: Option<(Timestamp, Duration)>,
    /// The last silence of a whole interval.
    silence: Duration,
}

impl Keepalive {
    /// Begins with `first`; a link is dead after the silence `idle_timeout`, of which a quarter is
    /// left to ask again.
    pub(in crate::link) fn new(first: Duration, idle_timeout: Duration) -> Self {
        Self {
            first,
            interval: first,
            too_long: None,
            open: idle_timeout / 4 * 3,
            not_natted: false,
            asked: None,
            silence: first,
        }
    }

    pub(in crate::link) const fn interval(&self) -> Duration {
        self.interval
    }

    /// A PING leaves after a silence of the whole interval.
    pub(in crate::link) fn on_ping(&mut self, now: Timestamp) {
        self.silence = self.interval;
        self.asked = Some((now, self.silence));
    }

    /// Something of the peer arrived; `late`: not before this side had to ask again.
    pub(in crate::link) fn on_heard(&mut self, now: Timestamp, late: bool) {
        let Some((at, interval)) = self.asked.take_if(|(at, _)| *at < now) else { return };
        if late || now.saturating_since(at) > STEP {
            return self.shorten(interval);
        }
        let longest = if self.not_natted { self.open } else { NATTED.min(self.open) };
        let known = self.too_long.map_or(longest, |too_long| too_long.saturating_sub(STEP));
        let longest = longest.min(known).max(self.first);
        self.interval = (interval + STEP).min(longest);
    }

    /// This host slept: when an answer comes says nothing of a mapping.
    pub(in crate::link) const fn on_resumed(&mut self) {
        self.asked = None;
    }

    /// A mapping did not outlive the last silence (BC-08.52). What arrived since then came by the
    /// new one.
    pub(in crate::link) fn on_rebound(&mut self) {
        self.asked = None;
        self.shorten(self.silence.min(self.interval));
    }

    fn shorten(&mut self, interval: Duration) {
        if interval > self.first {
            self.too_long = Some(self.too_long.map_or(interval, |known| known.min(interval)));
        }
        self.interval = self.first;
    }

    /// Whether the peer sees this side at an address of its own: then no NAT is in between.
    pub(in crate::link) fn set_not_natted(&mut self, not_natted: bool) {
        self.not_natted = not_natted;
        if !not_natted {
            self.interval = self.interval.min(NATTED.max(self.first));
        }
    }

    /// Another path: all is learnt again.
    pub(in crate::link) fn on_moved(&mut self) {
        (self.interval, self.too_long, self.asked) = (self.first, None, None);
        self.silence = self.first;
        self.not_natted = false;
    }
}

#[cfg(test)]
mod tests;

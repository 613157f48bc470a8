//! How often an idle link says that it lives (spec 08 §Keepalive and silence).
//!
//! A NAT forgets a mapping that is not used. How soon, a link learns: each silence that a mapping
//! outlived makes the next one longer, one that it did not makes it short again.

use crate::base::time::Timestamp;
use core::time::Duration;

/// How much longer the next silence is.
const STEP: Duration = Duration::from_secs(5);
/// The longest silence behind a NAT, or where nothing is known (BC-08.51).
const TRANSLATED: Duration = Duration::from_secs(25);

/// The interval, and what it was learnt from.
#[derive(Debug)]
pub(super) struct Keepalive {
    first: Duration,
    interval: Duration,
    /// An interval that turned out to be too long.
    too_long: Option<Duration>,
    /// The longest silence of a side whose address nobody translates.
    open: Duration,
    /// The peer sees this side at an address of its own.
    untranslated: bool,
    /// A PING after this silence is under way: when it left, and after how long.
    asked: Option<(Timestamp, Duration)>,
    /// The last silence of a whole interval.
    silence: Duration,
}

impl Keepalive {
    /// Begins with `first`; a link is dead after the silence `idle_timeout`, of which a quarter is left
    /// to ask again.
    pub(super) fn new(first: Duration, idle_timeout: Duration) -> Self {
        Self {
            first,
            interval: first,
            too_long: None,
            open: idle_timeout / 4 * 3,
            untranslated: false,
            asked: None,
            silence: first,
        }
    }

    pub(super) const fn interval(&self) -> Duration {
        self.interval
    }

    /// A PING leaves after a silence of the whole interval.
    pub(super) fn on_ping(&mut self, now: Timestamp) {
        self.silence = self.interval;
        self.asked = Some((now, self.silence));
    }

    /// Something of the peer arrived; `late`: not before this side had to ask again.
    pub(super) fn on_heard(&mut self, now: Timestamp, late: bool) {
        let Some((at, interval)) = self.asked.take_if(|(at, _)| *at < now) else { return };
        if late || now.saturating_since(at) > STEP {
            return self.shorten(interval);
        }
        let longest = if self.untranslated { self.open } else { TRANSLATED.min(self.open) };
        let known = self.too_long.map_or(longest, |too_long| too_long.saturating_sub(STEP));
        let longest = longest.min(known).max(self.first);
        self.interval = (interval + STEP).min(longest);
    }

    /// A mapping did not outlive the last silence (BC-08.52). What arrived since then came by the new
    /// one.
    pub(super) fn on_rebound(&mut self) {
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
    pub(super) fn set_untranslated(&mut self, untranslated: bool) {
        self.untranslated = untranslated;
        if !untranslated {
            self.interval = self.interval.min(TRANSLATED.max(self.first));
        }
    }

    /// Another path: all is learnt again.
    pub(super) fn on_moved(&mut self) {
        (self.interval, self.too_long, self.asked) = (self.first, None, None);
        self.silence = self.first;
        self.untranslated = false;
    }
}

#[cfg(test)]
mod tests;

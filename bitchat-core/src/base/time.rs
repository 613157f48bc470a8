//! Time as the embedder tells it: a monotonic clock for timers, a wall clock for dates.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A point on the embedder's monotonic clock, in nanoseconds since an arbitrary origin.
///
/// Arithmetic saturates: an absurd duration gives a point in the far future, never a wrap-around.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The origin of the clock.
    pub const ZERO: Self = Self(0);
    /// Further away than anything that will ever be scheduled.
    pub const FAR_FUTURE: Self = Self(u64::MAX);

    /// The point `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The point `micros` microseconds after the origin.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// The point `millis` milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time from `earlier` to `self`; zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(nanos(rhs)))
    }
}

/// The earlier of two deadlines of which each may be missing.
#[must_use]
pub fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        // `None` is less than any time, but means never.
        (one, other) => one.or(other),
    }
}

impl AddAssign<Duration> for Timestamp {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(rhs)))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t+{}.{:09}s", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

/// Milliseconds since 1970-01-01T00:00:00 UTC, without leap seconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// Whole days since 1970-01-01, UTC: the day that probes are bound to.
    #[must_use]
    pub const fn day(self) -> u64 {
        self.0 / 86_400_000
    }

    /// Whole seconds since 1970-01-01T00:00:00 UTC.
    #[must_use]
    pub const fn secs(self) -> u64 {
        self.0 / 1_000
    }

    /// This moment, `duration` later; saturates.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// The time at which something is handed to the node.
///
/// `mono` drives every timer and should never go backwards (the node clamps it if it does).
/// `wall` dates messages and judges certificates; it may be unknown, and it may jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The embedder's monotonic clock.
    pub mono: Timestamp,
    /// The wall clock, if the embedder has one that it trusts.
    pub wall: Option<UnixMillis>,
}

impl Now {
    /// Both clocks known.
    #[must_use]
    pub const fn new(mono: Timestamp, wall: UnixMillis) -> Self {
        Self { mono, wall: Some(wall) }
    }

    /// The monotonic moment of a wall-clock date, as things stand; `None` without a wall clock.
    #[must_use]
    pub fn mono_of(self, date: UnixMillis) -> Option<Timestamp> {
        let wait = Duration::from_millis(date.0.saturating_sub(self.wall?.0));
        Some(self.mono + wait)
    }
}

#[cfg(test)]
mod tests;

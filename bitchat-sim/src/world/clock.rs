//! A host's clocks: a monotonic one with its own origin and speed, and a wall clock that may jump.

use bitchat_core::base::time::{Now, Timestamp, UnixMillis};

/// When every world begins: 2026-01-01T00:00:00Z.
pub const EPOCH: UnixMillis = UnixMillis(1_767_225_600_000);

const MILLION: i128 = 1_000_000;

/// The clocks of one host, as functions of the world's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// What the monotonic clock shows at the world's beginning, in nanoseconds.
    pub origin: u64,
    /// By how many millionths the monotonic clock runs too fast.
    pub skew_ppm: i32,
    /// By how many milliseconds the wall clock is ahead; `None` if the host has no wall time.
    pub wall: Option<i64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { origin: 0, skew_ppm: 0, wall: Some(0) }
    }
}

impl Clock {
    /// What the clocks show.
    #[must_use]
    pub fn now(&self, world: Timestamp) -> Now {
        let wall = |ahead: i64| {
            let millis = EPOCH.0 + world.as_nanos() / 1_000_000;
            UnixMillis(millis.saturating_add_signed(ahead))
        };
        Now { mono: self.mono(world), wall: self.wall.map(wall) }
    }

    fn mono(&self, world: Timestamp) -> Timestamp {
        let world = i128::from(world.as_nanos());
        let passed = world + world * i128::from(self.skew_ppm) / MILLION;
        let shown = i128::from(self.origin) + passed;
        Timestamp::from_nanos(u64::try_from(shown).unwrap_or(u64::MAX))
    }

    /// The world's first moment at which the monotonic clock shows `mono` or more.
    #[must_use]
    pub fn when(&self, mono: Timestamp) -> Timestamp {
        let passed = i128::from(mono.as_nanos()) - i128::from(self.origin);
        let guess = passed * MILLION / (MILLION + i128::from(self.skew_ppm));
        let mut world = Timestamp::from_nanos(u64::try_from(guess.max(2) - 2).unwrap_or(u64::MAX));
        while self.mono(world) < mono && world < Timestamp::FAR_FUTURE {
            world = Timestamp::from_nanos(world.as_nanos().saturating_add(1));
        }
        world
    }
}

//! All chance of a world, from one number.

use bitchat_core::crypto::suite;
use chacha20::ChaCha20Rng;
use core::time::Duration;
use rand_core::{Rng as _, SeedableRng as _};

/// A stream of random numbers that forks into independent ones by name, so that one more draw in
/// one place of the world does not change every other place.
#[derive(Debug)]
pub struct Dice {
    key: [u8; 32],
    stream: ChaCha20Rng,
}

impl Dice {
    /// The dice of the world numbered `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::from_key(suite::hash(&[b"bitchat-sim", &seed.to_le_bytes()]))
    }

    fn from_key(key: [u8; 32]) -> Self {
        Self { key, stream: ChaCha20Rng::from_seed(key) }
    }

    /// Other dice, decided by this one's seed and `name` alone, not by what was drawn so far.
    #[must_use]
    pub fn fork(&self, name: &str) -> Self {
        Self::from_key(suite::hash(&[&self.key, name.as_bytes()]))
    }

    /// Any number.
    pub fn u64(&mut self) -> u64 {
        self.stream.next_u64()
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// An index into something of `len` items.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// True with `probability` (0 to 1). Draws nothing where the outcome is certain.
    pub fn chance(&mut self, probability: f64) -> bool {
        if probability <= 0.0 {
            return false;
        }
        if probability >= 1.0 {
            return true;
        }
        let unit = (self.u64() >> 11) as f64 / (1u64 << 53) as f64;
        unit < probability
    }

    /// A time span below `bound`.
    pub fn within(&mut self, bound: Duration) -> Duration {
        Duration::from_nanos(self.below(u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// A time span of the exponential distribution, by von Neumann's method: it only compares and
    /// multiplies whole numbers, so every machine gets the same.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        let mut whole = 0;
        loop {
            let first = self.u64();
            let (mut last, mut odd) = (first, true);
            loop {
                let next = self.u64();
                if next > last {
                    break;
                }
                (last, odd) = (next, !odd);
            }
            if odd {
                let fraction = (mean.as_nanos() * u128::from(first)) >> 64;
                let fraction = Duration::from_nanos(u64::try_from(fraction).unwrap_or(u64::MAX));
                return mean.saturating_mul(whole).saturating_add(fraction);
            }
            whole += 1;
        }
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.stream.fill_bytes(&mut out);
        out
    }

    /// `len` random bytes.
    pub fn blob(&mut self, len: usize) -> Vec<u8> {
        let mut out = vec![0; len];
        self.stream.fill_bytes(&mut out);
        out
    }
}

#[cfg(test)]
mod tests;

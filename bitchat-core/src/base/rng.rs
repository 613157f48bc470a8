//! Randomness from a seed: one stream for what everybody may see, one for keys.

use chacha20::ChaCha20Rng;
use core::convert::Infallible;
use core::fmt;
use rand_core::{Rng as _, SeedableRng, TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Entropy for a node: 32 bytes from the operating system, fresh at every start, never stored.
///
/// Two nodes (or two runs) with one seed choose the same keys: outside simulation that is a
/// disaster.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seed(pub [u8; 32]);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(secret)")
    }
}

/// One deterministic stream of random bytes.
pub struct Stream(ChaCha20Rng);

impl Stream {
    fn new(label: &[u8], seed: &Seed) -> Self {
        let mut key: [u8; 32] = Sha256::new()
            .chain_update(b"bitchat-v1 rng ")
            .chain_update(label)
            .chain_update(seed.0)
            .finalize()
            .into();
        let stream = Self(ChaCha20Rng::from_seed(key));
        key.zeroize();
        stream
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.0.fill_bytes(&mut out);
        out
    }

    /// Fills `out` with random bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }

    /// A random 64-bit number.
    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`, evenly spread; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Lemire's multiply-shift; its bias is below 2^-64 * bound, which no caller can notice.
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        (wide >> 64) as u64
    }
}

impl TryRng for Stream {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }
    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(dst);
        Ok(())
    }
}

impl TryCryptoRng for Stream {}

/// The node's two streams. They are independent, so that what is visible on the wire (ids, padding,
/// jitter) says nothing about keys.
pub struct Rng {
    /// For ids, nonces, padding and jitter: values that peers or observers see.
    pub public: Stream,
    /// For private keys.
    pub secret: Stream,
}

impl Rng {
    /// Both streams from one seed.
    #[must_use]
    pub fn new(seed: &Seed) -> Self {
        Self { public: Stream::new(b"public", seed), secret: Stream::new(b"secret", seed) }
    }

    /// Replaces both streams by ones that depend on the old state and on `seed`, after a fork or a
    /// resumed virtual machine.
    pub fn reseed(&mut self, seed: &Seed) {
        let old = Zeroizing::new(self.secret.bytes::<32>());
        let mixed: [u8; 32] =
            Sha256::new().chain_update(*old).chain_update(seed.0).finalize().into();
        *self = Self::new(&Seed(mixed));
    }
}

impl fmt::Debug for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rng(secret)")
    }
}

#[cfg(test)]
mod tests;

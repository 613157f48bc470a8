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

/// The key of a stream: `label` tells it from others of the same secrets.
fn key(label: &[u8], secrets: &[&[u8; 32]]) -> Zeroizing<[u8; 32]> {
    let mut hasher = Sha256::new_with_prefix(b"bitchat-v1 rng ");
    hasher.update(label);
    secrets.iter().for_each(|secret| hasher.update(secret));
    Zeroizing::new(hasher.finalize().into())
}

/// One deterministic stream of random bytes that anybody may see. Fast; who learns its state knows
/// all of it, what was drawn before included.
pub struct Stream(ChaCha20Rng);

impl Stream {
    fn new(label: &[u8], seed: &Seed) -> Self {
        Self(ChaCha20Rng::from_seed(*key(label, &[&seed.0])))
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

/// One deterministic stream of random bytes for private keys, with *fast key erasure*: each draw
/// replaces the key by the first bytes that it generates. So whoever reads the memory later does not
/// learn what was drawn before (BC-05.50).
pub struct SecretStream(Zeroizing<[u8; 32]>);

impl SecretStream {
    fn new(seed: &Seed) -> Self {
        Self(key(b"secret", &[&seed.0]))
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// Fills `out` with random bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        let mut stream = ChaCha20Rng::from_seed(*self.0);
        stream.fill_bytes(&mut *self.0);
        stream.fill_bytes(out);
    }

    /// Mixes in what an observer of this stream may not know: it heals if there is such a thing, and
    /// loses nothing if not.
    pub fn stir(&mut self, fresh: &[u8; 32]) {
        self.0 = key(b"stir", &[&self.0, fresh]);
    }
}

impl TryRng for SecretStream {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.bytes()))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.bytes()))
    }
    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        self.fill(dst);
        Ok(())
    }
}

impl TryCryptoRng for SecretStream {}

/// The node's two streams. They are independent, so that what is visible on the wire (ids, padding,
/// jitter) says nothing about keys.
pub struct Rng {
    /// For ids, nonces, padding and jitter: values that peers or observers see.
    pub public: Stream,
    /// For private keys.
    pub secret: SecretStream,
}

impl Rng {
    /// Both streams from one seed.
    #[must_use]
    pub fn new(seed: &Seed) -> Self {
        Self { public: Stream::new(b"public", seed), secret: SecretStream::new(seed) }
    }

    /// Replaces both streams by ones that depend on the old state and on `seed`, after a fork or a
    /// resumed virtual machine.
    pub fn reseed(&mut self, seed: &Seed) {
        self.secret.stir(&seed.0);
        self.public = Stream::new(b"public", &Seed(self.secret.bytes()));
    }
}

impl fmt::Debug for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rng(secret)")
    }
}

#[cfg(test)]
mod tests;

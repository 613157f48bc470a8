//! Which packet numbers were received already (as RFC 6479, in spirit).

/// A window over the last packet numbers of one direction: each is accepted once, older ones never.
///
/// Ask before opening a packet, tell after it opened: a forged number must not move the window.
#[derive(Clone, Debug)]
pub struct ReplayWindow {
    /// One past the largest number received; 0 before the first.
    next: u64,
    /// A ring of bits by number.
    bits: [u64; Self::WORDS],
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self { next: 0, bits: [0; Self::WORDS] }
    }
}

impl ReplayWindow {
    /// How many numbers are remembered.
    pub const LEN: u64 = 4_096;
    const WORDS: usize = (Self::LEN / 64) as usize;

    /// The largest number received.
    #[must_use]
    pub const fn largest(&self) -> Option<u64> {
        self.next.checked_sub(1)
    }

    /// Whether `pn` may be accepted: it is new, and not older than the window (BC-06.10). The last
    /// number of all, `u64::MAX`, never is.
    #[must_use]
    pub fn is_new(&self, pn: u64) -> bool {
        if pn >= self.next {
            return pn != u64::MAX;
        }
        self.next - pn <= Self::LEN && self.bits[Self::word(pn)] & Self::bit(pn) == 0
    }

    /// Remembers `pn`, whose packet has authenticated (BC-06.11); true if it [was
    /// new](Self::is_new).
    pub fn insert(&mut self, pn: u64) -> bool {
        if !self.is_new(pn) {
            return false;
        }
        if pn == self.next {
            self.next = pn + 1;
        } else if pn > self.next {
            self.clear(self.next, pn);
            self.next = pn + 1;
        }
        self.bits[Self::word(pn)] |= Self::bit(pn);
        true
    }

    /// Forgets the numbers that lay where `from..=to` go now, a word at a time.
    fn clear(&mut self, from: u64, to: u64) {
        if to - from >= Self::LEN {
            self.bits = [0; Self::WORDS];
            return;
        }
        let mut at = from;
        while at <= to {
            let in_word = (64 - at % 64).min(to - at + 1);
            let ones = if in_word == 64 { u64::MAX } else { (1 << in_word) - 1 };
            self.bits[Self::word(at)] &= !(ones << (at % 64));
            at += in_word;
        }
    }

    const fn word(pn: u64) -> usize {
        (pn % Self::LEN / 64) as usize
    }

    const fn bit(pn: u64) -> u64 {
        1 << (pn % 64)
    }
}

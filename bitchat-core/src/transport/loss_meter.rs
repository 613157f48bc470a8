//! How much the path loses.

/// Packets after which what was seen counts half.
const MEMORY: u32 = 512;
/// Fewer say nothing.
const ENOUGH: u32 = 32;

/// The share of packets that were lost lately.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LossMeter {
    settled: u32,
    lost: u32,
}

impl LossMeter {
    fn settle(&mut self) {
        self.settled += 1;
        if self.settled >= MEMORY {
            self.settled /= 2;
            self.lost /= 2;
        }
    }

    pub(super) fn on_acked(&mut self) {
        self.settle();
    }

    pub(super) fn on_lost(&mut self, packets: u64) {
        for _ in 0..packets {
            self.settle();
            self.lost += 1;
        }
    }

    /// A lost packet was only late.
    pub(super) const fn on_late(&mut self) {
        self.lost = self.lost.saturating_sub(1);
    }

    /// In thousandths.
    pub(super) fn per_mille(&self) -> u64 {
        if self.settled < ENOUGH {
            return 0;
        }
        u64::from(self.lost) * 1_000 / u64::from(self.settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_that_of_lately() {
        let mut meter = LossMeter::default();
        meter.on_lost(31);
        assert_eq!(meter.per_mille(), 0, "too few to tell");
        (0..10_000).for_each(|_| meter.on_acked());
        assert_eq!(meter.per_mille(), 0);
        for _ in 0..1_000 {
            meter.on_lost(1);
            (0..9).for_each(|_| meter.on_acked());
        }
        assert!((90..=110).contains(&meter.per_mille()), "{}", meter.per_mille());
        (0..1_000).for_each(|_| meter.on_late());
        assert_eq!(meter.per_mille(), 0);
    }
}

//! How much the path loses.

/// Packets after which what was seen counts half.
const MEMORY: u32 = 512;
/// Fewer say nothing.
const ENOUGH: u32 = 32;

/// The share of packets that were lost lately.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::transport) struct LossMeter {
    counted: u32,
    lost: u32,
}

impl LossMeter {
    /// One packet more was acknowledged or lost.
    fn count(&mut self) {
        self.counted += 1;
        if self.counted >= MEMORY {
            self.counted /= 2;
            self.lost /= 2;
        }
    }

    pub(in crate::transport) fn on_acked(&mut self) {
        self.count();
    }

    pub(in crate::transport) fn on_lost(&mut self, packets: u64) {
        for _ in 0..packets {
            self.count();
            self.lost += 1;
        }
    }

    /// A lost packet was only late.
    pub(in crate::transport) const fn on_late(&mut self) {
        self.lost = self.lost.saturating_sub(1);
    }

    /// In thousandths.
    pub(in crate::transport) fn per_mille(&self) -> u64 {
        if self.counted < ENOUGH {
            return 0;
        }
        u64::from(self.lost) * 1_000 / u64::from(self.counted)
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

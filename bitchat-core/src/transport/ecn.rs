//! Whether the path carries ECN marks (RFC 9000 §13.4.2, BC-07.29).

use crate::wire::frame::EcnCounts;

/// Marked packets that may vanish before the path counts as one that drops them.
const TRIALS: u32 = 10;

/// Validation of ECN on the present path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EcnState {
    failed: bool,
    confirmed: bool,
    sent: u32,
    seen: EcnCounts,
}

impl EcnState {
    /// Whether the next packet is to be marked ECT(0).
    pub(super) const fn mark(&self) -> bool {
        !self.failed && (self.confirmed || self.sent < TRIALS)
    }

    /// What a trace calls it.
    #[cfg(feature = "qlog")]
    pub(super) const fn name(&self) -> &'static str {
        match (self.failed, self.confirmed) {
            (true, _) => "failed",
            (false, true) => "capable",
            (false, false) if self.sent < TRIALS => "testing",
            (false, false) => "unknown",
        }
    }

    pub(super) fn on_sent(&mut self) {
        self.sent = self.sent.saturating_add(1);
    }

    /// An ACK settled packets, `newly_marked` of them marked. True if the peer reports a congestion
    /// mark that it had not reported before. Counts that cannot be end the use of ECN.
    pub(super) fn on_ack(&mut self, counts: Option<EcnCounts>, newly_marked: u64) -> bool {
        if self.failed {
            return false;
        }
        let Some(counts) = counts else {
            // Marks were sent and the peer, or the path, does not show them.
            self.failed = newly_marked > 0;
            return false;
        };
        let seen = self.seen;
        let grown = |now: u64, before: u64| now.checked_sub(before);
        let (Some(ect0), Some(ce)) = (grown(counts.ect0, seen.ect0), grown(counts.ce, seen.ce))
        else {
            // An older ACK that was overtaken, or a lie; neither proves anything.
            return false;
        };
        // Never sent ECT(1), so any is the path's doing; marks that were bleached are missing.
        if counts.ect1 > 0 || ect0 + ce < newly_marked {
            self.failed = true;
            return false;
        }
        self.seen = counts;
        self.confirmed |= newly_marked > 0;
        ce > 0
    }
}

#[cfg(test)]
mod tests;

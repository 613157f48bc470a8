//! Whether the path carries ECN marks (RFC 9000 §13.4.2, BC-07.29).

use crate::wire::frame::EcnCounts;

/// Marked packets that may vanish before the path counts as one that drops them.
const TRIALS: u32 = 10;

/// Validation of ECN on the present path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::transport) struct EcnState {
    failed: bool,
    confirmed: bool,
    sent: u32,
    seen: EcnCounts,
}

impl EcnState {
    /// Whether the next packet is to be marked ECT(0).
    pub(in crate::transport) const fn mark(&self) -> bool {
        !self.failed && (self.confirmed || self.sent < TRIALS)
    }

    /// Marks of congestion that the peer has reported.
    #[cfg(test)]
    pub(in crate::transport) const fn marks(&self) -> u64 {
        self.seen.ce
    }

    /// What a trace calls it.
    #[cfg(feature = "qlog")]
    pub(in crate::transport) const fn name(&self) -> &'static str {
        match (self.failed, self.confirmed) {
            (true, _) => "failed",
            (false, true) => "capable",
            (false, false) if self.sent < TRIALS => "testing",
            (false, false) => "unknown",
        }
    }

    /// The state at the beginning of the next path. The peer counts over the whole session, so what
    /// it has counted stays the base (BC-07.67).
    pub(in crate::transport) fn next_path(&self) -> Self {
        Self { seen: self.seen, ..Self::default() }
    }

    /// Nothing has been acknowledged for some probe timeouts: marks may be what the path drops now
    /// (RFC 9000 §13.4.2).
    pub(in crate::transport) const fn on_silence(&mut self) {
        self.failed = true;
    }

    pub(in crate::transport) fn on_sent(&mut self) {
        self.sent = self.sent.saturating_add(1);
    }

    /// An ACK settled packets, `newly_marked` of them marked. True if the peer reports a congestion
    /// mark that it had not reported before. Counts that cannot be end the use of ECN.
    ///
    /// Unless all of these packets left on this path (`here`), the counts of the ACK are only taken
    /// as the base of the counts to come: an ACK does not say which packets were marked.
    pub(in crate::transport) fn on_ack(
        &mut self,
        counts: Option<EcnCounts>,
        newly_marked: u64,
        here: bool,
    ) -> bool {
        let judged = here && !self.failed;
        let Some(counts) = counts else {
            // Marks were sent and the peer, or the path, does not show them.
            self.failed |= judged && newly_marked > 0;
            return false;
        };
        let Some(new) = grown(&counts, &self.seen) else {
            // An older ACK that was overtaken, or a lie; neither proves anything.
            return false;
        };
        self.seen = counts;
        if !judged {
            return false;
        }
        // Never sent ECT(1), so any is the path's doing; marks that were bleached are missing.
        if new.ect1 > 0 || new.ect0 + new.ce < newly_marked {
            self.failed = true;
            return false;
        }
        self.confirmed |= newly_marked > 0;
        new.ce > 0
    }
}

/// By what counts have grown; none if one of them is lower than before.
fn grown(now: &EcnCounts, before: &EcnCounts) -> Option<EcnCounts> {
    Some(EcnCounts {
        ect0: now.ect0.checked_sub(before.ect0)?,
        ect1: now.ect1.checked_sub(before.ect1)?,
        ce: now.ce.checked_sub(before.ce)?,
    })
}

#[cfg(test)]
mod tests;

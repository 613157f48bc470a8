//! Which packets are lost, and when to ask (RFC 9002 §6).

use super::losses::Losses;
use super::path_state::PathState;
use super::sent::SentPackets;
use crate::base::time::Timestamp;
use crate::transport::config::MAX_ACK_DELAY;
use crate::transport::packet::contents::SentFrame;
use crate::transport::rtt::Rtt;
use core::time::Duration;

/// Probe timeouts without answer double at most this often.
const MAX_BACKOFF: u32 = 10;
/// The longest probe timeout: how soon a link notices that its path works again (BC-07.13).
const MAX_PROBE_INTERVAL: Duration = Duration::from_secs(10);
/// Probe timeouts whose span makes a loss persistent congestion (RFC 9002 §7.6.1).
const PERSISTENT_PERIODS: u32 = 3;

/// The two timers of loss recovery.
#[derive(Debug, Default)]
pub(super) struct LossDetector {
    /// When the oldest packet in flight counts as lost.
    loss_time: Option<Timestamp>,
    /// The start of the probe timeout: when the last ack-eliciting packet left, or the last
    /// timeout.
    probe_since: Option<Timestamp>,
    timeouts: u32,
    /// Passes of detection.
    passes: u64,
}

impl LossDetector {
    pub(super) fn on_sent(&mut self, now: Timestamp) {
        self.probe_since = Some(now);
    }

    /// Progress: the back-off of the probe timeout ends.
    pub(super) fn on_progress(&mut self) {
        self.timeouts = 0;
    }

    /// Probe timeouts since the last progress.
    pub(super) const fn timeouts(&self) -> u32 {
        self.timeouts
    }

    /// A packet of the peer's arrived, so packets in flight that wait for a long back-off are
    /// probed soon: the back-off is at most one doubling. It does not end, so that a peer that
    /// acknowledges nothing gets one probe in two timeouts, and not one for every packet that it
    /// sends.
    pub(super) fn on_heard(&mut self) {
        self.timeouts = self.timeouts.min(1);
    }

    /// Takes the packets out of `sent` that are lost now that `largest_acked` has arrived. Packets
    /// that `path` does not judge left on an earlier path and do not count as congestion. `on_lost`
    /// gets the number of each lost packet.
    pub(super) fn detect(
        &mut self,
        now: Timestamp,
        sent: &mut SentPackets,
        path: &mut PathState,
        largest_acked: u64,
        frames: &mut Vec<SentFrame>,
        mut on_lost: impl FnMut(u64),
    ) -> Losses {
        let rtt = path.rtt;
        path.reordering.age(now, rtt.round(), rtt.pto(MAX_ACK_DELAY));
        let delay = rtt.loss_delay(path.reordering.eighths());
        let threshold = path.reordering.packets();
        let persistent_after = rtt.pto(MAX_ACK_DELAY).saturating_mul(PERSISTENT_PERIODS);
        self.passes += 1;
        let mut losses = Losses { pass: self.passes, ..Losses::default() };
        let mut run_start: Option<Timestamp> = None;
        self.loss_time = None;
        loop {
            let mut acked_between = false;
            let Some(oldest) = sent.oldest(|| acked_between = true) else { break };
            if oldest.pn >= largest_acked {
                break;
            }
            let deadline = oldest.sent_at + delay;
            if oldest.pn + threshold > largest_acked && deadline > now {
                self.loss_time = Some(deadline);
                break;
            }
            let Some(lost) = sent.lose_oldest(frames) else { break };
            on_lost(lost.pn);
            let judged = path.judges(lost.pn);
            if !judged {
                path.on_unjudged_gone(lost.pn, lost.size);
            }
            losses.smaller |= path.mtu.on_lost(now, lost.pn, lost.size, judged);
            if acked_between {
                run_start = None;
            }
            // A probe for larger packets is counted nowhere: that it is lost is its answer.
            if lost.size == 0 {
                continue;
            }
            losses.packets += 1;
            path.reordering.remember(&lost, self.passes);
            if judged {
                losses.note(&lost, &mut run_start, persistent_after, &rtt);
            }
        }
        losses
    }

    /// Whether a timer of this detector is due: the time of a loss, or of a probe.
    pub(super) fn expired(&mut self, now: Timestamp, probe: Option<Timestamp>) -> Option<Expired> {
        if self.loss_time.is_some_and(|at| at <= now) {
            return Some(Expired::Loss);
        }
        if self.loss_time.is_some() || probe.is_none_or(|at| at > now) {
            return None;
        }
        self.timeouts += 1;
        self.probe_since = Some(now);
        Some(Expired::Probe)
    }

    /// When to probe if nothing is heard.
    pub(super) fn probe_time(&self, rtt: &Rtt) -> Option<Timestamp> {
        let interval = rtt.pto(MAX_ACK_DELAY);
        let factor = 1 << self.timeouts.min(MAX_BACKOFF);
        let longest = MAX_PROBE_INTERVAL.max(interval);
        Some(self.probe_since? + interval.saturating_mul(factor).min(longest))
    }

    /// The next deadline while something is in flight.
    pub(super) fn deadline(&self, rtt: &Rtt) -> Option<Timestamp> {
        self.loss_time.or_else(|| self.probe_time(rtt))
    }
}

/// Which timer of the loss detector expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    Loss,
    Probe,
}

#[cfg(test)]
mod tests;

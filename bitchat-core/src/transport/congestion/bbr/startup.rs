//! Startup and Drain: finding the bandwidth of a path of which nothing is known.

use super::{Bbr, State};
use crate::base::time::Timestamp;
use crate::transport::congestion::{AckSummary, RateSample};

impl Bbr {
    /// Ends Startup once the pipe is full: nothing more arrives, or a queue overflows.
    pub(super) fn check_startup(&mut self, sample: &RateSample, congested: bool) {
        if self.rounds.start && !sample.app_limited {
            self.pipe.check(self.max_bandwidth.get());
        }
        if congested && !self.pipe.reached {
            self.pipe.reached = true;
            self.bounds.highest = self.path_volume(100).max(self.latest.delivered);
        }
        if self.pipe.reached {
            self.state = State::Drain;
        }
    }

    pub(super) fn check_drain(&mut self, now: Timestamp, ack: &AckSummary) {
        if ack.in_flight <= self.path_volume(100) {
            self.enter_down(now);
        }
    }
}

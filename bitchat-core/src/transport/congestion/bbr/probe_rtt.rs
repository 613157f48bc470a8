//! ProbeRTT: little in flight for a moment, so that queues drain and the propagation delay shows.

use super::{Bbr, State};
use crate::base::time::Timestamp;
use core::time::Duration;

/// How long little is in flight, so that probes of several flows overlap.
const DURATION: Duration = Duration::from_millis(200);

/// A probe of the propagation delay.
#[derive(Debug, Default)]
pub(super) struct ProbeRtt {
    /// The window meanwhile; fixed when the probe begins.
    window: Option<u64>,
    /// When it may end, and the round that must have ended, once little is in flight.
    done: Option<(Timestamp, u64)>,
}

impl ProbeRtt {
    pub(super) fn cap(&self, window: u64) -> u64 {
        self.window.map_or(window, |cap| cap.min(window))
    }
}

impl Bbr {
    pub(super) fn enter_probe_rtt(&mut self, window: u64) {
        self.probe_rtt = ProbeRtt { window: Some(window), done: None };
        self.state = State::ProbeRtt;
    }

    pub(super) fn check_probe_rtt(&mut self, now: Timestamp, in_flight: u64) {
        match self.probe_rtt.done {
            None if in_flight <= self.probe_rtt.cap(u64::MAX) => {
                self.probe_rtt.done = Some((now + DURATION, self.rounds.count + 1));
            }
            Some((at, round)) if now >= at && self.rounds.count >= round => {
                self.min_rtt.refresh(now);
                self.probe_rtt = ProbeRtt::default();
                self.bounds.forget_short_term();
                if self.pipe.reached {
                    self.enter_down(now);
                    self.enter_cruise(now);
                } else {
                    self.state = State::Startup;
                }
            }
            _ => {}
        }
    }
}

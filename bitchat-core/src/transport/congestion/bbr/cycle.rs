//! Probing for bandwidth, over and over: Down, Cruise, Refill, Up.

use super::filters::FullPipe;
use super::losses::queued;
use super::{BETA, Bbr, State};
use crate::base::time::Timestamp;
use crate::transport::congestion::{AckSummary, RateSample};
use core::time::Duration;

/// The shortest time between two probes, and what is added at random at most.
const PROBE_WAIT: Duration = Duration::from_secs(2);
const PROBE_SPREAD_MILLIS: u64 = 1_000;
/// The shortest time after a probe where others keep a queue: each is a step towards equal shares.
const PROBE_WAIT_AMONG_OTHERS: Duration = Duration::from_millis(1_500);
/// Rounds after which a probe comes early, as a Reno flow would have grown by then.
const RENO_ROUNDS: u64 = 63;
/// A flow that slows down drains its own queue in so many round trips: at 90 % of the rate, three
/// quarters of the path's volume.
const DRAINING: u32 = 8;
/// Where others keep a queue, a probe raises the long-term limit as if it had doubled the step so
/// often already: by eight packets in its first round. Its few rounds are all it has to catch up.
const DOUBLED_AMONG_OTHERS: u64 = 3;
/// Doublings of the step by which a probe raises the long-term limit.
const MAX_STEP_DOUBLINGS: u32 = 30;

/// Where the cycle stands.
#[derive(Debug, Default)]
pub(super) struct Cycle {
    /// When it began, and how long until the next probe.
    pub(super) start: Timestamp,
    pub(super) wait: Duration,
    /// The round in which the present step, and in which the last probe, began.
    step_round: u64,
    probe_round: u64,
    /// When the present step began.
    step_start: Timestamp,
    /// The cycle's bandwidth is complete once a round has passed.
    complete: bool,
    /// Bytes acknowledged towards the next packet of the long-term limit.
    acked: u64,
    /// Whether the probe still finds more.
    pipe: FullPipe,
    /// The smallest round trip since the last probe.
    pub(super) smallest: Option<Duration>,
    /// The round trip at which the present probe ends, where others keep a queue.
    enough: Option<Duration>,
}

impl Bbr {
    fn enter(&mut self, now: Timestamp, state: State) {
        self.state = state;
        self.cycle.step_start = now;
        self.cycle.step_round = self.rounds.count;
    }

    pub(super) fn enter_down(&mut self, now: Timestamp) {
        self.enter(now, State::Down);
        let spread = Duration::from_millis(self.random() % PROBE_SPREAD_MILLIS);
        self.cycle.start = now;
        self.cycle.wait =
            self.cycle.enough.map_or(PROBE_WAIT, |_| PROBE_WAIT_AMONG_OTHERS) + spread;
        self.cycle.probe_round = self.rounds.count;
        self.cycle.complete = true;
        self.cycle.smallest = None;
        self.losses.on_probe_end(now);
    }

    pub(super) fn enter_cruise(&mut self, now: Timestamp) {
        self.enter(now, State::Cruise);
    }

    /// One step of the cycle at most. `too_high` is what was in flight when a queue overflowed.
    pub(super) fn advance_cycle(
        &mut self,
        now: Timestamp,
        ack: &AckSummary,
        sample: &RateSample,
        too_high: Option<u64>,
    ) {
        let round_passed = self.rounds.start && self.rounds.count > self.cycle.step_round;
        if self.cycle.complete && round_passed && !sample.app_limited {
            self.cycle.complete = false;
            self.max_bandwidth.advance();
        }
        if self.state != State::Up {
            let smallest = self.cycle.smallest.unwrap_or(sample.rtt);
            self.cycle.smallest = Some(smallest.min(sample.rtt));
        }
        match self.state {
            State::Down | State::Cruise if self.is_time_to_probe(now) => {
                self.bounds.forget_short_term();
                self.enter(now, State::Refill);
            }
            State::Down if ack.in_flight <= self.drained() => self.enter_cruise(now),
            State::Refill if round_passed => {
                self.cycle.acked = 0;
                self.cycle.pipe = FullPipe::default();
                self.cycle.enough = self.others_queue(now);
                self.losses.on_probe_start(now);
                self.enter(now, State::Up);
            }
            State::Up => self.probe_up(now, ack, sample, too_high),
            _ => {}
        }
    }

    /// The last round saw nothing of what a probe sent.
    pub(super) fn is_calm(&self) -> bool {
        matches!(self.state, State::Down | State::Cruise)
            && self.rounds.count > self.cycle.probe_round + 1
    }

    fn is_time_to_probe(&self, now: Timestamp) -> bool {
        let rounds = self.rounds.count - self.cycle.probe_round;
        let packets = self.path_volume(100) / self.packet_size;
        now.saturating_since(self.cycle.start) >= self.cycle.wait
            || rounds >= packets.min(RENO_ROUNDS)
    }

    /// Some if others keep a queue, which one that drained its own never saw empty: the round trip
    /// that shows half of the path's volume more.
    ///
    /// A bound on the queue and not on what this flow has in flight: each adds as many bytes, the
    /// small one and the large one, so shares draw near to each other.
    pub(super) fn others_queue(&self, now: Timestamp) -> Option<Duration> {
        let min_rtt = self.min_rtt.get();
        let drained = now.saturating_since(self.cycle.start) >= min_rtt * DRAINING;
        let standing = self.cycle.smallest.filter(|&rtt| drained && queued(rtt, min_rtt))?;
        Some(standing + min_rtt / 2)
    }

    /// So little in flight leaves no queue, and headroom.
    fn drained(&self) -> u64 {
        self.path_volume(100).min(self.limit_with_headroom())
    }

    fn probe_up(
        &mut self,
        now: Timestamp,
        ack: &AckSummary,
        sample: &RateSample,
        too_high: Option<u64>,
    ) {
        if let Some(in_flight) = too_high {
            if !sample.app_limited {
                let least = self.path_volume(100).min(self.window) * BETA / 100;
                self.bounds.highest = in_flight.max(least);
            }
            self.enter_down(now);
            return;
        }
        self.raise_limit(ack);
        let elapsed = now.saturating_since(self.cycle.step_start);
        if self.rounds.start && !sample.app_limited {
            self.cycle.pipe.check(self.latest.bandwidth);
        }
        let enough = self.cycle.enough.is_none_or(|rtt| sample.rtt >= rtt);
        let full = self.cycle.pipe.reached || enough && ack.in_flight >= self.path_volume(125);
        if elapsed >= self.min_rtt.get() && (full || sample.app_limited) {
            self.enter_down(now);
        }
    }

    /// While a probe uses all that the long-term limit allows without harm, the limit grows: by a
    /// packet in the first round, by more among others, then twice as much in each.
    fn raise_limit(&mut self, ack: &AckSummary) {
        let highest = self.bounds.highest;
        if highest == u64::MAX || ack.in_flight + ack.acked + self.packet_size < highest {
            return;
        }
        // What the limit keeps from growing does not show that the pipe is full.
        self.cycle.pipe = FullPipe::default();
        let early = self.cycle.enough.map_or(0, |_| DOUBLED_AMONG_OTHERS);
        let doublings = self.rounds.count - self.cycle.step_round + early;
        let doublings = u32::try_from(doublings).unwrap_or(u32::MAX).min(MAX_STEP_DOUBLINGS);
        self.cycle.acked += ack.acked;
        let step = (self.window >> doublings).max(self.packet_size);
        let packets = self.cycle.acked / step;
        self.cycle.acked %= step;
        self.bounds.highest = highest.saturating_add(packets * self.packet_size);
    }
}

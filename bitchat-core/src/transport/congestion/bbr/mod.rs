//! BBR, version 3 (draft-ietf-ccwg-bbr): a model of the path, not a reaction to each loss.
//!
//! The model is the largest bandwidth and the smallest round trip seen lately; their product is
//! what fits into the path without a queue. Where this departs from the draft, and why, is said in
//! ARCHITECTURE.md.
//!
//! Integers only: rates in bytes a second, gains in hundredths.

mod cycle;
mod filters;
mod losses;
mod probe_rtt;
mod startup;

use super::undo::Undo;
use super::{AckSummary, AckedPacket, Congestion, Controller, RateSample, Rtt, Spurious};
use crate::base::time::Timestamp;
use core::time::Duration;
use cycle::Cycle;
use filters::{Aggregation, FullPipe, MaxBandwidth, MinRtt, Rounds, rate, volume};
use losses::Losses;
use probe_rtt::ProbeRtt;

/// Full packets of the first window.
const INITIAL_PACKETS: u64 = 10;
/// Full packets of the smallest window.
const MIN_PACKETS: u64 = 4;
/// What is kept free for others while cruising, in hundredths of the highest volume in flight.
const HEADROOM: u64 = 15;
/// What is left of an estimate after congestion, in hundredths (Beta).
const BETA: u64 = 70;
/// Packets leave at 99 % of the estimated rate, so that no queue builds up.
const PACING_MARGIN: u64 = 99;

/// What the controller is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Doubles the rate each round until the pipe is full.
    Startup,
    /// Drains the queue that this made.
    Drain,
    /// Probing, first step: drains the queue and leaves headroom.
    Down,
    /// Keeps the rate.
    Cruise,
    /// Fills the pipe, so that more shows.
    Refill,
    /// Sends faster than before, to see whether more arrives.
    Up,
    /// Keeps little in flight, to see the propagation delay.
    ProbeRtt,
}

impl State {
    /// Bytes a second, in hundredths of the bandwidth.
    const fn pacing_gain(self) -> u64 {
        match self {
            Self::Startup => 277,
            Self::Drain => 50,
            Self::Down => 90,
            Self::Cruise | Self::Refill | Self::ProbeRtt => 100,
            Self::Up => 125,
        }
    }

    /// As draft-ietf-ccwg-bbr calls it.
    const fn name(self) -> &'static str {
        match self {
            Self::Startup => "startup",
            Self::Drain => "drain",
            Self::Down => "probe_bw_down",
            Self::Cruise => "probe_bw_cruise",
            Self::Refill => "probe_bw_refill",
            Self::Up => "probe_bw_up",
            Self::ProbeRtt => "probe_rtt",
        }
    }

    /// Bytes in flight, in hundredths of what the path holds.
    const fn window_gain(self) -> u64 {
        match self {
            Self::ProbeRtt => 50,
            Self::Up => 225,
            _ => 200,
        }
    }

    /// It tries to find more bandwidth, so the short-term limits are off.
    const fn accelerates(self) -> bool {
        matches!(self, Self::Startup | Self::Refill | Self::Up)
    }

    const fn probes_bandwidth(self) -> bool {
        matches!(self, Self::Down | Self::Cruise | Self::Refill | Self::Up)
    }
}

/// Upper limits that congestion taught; `u64::MAX`: none.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Short-term, until the next probe: bandwidth, and bytes in flight.
    bandwidth: u64,
    in_flight: u64,
    /// Long-term: the most in flight that did not overflow a queue.
    highest: u64,
}

impl Bounds {
    const NONE: Self = Self { bandwidth: u64::MAX, in_flight: u64::MAX, highest: u64::MAX };

    /// Limits that were learnt from losses that were none go.
    fn raise(&mut self, before: &Self) {
        self.bandwidth = self.bandwidth.max(before.bandwidth);
        self.in_flight = self.in_flight.max(before.in_flight);
        self.highest = self.highest.max(before.highest);
    }

    const fn forget_short_term(&mut self) {
        *self = Self { highest: self.highest, ..Self::NONE };
    }
}

/// The most of the present round.
#[derive(Debug, Default)]
struct Latest {
    bandwidth: u64,
    delivered: u64,
}

/// The controller. Its timers run on the arrival of ACKs only.
#[derive(Debug)]
pub struct Bbr {
    packet_size: u64,
    random: u64,
    state: State,
    window: u64,
    /// Bytes a second; 0 before the first sample.
    pacing: u64,
    rounds: Rounds,
    max_bandwidth: MaxBandwidth,
    min_rtt: MinRtt,
    aggregation: Aggregation,
    pipe: FullPipe,
    losses: Losses,
    bounds: Bounds,
    latest: Latest,
    cycle: Cycle,
    probe_rtt: ProbeRtt,
    /// What losses teach, before they do.
    undo: Undo<(State, Bounds)>,
    /// Sending began again after a pause: the path had time to drain.
    restarted: bool,
}

impl Bbr {
    /// Starts with ten packets of `packet_size` bytes. `seed` spreads the times of probing, so that
    /// flows do not probe together.
    #[must_use]
    pub fn new(packet_size: u64, seed: u64) -> Self {
        Self {
            packet_size,
            random: seed,
            state: State::Startup,
            window: INITIAL_PACKETS * packet_size,
            pacing: 0,
            rounds: Rounds::default(),
            max_bandwidth: MaxBandwidth::default(),
            min_rtt: MinRtt::default(),
            aggregation: Aggregation::default(),
            pipe: FullPipe::default(),
            losses: Losses::new(packet_size),
            bounds: Bounds::NONE,
            latest: Latest::default(),
            cycle: Cycle::default(),
            probe_rtt: ProbeRtt::default(),
            undo: Undo::default(),
            restarted: false,
        }
    }

    /// The next number of SplitMix64.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    const fn min_window(&self) -> u64 {
        MIN_PACKETS * self.packet_size
    }

    /// The bandwidth to use.
    fn bandwidth(&self) -> u64 {
        self.max_bandwidth.get().min(self.bounds.bandwidth)
    }

    /// What the path holds at the largest bandwidth, times `gain` hundredths.
    fn path_volume(&self, gain: u64) -> u64 {
        let volume = volume(self.max_bandwidth.get(), self.min_rtt.get());
        (volume.saturating_mul(gain) / 100).max(self.min_window())
    }

    /// The long-term limit, with headroom for others.
    fn limit_with_headroom(&self) -> u64 {
        let highest = self.bounds.highest;
        let headroom = (highest / 100).saturating_mul(HEADROOM).max(self.packet_size);
        highest.saturating_sub(headroom).max(self.min_window())
    }

    fn update_model(&mut self, now: Timestamp, ack: &AckSummary, sample: &RateSample) {
        self.rounds.update(sample);
        let bandwidth = rate(self.losses.offered(sample), sample.interval);
        if bandwidth >= self.max_bandwidth.get() || !sample.app_limited {
            self.max_bandwidth.update(bandwidth);
        }
        self.latest.bandwidth = self.latest.bandwidth.max(bandwidth);
        self.latest.delivered = self.latest.delivered.max(sample.delivered);
        let usable = self.bandwidth();
        self.aggregation.update(now, ack.acked, self.rounds.count, usable);
    }

    fn on_sample(&mut self, now: Timestamp, ack: &AckSummary, sample: &RateSample) {
        // Fixed before a larger round trip replaces the one that is too old.
        let little = self.path_volume(State::ProbeRtt.window_gain());
        let expired = self.min_rtt.update(now, sample.rtt);
        self.update_model(now, ack, sample);
        let min_rtt = self.min_rtt.get();
        let too_high = self.losses.on_ack(now, ack, sample, min_rtt);
        let calm = self.is_calm();
        let congested = self.rounds.start && self.losses.on_round(sample, min_rtt, calm);
        if congested && !self.state.accelerates() {
            self.lower_bounds();
        }
        match self.state {
            State::Startup => self.check_startup(sample, congested),
            State::Drain => self.check_drain(now, ack),
            State::ProbeRtt => self.check_probe_rtt(now, ack.in_flight),
            _ => self.advance_cycle(now, ack, sample, too_high),
        }
        if expired && self.state != State::ProbeRtt && !self.restarted {
            self.enter_probe_rtt(little);
        }
        self.restarted = false;
        if self.rounds.start {
            self.latest = Latest::default();
        }
    }

    /// Congestion while not probing: no more than arrived in the last round.
    fn lower_bounds(&mut self) {
        let bandwidth = self.bounds.bandwidth.min(self.max_bandwidth.get());
        self.bounds.bandwidth = self.latest.bandwidth.max(bandwidth / 100 * BETA);
        let in_flight = self.bounds.in_flight.min(self.window);
        self.bounds.in_flight = self.latest.delivered.max(in_flight * BETA / 100);
    }

    fn set_pacing(&mut self, gain: u64) {
        let rate = self.bandwidth().saturating_mul(gain * PACING_MARGIN) / 10_000;
        if self.pipe.reached || rate > self.pacing {
            self.pacing = rate;
        }
    }

    fn set_window(&mut self, acked: u64, delivered: u64) {
        let gain = self.state.window_gain();
        let target = volume(self.bandwidth(), self.min_rtt.get()).saturating_mul(gain) / 100;
        let target = target.saturating_add(self.aggregation.extra());
        let target = target.max(self.min_window()) + 2 * self.packet_size;
        let grown = self.window.saturating_add(acked);
        if self.pipe.reached {
            self.window = grown.min(target);
        } else if self.window < target || delivered < INITIAL_PACKETS * self.packet_size {
            self.window = grown;
        }
        let limit = match self.state {
            State::Cruise | State::ProbeRtt => self.limit_with_headroom(),
            State::Down | State::Refill | State::Up => self.bounds.highest,
            State::Startup | State::Drain => u64::MAX,
        };
        let limit = limit.min(self.bounds.in_flight);
        self.window = self.window.min(limit).max(self.min_window());
    }
}

impl Controller for Bbr {
    fn on_sent(&mut self, now: Timestamp, _pn: u64, bytes: u64, in_flight: u64) {
        if in_flight > bytes || self.max_bandwidth.get() == 0 {
            return;
        }
        self.restarted = true;
        self.aggregation.restart(now);
        match self.state {
            State::ProbeRtt => self.check_probe_rtt(now, 0),
            state if state.probes_bandwidth() => self.set_pacing(100),
            _ => {}
        }
    }

    fn on_acked(&mut self, _now: Timestamp, _packet: AckedPacket, _rtt: &Rtt) {}

    fn on_ack_end(&mut self, now: Timestamp, ack: &AckSummary) {
        let Some(sample) = ack.rate else { return };
        self.on_sample(now, ack, &sample);
        self.set_pacing(self.state.pacing_gain());
        self.set_window(ack.acked, sample.total_delivered);
    }

    fn on_congestion(&mut self, now: Timestamp, event: Congestion) {
        if self.undo.covers(event.sent_at) {
            self.undo.note(&event);
        } else {
            self.undo.begin(now, &event, (self.state, self.bounds));
        }
        self.losses.on_congestion(&event);
        if event.persistent {
            self.window = self.min_window();
        }
    }

    fn on_spurious(&mut self, _now: Timestamp, packet: Spurious) {
        self.losses.on_spurious(packet.sent_at, packet.bytes);
        if let Some((state, bounds)) = self.undo.on_spurious(&packet) {
            self.bounds.raise(&bounds);
            if state == State::Startup && self.state == State::Drain {
                self.state = State::Startup;
                self.pipe = FullPipe::default();
            }
        }
    }

    fn window(&self) -> u64 {
        self.probe_rtt.cap(self.window)
    }

    /// While starting up never slower than a packet in a round trip: the first sample behind
    /// a long cut can be a few bytes a second, and a link paced by it would be dead.
    fn pacing_rate(&self, rtt: &Rtt) -> u64 {
        let round = rtt.smoothed().max(MIN_PACED_RTT);
        match self.pacing {
            0 => rate(self.window * State::Startup.pacing_gain() / 100, round),
            pacing if self.pipe.reached => pacing,
            pacing => pacing.max(rate(self.packet_size, round)),
        }
    }

    fn rate(&self, rtt: &Rtt) -> u64 {
        match self.bandwidth() {
            0 => rate(self.window, rtt.smoothed().max(MIN_PACED_RTT)),
            bandwidth => bandwidth,
        }
    }

    fn phase(&self) -> Option<&'static str> {
        Some(self.state.name())
    }

    fn set_packet_size(&mut self, bytes: u64) {
        self.packet_size = bytes;
        self.losses.set_packet_size(bytes);
        self.window = self.window.max(self.min_window());
    }

    fn anew(&self, packet_size: u64) -> Box<dyn Controller> {
        Box::new(Self::new(packet_size, self.random))
    }
}

/// Shorter round trips are not paced by, before the first sample.
const MIN_PACED_RTT: Duration = Duration::from_micros(100);

#[cfg(test)]
mod tests;

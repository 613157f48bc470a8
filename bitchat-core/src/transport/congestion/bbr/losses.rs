//! Which losses tell of a full queue, and which only of a bad line.
//!
//! A queue that overflows is long, so packets that vanish while the round trip is near its smallest
//! were lost by the line. Their share is the *background*: it is expected, and does not count.
//!
//! Unless the queue is too short to be seen. That shows when BBR probes: a bad line loses the same
//! share of what is sent faster, a short queue loses all that is too much. After two such probes
//! all loss counts, as the draft has it, until others show otherwise.

use crate::base::time::Timestamp;
use crate::transport::congestion::{AckSummary, Congestion, RateSample};
use core::time::Duration;

/// Losses above the background that are too many, in thousandths (LossThresh: 2 %).
const TOLERATED: u64 = 20;
/// Events of loss in a round that are too few to judge by.
const FEW: u64 = 3;
/// How much suspicion of a short queue lasts: four probes that say otherwise clear it.
const MAX_SUSPICION: u64 = 6;
/// The background counts up to this, in thousandths: what a line may lose and still be filled.
const MAX_BACKGROUND: u64 = 150;
/// So much loss in Startup, in thousandths, is congestion whatever the queue: it sends at most
/// 2.77 times too fast.
const EXCESSIVE: u64 = 550;
/// Events of loss in a round that are enough to say so.
const MANY: u64 = 10;

/// Packets that left during the last probe for bandwidth.
#[derive(Debug)]
struct Probe {
    start: Timestamp,
    end: Timestamp,
    lost: u64,
    acked: u64,
}

/// The losses of the present round, and the background.
#[derive(Debug, Default)]
pub(super) struct Losses {
    packet_size: u64,
    lost: u64,
    events: u64,
    marked: bool,
    rtt: Option<Duration>,
    delivered_at_start: u64,
    /// Bytes that arrived in the round before.
    delivered_before: u64,
    /// Sums that decay by an eighth each round.
    background_lost: u64,
    background_sent: u64,
    /// Bytes in flight when a packet left since which too many were lost.
    too_high: Option<u64>,
    probe: Option<Probe>,
    /// Grows by two with each probe that lost much more than the line does, falls by one with each
    /// other.
    suspicion: u64,
}

/// Whether a round trip shows a queue, given the smallest.
pub(super) fn queued(rtt: Duration, min_rtt: Duration) -> bool {
    rtt > min_rtt + (min_rtt / 8).max(Duration::from_millis(1))
}

impl Losses {
    pub(super) fn set_packet_size(&mut self, bytes: u64) {
        self.packet_size = bytes.max(1);
    }

    pub(super) fn new(packet_size: u64) -> Self {
        Self { packet_size: packet_size.max(1), ..Self::default() }
    }

    /// Probes meet a queue too short to be seen; one that seems to may be chance.
    const fn is_shallow(&self) -> bool {
        self.suspicion > 2
    }

    /// What the line loses, in thousandths.
    fn line(&self) -> u64 {
        (self.background_lost * 1_000).checked_div(self.background_sent).unwrap_or(0)
    }

    /// The background, in thousandths.
    pub(super) fn background(&self) -> u64 {
        if self.is_shallow() { 0 } else { self.line().min(MAX_BACKGROUND) }
    }

    fn too_many(&self, lost: u64, sent: u64) -> bool {
        lost * 1_000 > sent * (TOLERATED + self.background())
    }

    pub(super) fn on_congestion(&mut self, event: &Congestion) {
        self.marked |= event.bytes == 0;
        self.lost += event.bytes;
        self.events += u64::from(event.bytes > 0);
        let in_flight = event.in_flight_at_send;
        if event.bytes == 0 || self.too_many(event.lost_since_send, in_flight) {
            self.too_high = Some(in_flight);
        }
        if let Some(probe) = &mut self.probe
            && (probe.start..=probe.end).contains(&event.sent_at)
        {
            probe.lost += event.bytes;
        }
    }

    /// A packet of `bytes`, sent at `sent_at`, counted as lost and was only late.
    pub(super) fn on_spurious(&mut self, sent_at: Timestamp, bytes: u64) {
        self.lost = self.lost.saturating_sub(bytes);
        self.events = self.events.saturating_sub(1);
        self.background_lost = self.background_lost.saturating_sub(bytes);
        if let Some(probe) = &mut self.probe
            && (probe.start..=probe.end).contains(&sent_at)
        {
            probe.lost = probe.lost.saturating_sub(bytes);
        }
    }

    /// An ACK arrived. Some if it shows that too much was in flight, and how much.
    pub(super) fn on_ack(
        &mut self,
        now: Timestamp,
        ack: &AckSummary,
        sample: &RateSample,
        min_rtt: Duration,
    ) -> Option<u64> {
        self.judge_probe(now - sample.rtt, ack.acked);
        self.rtt = Some(self.rtt.map_or(sample.rtt, |rtt| rtt.min(sample.rtt)));
        let too_high = self.too_high.take()?;
        (self.marked || self.is_shallow() || queued(sample.rtt, min_rtt)).then_some(too_high)
    }

    /// A probe for bandwidth begins.
    pub(super) fn on_probe_start(&mut self, now: Timestamp) {
        self.probe = Some(Probe { start: now, end: Timestamp::FAR_FUTURE, lost: 0, acked: 0 });
    }

    /// It ends; what it sent is still on its way.
    pub(super) fn on_probe_end(&mut self, now: Timestamp) {
        if let Some(probe) = &mut self.probe {
            probe.end = now;
        }
    }

    /// Notes an ACK whose newest packet left at `sent_at`; judges once all of the probe is settled.
    fn judge_probe(&mut self, sent_at: Timestamp, acked: u64) {
        let line = self.line();
        let Some(probe) = &mut self.probe else { return };
        if sent_at <= probe.end {
            probe.acked += if sent_at >= probe.start { acked } else { 0 };
            return;
        }
        // In packets; two standard deviations more than the line loses may be chance, and so may
        // three packets.
        let lost = probe.lost / self.packet_size;
        let sent = lost + probe.acked / self.packet_size;
        let deviation = (sent * line * (1_000 - line.min(1_000))).isqrt();
        let chance = (sent * (TOLERATED + line) + 2 * deviation) / 1_000;
        self.suspicion = if lost > chance + FEW {
            (self.suspicion + 2).min(MAX_SUSPICION)
        } else {
            self.suspicion.saturating_sub(1)
        };
        self.probe = None;
    }

    /// A round is over; `calm` if what it shows was not sent faster than the path may carry. True
    /// if it had congestion.
    pub(super) fn on_round(&mut self, sample: &RateSample, min_rtt: Duration, calm: bool) -> bool {
        let delivered = sample.total_delivered.saturating_sub(self.delivered_at_start);
        let sent = delivered + self.lost;
        let queued = self.rtt.is_some_and(|rtt| queued(rtt, min_rtt));
        let many = self.events >= FEW && self.too_many(self.lost, sent);
        let excessive = self.events >= MANY && self.lost * 1_000 > sent * EXCESSIVE;
        // In Startup, what still grows by half does not meet its bottleneck yet.
        let growing = delivered >= self.delivered_before * 3 / 2;
        if !queued && (calm || growing) {
            self.background_lost = self.background_lost * 7 / 8 + self.lost;
            self.background_sent = self.background_sent * 7 / 8 + sent;
        }
        let congested = self.marked || excessive || many && (queued || self.is_shallow());
        (self.lost, self.events, self.marked, self.rtt) = (0, 0, false, None);
        self.delivered_at_start = sample.total_delivered;
        self.delivered_before = delivered;
        congested
    }

    /// What would have arrived, had the line not lost its share: `delivered`, and of what was lost
    /// as much as is expected.
    pub(super) fn offered(&self, sample: &RateSample) -> u64 {
        let background = self.background();
        let expected = sample.delivered * background / (1_000 - background);
        sample.delivered + sample.lost.min(expected)
    }
}

//! One direction of a cable: it delays, queues, loses, doubles, reorders and damages packets.

use crate::dice::Dice;
use bitchat_core::base::time::Timestamp;
use core::time::Duration;

/// How packets are lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Not at all.
    None,
    /// Each independently with this probability.
    Random(f64),
    /// In bursts (Gilbert–Elliott in continuous time): the link is in a good or a bad state, each for
    /// an exponentially distributed time. As on a radio, a burst ends whether or not anyone sends; if
    /// it ended after so many packets, a sender that rests while it is in one would stay in it.
    Bursts {
        /// How long it is good, on average.
        good_for: Duration,
        /// How long it is bad, on average.
        bad_for: Duration,
        /// Probability of loss while it is good.
        good: f64,
        /// Probability of loss while it is bad.
        bad: f64,
    },
}

/// What one direction of a link does to packets.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkConfig {
    /// Time of flight, one way.
    pub delay: Duration,
    /// Bits per second; `None` sends everything at once.
    pub rate: Option<u64>,
    /// Bytes that wait for their turn at most (with a rate); what comes in addition is lost.
    pub queue: usize,
    /// How packets are lost on the way.
    pub loss: Loss,
    /// Probability that a packet arrives twice.
    pub duplicate: f64,
    /// Probability that a packet is held up.
    pub reorder: f64,
    /// For how long at most it is held up.
    pub reorder_by: Duration,
    /// Probability that one bit is flipped.
    pub corrupt: f64,
    /// Probability that the end is cut off.
    pub truncate: f64,
    /// Bytes waiting beyond which packets are marked instead of lost, if they say that they can be.
    pub mark: Option<usize>,
    /// The largest IP packet that passes, headers included.
    pub mtu: usize,
}

impl Default for LinkConfig {
    /// A good line: 10 ms, unlimited rate, no faults, Ethernet's MTU.
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(10),
            rate: None,
            queue: 256 * 1024,
            loss: Loss::None,
            duplicate: 0.0,
            reorder: 0.0,
            reorder_by: Duration::from_millis(30),
            corrupt: 0.0,
            truncate: 0.0,
            mark: None,
            mtu: 1_500,
        }
    }
}

impl LinkConfig {
    /// A line that does nothing to packets, not even delay them.
    #[must_use]
    pub fn ideal() -> Self {
        Self { delay: Duration::ZERO, mtu: usize::MAX, ..Self::default() }
    }

    /// A good line of this delay.
    #[must_use]
    pub fn delay(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// This line, losing packets at random.
    #[must_use]
    pub fn lossy(self, probability: f64) -> Self {
        Self { loss: Loss::Random(probability), ..self }
    }
}

/// What has happened on one direction of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Packets that entered.
    pub offered: u64,
    /// Bytes that entered, IP and UDP headers included.
    pub offered_bytes: u64,
    /// Packets that found the queue full.
    pub overflowed: u64,
    /// Packets that were lost on the way.
    pub lost: u64,
    /// Packets larger than the MTU.
    pub too_big: u64,
    /// Packets that were marked: the queue was long.
    pub marked: u64,
}

/// A packet that will come out of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// When it comes out.
    pub at: Timestamp,
    /// Flip the bit of this number, modulo the length.
    pub flip: Option<u64>,
    /// Keep so many bytes, modulo the length.
    pub cut: Option<u64>,
    /// It is marked "congestion experienced", if it can be.
    pub mark: bool,
}

impl Exit {
    /// It comes out as it went in.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.flip.is_none() && self.cut.is_none()
    }

    /// Does to the bytes what the way does.
    pub fn damage(&self, data: &mut Vec<u8>) {
        let modulo =
            |number: u64, len: usize| usize::try_from(number % len.max(1) as u64).unwrap_or(0);
        if let Some(cut) = self.cut {
            data.truncate(modulo(cut, data.len()));
        }
        if let (Some(bit), false) = (self.flip, data.is_empty()) {
            let bit = modulo(bit, data.len() * 8);
            data[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// So many average cycles after it was last known, a state depends on nothing but the averages.
const FORGOTTEN: u32 = 32;

/// The state of a line that loses in bursts, as of the last packet. It begins good.
#[derive(Clone, Copy, Debug)]
struct Burst {
    bad: bool,
    until: Timestamp,
}

impl Burst {
    /// A state that begins at `now`.
    fn new(bad: bool, now: Timestamp, [good_for, bad_for]: [Duration; 2], dice: &mut Dice) -> Self {
        Self { bad, until: now + dice.exponential(if bad { bad_for } else { good_for }) }
    }

    /// The state at `now`, which never goes back.
    fn advance(&mut self, now: Timestamp, means: [Duration; 2], dice: &mut Dice) {
        let [good_for, bad_for] = means;
        let cycle = good_for.saturating_add(bad_for);
        if now.saturating_since(self.until) > cycle.saturating_mul(FORGOTTEN) {
            *self = Self::new(dice.within(cycle) < bad_for, now, means, dice);
        }
        while self.until <= now && !cycle.is_zero() {
            *self = Self::new(!self.bad, self.until, means, dice);
        }
    }
}

/// One direction of a link and its state. It moves no bytes: it says when a packet would come out,
/// so that any protocol can be run over it, in a [`Network`](super::Network) or without one.
#[derive(Debug)]
pub struct Link {
    /// What it does to packets; may be changed at any time.
    pub config: LinkConfig,
    /// What it has done.
    pub stats: LinkStats,
    /// When what is queued will have left.
    free_at: Timestamp,
    burst: Option<Burst>,
    dice: Dice,
}

impl Link {
    /// An empty line. `dice` decide which packets are lost, doubled, held up and damaged.
    #[must_use]
    pub fn new(config: LinkConfig, dice: Dice) -> Self {
        let stats = LinkStats::default();
        Self { config, stats, free_at: Timestamp::ZERO, burst: None, dice }
    }

    /// Bytes that wait for their turn, or are being sent; none without a rate.
    #[must_use]
    pub fn waiting(&self, now: Timestamp) -> u64 {
        self.config.rate.map_or(0, |rate| bytes_in(self.free_at.saturating_since(now), rate))
    }

    /// A packet of `size` bytes, IP and UDP headers included, enters; when it comes out, and its
    /// copy, if it does. `now` never goes back.
    pub fn offer(&mut self, now: Timestamp, size: usize) -> [Option<Exit>; 2] {
        self.stats.offered += 1;
        self.stats.offered_bytes += size as u64;
        if size > self.config.mtu {
            self.stats.too_big += 1;
            return [None; 2];
        }
        let mark = self.config.mark.is_some_and(|mark| self.waiting(now) > mark as u64);
        let Some(left_at) = self.enqueue(now, size) else {
            self.stats.overflowed += 1;
            return [None; 2];
        };
        if self.loses(left_at) {
            self.stats.lost += 1;
            return [None; 2];
        }
        self.stats.marked += u64::from(mark);
        let first = self.fly(left_at, mark);
        let copy = self.dice.chance(self.config.duplicate).then(|| self.fly(left_at, mark));
        [Some(first), copy]
    }

    /// When the last byte has been put on the line, or nothing if the queue is full.
    fn enqueue(&mut self, now: Timestamp, size: usize) -> Option<Timestamp> {
        let Some(rate) = self.config.rate else { return Some(now) };
        let start = self.free_at.max(now);
        let waiting = bytes_in(start.saturating_since(now), rate);
        if waiting + size as u64 > self.config.queue as u64 {
            return None;
        }
        self.free_at = start + Duration::from_nanos(size as u64 * 8_000_000_000 / rate.max(1));
        Some(self.free_at)
    }

    /// Whether the line loses the packet whose last byte leaves at `now`.
    fn loses(&mut self, now: Timestamp) -> bool {
        match self.config.loss {
            Loss::None => false,
            Loss::Random(probability) => self.dice.chance(probability),
            Loss::Bursts { good_for, bad_for, good, bad } => {
                let means = [good_for, bad_for];
                let Self { burst, dice, .. } = self;
                let burst = burst.get_or_insert_with(|| Burst::new(false, now, means, dice));
                burst.advance(now, means, dice);
                let is_bad = burst.bad;
                self.dice.chance(if is_bad { bad } else { good })
            }
        }
    }

    fn fly(&mut self, left_at: Timestamp, mark: bool) -> Exit {
        let held = if self.dice.chance(self.config.reorder) {
            self.dice.within(self.config.reorder_by)
        } else {
            Duration::ZERO
        };
        let flip = self.dice.chance(self.config.corrupt).then(|| self.dice.u64());
        let cut = self.dice.chance(self.config.truncate).then(|| self.dice.u64());
        Exit { at: left_at + self.config.delay + held, flip, cut, mark }
    }
}

/// How many bytes a line of `rate` bits per second carries in `time`.
fn bytes_in(time: Duration, rate: u64) -> u64 {
    u64::try_from(time.as_nanos() * u128::from(rate) / 8_000_000_000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

//! What is to go wrong in a schedule, decided by its seed before it starts.

use super::place::{NETWORKS, Racer};
use crate::dice::Dice;
use crate::net::{LinkConfig as Line, Loss};
use crate::world::Clock;
use bitchat_core::base::time::Timestamp;
use bitchat_core::crypto::suite::Suite;
use bitchat_core::link::Lane;
use core::time::Duration;

/// The longest storm. Cuts together last at most as long as [`MAX_CUT`], so that no link may call
/// the other side dead.
const MAX_STORM: Duration = Duration::from_secs(20);
/// How long the line may be cut, all cuts together.
const MAX_CUT: Duration = Duration::from_secs(14);
/// A session that is not set up may not outlive a cut of more, or clocks that jump by more.
const TOO_LONG: Duration = Duration::from_secs(5);
/// Bytes that one schedule carries at most: what counts is how packets meet, not how many.
const MAX_BYTES: u64 = 24_000;
/// The share of the schedules in which handshakes are real.
const HANDSHAKES: f64 = 0.125;
/// The MTU of most lines.
const ETHERNET: usize = 1_500;
/// The largest: that of loopback.
const MAX_MTU: usize = 65_535;

/// Bursts last for 1/500 to 1/100 of it on average, 40 to 200 ms, and are 1/55 to 1/5 of it apart.
const BURST_MICROS: u64 = 20_000_000;

/// Something that happens at a certain time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// An end says a message.
    Say { end: usize, lane: Lane, size: usize },
    /// Nothing passes in the directions named.
    Cut([bool; 2]),
    /// What was cut is whole again.
    Mend,
    /// An end is behind another port.
    Rebind(usize),
    /// An end is at another address in a network, and `knows` it or not.
    Roam { end: usize, network: usize, knows: bool },
    /// Both ends learn that the other is in the other network too.
    Introduce,
    /// The network that an end uses carries nothing any more, if both know another way.
    Die(usize),
    /// It does again.
    Revive,
    /// Somebody begins to forward copies of packets, or ends it.
    Race(Option<Racer>),
    /// A monotonic clock jumps by so many milliseconds. Backwards it stands still instead.
    Jump { end: usize, millis: i64 },
    /// A wall clock shows something else, or nothing any more.
    Wall { end: usize, ahead: Option<i64> },
    /// An end asks for new keys.
    Renew(usize),
    /// An end takes no messages for a while.
    Pause(usize, bool),
    /// The largest IP packet that passes.
    Mtu(usize),
    /// An end loses all that it did not store.
    Restart(usize),
    /// A handshake succeeds, started by this end.
    Meet(usize),
    /// An end that has no session any more tries to get another.
    Redial(usize),
    /// The other side of a handshake that succeeded has heard of it.
    Answer(u32),
    /// The storm is over.
    Calm,
    /// An end closes its sessions.
    Close(usize),
}

/// One schedule.
#[derive(Debug)]
pub(super) struct Plan {
    /// What each end's packets go through, during the storm and after.
    pub storm: [Line; 2],
    pub calm: Line,
    pub storm_ends: Timestamp,
    pub acts: Vec<(Timestamp, Act)>,
    pub clocks: [Clock; 2],
    pub rekey_interval: Duration,
    /// Which back end computes for each end.
    pub suites: [usize; 2],
    /// Which end's address may change. If both did at once, neither could be found.
    pub mover: usize,
    /// Both ends are in both networks and say so.
    pub several_addresses: bool,
    /// Sessions are made by the real handshake.
    pub handshakes: bool,
    /// Sessions may come and go: what is delivered is acknowledged, and said again where it was not.
    pub sessions_change: bool,
    /// Who closes at the end, and how long after the first to do so.
    pub finale: Vec<(usize, Duration)>,
    /// A close comes in the midst of it all: the rest need not arrive.
    pub cut_short: bool,
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A number between `low` and `high`, small ones as likely as large ones: without floating point,
/// which is not the same everywhere.
fn scale(dice: &mut Dice, low: u64, high: u64) -> u64 {
    let octave = dice.below(u64::from((high / low).ilog2()) + 1);
    let from = low << octave;
    from + dice.below((from * 2).min(high + 1) - from)
}

impl Plan {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let delay = Duration::from_micros(scale(dice, 500, 200_000));
        let storm_millis = 2_000 + dice.below(millis(MAX_STORM) - 2_000);
        let mtu = mtu(dice);
        let storm = [storm_line(dice, delay, mtu), storm_line(dice, delay, mtu)];
        let residual = if dice.chance(0.3) { 0.05 } else { 0.0 };
        let calm = Line { loss: Loss::Random(residual), mtu, ..Line::delay(delay) };
        let mut plan = Self {
            storm,
            calm,
            storm_ends: Timestamp::from_millis(storm_millis),
            acts: Vec::new(),
            clocks: [clock(dice), clock(dice)],
            rekey_interval: Duration::from_millis(scale(dice, 2_000, 240_000)),
            suites: [0; 2].map(|_| dice.index(Suite::ALL.len())),
            mover: 0,
            several_addresses: false,
            handshakes: false,
            sessions_change: false,
            finale: finale(dice, delay),
            cut_short: dice.chance(0.08),
        };
        let first = dice.index(2);
        plan.acts.push((Timestamp::ZERO, Act::Meet(first)));
        plan.say(dice);
        plan.cut(dice);
        plan.trouble(dice);
        plan.shake_hands(first, &mut dice.fork("handshakes"));
        plan.places(&mut dice.fork("places"));
        plan.keep_still();
        plan.sessions_change |= plan.moves_at_once();
        plan.acts.push((plan.storm_ends, Act::Calm));
        if plan.cut_short {
            let at = plan.some_time(dice);
            let finale: Vec<_> =
                plan.finale.iter().map(|(end, after)| (at + *after, Act::Close(*end))).collect();
            plan.acts.extend(finale);
        }
        plan
    }

    /// How far clocks jump, in milliseconds, as `of` counts each.
    fn jumps(&self, of: impl Fn(i64) -> i64) -> Duration {
        let jump = |(_, act): &(Timestamp, Act)| match act {
            Act::Jump { millis, .. } => of(*millis),
            _ => 0,
        };
        Duration::from_millis(self.acts.iter().map(jump).sum::<i64>().unsigned_abs())
    }

    /// For how long clocks stand still at most: so much later silence is noticed.
    pub(super) fn standstill(&self) -> Duration {
        self.jumps(|millis| millis.min(0))
    }

    fn some_time(&self, dice: &mut Dice) -> Timestamp {
        Timestamp::ZERO + dice.within(self.storm_ends.saturating_since(Timestamp::ZERO))
    }

    /// Messages: a few large ones among many small ones, in bunches and alone.
    fn say(&mut self, dice: &mut Dice) {
        // Only who sends much finds out how much larger packets may be.
        let most = if self.calm.mtu > ETHERNET { 10 * MAX_BYTES } else { MAX_BYTES };
        let mut left = scale(dice, 500, most);
        while left > 0 {
            let at = self.some_time(dice);
            let end = dice.index(2);
            let lane = Lane::ALL[dice.index(3)];
            let many = if dice.chance(0.3) { 1 + dice.below(6) } else { 1 };
            for _ in 0..many {
                let size = scale(dice, 16, 8_000).min(left.max(16));
                left = left.saturating_sub(size);
                let size = usize::try_from(size).unwrap_or(16);
                self.acts.push((at, Act::Say { end, lane, size }));
            }
        }
    }

    /// Cuts follow each other and never overlap; the last ends with the storm at the latest.
    fn cut(&mut self, dice: &mut Dice) {
        if !dice.chance(0.4) {
            return;
        }
        let mut at = self.some_time(dice);
        let mut left = MAX_CUT;
        for _ in 0..1 + dice.below(3) {
            let rest = left.min(self.storm_ends.saturating_since(at));
            let long = dice.within(rest);
            let ways = [[true, true], [true, false], [false, true]][dice.index(3)];
            self.acts.push((at, Act::Cut(ways)));
            self.acts.push((at + long, Act::Mend));
            left -= long;
            at = at + long + dice.within(Duration::from_secs(3));
            self.sessions_change |= long > TOO_LONG;
        }
    }

    fn trouble(&mut self, dice: &mut Dice) {
        self.mover = dice.index(2);
        for _ in 0..dice.below(4) {
            let at = self.some_time(dice);
            let end = dice.index(2);
            match dice.below(10) {
                0 | 1 => self.acts.push((at, Act::Rebind(self.mover))),
                2 => {
                    let millis = i64::try_from(dice.below(9_000)).unwrap_or(0) - 3_000;
                    self.acts.push((at, Act::Jump { end, millis }));
                }
                3 => {
                    // A month at most: certificates of this world are valid for longer.
                    let days = i64::try_from(dice.below(60)).unwrap_or(0) - 30;
                    let ahead = dice.chance(0.7).then_some(days * 86_400_000);
                    self.acts.push((at, Act::Wall { end, ahead }));
                }
                4 | 5 => {
                    for after in 0..1 + dice.below(3) {
                        let at = at + Duration::from_millis(after * dice.below(1_500));
                        self.acts.push((at, Act::Renew(dice.index(2))));
                    }
                }
                6 => {
                    self.acts.push((at, Act::Pause(end, true)));
                    let until = (at + dice.within(Duration::from_secs(5))).min(self.storm_ends);
                    self.acts.push((until, Act::Pause(end, false)));
                }
                7 => {
                    let mtu = 1_228 + dice.index(300);
                    self.acts.push((at, Act::Mtu(mtu)));
                }
                8 => {
                    self.sessions_change = true;
                    self.acts.push((at, Act::Restart(end)));
                    let back = at + dice.within(Duration::from_secs(3));
                    self.acts.push((back, Act::Meet(dice.index(2))));
                }
                _ => {
                    self.sessions_change = true;
                    self.acts.push((at, Act::Meet(end)));
                    // The other side, at about the same time.
                    if dice.chance(0.5) {
                        let at = at + dice.within(Duration::from_millis(300));
                        self.acts.push((at, Act::Meet(1 - end)));
                    }
                }
            }
        }
        self.sessions_change |= self.jumps(|millis| millis.max(0)) > TOO_LONG;
    }
}

impl Plan {
    /// Real handshakes in some schedules; `first` begins at once.
    fn shake_hands(&mut self, first: usize, dice: &mut Dice) {
        self.handshakes = dice.chance(HANDSHAKES);
        if !self.handshakes {
            return;
        }
        self.sessions_change = true;
        // Both at once.
        if dice.chance(0.5) {
            let at = Timestamp::ZERO + dice.within(Duration::from_millis(300));
            self.acts.push((at, Act::Meet(1 - first)));
        }
        // While a handshake is under way.
        if dice.chance(0.2) {
            let at = Timestamp::ZERO + dice.within(Duration::from_secs(2));
            self.acts.push((at, Act::Rebind(self.mover)));
        }
        // As early, or when there is something to resume.
        for latest in [Duration::from_secs(2), self.storm_ends.saturating_since(Timestamp::ZERO)] {
            if dice.chance(0.2) {
                let (at, end) = (Timestamp::ZERO + dice.within(latest), dice.index(2));
                self.acts.push((at, Act::Restart(end)));
                self.acts.push((at + dice.within(Duration::from_secs(1)), Act::Meet(end)));
            }
        }
    }

    /// Where handshakes are real, nobody moves any more once an end has restarted: what that one forgot,
    /// the other takes for a session until it has been silent for a minute, and an attempt that a move
    /// spoils is not repeated as long as there is one.
    fn keep_still(&mut self) {
        let restart = |(at, act): &(Timestamp, Act)| matches!(act, Act::Restart(_)).then_some(*at);
        let first = self.acts.iter().filter_map(restart).min();
        if let Some(first) = first.filter(|_| self.handshakes) {
            let moves = |act: &Act| matches!(act, Act::Rebind(_) | Act::Roam { .. });
            self.acts.retain(|(at, act)| *at < first || !moves(act));
        }
    }

    /// An end moves while its session may not be set up yet, and much is lost: then the session may end
    /// of silence before it is found again.
    fn moves_at_once(&self) -> bool {
        let much = |line: &Line| match line.loss {
            Loss::None => false,
            Loss::Random(share) => share > 0.1,
            Loss::Bursts { .. } => true,
        };
        let early = |(at, act): &(Timestamp, Act)| {
            matches!(act, Act::Rebind(_) | Act::Roam { .. }) && *at < Timestamp::ZERO + TOO_LONG
        };
        self.storm.iter().any(much) && self.acts.iter().any(early)
    }

    /// What befalls addresses.
    fn places(&mut self, dice: &mut Dice) {
        self.several_addresses = dice.chance(0.3);
        let networks = if self.several_addresses { NETWORKS } else { 1 };
        if self.several_addresses {
            let early = Timestamp::ZERO + dice.within(Duration::from_secs(3));
            self.acts.push((early.min(self.storm_ends), Act::Introduce));
            if dice.chance(0.6) {
                let at = self.some_time(dice);
                self.acts.push((at, Act::Die(dice.index(2))));
                if dice.chance(0.5) {
                    let rest = self.storm_ends.saturating_since(at);
                    self.acts.push((at + dice.within(rest), Act::Revive));
                }
            }
        }
        if dice.chance(0.25) {
            for _ in 0..1 + dice.below(2) {
                let (network, knows) = (dice.index(networks), dice.chance(0.5));
                let roam = Act::Roam { end: self.mover, network, knows };
                self.acts.push((self.some_time(dice), roam));
            }
        }
        if dice.chance(0.15) {
            self.race(dice);
        }
    }

    /// Whoever forwards copies of all packets hides where an end has moved to, or which of its
    /// addresses it has begun to use: then it has to stop before the link can recover. Who answers as
    /// well may get a link while the line is bad, and loses it again.
    fn race(&mut self, dice: &mut Dice) {
        let at = self.some_time(dice);
        let moves = |(_, act): &_| matches!(act, Act::Rebind(_) | Act::Roam { .. });
        let moves = self.acts.iter().any(moves);
        let mut racer = Racer { of: dice.index(2), answers: dice.chance(0.7) };
        // A handshake that went through him knows no other address, and he goes.
        racer.answers &= !self.handshakes;
        self.acts.push((at, Act::Race(Some(racer))));
        let hides = self.several_addresses || moves || self.handshakes;
        if dice.chance(0.5) || hides {
            let rest = self.storm_ends.saturating_since(at);
            self.acts.push((at + dice.within(rest), Act::Race(None)));
        }
    }
}

/// The largest IP packet of the line: Ethernet most often, or tunnels, jumbo frames, loopback.
fn mtu(dice: &mut Dice) -> usize {
    match dice.below(8) {
        0..=3 => ETHERNET,
        4 => 1_280,
        5 => 1_228 + dice.index(300),
        6 => 9_000,
        _ => MAX_MTU,
    }
}

fn storm_line(dice: &mut Dice, delay: Duration, mtu: usize) -> Line {
    let loss = match dice.below(4) {
        0 => Loss::None,
        1 | 2 => Loss::Random(dice.below(400) as f64 / 1_000.0),
        _ => Loss::Bursts {
            good_for: Duration::from_micros(BURST_MICROS / (5 + dice.below(50))),
            bad_for: Duration::from_micros(BURST_MICROS / (100 + dice.below(400))),
            good: dice.below(50) as f64 / 1_000.0,
            bad: 0.5 + dice.below(500) as f64 / 1_000.0,
        },
    };
    let mut sometimes = |most: u64| match dice.below(2) {
        0 => 0.0,
        _ => dice.below(most) as f64 / 1_000.0,
    };
    let (duplicate, reorder) = (sometimes(200), sometimes(300));
    let (corrupt, truncate) = (sometimes(100), sometimes(50));
    let rate = dice.chance(0.5).then(|| scale(dice, 100_000, 20_000_000));
    Line {
        delay,
        rate,
        queue: usize::try_from(scale(dice, 5_000, 200_000)).unwrap_or(5_000),
        loss,
        duplicate,
        reorder,
        reorder_by: Duration::from_millis(scale(dice, 1, 400)),
        corrupt,
        truncate,
        mark: None,
        mtu,
    }
}

fn clock(dice: &mut Dice) -> Clock {
    Clock {
        origin: 1_000_000_000 * scale(dice, 20, 1_000_000),
        skew_ppm: i32::try_from(dice.below(600)).unwrap_or(0) - 300,
        wall: Some(i64::try_from(dice.below(3_600_000)).unwrap_or(0) - 1_800_000),
    }
}

/// Who closes: nobody, one, or both at once or nearly so.
fn finale(dice: &mut Dice, delay: Duration) -> Vec<(usize, Duration)> {
    let first = dice.index(2);
    match dice.below(8) {
        0..=3 => Vec::new(),
        4 | 5 => vec![(first, Duration::ZERO)],
        6 => vec![(first, Duration::ZERO), (1 - first, Duration::ZERO)],
        _ => vec![(first, Duration::ZERO), (1 - first, dice.within(delay * 2))],
    }
}

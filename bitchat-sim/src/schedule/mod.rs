//! Schedules: what can befall the two ends of a link, in any order, decided by one number.
//!
//! A schedule is two real [`Link`](bitchat_core::link::Link)s with real keys over a line that loses,
//! doubles, reorders and damages packets, is cut and mended, carries packets of any size from 1,228 to
//! 65,535 bytes and then of another, while each end computes with one back end or the other, addresses
//! change with or without the host knowing, one of two addresses dies, somebody forwards copies of
//! packets faster than the line, clocks jump, keys are renewed, ends restart, and sessions are opened and closed from both
//! sides at once. It lasts up to a minute of its own time and a few milliseconds of ours, so that
//! millions of them can be run; `cargo run --release -p bitchat-sim --bin schedules` does.
//!
//! What must hold in each, whatever happens:
//! - A message that a session took comes out of it once, whole and in its turn; what was
//!   acknowledged is there after a restart.
//! - No damaged packet and no copy is taken for a new one.
//! - [`RECOVERY`] after the storm is over, one session is open on both sides, its keys are the same,
//!   and everything that was said has arrived; after as long again both sides send to where the
//!   other really is.
//! - An end sleeps until its deadline and has nothing to send before; it never spins.
//! - What it holds stays within its limits.
//! - A close is heard, or the other side finds out by itself; nothing is left over.

mod end;
mod log;
mod mail;
mod place;
mod plan;
mod session;
pub mod table;

use crate::dice::Dice;
use crate::net::{Link as Line, Schedule};
use bitchat_core::base::time::Timestamp;
use bitchat_core::link::{Verdict, Via};
use core::net::SocketAddr;
use core::time::Duration;
use end::{End, World};
use log::Log;
use mail::{Books, index};
use place::{NETWORKS, Places, network, next_host};
use plan::{Act, Plan};
use session::limits;
use std::collections::BTreeSet;

/// The time in which a link must recover once the line is good again.
pub const RECOVERY: Duration = Duration::from_secs(30);
/// A link that nobody answers is dead by then.
const SILENCE: Duration = Duration::from_secs(62);
/// How often an end may be woken within one second of its time.
const MAX_WAKES_PER_SECOND: u32 = 1_500;
/// How often an end may be woken without its clock moving.
const MAX_WAKES_AT_ONCE: u32 = 4;
/// Packets that one call may bring at most.
const MAX_BURST: u32 = 1_000;
/// Packets that a schedule may take at most, about ten times what the largest need.
const MAX_PACKETS: u64 = 30_000;
/// Headers of IPv4 and UDP.
const HEADERS: usize = 28;
/// What every line carries; longer packets are larger than the path was known to carry at first.
const BASE_DATAGRAM: usize = 1_200;

/// What a schedule came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Stands for every packet and when it was sent.
    pub hash: u64,
    /// How long after the storm everything was in order again; nothing if a close came before.
    pub recovery: Option<Duration>,
    /// Packets sent.
    pub packets: u64,
    /// Of these, larger than every path carries.
    pub large_packets: u64,
    /// Messages that were said.
    pub messages: u64,
    /// Key renewals, of both ends.
    pub renewals: u64,
    /// Sessions that were made.
    pub sessions: u64,
    /// The most wake-ups of an end in one second.
    pub busiest_second: u32,
    /// Both ends had a second address, and said so.
    pub several_addresses: bool,
    /// How often a link found its peer elsewhere.
    pub moves: u32,
    /// An address died that a link used.
    pub address_died: bool,
    /// Somebody forwarded copies of packets.
    pub raced: bool,
    /// The time that passed in the schedule.
    pub simulated: Duration,
    /// What happened in words, if that was asked for.
    pub words: String,
}

/// A schedule in which something did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which one.
    pub seed: u64,
    /// What did not hold.
    pub what: String,
    /// What happened before, in words, if that was asked for.
    pub words: String,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { seed, what, .. } = self;
        write!(
            f,
            "seed {seed}: {what}\n  cargo run --release -p bitchat-sim --bin schedules -- --seed {seed}"
        )
    }
}

/// Runs the schedule numbered `seed`; with `words`, says what happens in it.
///
/// # Errors
/// [`Failure`] if something did not hold.
pub fn run(seed: u64, words: bool) -> Result<Outcome, Failure> {
    let mut dice = Dice::new(seed).fork("schedule");
    let plan = Plan::new(&mut dice);
    play(Run::new(seed, plan, dice, words))
}

fn play(mut run: Run) -> Result<Outcome, Failure> {
    let seed = run.seed;
    let result = run.play();
    let simulated = run.now.saturating_since(Timestamp::ZERO);
    let failure = |what, words| Failure { seed, what, words };
    match result {
        Ok(recovery) => Ok(Outcome {
            hash: run.log.hash(),
            recovery,
            packets: run.packets,
            large_packets: run.large_packets,
            messages: run.ends.iter().flat_map(|end| &end.mail.said).map(|l| l.len() as u64).sum(),
            renewals: run.ends.iter().map(|end| u64::from(end.renewals)).sum(),
            sessions: run.meetings.len() as u64,
            busiest_second: run.ends.iter().map(|end| end.busiest_second).max().unwrap_or(0),
            several_addresses: run.plan.several_addresses,
            moves: run.ends.iter().map(|end| end.moved).sum(),
            address_died: run.address_died,
            raced: run.raced,
            simulated,
            words: run.log.into_words(),
        }),
        Err(what) => {
            run.log.note(run.now, format_args!("FAILED: {what}"));
            Err(failure(format!("at {:?}: {what}", run.now), run.log.into_words()))
        }
    }
}

/// A packet on its way.
#[derive(Debug)]
struct Flight {
    to: usize,
    network: usize,
    from: SocketAddr,
    target: SocketAddr,
    /// Which packet it is: copies share the number.
    id: u64,
    whole: bool,
    data: Vec<u8>,
}

/// A handshake that succeeded.
#[derive(Debug)]
struct Meeting {
    initiator: usize,
    /// The runs of the two ends that took part.
    boots: [u8; 2],
}

/// A schedule under way.
struct Run {
    seed: u64,
    plan: Plan,
    now: Timestamp,
    ends: [End; 2],
    /// What each end's packets go through, and whether it is cut.
    lines: [Line; 2],
    cut: [bool; 2],
    places: Places,
    address_died: bool,
    raced: bool,
    wire: Schedule<Flight>,
    acts: Schedule<Act>,
    books: Books,
    log: Log,
    meetings: Vec<Meeting>,
    redialling: [bool; 2],
    calm: bool,
    over: bool,
    /// Packets that an end took.
    taken: BTreeSet<u64>,
    packets: u64,
    large_packets: u64,
    /// Where packets are built.
    buf: Vec<u8>,
    dice: Dice,
}

/// The parts of a run that an end may touch.
macro_rules! world {
    ($run:expr) => {
        &mut World {
            books: &mut $run.books,
            log: &mut $run.log,
            now: $run.now,
            sessions_change: $run.plan.sessions_change,
            over: $run.over,
        }
    };
}

impl Run {
    fn new(seed: u64, plan: Plan, mut dice: Dice, words: bool) -> Self {
        let mut acts = Schedule::default();
        plan.acts.iter().for_each(|(at, act)| acts.push(*at, *act));
        let mut end = |name: usize| End::new(name, dice.bytes(), &plan);
        let ends = [end(0), end(1)];
        let line = |of: usize, name| Line::new(plan.storm[of].clone(), dice.fork(name));
        Self {
            seed,
            now: Timestamp::ZERO,
            ends,
            lines: [line(0, "there"), line(1, "back")],
            cut: [false; 2],
            places: Places::default(),
            address_died: false,
            raced: false,
            wire: Schedule::default(),
            acts,
            books: Books::default(),
            log: Log::new(words),
            meetings: Vec::new(),
            redialling: [false; 2],
            calm: false,
            over: false,
            taken: BTreeSet::new(),
            packets: 0,
            large_packets: 0,
            buf: vec![0; limits().datagram_bytes],
            dice,
            plan,
        }
    }

    /// From the beginning to the end; how long it took to recover.
    fn play(&mut self) -> Result<Option<Duration>, String> {
        self.log.note(self.now, format_args!("{:#?}", self.plan));
        let storm_ends = self.plan.storm_ends;
        let mut recovery = None;
        if self.plan.cut_short {
            self.run_until("calm", storm_ends + Duration::from_secs(1), |run| run.calm)?;
        } else {
            self.run_until("recovery", storm_ends + RECOVERY, Self::is_recovered)?;
            recovery = Some(self.now.saturating_since(storm_ends));
            self.run_until("the peer's address", self.now + RECOVERY, Self::is_aimed)?;
            let quiet = self.now + SILENCE;
            self.run_until("one session each", quiet, |run| {
                run.ends.iter().all(|end| end.sessions.len() == 1)
            })?;
            self.close();
        }
        self.ends.iter().try_for_each(End::check_memory)?;
        if self.over || !self.plan.finale.is_empty() {
            let dead = self.now + SILENCE;
            self.run_until("the end of all sessions", dead, |run| {
                run.over && run.ends.iter().all(|end| end.sessions.is_empty())
            })?;
        }
        let busiest = self.ends.iter().map(|end| end.busiest_second).max().unwrap_or(0);
        if busiest > MAX_WAKES_PER_SECOND {
            return Err(format!("woken {busiest} times in a second"));
        }
        Ok(recovery)
    }

    fn run_until(
        &mut self,
        what: &str,
        limit: Timestamp,
        reached: impl Fn(&Self) -> bool,
    ) -> Result<(), String> {
        while !reached(self) {
            if !self.step(limit)? {
                return Err(format!("{what} not reached: {}", self.state()));
            }
        }
        Ok(())
    }

    /// The sessions that are open at both ends.
    fn common(&self) -> impl Iterator<Item = (&end::Session, &end::Session)> {
        let [one, other] = &self.ends;
        one.open().filter_map(|session| {
            Some((session, other.open().find(|there| there.number == session.number)?))
        })
    }

    /// The storm is over and nothing is left of it: one session, the same keys, all delivered.
    fn is_recovered(&self) -> bool {
        if !self.calm || !self.acts.is_empty() {
            return false;
        }
        let mut common = self.common();
        let (Some((one, other)), None) = (common.next(), common.next()) else { return false };
        let arrived = |from: &End, to: &End| {
            (0..3).all(|lane| from.mail.said[lane].len() == to.mail.got[lane] as usize)
        };
        let [here, there] = &self.ends;
        (one.up && other.up)
            && one.link.generation() == other.link.generation()
            && arrived(here, there)
            && arrived(there, here)
            && self.books.is_settled(one.number)
    }

    /// Both ends send to where the other really is.
    fn is_aimed(&self) -> bool {
        let [here, there] = &self.ends;
        let aims = |from: &End, to: &End| {
            from.open().all(|session| self.places.leads_to(session.link.via(), to))
        };
        aims(here, there) && aims(there, here)
    }

    fn state(&self) -> String {
        let of = |end: &End| {
            let sessions: Vec<String> = end
                .sessions
                .iter()
                .map(|session| {
                    let link = &session.link;
                    let (number, open, up) = (session.number, link.is_open(), session.up);
                    let (keys, timer, via) = (link.generation(), link.poll_timeout(), link.via());
                    format!("{number}: open {open}, up {up}, generation {keys}, {via:?}, {timer:?}")
                })
                .collect();
            let said: Vec<usize> = end.mail.said.iter().map(Vec::len).collect();
            let End { name, mail, addresses, .. } = end;
            format!("{name} at {addresses:?} said {said:?}, got {:?}, has {sessions:?}", mail.got)
        };
        format!("{}; {}", of(&self.ends[0]), of(&self.ends[1]))
    }

    /// Goes to the next thing that happens, but not past `limit`; false if that is reached.
    fn step(&mut self, limit: Timestamp) -> Result<bool, String> {
        let wakes = self.ends.iter().filter_map(|end| end.wake);
        let next = wakes.chain(self.acts.next_at()).chain(self.wire.next_at()).min();
        let Some(next) = next.filter(|next| *next <= limit) else {
            self.now = limit;
            return Ok(false);
        };
        self.now = self.now.max(next);
        self.check_stranded()?;
        let touched = if let Some(act) = self.acts.pop_due(self.now) {
            self.act(act)?;
            [true, true]
        } else if let Some(flight) = self.wire.pop_due(self.now) {
            let to = flight.to;
            self.arrive(flight)?;
            [to == 0, to == 1]
        } else {
            let due = self.ends.each_ref().map(|end| end.wake.is_some_and(|at| at <= self.now));
            for (end, _) in self.ends.iter_mut().zip(due).filter(|(_, due)| *due) {
                end.on_timeout(world!(self))?;
            }
            due
        };
        for end in (0..2).filter(|end| touched[*end]) {
            self.flush(end)?;
            self.redial(end);
        }
        Ok(true)
    }

    /// An end whose deadline is to come has nothing to send.
    fn check_stranded(&mut self) -> Result<(), String> {
        if !self.dice.chance(0.05) {
            return Ok(());
        }
        let end = &mut self.ends[self.dice.index(2)];
        if end.wake.is_none_or(|wake| wake > self.now)
            && end.poll_packet(self.now, &mut self.buf).is_some()
        {
            let (name, wake) = (end.name, end.wake);
            return Err(format!("{name} has something to send, and a deadline at {wake:?}"));
        }
        Ok(())
    }

    fn flush(&mut self, from: usize) -> Result<(), String> {
        let mut buf = core::mem::take(&mut self.buf);
        let mut burst = 0;
        while let Some((via, len)) = self.ends[from].poll_packet(self.now, &mut buf) {
            burst += 1;
            if burst > MAX_BURST {
                return Err(format!("{from} never stops sending"));
            }
            if self.packets > MAX_PACKETS {
                return Err("the two never stop answering each other".to_owned());
            }
            self.send(from, via, &buf[..len]);
        }
        self.buf = buf;
        self.ends[from].settle(self.now);
        Ok(())
    }

    fn send(&mut self, from: usize, via: Via, data: &[u8]) {
        self.packets += 1;
        self.large_packets += u64::from(data.len() > BASE_DATAGRAM);
        self.log.mix(self.now, data);
        let id = self.packets;
        let exits = self.lines[from].offer(self.now, data.len() + HEADERS);
        let arrivals = exits.map(|exit| exit.map(|exit| exit.at));
        self.log.note(
            self.now,
            format_args!(
                "{from}: packet {id} to {}, {} bytes, {arrivals:?}",
                via.remote,
                data.len()
            ),
        );
        if self.cut[from] {
            return;
        }
        let (to, network) = (1 - from, network(via));
        let flight =
            |from, whole, data| Flight { to, network, from, target: via.remote, id, whole, data };
        for exit in exits.into_iter().flatten() {
            let mut data = data.to_vec();
            exit.damage(&mut data);
            let address = self.ends[from].addresses[network];
            self.wire.push(exit.at, flight(address, exit.is_whole(), data));
        }
        let fits = data.len() + HEADERS <= self.lines[from].config.mtu;
        if let Some(racer) = self.places.copies(from, network).filter(|_| fits) {
            let soon = self.now + self.plan.calm.delay / 2;
            self.wire.push(soon, flight(racer, true, data.to_vec()));
        }
    }

    fn arrive(&mut self, mut flight: Flight) -> Result<(), String> {
        let to = flight.to;
        let here = self.ends[to].addresses[flight.network];
        if self.places.forwards(to, flight.target) {
            flight.target = here;
        }
        // A router on the way sends nothing to an address that is gone.
        if self.cut[1 - to] || self.places.dead == Some(flight.network) || here != flight.target {
            return Ok(());
        }
        let cid = flight.data.first_chunk::<8>();
        let session = self.ends[to]
            .sessions
            .iter()
            .find(|s| s.link.local_cids().any(|id| Some(&id.0) == cid));
        let Some(number) = session.map(|session| session.number) else { return Ok(()) };
        let via = Places::way(flight.network, flight.from);
        let data = &mut flight.data;
        let verdict = self.ends[to].on_datagram(number, via, data, world!(self))?;
        let Flight { id, from, .. } = flight;
        self.log.note(self.now, format_args!("{to}: packet {id} from {from}: {verdict:?}"));
        if verdict == Verdict::Authentic {
            if !flight.whole {
                return Err(format!("{to} took the damaged packet {}", flight.id));
            }
            if !self.taken.insert(flight.id) {
                return Err(format!("{to} took packet {} twice", flight.id));
            }
        }
        Ok(())
    }

    fn act(&mut self, act: Act) -> Result<(), String> {
        self.log.note(self.now, format_args!("{act:?}"));
        match act {
            Act::Say { end, lane, size } => {
                self.ends[end].mail.said[index(lane)].push(size);
                return self.ends[end].with_all(world!(self), |_, _, _, _| {});
            }
            Act::Cut(ways) => self.cut = ways,
            Act::Mend => self.cut = [false; 2],
            Act::Rebind(end) => {
                let address = &mut self.ends[end].addresses[0];
                address.set_port(address.port() + 1);
            }
            Act::Roam { end, network, knows } => return self.roam(end, network, knows),
            Act::Introduce => return self.introduce(),
            Act::Die(user) => {
                let used = self.places.dispensable(&self.ends, user);
                self.address_died |= used.is_some();
                self.places.dead = self.places.dead.or(used);
                self.log.note(self.now, format_args!("dead: {:?}", self.places.dead));
            }
            Act::Revive => self.places.dead = None,
            Act::Race(racer) => {
                self.places.racer = racer;
                self.raced |= racer.is_some();
            }
            Act::Jump { end, millis } => {
                let clock = &mut self.ends[end].clock;
                clock.origin = clock.origin.saturating_add_signed(millis * 1_000_000);
            }
            Act::Wall { end, ahead } => self.ends[end].clock.wall = ahead,
            Act::Renew(end) => {
                return self.ends[end]
                    .with_all(world!(self), |link, rng, now, _| link.renew(now.mono, rng));
            }
            Act::Pause(end, paused) => return self.ends[end].pause(paused, world!(self)),
            Act::Mtu(mtu) => self.lines.iter_mut().for_each(|line| line.config.mtu = mtu),
            Act::Restart(end) => self.ends[end].restart(),
            Act::Meet(initiator) => return self.meet(initiator),
            Act::Redial(end) => {
                self.redialling[end] = false;
                if self.ends[end].open().next().is_none() {
                    return self.meet(end);
                }
            }
            Act::Answer(number) => return self.answer(number),
            Act::Calm => {
                self.calm = true;
                self.cut = [false; 2];
                self.lines.iter_mut().for_each(|line| line.config = self.plan.calm.clone());
                return self.ends.iter().try_for_each(End::check_memory);
            }
            Act::Close(end) => {
                self.over = true;
                return self.ends[end].with_all(world!(self), |link, _, now, events| {
                    link.close(now.mono, 0, events);
                });
            }
        }
        Ok(())
    }

    /// An end gets another address in a network, and notices it or not.
    fn roam(&mut self, end: usize, network: usize, knows: bool) -> Result<(), String> {
        let address = &mut self.ends[end].addresses[network];
        *address = next_host(*address);
        if !knows {
            return Ok(());
        }
        // As a node does when its interfaces change.
        self.ends[end].with_all(world!(self), |link, rng, now, _| link.on_local_move(now.mono, rng))
    }

    /// Both ends learn the other's address in each network, as from a handshake there.
    fn introduce(&mut self) -> Result<(), String> {
        let ready = self.ends.iter().all(|end| {
            end.open().next().is_some() && end.open().all(|session| session.link.is_ready())
        });
        if !ready {
            if !self.calm {
                self.acts.push(self.now + Duration::from_millis(500), Act::Introduce);
            }
            return Ok(());
        }
        for network in 0..NETWORKS {
            let ways = [1, 0].map(|peer: usize| Places::way_to(&self.ends[peer], network));
            for (end, via) in self.ends.iter_mut().zip(ways) {
                end.with_all(world!(self), |link, rng, now, _| link.add_path(now.mono, via, rng))?;
            }
        }
        Ok(())
    }

    /// A handshake succeeds where the line lets it.
    fn meet(&mut self, initiator: usize) -> Result<(), String> {
        if self.over {
            return Ok(());
        }
        if self.cut.contains(&true) {
            self.acts.push(self.now + Duration::from_millis(500), Act::Meet(initiator));
            return Ok(());
        }
        let number = u32::try_from(self.meetings.len()).unwrap_or(u32::MAX);
        let boots = self.ends.each_ref().map(|end| end.boot);
        self.meetings.push(Meeting { initiator, boots });
        self.acts.push(self.now + self.plan.calm.delay, Act::Answer(number));
        self.establish(number, initiator)
    }

    /// The responder has the initiator's last message of the handshake, if it still is who it was.
    fn answer(&mut self, number: u32) -> Result<(), String> {
        let Meeting { initiator, boots } = self.meetings[number as usize];
        if self.over || boots[1 - initiator] != self.ends[1 - initiator].boot {
            self.ends[initiator].withdraw(number);
            return Ok(());
        }
        self.establish(number, 1 - initiator)
    }

    fn establish(&mut self, number: u32, end: usize) -> Result<(), String> {
        let Meeting { initiator, boots } = self.meetings[number as usize];
        // Handshakes of two sessions may have gone by two ways.
        let network = match self.places.dead {
            None if self.plan.several_addresses => number as usize % NETWORKS,
            None | Some(_) => self.places.working(),
        };
        let via = Places::way_to(&self.ends[1 - end], network);
        let peer = boots[1 - end];
        let session = session::established(self.seed, number, end, initiator, peer, via.remote);
        self.ends[end].establish(number, &session, via, world!(self))
    }

    /// An end that has lost its last session makes another.
    fn redial(&mut self, end: usize) {
        let lost = self.plan.sessions_change && self.ends[end].open().next().is_none();
        if lost && !self.over && !self.redialling[end] {
            self.redialling[end] = true;
            self.acts.push(self.now + Duration::from_secs(1), Act::Redial(end));
        }
    }

    /// Plans who closes.
    fn close(&mut self) {
        for (end, after) in self.plan.finale.clone() {
            self.acts.push(self.now + after, Act::Close(end));
        }
    }
}

#[cfg(test)]
mod tests;

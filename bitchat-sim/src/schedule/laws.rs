//! What must hold in a schedule, and by when.

use super::end::{End, Session};
use super::world::Run;
use bitchat_core::base::time::Timestamp;
use core::time::Duration;

/// The time in which a link must recover once the line is good again.
pub const RECOVERY: Duration = Duration::from_secs(30);
/// A link that nobody answers is dead by then.
const SILENCE: Duration = Duration::from_secs(62);
/// How often an end may be woken within one second of its time.
const MAX_WAKES_PER_SECOND: u32 = 1_500;
/// How often an end may be woken without its clock moving.
pub(super) const MAX_WAKES_AT_ONCE: u32 = 4;
/// Packets that one call may bring at most.
const MAX_BURST: u32 = 1_000;
/// Packets that a schedule may take at most, about ten times what the largest need.
const MAX_PACKETS: u64 = 30_000;

impl Run {
    /// From the beginning to the end; how long it took to recover.
    pub(super) fn play(&mut self) -> Result<Option<Duration>, String> {
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
                run.ends.iter().all(|end| end.sessions.len() == 1 && !end.is_dialling())
            })?;
            self.close();
        }
        self.ends.iter().try_for_each(End::check_memory)?;
        if self.over || !self.plan.finale.is_empty() {
            let dead = self.now + SILENCE + self.plan.standstill();
            self.run_until("the end of all sessions", dead, |run| {
                run.over && run.ends.iter().all(|end| end.sessions.is_empty())
            })?;
        }
        let busiest = self.ends.iter().map(|end| end.tally.busiest_second).max().unwrap_or(0);
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
    fn common(&self) -> impl Iterator<Item = (&Session, &Session)> {
        let [one, other] = &self.ends;
        one.open().filter_map(|session| {
            Some((session, other.open().find(|there| there.number == session.number)?))
        })
    }

    /// The storm is over and nothing is left of it: one session, the same keys, all delivered.
    fn is_recovered(&self) -> bool {
        // Where handshakes are real an end looks every few seconds whether it has a session.
        let looks = self.redialling.iter().filter(|waits| **waits && self.plan.handshakes).count();
        if !self.calm || self.acts.len() > looks {
            return false;
        }
        let mut common = self.common();
        let (Some((one, other)), None) = (common.next(), common.next()) else { return false };
        let arrived = |from: &End, to: &End| {
            (0..3).all(|lane| from.mail.said[lane].len() == to.mail.got[lane] as usize)
        };
        let [here, there] = &self.ends;
        (one.up && other.up)
            && one.link.rekeys() == other.link.rekeys()
            && arrived(here, there)
            && arrived(there, here)
            && self.books.is_settled(one.number)
    }

    /// Both ends send to where the other really is, on the sessions that both have.
    fn is_aimed(&self) -> bool {
        let [here, there] = &self.ends;
        let aims = |session: &Session, to: &End| self.places.leads_to(session.link.via(), to);
        self.common().all(|(one, other)| aims(one, there) && aims(other, here))
    }

    fn state(&self) -> String {
        let of = |end: &End| {
            let sessions: Vec<String> = end
                .sessions
                .iter()
                .map(|session| {
                    let link = &session.link;
                    let (number, open, up) = (session.number, link.is_open(), session.up);
                    let (keys, timer, via) = (link.rekeys(), link.poll_timeout(), link.via());
                    format!("{number}: open {open}, up {up}, generation {keys}, {via:?}, {timer:?}")
                })
                .collect();
            let said: Vec<usize> = end.mail.said.iter().map(Vec::len).collect();
            let End { name, mail, addresses, .. } = end;
            format!("{name} at {addresses:?} said {said:?}, got {:?}, has {sessions:?}", mail.got)
        };
        format!("{}; {}", of(&self.ends[0]), of(&self.ends[1]))
    }

    /// An end whose deadline is to come has nothing to send.
    pub(super) fn check_stranded(&mut self) -> Result<(), String> {
        if !self.dice.chance(0.05) {
            return Ok(());
        }
        let end = &mut self.ends[self.dice.index(2)];
        if end.wake.is_none_or(|wake| wake > self.now)
            && end.poll_packet(self.now, &mut self.traffic.buf).is_some()
        {
            let (name, wake) = (end.name, end.wake);
            return Err(format!("{name} has something to send, and a deadline at {wake:?}"));
        }
        Ok(())
    }

    /// `burst` packets were sent at once.
    pub(super) fn check_bounds(&self, from: usize, burst: u32) -> Result<(), String> {
        if burst > MAX_BURST {
            return Err(format!("{from} never stops sending"));
        }
        if self.traffic.packets > MAX_PACKETS {
            return Err("the two never stop answering each other".to_owned());
        }
        Ok(())
    }
}

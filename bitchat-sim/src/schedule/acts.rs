//! What befalls the two ends, done.

use super::end::End;
use super::greeter::Greeter;
use super::mail::index;
use super::place::{NETWORKS, Places, next_host};
use super::plan::Act;
use super::session;
use super::world::{Meeting, Run, world};
use core::time::Duration;

/// When an end tries again whose last attempt failed: as a node does at an address that answered.
const REDIAL: Duration = Duration::from_secs(5);

impl Run {
    pub(super) fn act(&mut self, act: Act) -> Result<(), String> {
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
                    .with_all(world!(self), |link, rng, now, _| link.rekey(now.mono, rng));
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
            Act::Calm => return self.calm_down(),
            Act::Close(end) => {
                self.over = true;
                self.ends[end].greeter.iter_mut().for_each(Greeter::close);
                return self.ends[end].with_all(world!(self), |link, _, now, events| {
                    link.close(now.mono, 0, events);
                });
            }
        }
        Ok(())
    }

    /// The weather becomes good, for good.
    fn calm_down(&mut self) -> Result<(), String> {
        self.calm = true;
        self.cut = [false; 2];
        if self.plan.handshakes {
            // Without the date there is no handshake (BC-04.08).
            self.ends.iter_mut().for_each(|end| end.clock.wall = Some(0));
        }
        self.lines.iter_mut().for_each(|line| line.config = self.plan.calm.clone());
        self.ends.iter().try_for_each(End::check_memory)
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
        if self.plan.handshakes {
            return self.dial(initiator);
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

    /// An end begins a handshake with the other, where that is now.
    fn dial(&mut self, end: usize) -> Result<(), String> {
        let both = self.plan.several_addresses && self.places.dead.is_none();
        let number = self.ends[end].greeter.as_ref().map_or(0, |greeter| greeter.dialled);
        let network =
            if both { usize::from(!number.is_multiple_of(2)) } else { self.places.working() };
        let remote = self.ends[1 - end].addresses[network];
        self.ends[end].dial(remote, world!(self))
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
        let remote = via.remote().expect("schedules use UDP only");
        let session = session::established(self.seed, number, end, initiator, peer, remote);
        self.ends[end].establish(number, &session, via, world!(self))
    }

    /// An end that has lost its last session makes another.
    pub(super) fn redial(&mut self, end: usize) {
        let lost = self.plan.sessions_change && self.ends[end].open().next().is_none();
        if lost && !self.over && !self.redialling[end] {
            self.redialling[end] = true;
            let wait = if self.plan.handshakes { REDIAL } else { Duration::from_secs(1) };
            self.acts.push(self.now + wait, Act::Redial(end));
        }
    }

    /// Plans who closes.
    pub(super) fn close(&mut self) {
        for (end, after) in self.plan.finale.clone() {
            self.acts.push(self.now + after, Act::Close(end));
        }
    }
}

//! How an end acts on its handshakes: as a node does.

use super::super::greeter::{About, Greeter};
use super::super::place::Places;
use super::{End, World};
use bitchat_core::handshake::{Effect, Failure};
use core::net::SocketAddr;

impl End {
    /// A handshake that it began is under way.
    pub(in super::super) fn is_dialling(&self) -> bool {
        self.greeter.as_ref().is_some_and(Greeter::is_dialling)
    }

    /// Begins a handshake with whom it finds at `remote`.
    pub(in super::super) fn dial(
        &mut self,
        remote: SocketAddr,
        world: &mut World<'_>,
    ) -> Result<(), String> {
        let now = self.local(world.now);
        let Some(greeter) = &mut self.greeter else { return Ok(()) };
        let about = About { now, rng: &mut self.rng, sessions: &self.sessions };
        let effects = greeter.dial(about, remote);
        self.on_effects(remote, effects, world)
    }

    /// Takes a datagram of no session; whether it was of a member.
    pub(in super::super) fn on_stranger(
        &mut self,
        from: SocketAddr,
        datagram: &mut [u8],
        world: &mut World<'_>,
    ) -> Result<bool, String> {
        let now = self.local(world.now);
        let Some(greeter) = &mut self.greeter else { return Ok(false) };
        let about = About { now, rng: &mut self.rng, sessions: &self.sessions };
        let Some((result, effects)) = greeter.on_datagram(about, from, datagram) else {
            return Ok(false);
        };
        world.log.note(world.now, format_args!("{}: from {from}: {result:?}", self.name));
        greeter.check_answer(from, datagram.len())?;
        self.on_effects(from, effects, world)?;
        Ok(true)
    }

    /// What attempts have to do by now.
    pub(super) fn greet_on_timeout(&mut self, world: &mut World<'_>) -> Result<(), String> {
        let now = self.local(world.now);
        let Some(greeter) = self.greeter.as_mut().filter(|_| now.wall.is_some()) else {
            return Ok(());
        };
        let about = About { now, rng: &mut self.rng, sessions: &self.sessions };
        let effects = greeter.on_timeout(about);
        effects
            .into_iter()
            .try_for_each(|(remote, effect)| self.on_effects(remote, vec![effect], world))
    }

    /// What handshakes with whoever is at `remote` brought, as a node acts on it.
    fn on_effects(
        &mut self,
        remote: SocketAddr,
        effects: Vec<Effect>,
        world: &mut World<'_>,
    ) -> Result<(), String> {
        for effect in effects {
            match effect {
                Effect::Established(session) => {
                    let number = world.register.enter(self.name, &session)?;
                    let remote = session.remote;
                    let via = Places::way(usize::from(remote.is_ipv6()), remote);
                    self.establish(number, &session, via, world)?;
                }
                Effect::Withdrawn(cid) => {
                    let mut all = self.sessions.iter();
                    let gone = all.find(|it| it.link.local_cids().any(|id| id == cid));
                    if let Some(session) = gone {
                        let number = session.number;
                        if session.link.has_heard() {
                            return Err(format!("{}: {number} lives and is given up", self.name));
                        }
                        self.tally.withdrawn += 1;
                        self.withdraw(number);
                    }
                }
                // The session that is there may use this way as well.
                Effect::Failed(Failure::Linked(_)) => {
                    let via = Places::way(usize::from(remote.is_ipv6()), remote);
                    if let Some(best) = self.best() {
                        self.with(best, world, |link, rng, now, _| {
                            link.add_path(now.mono, via, rng);
                        })?;
                    }
                }
                Effect::Failed(Failure::Unreachable | Failure::NoAnswer | Failure::Unconfirmed)
                | Effect::Observed(_)
                | Effect::Send { .. }
                | Effect::KeyLog(_) => {}
                Effect::Failed(why) => return Err(format!("{}: {why:?}", self.name)),
            }
        }
        Ok(())
    }

    /// A packet of a session authenticated: its attempt is over.
    pub(super) fn on_authentic(&mut self, number: u32) {
        let session = self.sessions.iter().find(|session| session.number == number);
        if let Some((session, greeter)) = session.zip(self.greeter.as_mut()) {
            let link = &session.link;
            let remote = link.via().remote().expect("schedules use UDP only");
            greeter.confirmed(&remote, link.local_cid());
        }
    }
}

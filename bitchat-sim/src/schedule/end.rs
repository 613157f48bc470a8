//! One end of a schedule: its clock, its sessions and its application.

mod greeting;

use super::greeter::Greeter;
use super::log::Log;
use super::mail::{Books, Mail, Message, index};
use super::place::{NETWORKS, Places, first_addresses};
use super::plan::Plan;
use super::register::Register;
use super::session::{CHANNEL, CHANNEL_MAC, IDLE_TIMEOUT, KEEPALIVE, limits, people};
use crate::world::Clock;
use bitchat_core::base::ids::LinkId;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::{Now, Timestamp};
use bitchat_core::handshake::{DuplicateSession, Established, session_to_keep};
use bitchat_core::link::{Ended, Lane, Link, LinkConfig, LinkEvent, Verdict, Via, code};
use core::net::SocketAddr;
use core::time::Duration;

/// An application acknowledges every so many messages of a lane, where that is wanted.
const ACKNOWLEDGE_EVERY: u32 = 3;

/// One session at one end.
#[derive(Debug)]
pub(super) struct Session {
    pub number: u32,
    pub link: Link,
    /// The channel is open.
    pub up: bool,
    /// Lanes that took no more.
    blocked: [bool; 3],
    /// The next message of each lane to go this way.
    next: [u32; 3],
}

impl Session {
    fn rival(&self) -> DuplicateSession<'_, u32> {
        DuplicateSession {
            name: self.number,
            tie_break: self.link.tie_break(),
            ready: self.link.is_ready(),
        }
    }
}

/// What an end may touch of the world around it.
pub(super) struct World<'a> {
    pub books: &'a mut Books,
    pub log: &'a mut Log,
    pub register: &'a mut Register,
    pub now: Timestamp,
    /// Sessions come and go in this schedule.
    pub sessions_change: bool,
    /// Somebody has closed, for good.
    pub over: bool,
}

/// What has happened at an end, in numbers.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// How often its timer expired at the present moment, and in the present second.
    woken: (Timestamp, u32),
    second: (u64, u32),
    pub busiest_second: u32,
    pub renewals: u32,
    pub moved: u32,
    pub closed: Vec<(u32, Ended)>,
    /// Sessions that had no counterpart.
    pub withdrawn: u64,
}

/// One of the two.
#[derive(Debug)]
pub(super) struct End {
    pub name: usize,
    pub clock: Clock,
    /// The latest that the monotonic clock has shown: it never shows less.
    shown: Timestamp,
    /// Where it is, in each network.
    pub addresses: [SocketAddr; NETWORKS],
    pub boot: u8,
    rng: Rng,
    pub sessions: Vec<Session>,
    pub mail: Mail,
    paused: bool,
    /// Several sessions are open, and the losers not yet closed.
    rivals: bool,
    rekey_interval: Duration,
    /// Which of the back ends computes for it.
    suite: usize,
    /// When it has something to do, in the world's time.
    pub wake: Option<Timestamp>,
    pub tally: Tally,
    /// Its handshakes, where they are real.
    pub greeter: Option<Greeter>,
}

impl End {
    pub(super) fn new(name: usize, seed: [u8; 32], plan: &Plan) -> Self {
        let mut rng = Rng::new(&Seed(seed));
        let suite = plan.suites[name];
        let greeter = plan.handshakes.then(|| Greeter::new(name, suite, &mut rng));
        Self {
            name,
            clock: plan.clocks[name],
            shown: Timestamp::ZERO,
            addresses: first_addresses(name),
            boot: 1,
            rng,
            sessions: Vec::new(),
            mail: Mail::default(),
            paused: false,
            rivals: false,
            rekey_interval: plan.rekey_interval,
            suite,
            wake: None,
            tally: Tally::default(),
            greeter,
        }
    }

    /// What its clocks show.
    fn local(&mut self, world: Timestamp) -> Now {
        let now = self.clock.now(world);
        self.shown = self.shown.max(now.mono);
        Now { mono: self.shown, ..now }
    }

    pub(super) fn open(&self) -> impl DoubleEndedIterator<Item = &Session> + Clone {
        self.sessions.iter().filter(|session| session.link.is_open())
    }

    /// Everything that was not stored is lost.
    pub(super) fn restart(&mut self) {
        self.sessions.clear();
        self.rivals = false;
        self.boot += 1;
        self.rng.reseed(&Seed([self.boot; 32]));
        if let Some(greeter) = &mut self.greeter {
            greeter.restart(self.boot, &mut self.rng);
        }
    }

    /// A handshake left a session, by `via`.
    pub(super) fn establish(
        &mut self,
        number: u32,
        established: &Established,
        via: Via,
        world: &mut World<'_>,
    ) -> Result<(), String> {
        let now = self.local(world.now);
        let config = LinkConfig {
            rekey_interval: self.rekey_interval,
            keepalive: KEEPALIVE,
            idle_timeout: IDLE_TIMEOUT,
            limits: limits().clone(),
            key_log: false,
        };
        let key = &people()[self.name].keys[self.suite];
        let id = LinkId(number.into());
        let link = Link::new(now.mono, id, established, key, via, config, &mut self.rng);
        let next = self.mail.acknowledged;
        self.sessions.push(Session { number, link, up: false, blocked: [false; 3], next });
        world.log.note(world.now, format_args!("{}: session {number} begins", self.name));
        self.arbitrate();
        let paused = self.paused;
        self.with(number, world, |link, rng, _, events| {
            link.pause(paused, events);
            link.join(CHANNEL, &CHANNEL_MAC, rng, events);
        })
    }

    /// The session has no counterpart: the handshake was given up.
    pub(super) fn withdraw(&mut self, number: u32) {
        self.sessions.retain(|session| session.number != number);
        self.arbitrate();
    }

    /// Runs a link and acts on what happened on it.
    pub(super) fn with(
        &mut self,
        number: u32,
        world: &mut World<'_>,
        body: impl FnOnce(&mut Link, &mut Rng, Now, &mut Vec<LinkEvent>),
    ) -> Result<(), String> {
        let now = self.local(world.now);
        let Some(session) = self.sessions.iter_mut().find(|session| session.number == number)
        else {
            return Ok(());
        };
        let mut events = Vec::new();
        body(&mut session.link, &mut self.rng, now, &mut events);
        for event in events {
            self.on_event(number, event, world)?;
        }
        self.pump(number, world);
        Ok(())
    }

    /// Runs all open links, the oldest first.
    pub(super) fn with_all(
        &mut self,
        world: &mut World<'_>,
        mut body: impl FnMut(&mut Link, &mut Rng, Now, &mut Vec<LinkEvent>),
    ) -> Result<(), String> {
        let all: Vec<u32> = self.sessions.iter().map(|session| session.number).collect();
        all.into_iter().try_for_each(|number| self.with(number, world, &mut body))
    }

    pub(super) fn pause(&mut self, paused: bool, world: &mut World<'_>) -> Result<(), String> {
        self.paused = paused;
        self.with_all(world, |link, _, _, events| link.pause(paused, events))
    }

    fn on_event(
        &mut self,
        number: u32,
        event: LinkEvent,
        world: &mut World<'_>,
    ) -> Result<(), String> {
        let name = self.name;
        let acknowledged = self.mail.acknowledged;
        let Some(session) = self.sessions.iter_mut().find(|session| session.number == number)
        else {
            return Ok(());
        };
        match event {
            LinkEvent::ChannelUp(_) => {
                session.up = true;
                session.next = acknowledged;
            }
            LinkEvent::ChannelDown(_) => session.up = false,
            LinkEvent::Writable(_) => session.blocked = [false; 3],
            LinkEvent::Message { data, .. } => return self.on_message(number, &data, world),
            LinkEvent::Rekeyed(_) => self.tally.renewals += 1,
            LinkEvent::Moved => self.tally.moved += 1,
            LinkEvent::Ready => self.arbitrate(),
            LinkEvent::Resumption(secret) => {
                if let Some(greeter) = &mut self.greeter {
                    greeter.on_resumption(secret);
                }
            }
            LinkEvent::KeyLog(_)
            | LinkEvent::LocalId(_)
            | LinkEvent::LocalIdGone(_)
            | LinkEvent::Observed(_)
            | LinkEvent::Stream(..) => {}
            LinkEvent::Closed(ended) => {
                world.log.note(world.now, format_args!("{name}: session {number}: {ended:?}"));
                self.tally.closed.push((number, ended.clone()));
                self.arbitrate();
                return is_expected(&ended, world)
                    .then_some(())
                    .ok_or_else(|| format!("{name}: session {number} ended: {ended:?}"));
            }
        }
        Ok(())
    }

    fn on_message(
        &mut self,
        session: u32,
        data: &[u8],
        world: &mut World<'_>,
    ) -> Result<(), String> {
        let from = 1 - self.name;
        let (serial, message) = Message::decode(from, data).ok_or_else(|| {
            format!("{}: a message of {} bytes is damaged", self.name, data.len())
        })?;
        world.log.note(world.now, format_args!("{}: {serial} {message:?}", self.name));
        match message {
            Message::Stored { lane, count } => {
                world.books.on_delivered(session, from, 0, serial)?;
                let acknowledged = &mut self.mail.acknowledged[lane];
                *acknowledged = count.max(*acknowledged);
            }
            Message::Words { lane, number, .. } => {
                world.books.on_delivered(session, from, lane, serial)?;
                let got = &mut self.mail.got[lane];
                if number > *got {
                    return Err(format!("{}: lane {lane}: {number} after {got}", self.name));
                }
                // What came before came by another session.
                *got = (number + 1).max(*got);
                let count = *got;
                if world.sessions_change && count.is_multiple_of(ACKNOWLEDGE_EVERY) {
                    self.acknowledge(session, lane, count, world);
                }
            }
        }
        Ok(())
    }

    fn acknowledge(&mut self, number: u32, lane: usize, count: u32, world: &mut World<'_>) {
        let Some(session) = self.sessions.iter_mut().find(|session| session.number == number)
        else {
            return;
        };
        let serial = world.books.next_serial(number, self.name, 0);
        let message = Message::Stored { lane, count }.encode(self.name, serial);
        if session.link.send(CHANNEL, Lane::Sync, &message) {
            world.books.on_taken(number, self.name, 0);
        }
    }

    /// Sends what the application has said, as far as there is room.
    fn pump(&mut self, number: u32, world: &mut World<'_>) {
        let Some(session) = self.sessions.iter_mut().find(|session| session.number == number)
        else {
            return;
        };
        if !session.up || !session.link.is_open() {
            return;
        }
        for lane in Lane::ALL {
            let at = index(lane);
            while !session.blocked[at]
                && let Some(&size) = self.mail.said[at].get(session.next[at] as usize)
            {
                let serial = world.books.next_serial(number, self.name, at);
                let message = Message::Words { lane: at, number: session.next[at], size };
                if session.link.send(CHANNEL, lane, &message.encode(self.name, serial)) {
                    world.books.on_taken(number, self.name, at);
                    session.next[at] += 1;
                } else {
                    session.blocked[at] = true;
                }
            }
        }
    }

    /// The session to stay, as a node chooses it (BC-05.35, BC-05.36).
    fn best(&self) -> Option<u32> {
        session_to_keep(self.open().map(Session::rival))
    }

    fn arbitrate(&mut self) {
        let best = self.best();
        self.rivals = self.open().count() > 1;
        let session = self.sessions.iter_mut().find(|session| Some(session.number) == best);
        if let Some(session) = session.filter(|_| self.rivals) {
            session.link.ping();
        }
    }

    /// A packet of a session authenticated: if it is the one to stay and carries what the others
    /// carry, they go (spec 05 §Two sessions of one pair).
    fn close_rivals(&mut self, number: u32, world: &mut World<'_>) -> Result<(), String> {
        if !self.rivals || self.best() != Some(number) {
            return Ok(());
        }
        let Some(winner) = self.open().find(|session| session.number == number) else {
            return Ok(());
        };
        let may_go = |other: &&Session| {
            other.number != number && other.rival().yields_to(winner.link.tie_break())
        };
        let losers = || self.open().filter(may_go);
        if !winner.link.is_ready() || !winner.up && losers().any(|session| session.up) {
            return Ok(());
        }
        let losers: Vec<u32> = losers().map(|session| session.number).collect();
        self.rivals = losers.len() + 1 < self.open().count();
        losers.into_iter().try_for_each(|loser| {
            // The winner may use the loser's way as well.
            let via = self.open().find(|it| it.number == loser).map(|it| it.link.via());
            if let Some(via) = via {
                self.with(number, world, |link, rng, now, _| link.add_path(now.mono, via, rng))?;
            }
            self.with(loser, world, |link, _, now, events| {
                link.close(now.mono, code::REPLACED, events);
            })
        })
    }

    /// Takes a datagram of the session numbered `number`, which came by `via`.
    pub(super) fn on_datagram(
        &mut self,
        number: u32,
        via: Via,
        datagram: &mut [u8],
        world: &mut World<'_>,
    ) -> Result<Verdict, String> {
        let mut verdict = Verdict::Forged;
        self.with(number, world, |link, rng, now, events| {
            verdict = link.handle_datagram(now.mono, via, None, datagram, rng, events);
        })?;
        if verdict == Verdict::Authentic {
            self.on_authentic(number);
            self.close_rivals(number, world)?;
        }
        Ok(verdict)
    }

    /// Its deadline has come.
    pub(super) fn on_timeout(&mut self, world: &mut World<'_>) -> Result<(), String> {
        let mono = self.local(world.now).mono;
        self.tally.woken =
            (mono, if self.tally.woken.0 == mono { self.tally.woken.1 + 1 } else { 1 });
        let second = world.now.as_nanos() / 1_000_000_000;
        self.tally.second =
            (second, if self.tally.second.0 == second { self.tally.second.1 + 1 } else { 1 });
        self.tally.busiest_second = self.tally.busiest_second.max(self.tally.second.1);
        if self.tally.woken.1 > super::laws::MAX_WAKES_AT_ONCE {
            let why: Vec<_> = self.sessions.iter().map(|s| s.link.poll_timeout()).collect();
            return Err(format!("{} spins at {mono:?}: {why:?}", self.name));
        }
        self.greet_on_timeout(world)?;
        self.with_all(world, |link, rng, now, events| {
            if link.poll_timeout().is_some_and(|(at, _)| at <= now.mono) {
                link.handle_timeout(now, rng, events);
            }
        })
    }

    /// The next packet, and where it goes.
    pub(super) fn poll_packet(&mut self, world: Timestamp, buf: &mut [u8]) -> Option<(Via, usize)> {
        let now = self.local(world).mono;
        let greeting = self.greeter.as_mut().and_then(|greeter| greeter.out.pop_front());
        if let Some((to, datagram)) = greeting {
            buf[..datagram.len()].copy_from_slice(&datagram);
            return Some((Places::way(usize::from(to.is_ipv6()), to), datagram.len()));
        }
        let mut packets =
            self.sessions.iter_mut().filter_map(|session| session.link.poll_packet(now, buf));
        packets.next().map(|sealed| (sealed.via, sealed.len))
    }

    /// Forgets dead sessions and finds out when to wake up next.
    pub(super) fn settle(&mut self, world: Timestamp) {
        self.sessions.retain(|session| !session.link.is_dead());
        let next = self.sessions.iter().filter_map(|session| session.link.poll_timeout());
        let greeter = self.greeter.as_ref().filter(|_| self.clock.wall.is_some());
        let greeter = greeter.and_then(Greeter::poll_timeout);
        let next = next.map(|(at, _)| at).chain(greeter).min();
        self.wake = next.map(|at| if at <= self.shown { world } else { self.clock.when(at) });
    }

    /// What the links hold is within their limits.
    pub(super) fn check_memory(&self) -> Result<(), String> {
        for session in &self.sessions {
            let (stats, limits) = (session.link.transport_stats(), limits());
            let bounded = stats.bytes_buffered <= limits.link.send_buffer
                && stats.bytes_unread <= limits.link.receive_window
                && stats.streams as u64 <= 2 * limits.link.streams;
            if !bounded {
                return Err(format!("{}: session {}: {stats:?}", self.name, session.number));
            }
        }
        Ok(())
    }
}

/// A session may end so, in this schedule and at this time.
fn is_expected(ended: &Ended, world: &World<'_>) -> bool {
    match ended {
        Ended::Local(code::NO_ERROR) | Ended::Peer(code::NO_ERROR) => world.over,
        Ended::Local(code::REPLACED | code::NO_CHANNEL)
        | Ended::Peer(code::REPLACED | code::NO_CHANNEL)
        | Ended::Silence => world.sessions_change || world.over,
        _ => false,
    }
}

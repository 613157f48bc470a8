//! What a link does by itself, and when.

use super::receive::Gathered;
use super::{Ended, Link, LinkEvent, State, code};
use crate::base::rng::Rng;
use crate::base::time::{Now, Timestamp, UnixMillis};
use crate::crypto::identity::Certificate;
use crate::crypto::noise::Role;
use core::time::Duration;

/// A link on which nothing happened for so long gives back the memory that traffic took.
const QUIET: Duration = Duration::from_secs(1);
/// Probe timeouts without an answer after which other paths are asked (BC-08.44).
const DEAD_AFTER: u32 = 2;
/// The responder's keepalive comes so much after the initiator's.
const KEEPALIVE_STAGGER: Duration = Duration::from_secs(1);
/// A link that carries no channel is closed after so long.
const NO_CHANNEL_GRACE: Duration = Duration::from_secs(10);
/// A link on which the peer has not shown its channels after so long is closed: nobody holds a
/// place with a session that leads nowhere.
const SETUP_GRACE: Duration = Duration::from_secs(30);
/// Until then it is asked more often whether it is there, and is given up sooner (BC-08.62).
const SETUP_KEEPALIVE: Duration = Duration::from_secs(5);
const SETUP_SILENCE: Duration = Duration::from_secs(20);
/// After a sleep of this host a link of which nothing is heard is given up after this.
const RESUMED_SILENCE: Duration = Duration::from_secs(20);

impl Link {
    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now, rng: &mut Rng, events: &mut Vec<LinkEvent>) {
        let mono = now.mono;
        if let State::Closing { until, .. } = self.state {
            if until <= mono {
                self.state = State::Dead;
            }
            return;
        }
        match self.ending.take() {
            Some(Ended::Violation(what)) => return self.close_for_violation(mono, &what, events),
            Some(_) => return self.close(mono, code::NO_ERROR, events),
            None => {}
        }
        if self.silent_at() <= mono {
            return self.end(mono, None, Ended::Silence, events);
        }
        if now.wall.is_some_and(|wall| self.certificate_ended(wall)) {
            return self.end(mono, Some(code::CERTIFICATE), Ended::Certificate, events);
        }
        if self.session.overdue_at(self.config.rekey_interval).is_some_and(|at| at <= mono) {
            return self.close(mono, code::NO_REKEY, events);
        }
        // A channel may have been found or left since.
        self.watch_channels(mono);
        if self.channel_deadline().is_some_and(|at| at <= mono) {
            return self.close(mono, code::NO_CHANNEL, events);
        }
        self.session.keys.expire(mono);
        self.transport.handle_timeout(mono);
        if self.quiet_at().is_some_and(|at| at <= mono) {
            self.shrink();
        }
        if self.transport.unanswered_probes() >= DEAD_AFTER {
            self.addressing.paths.on_trouble(mono, &mut rng.public);
        }
        let moved =
            self.change_paths(|link| link.addressing.paths.handle_timeout(mono, &mut rng.public));
        self.on_moved(mono, moved, events);
        while let Some(cid) = self.addressing.ids.pop_discarded(mono) {
            events.push(LinkEvent::LocalIdGone(cid));
        }
        if self.keepalive_at() <= mono {
            self.last_sent = mono;
            if self.carried.slots.heard() {
                self.addressing.keepalive.on_ping(mono);
            } else {
                // With what is missing: a PING alone would only put off the probe timeout.
                self.transport.probe();
            }
            self.transport.ping();
        }
        self.drive(mono, rng);
        self.tracer.observe(mono, &mut self.transport);
    }

    fn certificate_ended(&self, wall: UnixMillis) -> bool {
        self.peer.certificate.not_after.plus(Certificate::SKEW) <= wall
    }

    /// When [`Self::handle_timeout`] or [`Self::poll_packet`] has something to do, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Timestamp, &'static str)> {
        match self.state {
            State::Dead => return None,
            State::Closing { closing, .. } if closing.is_due() => {
                return Some((Timestamp::ZERO, "link closing"));
            }
            State::Closing { until, .. } => return Some((until, "link closed")),
            State::Open if self.ending.is_some() => return Some((Timestamp::ZERO, "link ending")),
            State::Open => {}
        }
        let mut next = (self.silent_at(), "link silence");
        let mut note = |at: Option<Timestamp>, why| {
            if let Some(at) = at.filter(|at| *at < next.0) {
                next = (at, why);
            }
        };
        note(self.transport.poll_timeout(), "link transport");
        note(self.session.keys.poll_timeout(), "link old key");
        note(self.session.rekey_due(self.config.rekey_interval), "link rekey");
        note(self.session.overdue_at(self.config.rekey_interval), "link without rekey");
        note(self.addressing.paths.poll_timeout(), "link path");
        note(Some(self.keepalive_at()), "link keepalive");
        note(self.addressing.ids.poll_timeout(), "link old id");
        note(self.channel_deadline(), "link without channel");
        note(self.quiet_at(), "link memory");
        Some(next)
    }

    /// When this side says that it lives. The answer says it for the other side, if that one has
    /// not spoken at the same time.
    fn keepalive_at(&self) -> Timestamp {
        let interval = self.addressing.keepalive.interval();
        if !self.carried.slots.heard() {
            return self.last_sent + interval.min(SETUP_KEEPALIVE);
        }
        let later = match self.session.role {
            Role::Initiator => Duration::ZERO,
            Role::Responder => KEEPALIVE_STAGGER,
        };
        self.last_sent + interval + later
    }

    /// When the link is dead: nothing is heard any more, or nothing that it sends arrives, however
    /// much the peer asks where it is (BC-08.64).
    pub(super) fn silent_at(&self) -> Timestamp {
        let idle = self.config.idle_timeout;
        if let Some(resumed) = self.resumed.filter(|_| self.is_in_doubt()) {
            return resumed + idle.min(RESUMED_SILENCE);
        }
        let patience = if self.carried.slots.heard() { idle } else { idle.min(SETUP_SILENCE) };
        let heard = self.last_received + patience;
        // What waited through a sleep of this host waits since its end.
        let waiting = self.transport.waiting_since().map(|since| Some(since).max(self.resumed));
        waiting.flatten().map_or(heard, |since| heard.min(since + idle))
    }

    /// When the link has been quiet for long enough to give memory back.
    fn quiet_at(&self) -> Option<Timestamp> {
        self.grown.then(|| self.last_received.max(self.last_sent) + QUIET)
    }

    fn shrink(&mut self) {
        self.grown = false;
        self.transport.shrink();
        self.streams.control_in.shrink();
        self.streams.lanes.incoming.values_mut().for_each(|stream| stream.reader.shrink());
        self.gathered = Gathered::default();
    }

    /// When the link ends if it still carries nothing.
    fn channel_deadline(&self) -> Option<Timestamp> {
        if self.carried.slots.heard() {
            self.carried.none_since.map(|since| since + NO_CHANNEL_GRACE)
        } else {
            Some(self.created + SETUP_GRACE)
        }
    }

    /// Notes since when the link carries nothing.
    pub(super) fn watch_channels(&mut self, now: Timestamp) {
        let idle = self.carried.slots.heard() && !self.carried.slots.has_shared();
        self.carried.none_since = if idle { self.carried.none_since.or(Some(now)) } else { None };
    }
}

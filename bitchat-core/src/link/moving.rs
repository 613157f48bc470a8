//! What packets say about where the two sides are: addresses, paths and connection ids.

use super::paths::connection_ids::discard_after;
use super::paths::{Answer, Arrival, Move};
use super::{Link, LinkEvent};
use crate::base::rng::Rng;
use crate::base::time::Timestamp;
use crate::crypto::noise::Role;
use crate::transport::Announcement;
use crate::wire::frame::{Frame, Frames};
use core::net::SocketAddr;
use core::time::Duration;

/// OBSERVED_ADDRESS makes the path begin anew no more often than this (BC-08.56).
const OBSERVED_SPACING: Duration = Duration::from_secs(1);

impl Link {
    /// What the packet says about paths.
    pub(super) fn on_path_frames(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) {
        if let Some(token) = self.gathered.challenge.take()
            && self.addressing.paths.on_challenge(arrival.via, token, arrival.len)
        {
            self.transport.ping();
        }
        let mut responses = core::mem::take(&mut self.gathered.responses);
        for token in responses.drain(..) {
            let rtt = self.transport.rtt().min().unwrap_or(Duration::ZERO);
            let answer = Answer { token, len: arrival.len, rtt };
            let moved = self.addressing.paths.on_response(now, answer, &mut rng.public);
            if moved.is_some() {
                self.change_paths(|link| link.on_moved(now, moved, events));
            }
        }
        self.gathered.responses = responses;
        if self.transport.unanswered_probes() == 0 {
            self.addressing.paths.on_progress();
        }
        if !(self.gathered.new_ids.is_empty() && self.gathered.retired_ids.is_empty()) {
            self.on_ids(now, rng, events);
        }
        if let Some(observed) = self.gathered.observed.take() {
            self.on_observed(now, observed, events);
        }
    }

    /// The peer sees this side at `observed`.
    fn on_observed(&mut self, now: Timestamp, observed: SocketAddr, events: &mut Vec<LinkEvent>) {
        let via = self.via();
        let Some((before, by)) = self.addressing.observed.replace((observed, via)) else {
            return events.push(LinkEvent::Observed(observed));
        };
        if before == observed {
            return;
        }
        let families = [before.ip(), observed.ip()].map(|ip| ip.is_ipv4());
        let same_way = by == via && via.remote().is_some_and(|at| families == [at.is_ipv4(); 2]);
        let lately = self
            .addressing
            .renumbered_at
            .is_some_and(|at| now.saturating_since(at) < OBSERVED_SPACING);
        if same_way && before.ip() != observed.ip() && !lately {
            // BC-08.56: this host is somewhere else now.
            self.addressing.renumbered_at = Some(now);
            self.transport.path_changed(now, None);
            self.addressing.keepalive.on_moved();
        } else {
            // BC-08.52
            self.addressing.keepalive.on_rebound();
        }
        events.push(LinkEvent::Observed(observed));
    }

    /// Tells the peer where it is seen, if it has an address here (BC-08.56).
    pub(super) fn announce_observed(&mut self) {
        if let Some(remote) = self.via().remote() {
            self.announce(Announcement::ObservedAddress(remote));
        }
    }

    /// Packets go another way from now on.
    pub(super) fn on_moved(
        &mut self,
        now: Timestamp,
        moved: Option<Move>,
        events: &mut Vec<LinkEvent>,
    ) {
        match moved {
            // BC-08.40
            Some(Move::Rebound) => self.transport.path_rebound(),
            Some(Move::Elsewhere(rtt)) => {
                self.transport.path_changed(now, rtt);
                self.addressing.keepalive.on_moved();
            }
            None => return,
        }
        self.tracer.moved(now, self.via());
        self.announce_observed();
        events.push(LinkEvent::Moved);
    }

    /// Connection ids that the peer gives and takes back.
    fn on_ids(&mut self, now: Timestamp, rng: &mut Rng, events: &mut Vec<LinkEvent>) {
        let new_ids = core::mem::take(&mut self.gathered.new_ids);
        let retired_ids = core::mem::take(&mut self.gathered.retired_ids);
        let mut result = Ok(());
        for new in new_ids {
            match self.addressing.ids.on_new(&new) {
                Ok(retired) => {
                    let to = match self.session.role {
                        Role::Initiator => Role::Responder,
                        Role::Responder => Role::Initiator,
                    };
                    self.log_id(to, new.id, events);
                    retired.into_iter().for_each(|sequence| {
                        self.announce(Announcement::RetireConnectionId(sequence));
                    });
                }
                Err(what) => result = Err(what),
            }
        }
        let mut unused = self.addressing.ids.all_unused(self.addressing.paths.ids());
        let valid = |sequence| self.addressing.ids.has_remote(sequence);
        self.addressing.paths.assign_ids(now, valid, &mut unused, &mut rng.public);
        let until = now + discard_after(self.transport.pto());
        for sequence in retired_ids {
            result = result.and(self.addressing.ids.on_retired(sequence, until));
        }
        // Once for all of them, so that one packet draws no more than a full set.
        self.issue_ids(rng, events);
        while let Some(cid) = self.addressing.ids.pop_discarded(now) {
            events.push(LinkEvent::LocalIdGone(cid));
        }
        if let Err(what) = result {
            self.violation(now, &what, events);
        }
    }
}

/// Its sender is only looking at a path (RFC 9000 §9.1).
pub(super) fn is_probing(payload: &[u8]) -> bool {
    let path = |frame: &Frame<'_>| {
        matches!(frame, Frame::PathChallenge(_) | Frame::PathResponse(_) | Frame::Padding(_))
    };
    Frames::new(payload).all(|frame| frame.as_ref().is_ok_and(path))
}

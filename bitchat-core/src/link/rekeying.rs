//! When keys are rekeyed, and what follows from it (spec 08 §Rekey). The messages themselves are
//! made in [`rekey`](super::session::rekey).

use super::control::Control;
use super::session::REKEY_SPACING;
use super::session::rekey::{NewKeys, RekeyError};
use super::{Ended, Link, LinkEvent};
use crate::base::ids::ConnectionId;
use crate::base::rng::Rng;
use crate::base::time::Timestamp;
use crate::crypto::key_log::{Direction, KeyLogLine, SessionIds};
use crate::crypto::noise::Role;

/// So many rekeys may come faster than that, before it counts as an attack.
pub(super) const REKEY_BURST: u64 = 16;

impl Link {
    /// Starts a rekey, or asks for one, when it is due.
    pub(super) fn drive(&mut self, now: Timestamp, rng: &mut Rng) {
        if !self.is_open()
            || self.session.rekey_due(self.config.rekey_interval).is_none_or(|due| due > now)
        {
            return;
        }
        self.session.rekey_wanted = false;
        self.session.last_rekey = now;
        match self.session.role {
            Role::Responder => {
                self.session.asked = Some(now);
                self.send_control(&Control::RekeyAsk.encode());
            }
            Role::Initiator => {
                let with_kem = self.session.is_kem_due(now);
                if with_kem {
                    self.session.last_kem = now;
                }
                match self.session.rekey.start(with_kem, &mut rng.secret) {
                    Ok(init) => self.send_control(&Control::RekeyInit(&init).encode()),
                    Err(error) => self.ending = Some(Ended::Violation(error.to_string())),
                }
            }
        }
    }

    /// New keys are in use for sending.
    pub(super) fn on_rekeyed(
        &mut self,
        now: Timestamp,
        number: u64,
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) {
        self.session.asked = None;
        self.tracer.key_updated(now, number);
        if !self.session.ready {
            self.session.ready = true;
            events.push(LinkEvent::Ready);
            let largest = self.config.limits.link.datagram_bytes as u64;
            self.send_control(&Control::MaxDatagram(largest).encode());
            self.issue_ids(rng, events);
            self.announce_observed();
            let channels = core::mem::take(&mut self.carried.macs);
            let shown: Vec<_> = channels.iter().map(|(chan, mac)| (*chan, mac)).collect();
            self.offer(&shown, rng);
            self.carried.macs = channels;
        }
        events.push(LinkEvent::Rekeyed(number));
    }

    /// The initiator starts a rekey. Whatever is wrong with one ends the link (BC-08.07, BC-08.08).
    pub(super) fn on_rekey_init(
        &mut self,
        now: Timestamp,
        body: &[u8],
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) -> Result<(), String> {
        if self.rekeys_too_often(now) {
            return Err("rekeys follow each other too fast".to_owned());
        }
        // BC-08.59
        if !self.session.keys.phases().may_answer() {
            return Err("a rekey before the last one was used".to_owned());
        }
        let told = |error: RekeyError| error.to_string();
        let (response, keys) = self.session.rekey.on_init(body, &mut rng.secret).map_err(told)?;
        rng.secret.stir(keys.fresh());
        // What was to be asked for is here.
        self.session.rekey_wanted = false;
        self.session.keys.install(&keys);
        self.log_keys(&keys, events);
        self.send_control(&Control::RekeyResponse(&response).encode());
        events.extend(keys.resumption.map(LinkEvent::Resumption));
        Ok(())
    }

    /// The responder answers a rekey: the initiator uses the new keys from now on.
    pub(super) fn on_rekey_response(
        &mut self,
        now: Timestamp,
        body: &[u8],
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) -> Result<(), String> {
        let keys = self.session.rekey.on_response(body).map_err(|error| error.to_string())?;
        rng.secret.stir(keys.fresh());
        self.session.keys.install(&keys);
        self.log_keys(&keys, events);
        self.on_rekeyed(now, keys.number, rng, events);
        events.extend(keys.resumption.map(LinkEvent::Resumption));
        // The responder uses the keys once it sees a packet under them.
        self.transport.ping();
        Ok(())
    }

    /// A packet under new keys arrived. The initiator uses them since it has the answer; for the
    /// responder this is the moment.
    pub(super) fn on_confirmed(
        &mut self,
        now: Timestamp,
        number: u64,
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) {
        if self.session.role == Role::Responder {
            self.on_rekeyed(now, number, rng, events);
            // So that the initiator learns at once that it may rekey again.
            self.transport.ping();
        }
    }

    /// Tells the keys of a rekey, if that was asked for, before a packet is sealed with them
    /// (BC-13.05).
    fn log_keys(&self, keys: &NewKeys, events: &mut Vec<LinkEvent>) {
        if !self.config.key_log {
            return;
        }
        let ids =
            SessionIds::new(self.session.role, self.session.local_cid, self.session.remote_cid);
        for (direction, key) in
            [(Direction::ToResponder, &keys.i2r), (Direction::ToInitiator, &keys.r2i)]
        {
            let line = KeyLogLine::packet(ids, direction, keys.number, key);
            events.push(LinkEvent::KeyLog(line));
        }
    }

    /// Tells a further connection id in packets to `to`, if that was asked for, before the first
    /// packet under it (BC-13.09).
    pub(super) fn log_id(&self, to: Role, further: ConnectionId, events: &mut Vec<LinkEvent>) {
        if self.config.key_log {
            let ids =
                SessionIds::new(self.session.role, self.session.local_cid, self.session.remote_cid);
            let direction = match to {
                Role::Initiator => Direction::ToInitiator,
                Role::Responder => Direction::ToResponder,
            };
            events.push(LinkEvent::KeyLog(KeyLogLine::further_id(ids, direction, further)));
        }
    }

    /// Each rekey costs this side more than the peer: some computing, and a record to store.
    fn rekeys_too_often(&self, now: Timestamp) -> bool {
        let seconds = now.saturating_since(self.created).as_secs();
        self.rekeys() >= REKEY_BURST + seconds / REKEY_SPACING.as_secs()
    }
}

//! When keys are renewed, and what follows from it (spec 08 §Renewal). The messages themselves are
//! made in [`rekey`](super::rekey).

use super::control::Control;
use super::rekey::{NewKeys, RekeyError};
use super::{Ended, Link, LinkEvent};
use crate::base::ids::ConnectionId;
use crate::base::rng::Rng;
use crate::base::time::{Timestamp, earlier};
use crate::crypto::key_log::{Direction, KeyLogLine, SessionIds};
use crate::crypto::noise::Role;
use core::time::Duration;

/// ML-KEM runs again in the first renewal after so long.
const KEM_EVERY: Duration = Duration::from_secs(3_600);
/// Renewals that are asked for are this far apart (BC-08.16).
const RENEWAL_SPACING: Duration = Duration::from_secs(1);
/// So many renewals may come faster than that, before it counts as an attack.
pub(super) const RENEWAL_BURST: u64 = 16;

impl Link {
    /// When the next renewal is to be started or asked for by this side; `None` while it has to
    /// wait for the peer.
    pub(super) fn renewal_due(&self) -> Option<Timestamp> {
        let epochs = self.keys.epochs();
        let may = match self.role {
            Role::Initiator => epochs.may_start(self.rekey.is_pending()),
            Role::Responder => epochs.may_ask(self.asked),
        };
        if !may {
            return None;
        }
        let due = self.keys.renewal_due(self.config.rekey_interval);
        // BC-08.16
        let wanted = self.renew_wanted.then_some(self.last_renewal + RENEWAL_SPACING);
        earlier(due, wanted)
    }

    /// Starts a renewal, or asks for one, when it is due.
    pub(super) fn drive(&mut self, now: Timestamp, rng: &mut Rng) {
        if !self.is_open() || self.renewal_due().is_none_or(|due| due > now) {
            return;
        }
        self.renew_wanted = false;
        self.last_renewal = now;
        match self.role {
            Role::Responder => {
                self.asked = true;
                self.send_control(&Control::RekeyAsk.encode());
            }
            Role::Initiator => {
                let with_kem = self.generation() == 0 || self.last_kem + KEM_EVERY <= now;
                if with_kem {
                    self.last_kem = now;
                }
                match self.rekey.start(with_kem, &mut rng.secret) {
                    Ok(init) => self.send_control(&Control::RekeyInit(&init).encode()),
                    Err(error) => self.ending = Some(Ended::Violation(error.to_string())),
                }
            }
        }
    }

    /// New keys are in use for sending.
    pub(super) fn on_renewed(
        &mut self,
        now: Timestamp,
        generation: u64,
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) {
        self.asked = false;
        self.tracer.key_updated(now, generation);
        if !self.ready {
            self.ready = true;
            events.push(LinkEvent::Ready);
            let largest = self.config.limits.link.datagram_bytes as u64;
            self.send_control(&Control::MaxDatagram(largest).encode());
            self.issue_ids(rng, events);
            self.announce_observed();
            let channels = core::mem::take(&mut self.channels);
            let shown: Vec<_> = channels.iter().map(|(chan, mac)| (*chan, mac)).collect();
            self.offer(&shown, rng);
            self.channels = channels;
        }
        events.push(LinkEvent::Renewed(generation));
    }

    /// The initiator starts a renewal. Whatever is wrong with one ends the link (BC-08.07, BC-08.08).
    pub(super) fn on_rekey_init(
        &mut self,
        now: Timestamp,
        body: &[u8],
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) -> Result<(), String> {
        if self.renewals_too_often(now) {
            return Err("key renewals follow each other too fast".to_owned());
        }
        // BC-08.59
        if !self.keys.epochs().may_answer() {
            return Err("a key renewal before the last one was used".to_owned());
        }
        let told = |error: RekeyError| error.to_string();
        let (response, keys) = self.rekey.on_init(body, &mut rng.secret).map_err(told)?;
        rng.secret.stir(keys.fresh());
        // What was to be asked for is here.
        self.renew_wanted = false;
        self.keys.install(&keys);
        self.log_keys(&keys, events);
        self.send_control(&Control::RekeyResponse(&response).encode());
        events.extend(keys.resumption.map(LinkEvent::Resumption));
        Ok(())
    }

    /// The responder answers a renewal: the initiator uses the new keys from now on.
    pub(super) fn on_rekey_response(
        &mut self,
        now: Timestamp,
        body: &[u8],
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) -> Result<(), String> {
        let keys = self.rekey.on_response(body).map_err(|error| error.to_string())?;
        rng.secret.stir(keys.fresh());
        self.keys.install(&keys);
        self.log_keys(&keys, events);
        self.on_renewed(now, keys.generation, rng, events);
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
        generation: u64,
        rng: &mut Rng,
        events: &mut Vec<LinkEvent>,
    ) {
        if self.role == Role::Responder {
            self.on_renewed(now, generation, rng, events);
            // So that the initiator learns at once that it may renew again.
            self.transport.ping();
        }
    }

    /// Tells the keys of a renewal, if that was asked for, before a packet is sealed with them
    /// (BC-13.05).
    fn log_keys(&self, keys: &NewKeys, events: &mut Vec<LinkEvent>) {
        if !self.config.key_log {
            return;
        }
        let ids = SessionIds::new(self.role, self.local_cid, self.remote_cid);
        for (direction, key) in
            [(Direction::ToResponder, &keys.i2r), (Direction::ToInitiator, &keys.r2i)]
        {
            let line = KeyLogLine::packet(ids, direction, keys.generation, key);
            events.push(LinkEvent::KeyLog(line));
        }
    }

    /// Tells a further connection id in packets to `to`, if that was asked for, before the first packet
    /// under it (BC-13.09).
    pub(super) fn log_id(&self, to: Role, further: ConnectionId, events: &mut Vec<LinkEvent>) {
        if self.config.key_log {
            let ids = SessionIds::new(self.role, self.local_cid, self.remote_cid);
            let direction = match to {
                Role::Initiator => Direction::ToInitiator,
                Role::Responder => Direction::ToResponder,
            };
            events.push(LinkEvent::KeyLog(KeyLogLine::further_id(ids, direction, further)));
        }
    }

    /// Each renewal costs this side more than the peer: some computing, and a record to store.
    fn renewals_too_often(&self, now: Timestamp) -> bool {
        let seconds = now.saturating_since(self.created).as_secs();
        self.generation() >= RENEWAL_BURST + seconds / RENEWAL_SPACING.as_secs()
    }
}

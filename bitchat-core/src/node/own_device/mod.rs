//! Who this node is: its device keys, and the certificate by which others know the device.

pub(crate) mod records;

use super::api::{Change, Event, NodeUpdate};
use super::fx::Fx;
use super::store::{Owner, Store};
use crate::base::ids::Device;
use crate::base::time::{Now, Timestamp, UnixMillis};
use crate::crypto::identity::{Certificate, DeviceKeys, Identity};
use crate::crypto::suite::Suite;
use crate::handshake::{BootId, Local};
use core::time::Duration;

/// A new certificate is made this long before the old one ends.
const RENEW_BEFORE: Duration = Duration::from_secs(30 * 86_400);
/// The wall clock may go back by as much before the certificate is made again.
const CLOCK_SLACK: Duration = Duration::from_secs(3_600);

/// The device that this node is.
#[derive(Debug)]
pub(crate) struct OwnDevice {
    pub suite: Suite,
    pub identity: Identity,
    /// Names this run of the node.
    pub boot: BootId,
    /// Unknown until they were read back or made.
    pub keys: Option<DeviceKeys>,
    /// When the own certificate is made anew.
    certificate_renewal: Option<UnixMillis>,
    wall_asked: bool,
}

impl OwnDevice {
    pub(crate) fn new(suite: Suite, identity: Identity, boot: BootId) -> Self {
        let identity = identity.on(suite);
        Self { suite, identity, boot, keys: None, certificate_renewal: None, wall_asked: false }
    }

    /// Who this node is, once it knows.
    pub(crate) fn device(&self) -> Option<Device> {
        let keys = self.keys.as_ref()?;
        Some(Device { peer: self.identity.peer_id(), id: keys.id })
    }

    /// The store was read, or there is none: whoever has no keys makes some.
    pub(crate) fn on_loaded(&mut self, fx: &mut Fx, store: &mut Store) {
        if self.keys.is_none() {
            let keys = DeviceKeys::generate(self.suite, &mut fx.rng);
            store.add(Change::Put(records::device(&keys)), Owner::Node);
            self.keys = Some(keys);
        }
    }

    /// This run goes on as another one.
    pub(crate) fn start_over(&mut self, boot: BootId) {
        self.boot = boot;
        self.certificate_renewal = None;
    }

    /// Makes the own certificate once the device and the date are known, and again in time.
    /// `is_proven`: there is one.
    pub(crate) fn prove(&mut self, now: Now, fx: &mut Fx, is_proven: bool) -> Option<Local> {
        let keys = self.keys.as_ref()?;
        let Some(wall) = now.wall else {
            if !core::mem::replace(&mut self.wall_asked, true) {
                fx.outbox.tell(Event::Node(NodeUpdate::WallTimeNeeded));
            }
            return None;
        };
        let lifetime = Certificate::MAX_LIFETIME;
        // A clock that was set back leaves a certificate from the future, which nobody accepts.
        let latest = wall.plus(lifetime.saturating_sub(RENEW_BEFORE) + CLOCK_SLACK);
        let due = self.certificate_renewal.is_none_or(|at| at <= wall || at > latest);
        if is_proven && !due {
            return None;
        }
        let public = keys.static_key.public();
        // The lifetime is the longest allowed, so this fails at the end of time at most.
        let issued = Certificate::issue(&self.identity, keys.id, public, wall, lifetime);
        let Ok(certificate) = issued else {
            self.certificate_renewal = None;
            return None;
        };
        self.certificate_renewal = Some(wall.plus(lifetime.saturating_sub(RENEW_BEFORE)));
        let static_key = keys.static_key.clone();
        Some(Local { static_key, certificate, features: 0, boot: self.boot })
    }

    /// When the certificate is to be made anew.
    pub(crate) fn poll_timeout(&self, now: Now) -> Option<Timestamp> {
        now.mono_of(self.certificate_renewal?)
    }
}

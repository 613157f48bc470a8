//! One session's keys: which are in use for what, how they are replaced, and its end.

pub mod close;
pub(super) mod keys;
pub mod phases;
pub mod rekey;

use crate::base::ids::ConnectionId;
use crate::base::time::{Timestamp, earlier};
use crate::crypto::noise::Role;
use crate::crypto::packet_key::ReplayWindow;
use crate::crypto::suite::DhSecret;
use crate::handshake::Established;
use core::time::Duration;
use keys::KeyRing;
use rekey::Rekey;

/// ML-KEM runs again in the first rekey after so long.
const KEM_EVERY: Duration = Duration::from_secs(3_600);
/// A responder whose request for a rekey has no effect repeats it this often (BC-08.92).
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// Rekeys that are asked for are this far apart (BC-08.16).
pub(super) const REKEY_SPACING: Duration = Duration::from_secs(1);

/// The keys of one session, and what decides when they are replaced.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) role: Role,
    /// The connection ids of the handshake.
    pub(super) local_cid: ConnectionId,
    pub(super) remote_cid: ConnectionId,
    pub(super) keys: KeyRing,
    pub(super) replay: ReplayWindow,
    pub(super) rekey: Rekey,
    /// When ML-KEM last ran.
    pub(super) last_kem: Timestamp,
    /// When this side last started a rekey, or asked for one.
    pub(super) last_rekey: Timestamp,
    /// Somebody asked for a rekey.
    pub(super) rekey_wanted: bool,
    /// When the responder last asked since the last rekey.
    pub(super) asked: Option<Timestamp>,
    /// The keys of the first rekey are in use.
    pub(super) ready: bool,
}

impl Session {
    /// Takes over from the handshake; `local` is this device's static key.
    pub(super) fn new(now: Timestamp, session: &Established, local: &DhSecret) -> Self {
        let rekey = Rekey::new(
            session.role,
            local.clone(),
            session.remote_static,
            session.handshake_hash,
            session.secrets.exporter.clone(),
        );
        Self {
            role: session.role,
            local_cid: session.local_cid,
            remote_cid: session.remote_cid,
            keys: KeyRing::new(local.suite(), session.role, &session.secrets),
            replay: ReplayWindow::default(),
            rekey,
            last_kem: now,
            last_rekey: now,
            rekey_wanted: false,
            asked: None,
            ready: false,
        }
    }

    /// When the next rekey is to be started or asked for by this side; `None` while it has to wait
    /// for the peer. `interval` is that of [`LinkConfig`](super::LinkConfig).
    pub(super) fn rekey_due(&self, interval: Duration) -> Option<Timestamp> {
        let phases = self.keys.phases();
        let may = match self.role {
            Role::Initiator => phases.may_start(self.rekey.is_pending()),
            Role::Responder => phases.may_ask(),
        };
        if !may {
            return None;
        }
        let due = self.keys.rekey_due(interval);
        // BC-08.16
        let wanted = self.rekey_wanted.then_some(self.last_rekey + REKEY_SPACING);
        let again = self.asked.map(|at| at + ASK_AGAIN);
        earlier(due, wanted).map(|at| again.map_or(at, |again| at.max(again)))
    }

    /// When the link ends because no rekey came (BC-08.92): a minute after the keys were too old to
    /// send under, so that a side that still speaks is not taken for one that is there.
    pub(super) fn overdue_at(&self, interval: Duration) -> Option<Timestamp> {
        self.keys.first_use().map(|first| first + interval + keys::GRACE * 2)
    }

    /// Whether ML-KEM runs in a rekey that starts now (BC-08.05).
    pub(super) fn is_kem_due(&self, now: Timestamp) -> bool {
        self.keys.number() == 0 || self.last_kem + KEM_EVERY <= now
    }
}

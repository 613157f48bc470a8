//! The channels of one link.

use super::slots::{ChannelEpoch, Slots};
use crate::base::time::Timestamp;
use crate::crypto::suite::Secret;
use crate::handshake::Established;
use std::collections::{BTreeMap, BTreeSet};

/// The channels that a link carries or may carry.
#[derive(Debug)]
pub(super) struct Carried {
    /// Ours, with their MAC keys.
    pub(super) macs: BTreeMap<ChannelEpoch, Secret>,
    pub(super) slots: Slots,
    /// Epochs of channels that this side left: the link carries them no more (BC-08.17).
    pub(super) left: BTreeSet<ChannelEpoch>,
    /// Since when the two sides have shown each other their channels and share none.
    pub(super) none_since: Option<Timestamp>,
}

impl Carried {
    /// Those of a new session: none.
    pub(super) const fn new(session: &Established) -> Self {
        Self {
            macs: BTreeMap::new(),
            slots: Slots::new(session.role, session.handshake_hash),
            left: BTreeSet::new(),
            none_since: None,
        }
    }
}

//! Which of two sessions between one pair of devices stays (spec 05, "Two sessions of one pair").

use super::BootId;
use crate::crypto::suite::DhPublic;

/// What decides between two sessions: both sides see the same, but for their own boot id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The peer's run.
    pub peer_boot: BootId,
    /// `S` of the side that started the handshake.
    pub initiator: DhPublic,
    /// The hash of the handshake.
    pub handshake_hash: [u8; 32],
}

/// The session to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The one that was there before.
    Existing,
    /// The one that was just established.
    New,
}

/// Decides between two sessions with one peer device (BC-05.35, BC-05.36).
///
/// The loser is used no more for new data, but closed only once the winner received an
/// authenticated packet after this decision: a winner whose other end is gone must not take the
/// living one along.
#[must_use]
pub fn arbitrate(existing: &Claim, new: &Claim) -> Keep {
    if existing.peer_boot != new.peer_boot {
        return Keep::New;
    }
    let rank = |claim: &Claim| (claim.initiator, claim.handshake_hash);
    if rank(new) < rank(existing) { Keep::New } else { Keep::Existing }
}

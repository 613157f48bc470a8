//! Which of the sessions between one pair of devices stays (spec 05, "Two sessions of one pair").

use super::BootId;
use crate::crypto::suite::DhPublic;

/// What decides between sessions: both sides see the same, but for their own boot id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The peer's run.
    pub peer_boot: BootId,
    /// `S` of the side that started the handshake.
    pub initiator: DhPublic,
    /// The hash of the handshake.
    pub handshake_hash: [u8; 32],
}

/// One of several sessions with a device.
#[derive(Clone, Copy, Debug)]
pub struct Rival<'a, Name> {
    /// What the caller calls it.
    pub name: Name,
    /// What decides.
    pub claim: &'a Claim,
    /// Its first renewal is done: the peer lived when the session was there already.
    pub ready: bool,
}

impl<Name> Rival<'_, Name> {
    /// Whether this session may be closed for `winner`. What another run of the peer has just begun
    /// may not: if that run lives, the session will be ready and win; if not, nobody finishes it.
    #[must_use]
    pub fn yields_to(&self, winner: &Claim) -> bool {
        self.ready || self.claim.peer_boot == winner.peer_boot
    }
}

/// The session to stay among all those with one device, given in the order in which they were
/// established (BC-05.35, BC-05.36). `None` if there is none.
///
/// First the run of the peer is chosen, then one of the sessions with that run. To compare the
/// sessions one by one would not do: a session of a dead run between two of the living one would
/// make this side choose another one than the peer, and each would close the other's choice. And a
/// session that is not ready may be a dead run's: its last handshake message can come late.
///
/// The losers are used no more for new data, but closed only once the winner received an
/// authenticated packet after this decision: a winner whose other end is gone must not take the
/// living one along.
#[must_use]
pub fn choose<'a, Name>(
    sessions: impl DoubleEndedIterator<Item = Rival<'a, Name>> + Clone,
) -> Option<Name> {
    let latest_ready = sessions.clone().rev().find(|session| session.ready);
    let run = latest_ready.or_else(|| sessions.clone().next_back())?.claim.peer_boot;
    sessions
        .filter(|session| session.claim.peer_boot == run)
        .min_by_key(|session| (session.claim.initiator, session.claim.handshake_hash))
        .map(|session| session.name)
}

//! Which of the sessions between one pair of devices stays (spec 05, "Two sessions of one pair").

use super::BootId;
use crate::crypto::suite::DhPublic;

/// What decides between sessions: both sides see the same, but for their own boot id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TieBreak {
    /// The peer's run.
    pub peer_boot: BootId,
    /// `S` of the side that started the handshake.
    pub initiator: DhPublic,
    /// The hash of the handshake.
    pub handshake_hash: [u8; 32],
}

/// One of several sessions with a device.
#[derive(Clone, Copy, Debug)]
pub struct DuplicateSession<'a, Name> {
    /// What the caller calls it.
    pub name: Name,
    /// What decides.
    pub tie_break: &'a TieBreak,
    /// Its first renewal is done: the peer lived when the session was there already.
    pub ready: bool,
}

impl<Name> DuplicateSession<'_, Name> {
    /// Whether this session may be closed for `winner`. What another run of the peer has just begun
    /// may not: if that run lives, the session will be ready and win; if not, nobody finishes it.
    #[must_use]
    pub fn yields_to(&self, winner: &TieBreak) -> bool {
        self.ready || self.tie_break.peer_boot == winner.peer_boot
    }
}

/// The session to stay among all those with one device, given in the order in which they were
/// established (BC-05.35, BC-05.36). `None` if there is none.
///
/// First the run of the peer is chosen, then one of the sessions with that run. Comparing the
/// sessions one by one would not do: a session of a dead run between two sessions of the living run
/// would make this side keep another session than the peer keeps, and each side would close the
/// session that the other keeps. And a session that is not ready may belong to a dead run, whose
/// last handshake message came late.
///
/// The other sessions carry no new data from then on, but are closed only once the kept session has
/// received an authenticated packet after this decision: if the other end of the kept session is
/// gone, closing the rest would end the living session as well.
#[must_use]
pub fn session_to_keep<'a, Name>(
    sessions: impl DoubleEndedIterator<Item = DuplicateSession<'a, Name>> + Clone,
) -> Option<Name> {
    let latest_ready = sessions.clone().rev().find(|session| session.ready);
    let run = latest_ready.or_else(|| sessions.clone().next_back())?.tie_break.peer_boot;
    sessions
        .filter(|session| session.tie_break.peer_boot == run)
        .min_by_key(|session| (session.tie_break.initiator, session.tie_break.handshake_hash))
        .map(|session| session.name)
}

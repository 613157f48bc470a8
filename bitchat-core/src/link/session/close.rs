//! What a side that closed a session still says: the rule without keys and packets
//! (spec 08 §Closing).
//!
//! It is RFC 9000 §10.2 in small: CLOSE leaves once, and again in answer to a few packets of a peer
//! that seems not to have heard it. Who hears a CLOSE says nothing more, so two sides that close at
//! once do not answer each other. `models/` checks that in every order of events.

/// Packets that a closed side answers with CLOSE.
pub const MAX_REPLIES: u8 = 3;

/// A side that closed its session, until it forgets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Closing {
    replies: u8,
    due: bool,
}

impl Closing {
    /// A side that closes now: it owes a CLOSE.
    pub const START: Self = Self { replies: MAX_REPLIES, due: true };

    /// A CLOSE is to be sent.
    #[must_use]
    pub const fn is_due(self) -> bool {
        self.due
    }

    /// A CLOSE was sent.
    pub const fn on_sent(&mut self) {
        self.due = false;
    }

    /// A packet of the peer authenticated; `closes`: there is a CLOSE in it. False if the session
    /// is over: the peer has closed too, or has heard of it, and waits for nothing (BC-07.96).
    #[must_use]
    pub const fn on_packet(&mut self, closes: bool) -> bool {
        if closes {
            return false;
        }
        if self.replies > 0 {
            self.replies -= 1;
            self.due = true;
        }
        true
    }
}

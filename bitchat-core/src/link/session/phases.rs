//! Which number of keys a side uses for what: the rule of rekeys without the keys
//! (spec 08 §Rekey).
//!
//! The initiator sends under new keys once it has the answer, the responder once it has received a
//! packet under them, and the next rekey waits until the initiator has received one too. So each
//! side can always read what the other sends; `models/` checks that in every order of events.

use crate::crypto::noise::Role;
use crate::wire::packet::KeyPhase;

/// Which of a side's receive keys a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReceiveKey {
    /// The newest that the peer is known to have.
    Current,
    /// The one before.
    Previous,
    /// The one that the next packet under it brings into use.
    Next,
}

/// What a packet that opened changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Opened {
    /// The rekey of this number is complete on this side.
    pub rekeyed: Option<u64>,
    /// The previous receive key begins to fade: the peer has shown that it has the newest.
    pub fades: bool,
}

/// The numbers that one side of a session uses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyPhases {
    role: Role,
    send: u64,
    recv: u64,
    previous: Option<u64>,
    /// The responder's answered rekey, in use from the first packet on.
    next: Option<u64>,
    /// A packet under the newest keys has been received.
    confirmed: bool,
}

impl KeyPhases {
    /// Those of a new session: number 0.
    #[must_use]
    pub const fn new(role: Role) -> Self {
        Self { role, send: 0, recv: 0, previous: None, next: None, confirmed: false }
    }

    /// The number that this side sends under.
    #[must_use]
    pub const fn send(&self) -> u64 {
        self.send
    }

    /// The peer has proven that it has the newest keys.
    #[must_use]
    pub const fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// The initiator may start a rekey (BC-08.06); `pending`: one has no answer yet.
    #[must_use]
    pub fn may_start(&self, pending: bool) -> bool {
        self.role == Role::Initiator && !pending && (self.send == 0 || self.confirmed)
    }

    /// The responder may ask for a rekey. One that it has answered brings what it would ask for.
    #[must_use]
    pub fn may_ask(&self) -> bool {
        self.role == Role::Responder && self.send > 0 && self.next.is_none()
    }

    /// The responder may take a REKEY_INIT: the rekey before it is complete (BC-08.59). An honest
    /// initiator starts none before it knows that.
    #[must_use]
    pub fn may_answer(&self) -> bool {
        self.role == Role::Responder && self.next.is_none()
    }

    /// Keys were agreed: in use at once at the initiator, at the first packet under them at the
    /// responder. True if they are in use.
    pub fn install(&mut self, number: u64) -> bool {
        match self.role {
            Role::Initiator => {
                self.switch(number);
                true
            }
            Role::Responder => {
                self.next = Some(number);
                false
            }
        }
    }

    fn switch(&mut self, number: u64) {
        self.previous = Some(self.recv);
        self.recv = number;
        self.send = number;
        self.confirmed = false;
    }

    /// The key for packets of `phase`, and its number.
    #[must_use]
    pub fn key_for(&self, phase: KeyPhase) -> Option<(ReceiveKey, u64)> {
        let keys = [
            (ReceiveKey::Current, Some(self.recv)),
            (ReceiveKey::Previous, self.previous),
            (ReceiveKey::Next, self.next),
        ];
        let mut keys = keys.into_iter().filter_map(|(key, number)| Some((key, number?)));
        keys.find(|(_, number)| KeyPhase::of_epoch(*number) == phase)
    }

    /// A packet under `key` authenticated.
    pub fn on_opened(&mut self, key: ReceiveKey) -> Opened {
        if key == ReceiveKey::Next
            && let Some(next) = self.next.take()
        {
            self.switch(next);
        }
        let first = key != ReceiveKey::Previous && !core::mem::replace(&mut self.confirmed, true);
        let rekeyed = (first && self.recv > 0).then_some(self.recv);
        // BC-08.60: from the first packet under the newest keys on, not before. Until then the peer
        // may send nothing but packets under the old ones, and needs them understood: by them a
        // peer at a new address is found again.
        Opened { rekeyed, fades: first && self.previous.is_some() }
    }

    /// The previous receive key is erased.
    pub const fn on_erased(&mut self) {
        self.previous = None;
    }
}

//! One path: how the peer's address is believed, and how many bytes may go there meanwhile.

use super::super::PACKET_LEN;
use super::{
    Due, FIRST_WAIT, MAX_CHALLENGES, MAX_MISSES, MAX_PATIENCE, PathFrame, RECHECK, SPARE_INTERVAL,
};
use crate::base::ids::ConnectionId;
use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use crate::base::via::Via;
use core::time::Duration;

/// A proof is good for so long: then another host may have the address.
const PROOF_AGE: Duration = Duration::from_secs(60);
/// As many bytes as if they had come from there are a handshake with an address, each answer of it,
/// and each time that it is asked again after it has answered once. Thrice as many may go there: a
/// large challenge and its small repetitions (BC-08.41).
pub(super) const CREDIT: u64 = 500;

/// A challenge waits for so long for bytes to pay for it.
const UNPAID: Duration = Duration::from_secs(60);

/// A question that waits for its answer.
#[derive(Debug)]
pub(super) struct Challenge {
    pub(super) token: [u8; 8],
    /// It is due, and waits for bytes from there.
    pub(super) unpaid: bool,
    patience: Duration,
    pub(super) sent: u32,
    pub(super) sent_at: Timestamp,
    pub(super) next: Timestamp,
    /// Whoever has not answered by then is taken for silent.
    pub(super) late: Timestamp,
}

/// Whether the link is to move to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    No,
    /// As soon as it may.
    Yes,
    /// If this other one is silent, whose connection id the peer seems to use there.
    Unless(Via),
}

/// An address of the peer.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) via: Via,
    /// The sequence number of the peer's connection id that packets there carry.
    pub(super) id: u64,
    /// That one is newer than the first packet of the challenge that is not answered yet.
    pub(super) unshown: bool,
    /// Our connection id in the newest packet from there, if it is no other path's.
    pub(super) heard: Option<ConnectionId>,
    /// It was heard only under the connection id of this path: the peer does not know that it moved,
    /// or somebody forwards copies of its packets (BC-08.54).
    pub(super) copy_of: Option<Via>,
    /// When it last answered a challenge of ours.
    pub(super) proven: Option<Timestamp>,
    /// It carries [`PACKET_LEN`] bytes in both directions.
    pub(super) wide: bool,
    /// The link may move there without asking again.
    pub(super) fit: bool,
    /// Whether the peer sends from there.
    pub(super) wish: Wish,
    /// When it last answered or was in use; before, when it was first heard of.
    pub(super) kept: Timestamp,
    pub(super) challenge: Option<Challenge>,
    /// Measured by the last answer to a first challenge.
    pub(super) rtt: Option<Duration>,
    /// When a spare one is looked at again.
    pub(super) look: Timestamp,
    /// How often it did not answer, or not with a large packet, since it last did.
    pub(super) misses: u32,
    /// Bytes that came from there, and that went there.
    received: u64,
    spent: u64,
}

/// What comes of a challenge that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It is sent.
    Now(Due),
    /// Nothing now.
    Nothing,
    /// It was sent as often as it may.
    InVain,
}

impl Path {
    pub(super) fn new(now: Timestamp, via: Via, id: u64) -> Self {
        Self {
            via,
            id,
            unshown: false,
            heard: None,
            copy_of: None,
            proven: None,
            wide: false,
            fit: false,
            wish: Wish::No,
            kept: now,
            challenge: None,
            rtt: None,
            look: now + SPARE_INTERVAL,
            misses: 0,
            received: 0,
            spent: 0,
        }
    }

    /// In so much time it answers if it works.
    pub(super) fn patience(&self) -> Duration {
        self.rtt.map_or(MAX_PATIENCE, |rtt| (rtt * 3).clamp(FIRST_WAIT, MAX_PATIENCE))
    }

    pub(super) fn is_proven(&self, now: Timestamp) -> bool {
        self.proven.is_some_and(|at| now.saturating_since(at) < PROOF_AGE)
    }

    /// It answered, and its packets are its own: no other makes it go.
    pub(super) const fn is_kept(&self) -> bool {
        self.proven.is_some() && self.copy_of.is_none()
    }

    /// It answered whenever it was asked.
    pub(super) const fn works(&self) -> bool {
        self.is_kept() && self.misses == 0
    }

    /// `len` bytes came from there: for a challenge that waits for them it is time.
    pub(super) fn receive(&mut self, now: Timestamp, len: u64) {
        self.received = self.received.saturating_add(len);
        if let Some(challenge) = self.challenge.as_mut().filter(|it| it.unpaid) {
            (challenge.unpaid, challenge.next) = (false, now);
            challenge.late = now + challenge.patience;
        }
    }

    /// Whether `len` bytes may go there (BC-08.41).
    fn affords(&self, len: usize) -> bool {
        self.spent.saturating_add(len as u64) <= self.received.saturating_mul(3)
    }

    /// Takes `len` bytes off the account, if it has them.
    pub(super) fn spend(&mut self, len: usize) -> bool {
        let affords = self.affords(len);
        if affords {
            self.spent = self.spent.saturating_add(len as u64);
        }
        affords
    }

    /// However much went there before, [`CREDIT`] is on the account.
    fn top_up(&mut self) {
        self.received = self.received.max(self.spent.div_ceil(3).saturating_add(CREDIT));
    }

    /// Asks whether the peer is there, unless that was asked and may still be answered.
    pub(super) fn challenge(&mut self, now: Timestamp, patience: Duration, public: &mut Stream) {
        if self.challenge.is_none() {
            if self.proven.is_some() {
                self.top_up();
            }
            let (token, late) = (public.bytes(), now + patience);
            let (unpaid, sent, sent_at, next) = (false, 0, now, now);
            let challenge = Challenge { token, unpaid, patience, sent, sent_at, next, late };
            self.challenge = Some(challenge);
        }
    }

    /// The peer sends from there. Unless it answered lately, it has to do so once more.
    pub(super) fn want(
        &mut self,
        now: Timestamp,
        wish: Wish,
        patience: Duration,
        public: &mut Stream,
    ) {
        self.wish = wish;
        if !self.is_proven(now) || !self.wide || !self.fit {
            self.fit = false;
            // BC-08.53: not each round trip where only small packets pass.
            if self.misses < MAX_MISSES || self.kept + RECHECK <= now {
                self.challenge(now, patience, public);
            }
        }
    }

    /// The peer answered `challenge` in a packet of `len` bytes.
    pub(super) fn on_answer(&mut self, now: Timestamp, challenge: &Challenge, len: usize) {
        self.proven = Some(now);
        self.kept = now;
        self.look = now + SPARE_INTERVAL;
        self.wide |= len >= PACKET_LEN;
        self.misses = if self.wide { 0 } else { self.misses + 1 };
        self.fit = self.wide;
        self.top_up();
        if challenge.sent == 1 {
            // Longer ones were measured across a jump of the clock, or by whoever wants to be slow.
            let rtt = now.saturating_since(challenge.sent_at);
            self.rtt = (rtt <= MAX_PATIENCE).then_some(rtt);
        }
    }

    /// A challenge that is due, in `len` bytes if it is not filled up. The path in use is known to
    /// carry large packets unless it says otherwise, and has no account.
    pub(super) fn poll_challenge(&mut self, now: Timestamp, len: usize, in_use: bool) -> Asked {
        // BC-08.53: filling up must not use up what the repetitions need.
        let rich = self.affords(PACKET_LEN + len * MAX_CHALLENGES as usize);
        let padded = if in_use { !self.wide } else { rich };
        let pays = in_use || self.affords(len);
        let Some(challenge) = self.challenge.as_mut().filter(|it| it.next <= now) else {
            return Asked::Nothing;
        };
        if challenge.sent >= MAX_CHALLENGES || challenge.unpaid {
            return Asked::InVain;
        }
        if !pays {
            // BC-08.63: what was not sent was not left unanswered.
            (challenge.unpaid, challenge.next) = (true, now + UNPAID);
            return Asked::Nothing;
        }
        challenge.next = now + FIRST_WAIT * (1 << challenge.sent);
        challenge.sent += 1;
        challenge.sent_at = now;
        let frame = PathFrame::Challenge(challenge.token);
        let padded = padded && challenge.sent <= 1;
        if !in_use {
            self.spend(if padded { PACKET_LEN } else { len });
        }
        Asked::Now(Due { via: self.via, frame, padded })
    }
}

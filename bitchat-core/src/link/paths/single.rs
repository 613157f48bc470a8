//! One path: how the peer's address is believed, and how many bytes may go there meanwhile.

use super::{
    Due, FIRST_WAIT, MAX_CHALLENGES, MAX_FAILED, MAX_PATIENCE, PathFrame, RECHECK, SPARE_INTERVAL,
};
use crate::base::ids::ConnectionId;
use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use crate::base::via::Via;
use crate::link::size::PACKET_LEN;
use core::net::IpAddr;
use core::time::Duration;

/// An answer to a challenge proves an address for this long: later, another host may have it.
const PROOF_AGE: Duration = Duration::from_secs(60);
/// Bytes that a handshake with an address counts as having come from it, and so does each answer to
/// a challenge, and each challenge of an address that has answered before. The anti-amplification
/// budget is three times that: a challenge of 1,200 bytes and its small repetitions (BC-08.41).
pub(super) const VALIDATED_BYTES: u64 = 500;

/// A challenge that the anti-amplification budget blocks waits this long for bytes from the address
/// (BC-08.63).
const BLOCKED_FOR: Duration = Duration::from_secs(60);

/// A question that waits for its answer.
#[derive(Debug)]
pub(super) struct Challenge {
    pub(super) token: [u8; 8],
    /// The challenge is due, and the anti-amplification budget does not allow for it before more
    /// bytes come from the address.
    pub(super) amplification_blocked: bool,
    patience: Duration,
    pub(super) sent: u32,
    pub(super) sent_at: Timestamp,
    pub(super) next: Timestamp,
    /// An address that has not answered by then counts as silent.
    pub(super) late: Timestamp,
}

/// Whether the link is to move to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Migration {
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
    /// The address of ours that the peer sends to there, if it is known.
    pub(super) local: Option<IpAddr>,
    /// The sequence number of the peer's connection id that packets there carry.
    pub(super) id: u64,
    /// The peer's connection id is newer than the first packet of the challenge that is not
    /// answered yet.
    pub(super) unshown: bool,
    /// Our connection id in the newest packet from the address, if no other path has that id.
    pub(super) peer_cid: Option<ConnectionId>,
    /// The path under whose connection id all packets from this address came: the peer does not
    /// know that it moved, or somebody forwards copies of the peer's packets (BC-08.54).
    pub(super) copy_of: Option<Via>,
    /// When it last answered a challenge of ours.
    pub(super) proven: Option<Timestamp>,
    /// The path carries [`PACKET_LEN`] bytes in both directions.
    pub(super) mtu_validated: bool,
    /// The link may move there without asking again.
    pub(super) migratable: bool,
    /// Whether the peer sends from there.
    pub(super) migration: Migration,
    /// When the path last answered or was in use; when it was first heard of, if neither happened
    /// yet.
    pub(super) kept: Timestamp,
    pub(super) challenge: Option<Challenge>,
    /// Measured by the last answer to a first challenge.
    pub(super) rtt: Option<Duration>,
    /// When the path is challenged again, if it is not in use by then.
    pub(super) revalidate_at: Timestamp,
    /// Challenges without an answer of [`PACKET_LEN`] bytes since the last such answer.
    pub(super) failed: u32,
    /// Bytes that came from the address, and that went to it: the anti-amplification account.
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
            local: None,
            id,
            unshown: false,
            peer_cid: None,
            copy_of: None,
            proven: None,
            mtu_validated: false,
            migratable: false,
            migration: Migration::No,
            kept: now,
            challenge: None,
            rtt: None,
            revalidate_at: now + SPARE_INTERVAL,
            failed: 0,
            received: 0,
            spent: 0,
        }
    }

    /// How long a working path takes to answer at most: three of its round trips, within 200 ms and
    /// 1 s.
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
        self.is_kept() && self.failed == 0
    }

    /// `len` bytes came from there: for a challenge that waits for them it is time.
    pub(super) fn receive(&mut self, now: Timestamp, len: u64) {
        self.received = self.received.saturating_add(len);
        if let Some(challenge) = self.challenge.as_mut().filter(|it| it.amplification_blocked) {
            (challenge.amplification_blocked, challenge.next) = (false, now);
            challenge.late = now + challenge.patience;
        }
    }

    /// Whether `len` bytes may go there (BC-08.41).
    fn has_budget(&self, len: usize) -> bool {
        self.spent.saturating_add(len as u64) <= self.received.saturating_mul(3)
    }

    /// Takes `len` bytes off the account, if it has them.
    pub(super) fn spend(&mut self, len: usize) -> bool {
        let has_budget = self.has_budget(len);
        if has_budget {
            self.spent = self.spent.saturating_add(len as u64);
        }
        has_budget
    }

    /// However much went there before, [`VALIDATED_BYTES`] is on the account.
    fn top_up(&mut self) {
        self.received = self.received.max(self.spent.div_ceil(3).saturating_add(VALIDATED_BYTES));
    }

    /// Asks whether the peer is there, unless that was asked and may still be answered.
    pub(super) fn challenge(&mut self, now: Timestamp, patience: Duration, public: &mut Stream) {
        if self.challenge.is_none() {
            if self.proven.is_some() {
                self.top_up();
            }
            let (token, late) = (public.bytes(), now + patience);
            let (amplification_blocked, sent, sent_at, next) = (false, 0, now, now);
            let challenge =
                Challenge { token, amplification_blocked, patience, sent, sent_at, next, late };
            self.challenge = Some(challenge);
        }
    }

    /// The peer sends from there. Unless it answered lately, it has to do so once more.
    pub(super) fn want(
        &mut self,
        now: Timestamp,
        migration: Migration,
        patience: Duration,
        public: &mut Stream,
    ) {
        self.migration = migration;
        if !self.is_proven(now) || !self.mtu_validated || !self.migratable {
            self.migratable = false;
            // BC-08.53: not each round trip where only small packets pass.
            if self.failed < MAX_FAILED || self.kept + RECHECK <= now {
                self.challenge(now, patience, public);
            }
        }
    }

    /// The peer answered `challenge` in a packet of `len` bytes.
    pub(super) fn on_answer(&mut self, now: Timestamp, challenge: &Challenge, len: usize) {
        self.proven = Some(now);
        self.kept = now;
        self.revalidate_at = now + SPARE_INTERVAL;
        self.mtu_validated |= len >= PACKET_LEN;
        self.failed = if self.mtu_validated { 0 } else { self.failed + 1 };
        self.migratable = self.mtu_validated;
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
        let rich = self.has_budget(PACKET_LEN + len * MAX_CHALLENGES as usize);
        let padded = if in_use { !self.mtu_validated } else { rich };
        let pays = in_use || self.has_budget(len);
        let Some(challenge) = self.challenge.as_mut().filter(|it| it.next <= now) else {
            return Asked::Nothing;
        };
        if challenge.sent >= MAX_CHALLENGES || challenge.amplification_blocked {
            return Asked::InVain;
        }
        if !pays {
            // BC-08.63: what was not sent was not left unanswered.
            (challenge.amplification_blocked, challenge.next) = (true, now + BLOCKED_FOR);
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

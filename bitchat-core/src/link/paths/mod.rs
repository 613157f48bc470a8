//! Where the peer is: the path in use, spare ones, and how an address is believed (spec 08 §Several
//! addresses).

mod challenges;
pub(super) mod connection_ids;
pub(super) mod keepalive;
mod known;
mod single;

use super::event::LinkConfig;
use crate::base::ids::ConnectionId;
use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use crate::base::via::Via;
use crate::crypto::noise::Role;
use crate::handshake::Established;
use connection_ids::Ids;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use keepalive::Keepalive;
use single::{Migration, Path};
use std::collections::VecDeque;

/// How often a challenge is sent before the address is given up.
const MAX_CHALLENGES: u32 = 5;
/// Challenges without an answer after which a spare path is forgotten.
const MAX_FAILED: u32 = 3;
/// The same for a path that answers only small packets, or that the peer seems to have left without
/// knowing (BC-08.57).
const MAX_PATIENT_FAILED: u32 = 6;
/// The first wait for an answer; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// An answer is waited for no longer than this, however slow the path is (BC-08.54).
pub(super) const MAX_PATIENCE: Duration = Duration::from_secs(1);
/// Spare paths are challenged this often by the session's initiator (BC-08.45).
const SPARE_INTERVAL: Duration = Duration::from_secs(300);
/// A path is better only if five quarters of its round trip and this are less than the round trip
/// of the path in use (BC-08.46).
const CLEARLY: Duration = Duration::from_millis(5);
/// A path that answered is not challenged again within this time because of packets under its
/// connection id from elsewhere (BC-08.54).
const RECHECK: Duration = Duration::from_secs(1);
/// Moves to paths that are not asked anew are this far apart (BC-08.14).
const MOVE_SPACING: Duration = Duration::from_millis(200);

/// Where the two sides are, and how packets find their way.
#[derive(Debug)]
pub(super) struct Addressing {
    pub(super) paths: Paths,
    pub(super) ids: Ids,
    pub(super) keepalive: Keepalive,
    /// Where the peer last said that this side is, and where the link led then.
    pub(super) observed: Option<(SocketAddr, Via)>,
    /// When such a report last began the path anew.
    pub(super) renumbered_at: Option<Timestamp>,
}

impl Addressing {
    /// The handshake went by `via`.
    pub(super) fn new(
        now: Timestamp,
        session: &Established,
        via: Via,
        config: &LinkConfig,
    ) -> Self {
        Self {
            paths: Paths::new(now, via, session.local_cid, session.role == Role::Initiator),
            ids: Ids::new(session.local_cid, session.remote_cid),
            keepalive: Keepalive::new(config.keepalive, config.idle_timeout),
            observed: None,
            renumbered_at: None,
        }
    }

    /// The connection id of the peer for packets by `via`; `first`, that of the handshake, where
    /// the peer has taken back all others.
    pub(super) fn remote_cid(&self, via: Via, first: ConnectionId) -> ConnectionId {
        self.ids.remote(self.paths.id(via)).unwrap_or(first)
    }
}

/// What a packet of its own on a certain path carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathFrame {
    Challenge([u8; 8]),
    Response([u8; 8]),
}

/// A packet that is due on a certain path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) via: Via,
    pub(crate) frame: PathFrame,
    /// It is filled up to [`PACKET_LEN`], to show that the path carries that much (RFC 9000
    /// §8.2.1).
    pub(crate) padded: bool,
}

/// How the link moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Another port of the same address: a NAT gave the peer a new mapping (RFC 9000 §9.4).
    Rebound,
    /// Another path, with this round trip if it was measured.
    Elsewhere(Option<Duration>),
}

/// What is known of an authentic packet besides its contents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) via: Via,
    pub(crate) len: usize,
    /// Our connection id that it carries.
    pub(crate) cid: ConnectionId,
    /// No later one came before it.
    pub(crate) newest: bool,
    /// It holds nothing but PATH_CHALLENGE, PATH_RESPONSE and padding: its sender is only looking
    /// (RFC 9000 §9.1).
    pub(crate) probing: bool,
    /// How long the path in use takes to answer if it works: its probe timeout.
    pub(crate) patience: Duration,
}

/// An answer to a challenge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) token: [u8; 8],
    /// Bytes of its packet.
    pub(crate) len: usize,
    /// The smallest round trip of the path in use.
    pub(crate) rtt: Duration,
}

/// What makes one path better than another; the smaller, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    failing: bool,
    rtt: Duration,
}

/// All paths of a link; the first is the one in use.
#[derive(Debug)]
pub(crate) struct Paths {
    all: Vec<Path>,
    responses: VecDeque<Due>,
    /// The path in use does not answer.
    failing: bool,
    /// This side challenges spare paths by itself and chooses the better one: the session's
    /// initiator, so that the two sides do not pull apart.
    leads: bool,
    /// When the link last moved.
    moved: Timestamp,
    /// The path that was in use before, if the link left it only for its silence, and no packet
    /// since has shown that the peer meant to move (BC-08.57).
    abandoned: Option<Via>,
    /// Numbers of the peer's connection ids that are used no more.
    pub(crate) retired: Vec<u64>,
}

impl Paths {
    /// The handshake went by `current`, under our connection id `heard`.
    pub(crate) fn new(now: Timestamp, current: Via, peer_cid: ConnectionId, leads: bool) -> Self {
        let mut first = Path::new(now, current, 0);
        (first.proven, first.peer_cid) = (Some(now), Some(peer_cid));
        (first.mtu_validated, first.migratable) = (true, true);
        Self {
            all: vec![first],
            responses: VecDeque::new(),
            failing: false,
            leads,
            moved: now,
            abandoned: None,
            retired: Vec::new(),
        }
    }

    /// Where packets go.
    pub(crate) fn current(&self) -> Via {
        self.all[0].via
    }

    /// The number of the peer's connection id for packets by `via`; that of the path in use where
    /// `via` is no path.
    pub(crate) fn id(&self, via: Via) -> u64 {
        self.find(via).map_or(self.all[0].id, |at| self.all[at].id)
    }

    /// Whether `via` is one of them.
    pub(crate) fn knows(&self, via: Via) -> bool {
        self.find(via).is_some()
    }

    /// How many paths have answered and may be used.
    pub(crate) fn proven(&self) -> usize {
        1 + self.all.iter().skip(1).filter(|path| path.works()).count()
    }

    /// Whether `via` is one of these.
    pub(crate) fn has_proven(&self, via: Via) -> bool {
        self.find(via).is_some_and(|at| at == 0 || self.all[at].works())
    }

    /// Whether `via` is the only one, as it is most of the time.
    pub(crate) fn is_only(&self, via: Via) -> bool {
        matches!(&self.all[..], [path] if path.via == via)
    }

    /// The peer sends to this address of ours by `via`, if that is a path.
    pub(crate) fn set_local(&mut self, via: Via, local: Option<IpAddr>) {
        if let Some(path) = self.all.iter_mut().find(|path| path.via == via) {
            path.local = local.or(path.local);
        }
    }

    /// The address of ours that packets by `via` leave from, if it is known.
    pub(crate) fn local(&self, via: Via) -> Option<IpAddr> {
        self.find(via).and_then(|at| self.all[at].local)
    }

    fn find(&self, via: Via) -> Option<usize> {
        self.all.iter().position(|path| path.via == via)
    }

    /// An authentic packet arrived. `id` is for packets to an address that was unknown so far.
    pub(crate) fn on_packet(
        &mut self,
        now: Timestamp,
        arrival: Arrival,
        id: Option<u64>,
        public: &mut Stream,
    ) -> Option<Move> {
        let Arrival { via, len, newest, probing, .. } = arrival;
        if via == self.current() {
            if newest {
                self.on_current(arrival);
            }
            return None;
        }
        let known = self.find(via).is_some();
        // Only what moves a link has to be the newest (RFC 9000 §9.3): a probe on a slow path is
        // overtaken by data on a fast one.
        if !known && !((newest || probing) && self.has_room(now)) {
            return None;
        }
        // Behind the making of room, which may have removed it.
        let owner = |path: &&Path| path.via != via && path.peer_cid == Some(arrival.cid);
        let owner = self.all.iter().find(owner).map(|path| (path.via, path.id));
        if !known {
            // A copy needs no id of its own: the peer has used the same one on both (RFC 9000
            // §9.5).
            let id = owner.map(|(_, id)| id).or(id).unwrap_or(self.all[0].id);
            self.learn(now, via, id, owner.map(|(via, _)| via));
        }
        let at = self.find(via)?;
        let path = self.all.get_mut(at)?;
        path.receive(now, len as u64);
        if (newest || !known) && owner.is_none() {
            path.peer_cid = Some(arrival.cid);
            path.copy_of = None;
        }
        if path.proven.is_none() {
            path.challenge(now, arrival.patience, public);
        }
        if probing || !newest {
            return None;
        }
        let owner = owner.and_then(|(via, _)| self.find(via));
        self.on_sent_from(now, at, owner, arrival.patience, public);
        self.settle(now, public)
    }

    /// The newest packet came by the path in use.
    fn on_current(&mut self, arrival: Arrival) {
        let mut spare = self.all.iter().skip(1);
        if spare.all(|path| path.peer_cid != Some(arrival.cid)) {
            // Under an id of its own: the peer means to be here.
            (self.all[0].copy_of, self.abandoned) = (None, None);
        }
        self.all[0].peer_cid = Some(arrival.cid);
        if !arrival.probing {
            // Whoever sent from elsewhere was overtaken, or only forwarded by somebody.
            self.all.iter_mut().for_each(|path| path.migration = Migration::No);
        }
    }

    /// The peer sends from `via`, which was unknown so far.
    fn learn(&mut self, now: Timestamp, via: Via, id: u64, copy_of: Option<Via>) {
        // Another port of a host that is known to be reached by large packets.
        let mtu_validated =
            self.all.iter().any(|known| known.mtu_validated && known.via.same_host(via));
        let mut path = Path::new(now, via, id);
        (path.copy_of, path.mtu_validated) = (copy_of, mtu_validated);
        self.all.push(path);
    }

    /// The peer sends from the spare path at `at`: it is wanted, unless the path at `owner`
    /// answers, whose connection id the packet carries.
    fn on_sent_from(
        &mut self,
        now: Timestamp,
        at: usize,
        owner: Option<usize>,
        patience: Duration,
        public: &mut Stream,
    ) {
        let mut migration = Migration::Yes;
        let in_use = owner == Some(0);
        if let Some(owner) = owner.and_then(|owner| self.all.get_mut(owner)) {
            // BC-08.54
            let patience = if in_use { patience } else { owner.patience() };
            owner.want(now, Migration::Yes, patience, public);
            if owner.proven.is_some_and(|answered| now.saturating_since(answered) < RECHECK) {
                return;
            }
            // Nor is it moved to before it answers anew: of two such, each may be gone.
            owner.migratable = false;
            owner.challenge(now, patience, public);
            migration = Migration::Unless(owner.via);
        }
        if let Some(path) = self.all.get_mut(at) {
            path.want(now, migration, patience, public);
        }
    }

    /// When the link may move to a spare path; `None` if not before something is heard.
    fn movable_at(&self, path: &Path) -> Option<Timestamp> {
        let owner = match path.migration {
            Migration::No => return None,
            Migration::Yes => None,
            Migration::Unless(owner) => self.find(owner).and_then(|at| self.all.get(at)),
        };
        if !path.migratable {
            return None;
        }
        // Two sides that use two paths and follow each other would change places for ever: one
        // waits.
        let answered = path.proven.filter(|at| *at >= self.moved && !self.leads);
        let calm = answered.map_or(self.moved + MOVE_SPACING, |_| Timestamp::ZERO);
        // BC-08.54: nothing is asked any more where the owner answered.
        let silent = owner.map_or(Some(Timestamp::ZERO), |it| Some(it.challenge.as_ref()?.late))?;
        Some(calm.max(silent))
    }

    /// Moves to where the peer sends from, as soon as that is allowed.
    fn settle(&mut self, now: Timestamp, public: &mut Stream) -> Option<Move> {
        let may = |path: &Path| self.movable_at(path).is_some_and(|at| at <= now);
        let at = self.all.iter().skip(1).position(may)? + 1;
        Some(self.use_path(now, at, public))
    }

    /// The path at `at` is in use from now on. What was in use is asked whether the peer is still
    /// there (BC-08.42).
    fn use_path(&mut self, now: Timestamp, at: usize, public: &mut Stream) -> Move {
        self.all[..=at].rotate_right(1);
        self.failing = false;
        self.moved = now;
        let (migration, copy_of) = (self.all[0].migration, self.all[0].copy_of);
        self.all.iter_mut().for_each(|path| path.migration = Migration::No);
        let (new, old) = (self.all[0].via, &mut self.all[1]);
        self.abandoned = match migration {
            Migration::Unless(owner) => Some(owner),
            Migration::Yes | Migration::No => copy_of.filter(|owner| *owner == old.via),
        };
        (old.kept, old.revalidate_at) = (now, now + SPARE_INTERVAL);
        old.challenge(now, FIRST_WAIT, public);
        let rebound = old.via.same_host(new);
        self.trim();
        if rebound { Move::Rebound } else { Move::Elsewhere(self.all[0].rtt) }
    }

    /// The peer answers a challenge. Says whether and how the link moved (BC-08.14).
    pub(crate) fn on_response(
        &mut self,
        now: Timestamp,
        answer: Answer,
        public: &mut Stream,
    ) -> Option<Move> {
        let asked =
            |path: &Path| path.challenge.as_ref().is_some_and(|it| it.token == answer.token);
        let at = self.all.iter().position(asked)?;
        let failing = self.failing;
        let path = self.all.get_mut(at)?;
        let challenge = path.challenge.take()?;
        path.on_answer(now, &challenge, answer.len);
        let (via, migratable, rtt, genuine) =
            (path.via, path.migratable, path.rtt, path.copy_of.is_none());
        if core::mem::take(&mut path.unshown) || (!migratable && path.failed < MAX_FAILED) {
            // BC-08.53: the address is believed; whether it takes large packets is asked next.
            path.challenge(now, FIRST_WAIT, public);
        }
        // BC-08.54: it is still there, so what looked like it elsewhere is not followed.
        let copies = self.all.iter_mut().filter(|path| path.migration == Migration::Unless(via));
        copies.for_each(|path| path.migration = Migration::No);
        if at == 0 {
            self.failing = false;
            return None;
        }
        if !migratable {
            // A line that loses much looks narrow too: what answers is kept for when all else
            // fails.
            self.put_off(now, at, MAX_PATIENT_FAILED);
            return None;
        }
        let found = rtt.map(|rtt| Score { failing: false, rtt: rtt + rtt / 4 + CLEARLY });
        let better = found.is_some_and(|found| found < Score { failing, rtt: answer.rtt });
        let chosen = self.leads && genuine && better;
        let left_too_soon = self.abandoned == Some(via);
        if failing || chosen || left_too_soon {
            // For what it answered itself, not for what was sent from there.
            self.all[at].migration = Migration::No;
            return Some(self.use_path(now, at, public));
        }
        let moved = self.settle(now, public);
        self.trim();
        moved
    }

    /// The path in use does not answer any more: all others are asked at once (BC-08.44).
    pub(crate) fn on_trouble(&mut self, now: Timestamp, public: &mut Stream) {
        self.failing = true;
        for path in self.all.iter_mut().skip(1) {
            path.challenge(now, FIRST_WAIT, public);
        }
    }

    /// The path in use answers.
    pub(crate) const fn on_progress(&mut self) {
        self.failing = false;
    }

    /// Looks at spare paths whose time has come, forgets copies that led nowhere, and moves where
    /// the path in use was given its time to answer.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp, public: &mut Stream) -> Option<Move> {
        for at in (1..self.all.len()).rev() {
            let Some(path) = self.all.get_mut(at).filter(|path| path.revalidate_at <= now) else {
                continue;
            };
            let abandoned = self.abandoned == Some(path.via);
            if path.copy_of.is_some() && !abandoned {
                self.remove(at);
            } else if self.leads || abandoned {
                path.revalidate_at = now + SPARE_INTERVAL;
                path.challenge(now, FIRST_WAIT, public);
            }
        }
        self.settle(now, public)
    }

    /// When [`Self::poll`] or [`Self::handle_timeout`] has something; in the past if it has now.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        if !self.responses.is_empty() {
            return Some(Timestamp::ZERO);
        }
        if let [path] = &self.all[..] {
            return path.challenge.as_ref().map(|challenge| challenge.next);
        }
        let challenges = self.all.iter().filter_map(|path| Some(path.challenge.as_ref()?.next));
        let spare = || self.all.iter().skip(1);
        let abandoned = |path: &Path| self.abandoned == Some(path.via);
        let looks = spare().filter(|path| self.leads || path.copy_of.is_some() || abandoned(path));
        let moves = spare().filter_map(|path| self.movable_at(path));
        challenges.chain(looks.map(|path| path.revalidate_at)).chain(moves).min()
    }
}

#[cfg(test)]
mod tests;

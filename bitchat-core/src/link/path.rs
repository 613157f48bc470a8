//! Where the peer is: the path in use, spare ones, and how an address is believed (spec 08 §Several
//! addresses).

mod single;

use super::PACKET_LEN;
use crate::base::ids::{ConnectionId, SocketId};
use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use core::net::SocketAddr;
use core::time::Duration;
use single::{Asked, CREDIT, Path, Wish};
use std::collections::VecDeque;

/// Paths that a link knows, the one in use among them (BC-08.43).
pub(crate) const MAX_PATHS: usize = 4;
/// Spare ones of these that answered: they leave room for one that did not yet.
const MAX_KEPT: usize = MAX_PATHS - 2;
/// Answers to challenges that wait to be sent; more are dropped, the peer asks again.
const MAX_RESPONSES: usize = 4;
/// How often a challenge is sent before the address is given up.
const MAX_CHALLENGES: u32 = 5;
/// Looks without an answer after which a spare path is forgotten.
const MAX_MISSES: u32 = 3;
/// A path that the peer seems to have left without knowing is asked again after twice this, then after
/// twice as long each time (BC-08.57).
const LEFT_WAIT: Duration = Duration::from_millis(2_500);
/// Misses after which that one is forgotten, or one that answers only small packets.
const MAX_PATIENT_MISSES: u32 = 6;
/// The first wait for an answer; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// However slow a path is, longer is not waited for its answer (BC-08.54).
pub(super) const MAX_PATIENCE: Duration = Duration::from_secs(1);
/// Spare paths are looked at this often by the session's initiator (BC-08.45).
const SPARE_INTERVAL: Duration = Duration::from_secs(300);
/// A path is better only if five quarters of its round trip and so much are less (BC-08.46).
const CLEARLY: Duration = Duration::from_millis(5);
/// For so long a path that answered is not asked again whether copies of its packets are copies
/// (BC-08.54).
const RECHECK: Duration = Duration::from_secs(1);
/// Moves to paths that are not asked anew are this far apart (BC-08.14).
const MOVE_SPACING: Duration = Duration::from_millis(200);

/// One of our sockets and an address of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via {
    /// Ours.
    pub socket: SocketId,
    /// The peer's.
    pub remote: SocketAddr,
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
    /// It is filled up to [`PACKET_LEN`], to show that the path carries that much (RFC 9000 §8.2.1).
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
    /// In so much time the path in use answers if it works: its probe timeout.
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
    /// Looks at spare paths by itself, and chooses the better one: one side of a session, so that
    /// the two do not pull apart.
    leads: bool,
    /// When the link last moved.
    moved: Timestamp,
    /// The path that was in use before, if it was left only because it was silent and the peer has not
    /// said since that it moved (BC-08.57).
    left: Option<Via>,
    /// Numbers of the peer's connection ids that are used no more.
    pub(crate) retired: Vec<u64>,
}

impl Paths {
    /// The handshake went by `current`, under our connection id `heard`.
    pub(crate) fn new(now: Timestamp, current: Via, heard: ConnectionId, leads: bool) -> Self {
        let mut first = Path::new(now, current, 0);
        (first.proven, first.heard) = (Some(now), Some(heard));
        (first.wide, first.fit) = (true, true);
        Self {
            all: vec![first],
            responses: VecDeque::new(),
            failing: false,
            leads,
            moved: now,
            left: None,
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

    fn find(&self, via: Via) -> Option<usize> {
        self.all.iter().position(|path| path.via == via)
    }

    /// Gives an id of its own to each path that shares one with an earlier path, or whose id is not
    /// in use any more, as long as `unused` has some (BC-08.48). Copies keep theirs. The peer is shown
    /// the new one, so that it does not take the path for a copy (BC-08.54).
    pub(crate) fn assign_ids(
        &mut self,
        now: Timestamp,
        valid: impl Fn(u64) -> bool,
        unused: &mut Vec<u64>,
        public: &mut Stream,
    ) {
        for at in 0..self.all.len() {
            let (before, rest) = self.all.split_at_mut(at);
            let Some(path) = rest.first_mut() else { return };
            let shares = before.iter().any(|earlier| earlier.id == path.id);
            if (shares && path.copy_of.is_none()) || !valid(path.id) {
                let Some(id) = unused.pop() else { return };
                path.id = id;
                if at > 0 {
                    path.unshown = path.challenge.is_some();
                    path.challenge(now, FIRST_WAIT, public);
                }
            }
        }
    }

    /// This host is somewhere else now, and packets leave under other ids as long as `unused` has
    /// some: who sees both places cannot tell that they belong together (BC-08.55). The peer is asked
    /// by the path in use, so that it soon has bytes to answer with.
    pub(crate) fn on_local_move(
        &mut self,
        now: Timestamp,
        unused: &mut Vec<u64>,
        public: &mut Stream,
    ) {
        for path in &mut self.all {
            if let Some(id) = unused.pop() {
                self.retired.push(core::mem::replace(&mut path.id, id));
            }
        }
        let Self { all, retired, .. } = self;
        retired.retain(|id| all.iter().all(|path| path.id != *id));
        self.all[0].wide = false;
        self.all[0].challenge = None;
        self.all[0].challenge(now, FIRST_WAIT, public);
    }

    /// The numbers in use.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.all.iter().map(|path| path.id)
    }

    /// The peer may be at `via` too, as a handshake there said. `id` is for packets there.
    pub(crate) fn add(&mut self, now: Timestamp, via: Via, id: Option<u64>, public: &mut Stream) {
        if self.find(via).is_none() && self.has_room(now) {
            let mut path = Path::new(now, via, id.unwrap_or(self.all[0].id));
            path.receive(now, CREDIT);
            path.challenge(now, FIRST_WAIT, public);
            self.all.push(path);
        }
    }

    /// Makes room by forgetting what did not answer yet, or what seems to be a copy; what answered
    /// makes room for nothing that did not. What was asked just now stays until it is late: a host
    /// with two new addresses would drive out each by the other for ever (BC-08.43).
    fn has_room(&mut self, now: Timestamp) -> bool {
        if self.all.len() >= MAX_PATHS {
            self.trim();
        }
        if self.all.len() >= MAX_PATHS {
            let may_answer = |path: &Path| path.challenge.as_ref().is_some_and(|it| it.late > now);
            let may_go = |path: &Path| !path.is_kept() && !may_answer(path);
            let spare = self.all.iter().enumerate().skip(1).filter(|(_, path)| may_go(path));
            let least = spare.min_by_key(|(_, path)| (path.proven.is_some(), path.kept));
            let least = least.map(|(at, _)| at);
            least.into_iter().for_each(|at| self.remove(at));
        }
        self.all.len() < MAX_PATHS
    }

    /// Of the spare paths that answered only the latest are kept, so that there is room for others.
    fn trim(&mut self) {
        let kept = |path: &(usize, &Path)| path.1.is_kept();
        while self.all.iter().enumerate().skip(1).filter(kept).count() > MAX_KEPT {
            let spare = self.all.iter().enumerate().skip(1).filter(kept);
            let least = spare.min_by_key(|(_, path)| (path.wide, path.kept));
            let Some((at, _)) = least else { return };
            self.remove(at);
        }
    }

    fn remove(&mut self, at: usize) {
        let gone = self.all.remove(at);
        for path in &mut self.all {
            path.copy_of = path.copy_of.filter(|owner| *owner != gone.via);
            if path.wish == Wish::Unless(gone.via) {
                path.wish = Wish::Yes;
            }
        }
        if self.all.iter().all(|path| path.id != gone.id) {
            self.retired.push(gone.id);
        }
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
                let mut spare = self.all.iter().skip(1);
                if spare.all(|path| path.heard != Some(arrival.cid)) {
                    // Under an id of its own: the peer means to be here.
                    (self.all[0].copy_of, self.left) = (None, None);
                }
                self.all[0].heard = Some(arrival.cid);
            }
            if newest && !probing {
                // Whoever sent from elsewhere was overtaken, or only forwarded by somebody.
                self.all.iter_mut().for_each(|path| path.wish = Wish::No);
            }
            return None;
        }
        let known = self.find(via).is_some();
        // Only what moves a link has to be the newest (RFC 9000 §9.3): a probe on a slow path is overtaken
        // by data on a fast one.
        if !known && !((newest || probing) && self.has_room(now)) {
            return None;
        }
        // Behind the making of room, which may have removed it.
        let owner = |path: &&Path| path.via != via && path.heard == Some(arrival.cid);
        let owner = self.all.iter().find(owner).map(|path| (path.via, path.id));
        if !known {
            // A copy needs no id of its own: the peer has used the same one on both (RFC 9000 §9.5).
            let id = owner.map(|(_, id)| id).or(id).unwrap_or(self.all[0].id);
            let mut path = Path::new(now, via, id);
            path.copy_of = owner.map(|(via, _)| via);
            // Another port of a host that is known to be reached by large packets.
            path.wide = self.all.iter().any(|known| known.wide && known.is_host_of(via));
            self.all.push(path);
        }
        let at = self.find(via)?;
        let path = self.all.get_mut(at)?;
        path.receive(now, len as u64);
        if (newest || !known) && owner.is_none() {
            path.heard = Some(arrival.cid);
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

    /// The peer sends from the spare path at `at`: it is wanted, unless the path at `owner` answers,
    /// whose connection id the packet carries.
    fn on_sent_from(
        &mut self,
        now: Timestamp,
        at: usize,
        owner: Option<usize>,
        patience: Duration,
        public: &mut Stream,
    ) {
        let mut wish = Wish::Yes;
        let in_use = owner == Some(0);
        if let Some(owner) = owner.and_then(|owner| self.all.get_mut(owner)) {
            // BC-08.54
            let patience = if in_use { patience } else { owner.patience() };
            owner.want(now, Wish::Yes, patience, public);
            if owner.proven.is_some_and(|answered| now.saturating_since(answered) < RECHECK) {
                return;
            }
            // Nor is it moved to before it answers anew: of two such, each may be gone.
            owner.fit = false;
            owner.challenge(now, patience, public);
            wish = Wish::Unless(owner.via);
        }
        if let Some(path) = self.all.get_mut(at) {
            path.want(now, wish, patience, public);
        }
    }

    /// When the link may move to a spare path; `None` if not before something is heard.
    fn movable_at(&self, path: &Path) -> Option<Timestamp> {
        let owner = match path.wish {
            Wish::No => return None,
            Wish::Yes => None,
            Wish::Unless(owner) => self.find(owner).and_then(|at| self.all.get(at)),
        };
        if !path.fit {
            return None;
        }
        // Two sides that use two paths and follow each other would change places for ever: one waits.
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
        let (wish, copy_of) = (self.all[0].wish, self.all[0].copy_of);
        self.all.iter_mut().for_each(|path| path.wish = Wish::No);
        let (new, old) = (self.all[0].via, &mut self.all[1]);
        self.left = match wish {
            Wish::Unless(owner) => Some(owner),
            Wish::Yes | Wish::No => copy_of.filter(|owner| *owner == old.via),
        };
        (old.kept, old.look) = (now, now + SPARE_INTERVAL);
        old.challenge(now, FIRST_WAIT, public);
        let rebound = old.is_host_of(new);
        self.trim();
        if rebound { Move::Rebound } else { Move::Elsewhere(self.all[0].rtt) }
    }

    /// The peer challenges the path that its packet of `len` bytes came by. True if that is the one
    /// in use: then the peer wonders whether we are still there, and an ordinary packet shows it.
    pub(crate) fn on_challenge(&mut self, via: Via, token: [u8; 8], len: usize) -> bool {
        if self.responses.len() < MAX_RESPONSES {
            let frame = PathFrame::Response(token);
            self.responses.push_back(Due { via, frame, padded: len >= PACKET_LEN });
        }
        via == self.current()
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
        let (via, fit, rtt, genuine) = (path.via, path.fit, path.rtt, path.copy_of.is_none());
        if core::mem::take(&mut path.unshown) || (!fit && path.misses < MAX_MISSES) {
            // BC-08.53: the address is believed; whether it takes large packets is asked next.
            path.challenge(now, FIRST_WAIT, public);
        }
        // BC-08.54: it is still there, so what looked like it elsewhere is not followed.
        let copies = self.all.iter_mut().filter(|path| path.wish == Wish::Unless(via));
        copies.for_each(|path| path.wish = Wish::No);
        if at == 0 {
            self.failing = false;
            return None;
        }
        if !fit {
            // A line that loses much looks narrow too: what answers is kept for when all else fails.
            self.put_off(now, at, MAX_PATIENT_MISSES);
            return None;
        }
        let found = rtt.map(|rtt| Score { failing: false, rtt: rtt + rtt / 4 + CLEARLY });
        let better = found.is_some_and(|found| found < Score { failing, rtt: answer.rtt });
        let chosen = self.leads && genuine && better;
        let left_too_soon = self.left == Some(via);
        if failing || chosen || left_too_soon {
            // For what it answered itself, not for what was sent from there.
            self.all[at].wish = Wish::No;
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
            let Some(path) = self.all.get_mut(at).filter(|path| path.look <= now) else { continue };
            let left = self.left == Some(path.via);
            if path.copy_of.is_some() && !left {
                self.remove(at);
            } else if self.leads || left {
                path.look = now + SPARE_INTERVAL;
                path.challenge(now, FIRST_WAIT, public);
            }
        }
        self.settle(now, public)
    }

    /// Whether [`Self::poll`] may have something.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        let asks = |path: &Path| path.challenge.as_ref().is_some_and(|it| it.next <= now);
        !self.responses.is_empty() || self.all.iter().any(asks)
    }

    /// A packet that is due on some path, of `len` bytes if it is not padded.
    pub(crate) fn poll(&mut self, now: Timestamp, len: usize) -> Option<Due> {
        while let Some(due) = self.responses.pop_front() {
            let size = if due.padded { PACKET_LEN } else { len };
            // To a spare path it counts together with the challenges there. An answer is hardly larger
            // than the question, so an address that is no path needs no account.
            let spare = self.find(due.via).filter(|at| *at > 0).and_then(|at| self.all.get_mut(at));
            if spare.is_none_or(|path| path.spend(size)) {
                return Some(due);
            }
        }
        (0..self.all.len()).rev().find_map(|at| self.poll_challenge(now, at, len))
    }

    fn poll_challenge(&mut self, now: Timestamp, at: usize, len: usize) -> Option<Due> {
        let left = self.left;
        let path = self.all.get_mut(at)?;
        match path.poll_challenge(now, len, at == 0) {
            Asked::Now(due) => Some(due),
            Asked::Nothing => None,
            Asked::InVain => {
                path.challenge = None;
                // What answered before may do so again.
                path.misses += u32::from(!self.failing);
                let left = left == Some(path.via); // BC-08.57
                let most = if path.proven.is_none() {
                    0
                } else if left {
                    MAX_PATIENT_MISSES
                } else {
                    MAX_MISSES
                };
                self.put_off(now, at, most);
                None
            }
        }
    }

    /// The path at `at` missed a question: it is asked again later, or forgotten after `most` of them.
    fn put_off(&mut self, now: Timestamp, at: usize, most: u32) {
        let Some(path) = self.all.get_mut(at) else { return };
        let wait = LEFT_WAIT * (1 << path.misses.min(MAX_PATIENT_MISSES));
        path.look = now + if self.left == Some(path.via) { wait } else { SPARE_INTERVAL };
        if at > 0 && path.misses >= most {
            self.remove(at);
        }
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
        let left = |path: &Path| self.left == Some(path.via);
        let looks = spare().filter(|path| self.leads || path.copy_of.is_some() || left(path));
        let moves = spare().filter_map(|path| self.movable_at(path));
        challenges.chain(looks.map(|path| path.look)).chain(moves).min()
    }
}

#[cfg(test)]
mod tests;

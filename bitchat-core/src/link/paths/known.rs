//! Which paths a link knows (BC-08.43), and under which connection ids of the peer (BC-08.48).

use super::single::{Migration, Path, VALIDATED_BYTES};
use super::{FIRST_WAIT, Paths};
use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use crate::base::via::Via;

/// Paths that a link knows, the one in use among them (BC-08.43).
pub(crate) const MAX_PATHS: usize = 4;
/// Spare ones of these that answered: they leave room for one that did not yet.
const MAX_KEPT: usize = MAX_PATHS - 2;

impl Paths {
    /// The peer may be at `via` too, as a handshake there said. `id` is for packets there.
    pub(crate) fn add(&mut self, now: Timestamp, via: Via, id: Option<u64>, public: &mut Stream) {
        if self.find(via).is_none() && self.has_room(now) {
            let mut path = Path::new(now, via, id.unwrap_or(self.all[0].id));
            path.receive(now, VALIDATED_BYTES);
            path.challenge(now, FIRST_WAIT, public);
            self.all.push(path);
        }
    }

    /// Makes room by forgetting what did not answer yet, or what seems to be a copy; what answered
    /// makes room for nothing that did not. What was asked just now stays until it is late: a host
    /// with two new addresses would drive out each by the other for ever (BC-08.43).
    pub(super) fn has_room(&mut self, now: Timestamp) -> bool {
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
    pub(super) fn trim(&mut self) {
        let kept = |path: &(usize, &Path)| path.1.is_kept();
        while self.all.iter().enumerate().skip(1).filter(kept).count() > MAX_KEPT {
            let spare = self.all.iter().enumerate().skip(1).filter(kept);
            let least = spare.min_by_key(|(_, path)| (path.mtu_validated, path.kept));
            let Some((at, _)) = least else { return };
            self.remove(at);
        }
    }

    pub(super) fn remove(&mut self, at: usize) {
        let gone = self.all.remove(at);
        for path in &mut self.all {
            path.copy_of = path.copy_of.filter(|owner| *owner != gone.via);
            if path.migration == Migration::Unless(gone.via) {
                path.migration = Migration::Yes;
            }
        }
        if self.all.iter().all(|path| path.id != gone.id) {
            self.retired.push(gone.id);
        }
    }

    /// Gives an id of its own to each path that shares one with an earlier path, or whose id is not
    /// in use any more, as long as `unused` has some (BC-08.48). Copies keep theirs. The peer is
    /// shown the new one, so that it does not take the path for a copy (BC-08.54).
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
    /// some: who sees both places cannot tell that they belong together (BC-08.55). The peer is
    /// asked by the path in use, so that it soon has bytes to answer with.
    pub(crate) fn on_local_move(
        &mut self,
        now: Timestamp,
        unused: &mut Vec<u64>,
        public: &mut Stream,
    ) {
        for path in &mut self.all {
            // This host may not have the old address any more.
            path.local = None;
            if let Some(id) = unused.pop() {
                self.retired.push(core::mem::replace(&mut path.id, id));
            }
        }
        let Self { all, retired, .. } = self;
        retired.retain(|id| all.iter().all(|path| path.id != *id));
        self.all[0].mtu_validated = false;
        self.all[0].challenge = None;
        self.all[0].challenge(now, FIRST_WAIT, public);
    }

    /// The numbers in use.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.all.iter().map(|path| path.id)
    }
}

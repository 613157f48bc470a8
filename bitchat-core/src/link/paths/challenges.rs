//! Challenges and the answers to them, on their way out.

use super::single::{Asked, Path};
use super::{Due, MAX_FAILED, MAX_PATIENT_FAILED, PathFrame, Paths, SPARE_INTERVAL};
use crate::base::time::Timestamp;
use crate::base::via::Via;
use crate::link::size::PACKET_LEN;
use core::time::Duration;

/// Answers to challenges that wait to be sent; more are dropped, the peer asks again.
pub(super) const MAX_RESPONSES: usize = 4;
/// A path that the peer seems to have left without knowing is asked again after twice this, then
/// after twice as long each time (BC-08.57).
const ABANDONED_WAIT: Duration = Duration::from_millis(2_500);

impl Paths {
    /// The peer challenges the path that its packet of `len` bytes came by. True if that is the one
    /// in use: then the peer wonders whether we are still there, and an ordinary packet shows it.
    pub(crate) fn on_challenge(&mut self, via: Via, token: [u8; 8], len: usize) -> bool {
        if self.responses.len() < MAX_RESPONSES {
            let frame = PathFrame::Response(token);
            self.responses.push_back(Due { via, frame, padded: len >= PACKET_LEN });
        }
        via == self.current()
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
            // To a spare path it counts together with the challenges there. An answer is hardly
            // larger than the question, so an address that is no path needs no account.
            let spare = self.find(due.via).filter(|at| *at > 0).and_then(|at| self.all.get_mut(at));
            if spare.is_none_or(|path| path.spend(size)) {
                return Some(due);
            }
        }
        (0..self.all.len()).rev().find_map(|at| self.poll_challenge(now, at, len))
    }

    fn poll_challenge(&mut self, now: Timestamp, at: usize, len: usize) -> Option<Due> {
        let abandoned = self.abandoned;
        let path = self.all.get_mut(at)?;
        match path.poll_challenge(now, len, at == 0) {
            Asked::Now(due) => Some(due),
            Asked::Nothing => None,
            Asked::InVain => {
                let amplification_blocked =
                    path.challenge.take().is_some_and(|challenge| challenge.amplification_blocked);
                // What answered before may do so again.
                path.failed += u32::from(!self.failing && !amplification_blocked);
                let abandoned = abandoned == Some(path.via); // BC-08.57
                let most = if path.proven.is_none() {
                    0
                } else if abandoned {
                    MAX_PATIENT_FAILED
                } else {
                    MAX_FAILED
                };
                self.put_off(now, at, most);
                None
            }
        }
    }

    /// The path at `at` missed a question: it is asked again later, or forgotten after `most` of
    /// them.
    pub(super) fn put_off(&mut self, now: Timestamp, at: usize, most: u32) {
        let Some(path) = self.all.get_mut(at) else { return };
        let wait = ABANDONED_WAIT * (1 << path.failed.min(MAX_PATIENT_FAILED));
        path.revalidate_at =
            now + if self.abandoned == Some(path.via) { wait } else { SPARE_INTERVAL };
        if at > 0 && path.failed >= most {
            self.remove(at);
        }
    }
}

//! Traces of links for tools that draw them (spec 13). Feature `qlog`.

use super::Sessions;
use crate::base::ids::LinkId;
use crate::link::{Link, QlogRecord};

/// Bytes of records of links that are gone; then further ones are lost.
const MAX_WAITING: usize = 4 << 20;

impl Sessions {
    /// The next record of a trace, in order for each link.
    pub(crate) fn poll_trace(&mut self) -> Option<QlogRecord> {
        let ended = self.ended_traces.pop_front();
        ended.or_else(|| self.links.iter_aside().find_map(Link::poll_trace))
    }

    /// The link is about to be forgotten; what is left of its trace is kept as far as there is room.
    pub(super) fn keep_trace(&mut self, id: LinkId) {
        let Some(link) = self.links.get_mut(id) else { return };
        let mut waiting: usize = self.ended_traces.iter().map(|record| record.text.len()).sum();
        let mut rest = core::iter::from_fn(|| link.poll_trace());
        let mut lost = 0;
        for record in rest.by_ref() {
            waiting += record.text.len();
            if waiting > MAX_WAITING {
                lost += 1 + record.lost;
                break;
            }
            self.ended_traces.push_back(record);
        }
        lost += rest.map(|record| 1 + record.lost).sum::<u64>();
        if let Some(last) = self.ended_traces.back_mut().filter(|last| last.link == id) {
            last.lost += lost;
        }
    }
}

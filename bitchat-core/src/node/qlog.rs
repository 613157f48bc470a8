//! Traces of links for tools that draw them (spec 13). Feature `qlog`.

use super::Node;
use crate::base::ids::LinkId;
use crate::link::{Link, QlogRecord};

/// Records of links that are gone; then further ones are lost.
const MAX_RECORDS: usize = 8_192;

impl Node {
    /// The next record of a trace, in order for each link; `None` unless
    /// [`Config::qlog`](super::Config::qlog) is set. Whoever does not poll loses records, and no
    /// more: at most 8,192 wait for each link, and as many for those that are gone.
    ///
    /// Records show who talks to whom, when, how much and from where. They hold no key and nothing
    /// that anybody said.
    pub fn poll_qlog(&mut self) -> Option<QlogRecord> {
        let ended = self.ended_traces.pop_front();
        ended.or_else(|| self.links.values_mut().find_map(Link::poll_trace))
    }

    /// The link is about to be forgotten.
    pub(super) fn keep_trace(&mut self, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let mut rest = core::iter::from_fn(|| link.poll_trace());
        let room = MAX_RECORDS.saturating_sub(self.ended_traces.len());
        self.ended_traces.extend(rest.by_ref().take(room));
        let lost: u64 = rest.map(|record| 1 + record.lost).sum();
        if let Some(last) = self.ended_traces.back_mut() {
            last.lost += lost;
        }
    }
}

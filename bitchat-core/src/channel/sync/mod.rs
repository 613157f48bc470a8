//! What keeps the logs of members equal: the links of a channel, and the request that runs.

mod context;
mod digest;
mod fetch;
pub(super) mod message;
mod peer;
mod peers;
mod progress;
mod send;
mod serving;

pub(super) use context::SyncContext;
pub(super) use digest::digest;
pub(super) use fetch::{Fetch, Part};
pub(super) use peer::Peer;
pub(super) use peers::Peers;

use super::sink::ChannelSink;
use crate::base::ids::LinkId;
use crate::base::time::Timestamp;
use crate::log::Log;
use message::Role;

/// The links that carry a channel, and the one request for missing entries.
#[derive(Debug, Default)]
pub(super) struct Sync {
    pub(super) peers: Peers,
    fetch: Option<Fetch>,
    /// The revision of peer exchange that the deadlines of links were computed with.
    pex_revision: u64,
}

impl Sync {
    /// A link is gone. Returns its peer.
    pub(super) fn remove(&mut self, link: LinkId) -> Option<Peer> {
        self.fetch.take_if(|fetch| fetch.link == link);
        self.peers.remove(link)
    }

    /// Asks one member for what is missing here. One request at a time is enough: an answer comes
    /// in causal order, so that every entry of the answer can be judged on arrival, and the next
    /// request follows at once. A request goes to the member that goes on with an answer, then to
    /// the member that was asked longest ago.
    fn plan(&mut self, now: Timestamp, log: &Log) {
        if self.fetch.is_none() && Fetch::may_begin(log) {
            self.fetch = self.peers.ask_one(now, log.chains()).map(|link| Fetch::new(now, link));
        }
    }

    /// A message of an answer came.
    pub(super) fn on_answer(&mut self, now: Timestamp, link: LinkId, role: Role, part: Part) {
        let Some(fetch) = self.fetch.as_mut().filter(|f| f.link == link && role != Role::Push)
        else {
            return;
        };
        if let Some(end) = fetch.on_part(now, role, part) {
            self.fetch = None;
            if let Some(peer) = self.peers.get_mut(link) {
                peer.on_answered(now, end);
            }
        }
    }

    /// At the deadline of the running request: gives it up.
    pub(super) fn on_timeout(&mut self, now: Timestamp) {
        if let Some(fetch) = self.fetch.take_if(|fetch| fetch.deadline() <= now)
            && let Some(peer) = self.peers.get_mut(fetch.link)
        {
            peer.distrust(now);
        }
    }

    /// When a link has something to send, the running request is given up, or a member may be asked
    /// again.
    pub(super) fn poll_timeout(&self, now: Timestamp) -> Option<Timestamp> {
        let fetch = self.fetch.as_ref().map(Fetch::deadline);
        let plan = fetch.or_else(|| self.peers.next_trusted(now));
        self.peers.next_due().into_iter().chain(plan).min()
    }

    /// Starts a request if one is needed, and sends whatever the links take.
    pub(super) fn flush(&mut self, cx: SyncContext<'_>, log: &Log, sink: &mut dyn ChannelSink) {
        self.plan(cx.now, log);
        if core::mem::replace(&mut self.pex_revision, cx.pex.revision()) != cx.pex.revision() {
            self.peers.touch_all();
        }
        self.peers.flush(cx, sink);
    }
}

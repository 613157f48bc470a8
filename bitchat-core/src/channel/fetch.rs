//! The running request for missing entries: whom to ask, and for how long.

use super::message::Role;
use super::serving::BATCH;
use super::sink::FullReason;
use super::{Channel, Peer};
use crate::base::ids::LinkId;
use crate::base::time::Timestamp;
use core::cmp::Reverse;
use core::time::Duration;

/// A request is given up after so long without anything of an answer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// And after so long in all, unless new entries come at least at this many bytes a second: nobody keeps
/// others from being asked (BC-09.59).
const FETCH_LIMIT: Duration = Duration::from_secs(30);
const FETCH_RATE: u64 = 4_096;
/// A link that did not answer one is not asked again for so long.
const DISTRUST: Duration = Duration::from_secs(30);

/// A running request for missing entries; there is one at a time.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) link: LinkId,
    began: Timestamp,
    heard: Timestamp,
    entries: usize,
    new_bytes: u64,
    dropped: bool,
}

/// One message of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    pub(super) entries: usize,
    /// Of entries that were new and could be taken at once.
    pub(super) new_bytes: usize,
    /// Some had no room.
    pub(super) dropped: bool,
}

impl Fetch {
    pub(super) fn deadline(&self) -> Timestamp {
        let earned = Duration::from_secs(self.new_bytes / FETCH_RATE);
        (self.heard + FETCH_TIMEOUT).min(self.began + FETCH_LIMIT + earned)
    }
}

impl Channel {
    /// Asks one member for what we lack. One at a time is enough: an answer comes in causal order,
    /// so that every entry of it can be judged on arrival, and the next request follows at once. It goes to
    /// whoever goes on with an answer, then to whoever was asked longest ago.
    pub(super) fn plan(&mut self) {
        // An answer begins behind what is visible: half of it must be more than what is pending.
        let busy = self.pending.len() > BATCH.min(self.config.limits.channel.waiting_entries) / 2;
        // Room for a smaller entry than the one that was refused is not worth asking for ever.
        let full = self.full_told.contains(&FullReason::Log);
        if self.fetch.is_some() || busy || full {
            return;
        }
        let (now, log) = (self.now, &self.log);
        let able = self.peers.values_mut().filter(|peer| peer.distrust_until <= now);
        let ahead = able.filter_map(|peer| peer.is_ahead(log).then_some(peer));
        let turn = |peer: &&mut Peer| (peer.resumable, Reverse(peer.asked_at), peer.ahead.len());
        if let Some(peer) = ahead.max_by_key(turn) {
            let resume = core::mem::take(&mut peer.resumable);
            peer.want(now, log, resume);
            peer.asked_at = now;
            let (link, began, heard) = (peer.link, now, now);
            let fetch = Fetch { link, began, heard, entries: 0, new_bytes: 0, dropped: false };
            self.fetch = Some(fetch);
        }
    }

    /// Keeps the running request's account.
    pub(super) fn on_answer(&mut self, link: LinkId, role: Role, part: Part) {
        let Some(fetch) = self.fetch.as_mut().filter(|f| f.link == link && role != Role::Push)
        else {
            return;
        };
        fetch.entries += part.entries;
        fetch.new_bytes += part.new_bytes as u64;
        fetch.dropped |= part.dropped;
        fetch.heard = self.now;
        let more = match role {
            Role::Last { more } => more,
            // BC-09.18
            _ if fetch.entries > BATCH => true,
            _ => return,
        };
        let soon = self.now.saturating_since(fetch.began) < FETCH_TIMEOUT;
        let goes_on = more && soon && fetch.entries >= BATCH && !fetch.dropped;
        let new = fetch.new_bytes > 0;
        self.fetch = None;
        if let Some(peer) = self.peers.get_mut(&link) {
            peer.resumable = goes_on && new;
            if !new {
                peer.distrust_until = self.now + DISTRUST;
            }
        }
    }

    /// At the deadline of the running request.
    pub(super) fn on_fetch_timeout(&mut self) {
        if let Some(fetch) = self.fetch.take_if(|fetch| fetch.deadline() <= self.now)
            && let Some(peer) = self.peers.get_mut(&fetch.link)
        {
            peer.distrust_until = self.now + DISTRUST;
        }
    }
}

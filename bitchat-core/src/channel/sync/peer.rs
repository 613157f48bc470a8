//! What one link knows and is owed: how far its peer is, and what the link is still to be sent.

use super::context::SyncContext;
use super::digest::{OwnDigest, digest};
use super::fetch::End;
use super::message::MAX_WANT_IDS;
use super::progress::{ChainProgress, InfoRequest, Outgoing};
use crate::base::ids::{Device, EntryId, LinkId};
use crate::base::time::Timestamp;
use crate::log::{AuthorId, Chains, Entry, Head};
use core::cmp::Reverse;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Entries asked for by name that one link remembers.
const MAX_ASKED_IDS: usize = 4 * MAX_WANT_IDS;
/// Between two PEERS on one link (BC-09.25).
pub(super) const PEERS_INTERVAL: Duration = Duration::from_secs(60);
/// The author of an entry is told this soon that the entry is stored.
const ACK_DELAY: Duration = Duration::from_millis(200);
/// Everybody else is told of an entry this soon (BC-09.16 allows 30 s).
const TELL_DELAY: Duration = Duration::from_secs(5);
/// A peer that cannot follow pushes is told of an entry this soon.
const BEHIND_DELAY: Duration = Duration::from_secs(1);
/// A link that did not answer a request is not asked again for this long.
const DISTRUST: Duration = Duration::from_secs(30);

/// One link of the channel.
#[derive(Debug)]
pub(in crate::channel) struct Peer {
    pub(in crate::channel) link: LinkId,
    pub(in crate::channel) device: Device,
    pub(in crate::channel) addr: Option<SocketAddr>,
    pub(super) progress: BTreeMap<AuthorId, ChainProgress>,
    /// Made when it is first needed.
    own_digest: Option<OwnDigest>,
    digest_seen: bool,
    /// The peer's heads are known.
    synced: bool,
    /// Chains of which the peer says it has more than this device.
    ahead: BTreeSet<AuthorId>,
    /// Chains of which this device has more than the peer says.
    pub(super) behind: BTreeSet<AuthorId>,
    pub(super) out: Outgoing,
    /// Messages that the link refused, by priority.
    pub(super) staged: [Option<Vec<u8>>; 3],
    asking: Asking,
    pub(super) pex: PexState,
}

/// What this device asked the peer for.
#[derive(Debug, Default)]
struct Asking {
    /// After a fruitless request others are asked first.
    distrust_until: Timestamp,
    /// When the peer was last asked.
    at: Timestamp,
    /// The last answer came soon, ended before everything was told, and none of it was dropped.
    resumable: bool,
    /// Entries that the peer was asked for by name, the latest ones.
    ids: VecDeque<EntryId>,
}

/// The link's share of peer exchange.
#[derive(Debug)]
pub(super) struct PexState {
    /// The revision that the peer was told.
    pub(super) told: u64,
    /// When the next PEERS may go.
    pub(super) next_at: Timestamp,
    heard: Option<Timestamp>,
}

impl Peer {
    pub(in crate::channel) fn new(
        now: Timestamp,
        link: LinkId,
        device: Device,
        addr: Option<SocketAddr>,
        ask_info: bool,
    ) -> Self {
        Self {
            link,
            device,
            addr,
            progress: BTreeMap::new(),
            own_digest: None,
            digest_seen: false,
            synced: false,
            ahead: BTreeSet::new(),
            behind: BTreeSet::new(),
            out: Outgoing { digest: true, ask_info, ..Outgoing::default() },
            staged: [None, None, None],
            asking: Asking::default(),
            pex: PexState { told: 0, next_at: now, heard: None },
        }
    }

    fn of(&self, author: AuthorId) -> ChainProgress {
        self.progress.get(&author).copied().unwrap_or_default()
    }

    /// The digest for this peer.
    pub(super) fn own_digest(&mut self, cx: SyncContext<'_>) -> &mut OwnDigest {
        self.own_digest.get_or_insert_with(|| OwnDigest {
            digest: digest(&cx.chan, cx.chains.heads()),
            grown: BTreeMap::new(),
        })
    }

    /// The peer's digest, sent once (BC-09.14, BC-09.15); false if it sent one before.
    pub(in crate::channel) fn on_digest(&mut self, cx: SyncContext<'_>, peers: &[u8; 32]) -> bool {
        if core::mem::replace(&mut self.digest_seen, true) {
            return false;
        }
        let own = self.own_digest(cx);
        let (equal, grown) = (own.digest == *peers, core::mem::take(&mut own.grown));
        if !equal {
            self.out.tell.extend(cx.chains.heads().map(|head| head.author));
            self.out.tell_at = Some(cx.now);
            return true;
        }
        self.synced = true;
        // BC-09.55: entries that have become visible since were in neither digest.
        for head in cx.chains.heads() {
            let count = grown.get(&head.author).copied().unwrap_or(head.seq + 1);
            let progress = self.progress.entry(head.author).or_default();
            (progress.peer_has, progress.told) = (progress.peer_has.max(count), count);
        }
        for author in grown.into_keys() {
            self.compare(cx.chains, author);
            self.out.push.insert(author);
        }
        true
    }

    /// How much of a chain the peer says it has.
    pub(in crate::channel) fn peer_has(&self, author: AuthorId) -> u64 {
        self.of(author).peer_has
    }

    /// One of the peer's heads, which is ignored if it concerns more chains than can be held.
    pub(in crate::channel) fn on_head(&mut self, chains: &Chains, head: &Head, max_authors: usize) {
        let count = head.seq + 1;
        if self.progress.len() >= max_authors && !self.progress.contains_key(&head.author) {
            return;
        }
        let progress = self.progress.entry(head.author).or_default();
        progress.pruned |= self.synced && count > progress.reached();
        progress.peer_has = progress.peer_has.max(count);
        if chains.is_frozen(head.author, head.seq) {
            self.out.proofs.insert(head.author);
        } else if chains.id_at(head.author, head.seq).is_some_and(|ours| ours != head.id) {
            self.want_id(head.id);
        }
        self.compare(chains, head.author);
    }

    /// After the first heads: all chains that the peer did not name, it does not have.
    pub(in crate::channel) fn on_first_heads(&mut self, chains: &Chains) {
        if !core::mem::replace(&mut self.synced, true) {
            let authors: Vec<_> = chains.heads().map(|head| head.author).collect();
            authors.into_iter().for_each(|author| self.compare(chains, author));
        }
    }

    /// Compares how far this device and the peer are with one chain.
    fn compare(&mut self, chains: &Chains, author: AuthorId) {
        let peer_has = self.of(author).peer_has;
        let (visible, accepted) = (chains.visible(author), chains.accepted(author));
        set(&mut self.behind, author, peer_has < visible);
        set(&mut self.ahead, author, peer_has > accepted && !chains.is_frozen(author, accepted));
    }

    /// The peer sent an entry, so the peer has this entry and all before it.
    pub(in crate::channel) fn on_entry(
        &mut self,
        chains: &Chains,
        author: AuthorId,
        seq: u64,
        max_authors: usize,
    ) {
        if self.progress.len() < max_authors || self.progress.contains_key(&author) {
            let progress = self.progress.entry(author).or_default();
            progress.peer_has = progress.peer_has.max(seq + 1);
            self.compare(chains, author);
        }
    }

    /// The peer has another source for that author than this device (BC-09.30): it pushed an entry
    /// that it did not write, or it said so by PRUNE.
    pub(in crate::channel) fn on_pruned(&mut self, author: AuthorId) {
        if let Some(progress) = self.progress.get_mut(&author) {
            progress.pruned = true;
        }
        self.out.push.remove(&author);
    }

    /// This device has another source for that author than the peer.
    pub(in crate::channel) fn prune(&mut self, author: AuthorId) {
        self.out.prune.insert(author);
    }

    /// An entry that `by` wrote became visible here. `own`: this device wrote it.
    pub(in crate::channel) fn on_visible(
        &mut self,
        now: Timestamp,
        chains: &Chains,
        entry: &Entry,
        by: Device,
        own: bool,
    ) {
        let (author, seq) = (entry.author(), entry.seq());
        if let Some(own_digest) = self.own_digest.as_mut().filter(|_| !self.digest_seen) {
            own_digest.grown.entry(author).or_insert(seq);
        }
        let asked = self.out.is_asked();
        let progress = self.progress.entry(author).or_default();
        let has_entry = progress.peer_has > seq;
        let pushable = self.synced && progress.reached() == seq && !asked;
        if pushable && (own || !progress.pruned) {
            self.out.push.insert(author);
        }
        let behind = self.synced && progress.reached() < seq;
        self.compare(chains, author);
        if self.device == by || !has_entry {
            let delay = match () {
                () if self.device == by => ACK_DELAY,
                () if behind => BEHIND_DELAY,
                () => TELL_DELAY,
            };
            self.out.tell.insert(author);
            self.out.tell_by(now + delay);
        }
    }

    /// An author is frozen: a peer that may show entries after the fork is told why not to
    /// (BC-09.11).
    pub(in crate::channel) fn on_frozen(&mut self, chains: &Chains, author: AuthorId) {
        self.out.proofs.insert(author);
        self.out.push.remove(&author);
        if let (Some(proof), Some(progress)) =
            (chains.proof(author), self.progress.get_mut(&author))
        {
            progress.peer_has = progress.peer_has.min(proof.seq());
            progress.sent = progress.sent.min(proof.seq());
        }
        self.compare(chains, author);
    }

    /// The peer asks for what it lacks, from its heads on or from where the last answer ended. The
    /// entries are looked up when the link takes the answer: asking often costs the peer's time.
    pub(in crate::channel) fn on_want(&mut self, resume: bool) {
        let afresh = self.out.asked == Some(false);
        self.out.asked = Some(resume && !afresh);
    }

    /// The peer asks for an entry by name. If the entry is after a fork the peer is told why it is
    /// not shown (BC-09.57).
    pub(in crate::channel) fn on_want_id(&mut self, chains: &Chains, id: EntryId) {
        if self.out.give_ids.len() < MAX_WANT_IDS {
            self.out.give_ids.insert(id);
            let frozen = chains.frozen_entry(&id).map(Entry::author);
            self.out.proofs.extend(frozen);
        }
    }

    /// The peer asks for `info`. A second request on one link is ignored (BC-09.41).
    pub(in crate::channel) fn on_want_info(&mut self) {
        if self.out.info == InfoRequest::No {
            self.out.info = InfoRequest::Waits;
        }
    }

    /// Asks for an entry by name.
    pub(in crate::channel) fn want_id(&mut self, id: EntryId) {
        if self.out.want_ids.len() < MAX_WANT_IDS && self.out.want_ids.insert(id) {
            self.asking.ids.push_back(id);
            if self.asking.ids.len() > MAX_ASKED_IDS {
                self.asking.ids.pop_front();
            }
        }
    }

    /// Whether an entry was asked for by name lately, and so was not pushed.
    pub(in crate::channel) fn was_asked(&self, id: &EntryId) -> bool {
        self.asking.ids.contains(id)
    }

    /// Entries that are here need not be asked for any more.
    pub(in crate::channel) fn forget_wants(&mut self, is_here: impl Fn(&EntryId) -> bool) {
        self.out.want_ids.retain(|id| !is_here(id));
    }

    /// When the peer may be asked for what it has and this device lacks; `None` if it has nothing.
    pub(super) fn ask_again_at(&self) -> Option<Timestamp> {
        (!self.ahead.is_empty()).then_some(self.asking.distrust_until)
    }

    /// How good it is to ask this peer; `None` if it has nothing, or is not to be asked now.
    pub(super) fn turn(&mut self, now: Timestamp, chains: &Chains) -> Option<impl Ord + use<>> {
        let able = self.asking.distrust_until <= now && self.is_ahead(chains);
        able.then_some((self.asking.resumable, Reverse(self.asking.at), self.ahead.len()))
    }

    /// Whether the peer has anything that is missing here and would find room. Forgets the chains
    /// that this device caught up with.
    fn is_ahead(&mut self, chains: &Chains) -> bool {
        while let Some(author) = self.ahead.first().copied() {
            let accepted = chains.accepted(author);
            if self.of(author).peer_has > accepted && !chains.is_frozen(author, accepted) {
                return !chains.is_full();
            }
            self.ahead.pop_first();
        }
        false
    }

    /// Asks for what is missing here. Own heads go first where the peer must start from them: also
    /// those of what came from the peer, or it would send that again (BC-09.56).
    pub(super) fn ask(&mut self, now: Timestamp, chains: &Chains) {
        let resume = core::mem::take(&mut self.asking.resumable);
        if !resume {
            let grown = chains.heads().filter(|head| head.seq + 1 > self.of(head.author).told);
            let grown: Vec<_> = grown.map(|head| head.author).collect();
            self.out.tell.extend(grown);
            if !self.out.tell.is_empty() {
                self.out.tell_at = Some(now);
            }
        }
        self.out.want = Some(resume);
        self.asking.at = now;
    }

    /// The peer's answer to a request ended.
    pub(super) fn on_answered(&mut self, now: Timestamp, end: End) {
        self.asking.resumable = end.goes_on;
        if !end.new {
            self.distrust(now);
        }
    }

    /// The peer brought nothing: others are asked first.
    pub(super) fn distrust(&mut self, now: Timestamp) {
        self.asking.distrust_until = now + DISTRUST;
    }

    /// A PEERS came. False if it is too soon after the last one (BC-09.25).
    pub(in crate::channel) fn on_peers(&mut self, now: Timestamp) -> bool {
        // Half of the interval, since the network may have held the message before this one back.
        let early = |heard| now.saturating_since(heard) < PEERS_INTERVAL / 2;
        if self.pex.heard.is_some_and(early) {
            return false;
        }
        self.pex.heard = Some(now);
        true
    }
}

fn set(set: &mut BTreeSet<AuthorId>, author: AuthorId, member: bool) {
    if member {
        set.insert(author);
    } else {
        set.remove(&author);
    }
}

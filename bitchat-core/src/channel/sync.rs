//! What one link knows and is owed: the peer's heads, and the messages still to be made for it.
//!
//! Nothing is queued but facts ("tell it this head", "it asked for these ids"), so a slow link costs
//! bounded memory and always gets the newest state once it can take it.

use super::entry::{AuthorId, Entry};
use super::info::{Asked, ChannelInfo};
use super::log::Log;
use super::mesh::Mesh;
use super::message::{self, HEAD_MAX, Head, MAX_WANT_IDS};
use super::serving::Serving;
use super::sink::{ChannelSink, Priority};
use crate::base::ids::{ChannelId, Device, EntryId, LinkId};
use crate::base::time::Timestamp;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Entries asked for by name that one link remembers.
const MAX_ASKED_IDS: usize = 4 * MAX_WANT_IDS;
/// Between two peer-exchange messages on one link (BC-09.25).
pub(super) const PEERS_INTERVAL: Duration = Duration::from_secs(60);
/// The author of an entry hears this soon that it is stored.
const ACK_DELAY: Duration = Duration::from_millis(200);
/// Everybody else hears this soon (BC-09.16 allows 30 s).
const TELL_DELAY: Duration = Duration::from_secs(5);
/// Somebody who cannot follow pushes hears this soon.
const BEHIND_DELAY: Duration = Duration::from_secs(1);

/// Positions are counts: `n` means that the entries 0..n are there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reach {
    /// As the peer says itself, or shows by sending.
    pub(super) theirs: u64,
    /// As far as we sent it.
    pub(super) sent: u64,
    /// As we told it of ourselves, or as it knows from an equal digest.
    told: u64,
    /// The peer gets this author's entries from somebody else: do not push them.
    pub(super) elsewhere: bool,
}

impl Reach {
    pub(super) const fn have(self) -> u64 {
        if self.theirs > self.sent { self.theirs } else { self.sent }
    }
}

/// The digest that goes to a peer, and what became visible since: the peer's is compared with that one,
/// so that both sides find the same.
#[derive(Debug)]
struct OwnDigest {
    digest: [u8; 32],
    /// How far the chains were that have grown; forgotten once the peer's is here.
    grown: BTreeMap<AuthorId, u64>,
}

#[derive(Debug, Default)]
pub(super) struct Todo {
    digest: bool,
    pub(super) ask_info: bool,
    tell: BTreeSet<AuthorId>,
    /// When heads go out, even if there are none to tell: the peer may wait for them (BC-09.15).
    tell_at: Option<Timestamp>,
    proofs: BTreeSet<AuthorId>,
    prune: BTreeSet<AuthorId>,
    want: Option<bool>,
    want_ids: BTreeSet<EntryId>,
    pub(super) push: BTreeSet<AuthorId>,
    pub(super) give_ids: BTreeSet<EntryId>,
    /// A Want that is not begun to be answered; whether it goes on behind the last answer.
    pub(super) asked: Option<bool>,
    pub(super) serving: Option<Serving>,
}

/// One link of the channel.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) link: LinkId,
    pub(super) device: Device,
    pub(super) addr: Option<SocketAddr>,
    pub(super) reach: BTreeMap<AuthorId, Reach>,
    own_digest: Option<OwnDigest>,
    digest_seen: bool,
    /// The peer's heads are known.
    pub(super) synced: bool,
    /// Chains of which the peer says it has more than we.
    pub(super) ahead: BTreeSet<AuthorId>,
    /// Chains of which we have more than the peer says.
    pub(super) behind: BTreeSet<AuthorId>,
    pub(super) todo: Todo,
    pub(super) info_asked: Asked,
    /// Messages that the link refused, by priority.
    staged: [Option<Vec<u8>>; 3],
    /// After a fruitless request others are asked first.
    pub(super) distrust_until: Timestamp,
    /// When it was last asked.
    pub(super) asked_at: Timestamp,
    /// Entries that it was asked for by name, the latest ones.
    asked_ids: VecDeque<EntryId>,
    /// The last answer came soon, ended before everything was told, and none of it was dropped.
    pub(super) resumable: bool,
    mesh_told: u64,
    pub(super) peers_at: Timestamp,
    pub(super) peers_heard: Option<Timestamp>,
}

/// What all links share.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) now: Timestamp,
    pub(super) chan: ChannelId,
    pub(super) log: &'a Log,
    pub(super) mesh: &'a Mesh,
    pub(super) info: &'a ChannelInfo,
    pub(super) message_bytes: usize,
    pub(super) peers_per_message: usize,
}

impl Peer {
    pub(super) fn new(
        now: Timestamp,
        link: LinkId,
        device: Device,
        addr: Option<SocketAddr>,
    ) -> Self {
        Self {
            link,
            device,
            addr,
            reach: BTreeMap::new(),
            own_digest: None,
            digest_seen: false,
            synced: false,
            ahead: BTreeSet::new(),
            behind: BTreeSet::new(),
            todo: Todo { digest: true, ..Todo::default() },
            info_asked: Asked::default(),
            staged: [None, None, None],
            distrust_until: Timestamp::ZERO,
            asked_at: Timestamp::ZERO,
            asked_ids: VecDeque::new(),
            resumable: false,
            mesh_told: 0,
            peers_at: now,
            peers_heard: None,
        }
    }

    /// The digest for this peer: that of the log when it is first needed.
    fn own_digest(&mut self, view: View<'_>) -> &mut OwnDigest {
        self.own_digest.get_or_insert_with(|| OwnDigest {
            digest: message::digest(&view.chan, view.log.heads()),
            grown: BTreeMap::new(),
        })
    }

    /// The peer's digest, sent once (BC-09.14, BC-09.15); false if it sent one before.
    pub(super) fn on_digest(&mut self, view: View<'_>, theirs: &[u8; 32]) -> bool {
        if core::mem::replace(&mut self.digest_seen, true) {
            return false;
        }
        let own = self.own_digest(view);
        let (equal, grown) = (own.digest == *theirs, core::mem::take(&mut own.grown));
        if !equal {
            self.todo.tell.extend(view.log.heads().map(|head| head.author));
            self.todo.tell_at = Some(view.now);
            return true;
        }
        self.synced = true;
        // BC-09.55: what has become visible since was in neither digest.
        for head in view.log.heads() {
            let count = grown.get(&head.author).copied().unwrap_or(head.seq + 1);
            let reach = self.reach.entry(head.author).or_default();
            (reach.theirs, reach.told) = (reach.theirs.max(count), count);
        }
        for author in grown.into_keys() {
            self.note(view.log, author);
            self.todo.push.insert(author);
        }
        true
    }

    /// How much of a chain the peer says it has.
    pub(super) fn theirs(&self, author: AuthorId) -> u64 {
        self.reach.get(&author).map_or(0, |reach| reach.theirs)
    }

    /// One of the peer's heads. Returns false if it concerns more chains than we could hold.
    pub(super) fn on_head(&mut self, log: &Log, head: &Head, max_authors: usize) -> bool {
        let count = head.seq + 1;
        if self.reach.len() >= max_authors && !self.reach.contains_key(&head.author) {
            return false;
        }
        let reach = self.reach.entry(head.author).or_default();
        reach.elsewhere |= self.synced && count > reach.have();
        reach.theirs = reach.theirs.max(count);
        if log.is_disputed(head.author, head.seq) {
            self.todo.proofs.insert(head.author);
        } else if log.id_at(head.author, head.seq).is_some_and(|ours| ours != head.id) {
            self.want_id(head.id);
        }
        self.note(log, head.author);
        true
    }

    /// After the first heads: all that the peer did not name, it does not have.
    pub(super) fn on_first_heads(&mut self, log: &Log) {
        if !core::mem::replace(&mut self.synced, true) {
            let authors: Vec<_> = log.heads().map(|head| head.author).collect();
            authors.into_iter().for_each(|author| self.note(log, author));
        }
    }

    /// Compares how far we and the peer are with one chain.
    fn note(&mut self, log: &Log, author: AuthorId) {
        let theirs = self.reach.get(&author).map_or(0, |reach| reach.theirs);
        let (visible, accepted) = (log.visible(author), log.accepted(author));
        set(&mut self.behind, author, theirs < visible);
        set(&mut self.ahead, author, theirs > accepted && !log.is_disputed(author, accepted));
    }

    /// The peer sent an entry, so it has it and all before it.
    pub(super) fn on_entry(&mut self, log: &Log, author: AuthorId, seq: u64, max_authors: usize) {
        if self.reach.len() < max_authors || self.reach.contains_key(&author) {
            let reach = self.reach.entry(author).or_default();
            reach.theirs = reach.theirs.max(seq + 1);
            self.note(log, author);
        }
    }

    /// The peer has another source for that author than us (BC-09.30): it pushed an entry that it did not
    /// write, or it says so.
    pub(super) fn gets_elsewhere(&mut self, author: AuthorId) {
        if let Some(reach) = self.reach.get_mut(&author) {
            reach.elsewhere = true;
        }
        self.todo.push.remove(&author);
    }

    /// We have another source for that author than the peer.
    pub(super) fn prune(&mut self, author: AuthorId) {
        self.todo.prune.insert(author);
    }

    /// An entry became visible here.
    pub(super) fn on_visible(&mut self, view: View<'_>, author: AuthorId, seq: u64, by: Device) {
        let own = view.mesh.is_local(by);
        if let Some(own_digest) = self.own_digest.as_mut().filter(|_| !self.digest_seen) {
            own_digest.grown.entry(author).or_insert(seq);
        }
        let asked = self.is_asked();
        let reach = self.reach.entry(author).or_default();
        let has_it = reach.theirs > seq;
        let pushable = self.synced && reach.have() == seq && !asked;
        if pushable && (own || !reach.elsewhere) {
            self.todo.push.insert(author);
        }
        let behind = self.synced && reach.have() < seq;
        self.note(view.log, author);
        if self.device == by || !has_it {
            let delay = match () {
                () if self.device == by => ACK_DELAY,
                () if behind => BEHIND_DELAY,
                () => TELL_DELAY,
            };
            let at = view.now + delay;
            self.todo.tell.insert(author);
            self.todo.tell_at = Some(self.todo.tell_at.map_or(at, |old| old.min(at)));
        }
    }

    /// An author was convicted: whoever may show the disputed part is told why not to (BC-09.11).
    pub(super) fn on_frozen(&mut self, log: &Log, author: AuthorId) {
        self.todo.proofs.insert(author);
        self.todo.push.remove(&author);
        if let (Some(proof), Some(reach)) = (log.proof(author), self.reach.get_mut(&author)) {
            reach.theirs = reach.theirs.min(proof.seq());
            reach.sent = reach.sent.min(proof.seq());
        }
        self.note(log, author);
    }

    /// The peer asks for what it lacks, from its heads on or from where the last answer ended. That is
    /// looked up when the link takes the answer: asking often costs the peer's time, not ours.
    pub(super) fn on_want(&mut self, resume: bool) {
        let afresh = self.todo.asked == Some(false);
        self.todo.asked = Some(resume && !afresh);
    }

    /// The peer asks for an entry by name. If it is disputed it is told why (BC-09.57).
    pub(super) fn on_want_id(&mut self, log: &Log, id: EntryId) {
        if self.todo.give_ids.len() < MAX_WANT_IDS {
            self.todo.give_ids.insert(id);
            let disputed = log.disputed_entry(&id).map(Entry::author);
            self.todo.proofs.extend(disputed);
        }
    }

    /// Asks for an entry by name.
    pub(super) fn want_id(&mut self, id: EntryId) {
        if self.todo.want_ids.len() < MAX_WANT_IDS && self.todo.want_ids.insert(id) {
            self.asked_ids.push_back(id);
            if self.asked_ids.len() > MAX_ASKED_IDS {
                self.asked_ids.pop_front();
            }
        }
    }

    /// Whether that entry was asked for by name lately, and so was not pushed.
    pub(super) fn was_asked(&self, id: &EntryId) -> bool {
        self.asked_ids.contains(id)
    }

    /// Those entries need not be asked for any more.
    pub(super) fn forget_wants(&mut self, is_here: impl Fn(&EntryId) -> bool) {
        self.todo.want_ids.retain(|id| !is_here(id));
    }

    /// Asks for what we lack. Our heads go first where the peer must start from them: also those of what
    /// came from itself, or it would send that again (BC-09.56).
    pub(super) fn want(&mut self, now: Timestamp, log: &Log, resume: bool) {
        if !resume {
            let told = |author| self.reach.get(&author).map_or(0, |reach| reach.told);
            let grown = log.heads().filter(|head| head.seq + 1 > told(head.author));
            self.todo.tell.extend(grown.map(|head| head.author));
            if !self.todo.tell.is_empty() {
                self.todo.tell_at = Some(now);
            }
        }
        self.todo.want = Some(resume);
    }

    /// Whether the peer has anything that we lack and could take. Forgets what we caught up with.
    pub(super) fn is_ahead(&mut self, log: &Log) -> bool {
        while let Some(author) = self.ahead.first().copied() {
            let accepted = log.accepted(author);
            let theirs = self.reach.get(&author).map_or(0, |reach| reach.theirs);
            if theirs > accepted && !log.is_disputed(author, accepted) {
                return !log.is_full();
            }
            self.ahead.pop_first();
        }
        false
    }

    /// The link has room again.
    pub(super) fn on_writable(&mut self, sink: &mut dyn ChannelSink) {
        for (priority, staged) in PRIORITIES.into_iter().zip(&mut self.staged) {
            if let Some(message) = staged.take()
                && !sink.send(self.link, priority, &message)
            {
                *staged = Some(message);
            }
        }
    }

    pub(super) fn send(
        &mut self,
        sink: &mut dyn ChannelSink,
        priority: Priority,
        message: Vec<u8>,
    ) -> bool {
        if !sink.send(self.link, priority, &message) {
            self.staged[priority as usize] = Some(message);
        }
        self.staged[priority as usize].is_none()
    }

    fn can(&self, priority: Priority) -> bool {
        self.staged[priority as usize].is_none()
    }

    /// Sends everything that is due and that the link takes.
    pub(super) fn flush(&mut self, view: View<'_>, sink: &mut dyn ChannelSink) {
        if self.can(Priority::Control) {
            self.flush_control(view, sink);
        }
        while self.can(Priority::Chat) && self.push_once(view, sink) {}
        while self.can(Priority::History) && self.serve_once(view, sink) {}
    }

    fn flush_control(&mut self, view: View<'_>, sink: &mut dyn ChannelSink) -> Option<()> {
        let control = Priority::Control;
        let go = |sent: bool| sent.then_some(());
        if core::mem::take(&mut self.todo.digest) {
            let digest = self.own_digest(view).digest;
            go(self.send(sink, control, message::put_digest(&digest)))?;
        }
        if core::mem::take(&mut self.todo.ask_info) {
            go(self.send(sink, control, message::put_want_info()))?;
        }
        while let Some(author) = self.todo.proofs.pop_first() {
            if let Some(proof) = view.log.proof(author) {
                let (one, other) = proof.entries();
                go(self.send(sink, control, message::put_proof(one.raw(), other.raw())))?;
            }
        }
        while self.todo.tell_at.is_some_and(|at| at <= view.now) {
            let heads = self.take_heads(view);
            go(self.send(sink, control, heads))?;
        }
        if !self.todo.prune.is_empty() {
            let authors = core::mem::take(&mut self.todo.prune);
            go(self.send(sink, control, message::put_prune(authors.iter())))?;
        }
        if !self.todo.want_ids.is_empty() {
            let ids = core::mem::take(&mut self.todo.want_ids);
            go(self.send(sink, control, message::put_want_ids(ids.iter())))?;
        }
        if let Some(resume) = self.todo.want.take() {
            go(self.send(sink, control, message::put_want(resume)))?;
        }
        if self.peers_at <= view.now && view.mesh.revision() > self.mesh_told {
            let (hints, told) =
                view.mesh.delta(view.now, self.mesh_told, self.device, view.peers_per_message);
            self.mesh_told = told;
            if !hints.is_empty() {
                self.peers_at = view.now + PEERS_INTERVAL;
                go(self.send(sink, control, message::put_peers(&hints)))?;
            }
        }
        Some(())
    }

    /// The next message of heads; the last one clears the deadline.
    fn take_heads(&mut self, view: View<'_>) -> Vec<u8> {
        let room = view.message_bytes.saturating_sub(1) / HEAD_MAX;
        let mut heads = Vec::new();
        while heads.len() < room.max(1)
            && let Some(author) = self.todo.tell.pop_first()
        {
            if let Some(head) = view.log.head(author) {
                self.reach.entry(author).or_default().told = head.seq + 1;
                heads.push(head);
            }
        }
        if self.todo.tell.is_empty() {
            self.todo.tell_at = None;
        }
        message::put_heads(&heads)
    }

    /// How far this link was sent a chain.
    pub(super) fn sent(&self, author: AuthorId) -> u64 {
        self.reach.get(&author).map_or(0, |reach| reach.sent)
    }

    /// When this link has something to say that it could say.
    pub(super) fn poll_timeout(&self, mesh: &Mesh) -> Option<Timestamp> {
        let peers = (mesh.revision() > self.mesh_told).then_some(self.peers_at);
        let due = self.todo.tell_at.into_iter().chain(peers).min();
        due.filter(|_| self.can(Priority::Control))
    }
}

const PRIORITIES: [Priority; 3] = [Priority::Control, Priority::Chat, Priority::History];

fn set(set: &mut BTreeSet<AuthorId>, author: AuthorId, member: bool) {
    if member {
        set.insert(author);
    } else {
        set.remove(&author);
    }
}

//! What one link knows and is owed: the peer's heads, and the messages still to be made for it.
//!
//! Nothing is queued but facts ("tell it this head", "it asked for these ids"), so a slow link costs
//! bounded memory and always gets the newest state once it can take it.

use super::entry::AuthorId;
use super::info::{Asked, ChannelInfo};
use super::log::Log;
use super::mesh::Mesh;
use super::message::{self, ENTRIES_TARGET, HEAD_MAX, Head, MAX_WANT_IDS, Role};
use super::sink::{ChannelSink, Priority};
use crate::base::ids::{ChannelId, Device, EntryId, LinkId};
use crate::base::time::Timestamp;
use bytes::Bytes;
use core::cmp::Reverse;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// Entries of one answer to a Want (BC-09.18).
pub(super) const BATCH: usize = 256;
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
struct Reach {
    /// As the peer says itself.
    theirs: u64,
    /// As far as we sent it.
    sent: u64,
    /// The peer gets this author's entries from somebody else: do not push them.
    elsewhere: bool,
}

impl Reach {
    fn have(self) -> u64 {
        self.theirs.max(self.sent)
    }
}

type Cursors = BinaryHeap<Reverse<(u64, AuthorId, u64)>>;

/// An answer to a Want in progress: the next entry of every chain, by place in the order.
#[derive(Debug)]
struct Serving {
    cursors: Cursors,
    left: usize,
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
    push: BTreeSet<AuthorId>,
    give_ids: BTreeSet<EntryId>,
    serving: Option<Serving>,
}

/// One link of the channel.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) link: LinkId,
    pub(super) device: Device,
    pub(super) addr: Option<SocketAddr>,
    reach: BTreeMap<AuthorId, Reach>,
    digest_seen: bool,
    /// The peer's heads are known.
    pub(super) synced: bool,
    /// Chains of which the peer says it has more than we.
    pub(super) ahead: BTreeSet<AuthorId>,
    /// Chains of which we have more than the peer says.
    behind: BTreeSet<AuthorId>,
    pub(super) todo: Todo,
    pub(super) info_asked: Asked,
    /// Messages that the link refused, by priority.
    staged: [Option<Vec<u8>>; 3],
    /// After a fruitless request others are asked first.
    pub(super) distrust_until: Timestamp,
    /// The last answer ended before everything was told, and none of it was dropped.
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
            digest_seen: false,
            synced: false,
            ahead: BTreeSet::new(),
            behind: BTreeSet::new(),
            todo: Todo { digest: true, ..Todo::default() },
            info_asked: Asked::default(),
            staged: [None, None, None],
            distrust_until: Timestamp::ZERO,
            resumable: false,
            mesh_told: 0,
            peers_at: now,
            peers_heard: None,
        }
    }

    /// The peer's digest, sent once (BC-09.14, BC-09.15); false if it sent one before.
    pub(super) fn on_digest(&mut self, view: View<'_>, theirs: &[u8; 32]) -> bool {
        if core::mem::replace(&mut self.digest_seen, true) {
            return false;
        }
        if *theirs == message::digest(&view.chan, view.log.heads()) {
            self.synced = true;
            for head in view.log.heads() {
                self.reach.entry(head.author).or_default().theirs = head.seq + 1;
            }
        } else {
            self.todo.tell.extend(view.log.heads().map(|head| head.author));
            self.todo.tell_at = Some(view.now);
        }
        true
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
    }

    /// We have another source for that author than the peer.
    pub(super) fn prune(&mut self, author: AuthorId) {
        self.todo.prune.insert(author);
    }

    /// An entry became visible here.
    pub(super) fn on_visible(&mut self, view: View<'_>, author: AuthorId, seq: u64, by: Device) {
        let own = view.mesh.is_local(by);
        let reach = self.reach.entry(author).or_default();
        let has_it = reach.theirs > seq;
        let pushable = self.synced && reach.have() == seq && self.todo.serving.is_none();
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

    /// The peer asks for what it lacks, from its heads on or from where the last answer ended.
    pub(super) fn on_want(&mut self, log: &Log, resume: bool) {
        let mut cursors = Cursors::new();
        for author in &self.behind {
            let reach = self.reach.entry(*author).or_default();
            if !resume {
                reach.sent = reach.theirs;
            }
            if let Some(entry) = log.visible_at(*author, reach.have()) {
                reach.elsewhere = false;
                cursors.push(Reverse(entry.place()));
            }
        }
        self.todo.serving = Some(Serving { cursors, left: BATCH });
    }

    /// The peer asks for an entry by name.
    pub(super) fn on_want_id(&mut self, id: EntryId) {
        if self.todo.give_ids.len() < MAX_WANT_IDS {
            self.todo.give_ids.insert(id);
        }
    }

    /// Asks for an entry by name.
    pub(super) fn want_id(&mut self, id: EntryId) {
        if self.todo.want_ids.len() < MAX_WANT_IDS {
            self.todo.want_ids.insert(id);
        }
    }

    /// Asks for what we lack. Our heads go first where the peer must start from them.
    pub(super) fn want(&mut self, now: Timestamp, resume: bool) {
        if !resume && !self.todo.tell.is_empty() {
            self.todo.tell_at = Some(now);
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

    fn send(&mut self, sink: &mut dyn ChannelSink, priority: Priority, message: Vec<u8>) -> bool {
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
            let digest = message::digest(&view.chan, view.log.heads());
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
            heads.extend(view.log.head(author));
        }
        if self.todo.tell.is_empty() {
            self.todo.tell_at = None;
        }
        message::put_heads(&heads)
    }

    /// One message of new entries; false if none is owed.
    fn push_once(&mut self, view: View<'_>, sink: &mut dyn ChannelSink) -> bool {
        if self.todo.push.is_empty() {
            return false;
        }
        let mut cursors = Cursors::new();
        for author in &self.todo.push {
            let have = self.reach.get(author).map_or(0, |reach| reach.have());
            cursors.extend(view.log.visible_at(*author, have).map(|e| Reverse(e.place())));
        }
        let entries = self.gather(view.log, &mut cursors, BATCH);
        self.todo.push = cursors.iter().map(|Reverse((_, author, _))| *author).collect();
        if entries.is_empty() {
            return false;
        }
        let message = message::put_entries(Role::Push, entries.iter().map(|raw| &raw[..]));
        self.send(sink, Priority::Chat, message)
    }

    /// One message of what was asked for; false if nothing is.
    fn serve_once(&mut self, view: View<'_>, sink: &mut dyn ChannelSink) -> bool {
        if let Some(answer) = self.take_info_answer(view.info) {
            return self.send(sink, Priority::History, answer);
        }
        if let Some(id) = self.todo.give_ids.pop_first() {
            return view.log.visible_entry(&id).is_none_or(|entry| {
                let raw = core::iter::once(&entry.raw()[..]);
                self.send(sink, Priority::History, message::put_entries(Role::Push, raw))
            });
        }
        let Some(mut serving) = self.todo.serving.take() else {
            return false;
        };
        let entries = self.gather(view.log, &mut serving.cursors, serving.left);
        serving.left = serving.left.saturating_sub(entries.len());
        let role = if serving.cursors.is_empty() || serving.left == 0 {
            Role::Last { more: !serving.cursors.is_empty() }
        } else {
            self.todo.serving = Some(serving);
            Role::Answer
        };
        let message = message::put_entries(role, entries.iter().map(|raw| &raw[..]));
        self.send(sink, Priority::History, message)
    }

    /// Takes entries in the order of the log, which is causal, up to about one message.
    fn gather(&mut self, log: &Log, cursors: &mut Cursors, max: usize) -> Vec<Bytes> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while entries.len() < max && bytes < ENTRIES_TARGET {
            let Some(Reverse((_, author, seq))) = cursors.pop() else {
                break;
            };
            let Some(entry) = log.visible_at(author, seq) else {
                continue;
            };
            bytes += entry.raw().len();
            entries.push(entry.raw().clone());
            let reach = self.reach.entry(author).or_default();
            reach.sent = reach.sent.max(seq + 1);
            cursors.extend(log.visible_at(author, seq + 1).map(|e| Reverse(e.place())));
        }
        entries
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

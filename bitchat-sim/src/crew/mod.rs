//! People who chat: nodes on the hosts of a world, and what must be true of them at all times.

mod oracle;

use crate::machine::Machine;
use crate::net::HostId;
use crate::trace::Trace;
use crate::world::World;
use bitchat_core::base::ids::{ChannelHandle, Device, EntryId};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::{Now, Timestamp};
use bitchat_core::chatfile::{ChatFile, Draft, JoinLink, Outside};
use bitchat_core::crypto::identity::Identity;
use bitchat_core::crypto::suite::Secret;
use bitchat_core::node::{
    Action, ChannelUpdate, Config, Deadline, Event, Family, Input, Message, Node, Page, PeerHint,
    TransmitPoll,
};
use bitchat_core::wire::url::TrackerUrl;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

impl Machine for Node {
    fn handle_input(&mut self, now: Now, input: Input<'_>) {
        Self::handle_input(self, now, input);
    }
    fn handle_timeout(&mut self, now: Now) {
        Self::handle_timeout(self, now);
    }
    fn poll_transmit(&mut self, now: Now, max_segments: usize, buf: &mut [u8]) -> TransmitPoll {
        Self::poll_transmit(self, now, max_segments, buf)
    }
    fn poll_action(&mut self) -> Option<Action> {
        Self::poll_action(self)
    }
    fn poll_event(&mut self) -> Option<Event> {
        Self::poll_event(self)
    }
    fn poll_timeout(&self) -> Option<Deadline> {
        Self::poll_timeout(self)
    }
}

/// How often conditions are looked at, at first.
const TICK: Duration = Duration::from_millis(20);
/// The UDP port that every node asks for.
pub const PORT: u16 = 6_881;

/// A member of the crew.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Who(pub usize);

/// A channel of the crew.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Chan(pub usize);

#[derive(Debug)]
struct Member {
    host: HostId,
    identity: Identity,
    config: Config,
    /// Its channels; with a handle while its node runs.
    channels: BTreeMap<Chan, Option<ChannelHandle>>,
    /// Those of which it has nothing but a link.
    by_link: BTreeSet<Chan>,
    /// Events looked at so far.
    seen: usize,
    /// Events that belong to earlier lives.
    past: usize,
    /// Every device that it has been.
    devices: BTreeSet<Device>,
    /// The disk was wiped or replaced by an older one: what it once stored may be gone.
    forgetful: bool,
}

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Who said it.
    pub who: Who,
    /// Where.
    pub chan: Chan,
    /// The entry's name, once it is known.
    pub id: EntryId,
    /// The words; no two messages of a crew have the same.
    pub text: String,
}

/// Nodes of people in one world. All rules that hold at every moment are checked while time passes.
#[derive(Debug)]
pub struct Crew {
    /// Where they live.
    pub world: World<Node>,
    members: Vec<Member>,
    channels: Vec<ChatFile>,
    said: Vec<Said>,
    /// What is allowed to happen in this scenario.
    pub allowed: Allowed,
}

/// Exceptions from the rules, for scenarios that provoke them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Trackers may be sent nonsense (the network damages packets).
    pub tracker_violations: bool,
}

impl Crew {
    /// Nobody yet.
    #[must_use]
    pub fn new(seed: u64, text: bool) -> Self {
        Self {
            world: World::new(seed, text),
            members: Vec::new(),
            channels: Vec::new(),
            said: Vec::new(),
            allowed: Allowed::default(),
        }
    }

    /// A channel whose file names these trackers, one tier each.
    pub fn channel(&mut self, name: &str, trackers: &[&str]) -> Chan {
        let parse = |url: &&str| match TrackerUrl::parse(url) {
            Ok(url) => vec![url],
            Err(error) => panic!("{url}: {error}"),
        };
        let outside =
            Outside { trackers: trackers.iter().map(parse).collect(), ..Outside::default() };
        let draft = Draft { name: name.to_owned(), outside, ..Draft::default() };
        self.add_channel(&draft)
    }

    /// The channel of a draft.
    pub fn add_channel(&mut self, draft: &Draft) -> Chan {
        let mut rng = Rng::new(&Seed(self.world.dice.bytes()));
        match draft.create(None, &mut rng.secret, &Limits::default()) {
            Ok(file) => self.channels.push(file),
            Err(error) => self.world.fail(&format!("no such channel: {error}")),
        }
        Chan(self.channels.len() - 1)
    }

    /// A channel's file.
    #[must_use]
    pub fn file(&self, chan: Chan) -> &ChatFile {
        &self.channels[chan.0]
    }

    /// A new person on a new host, whose node does not run yet.
    pub fn member(&mut self) -> Who {
        let host = self.world.add_host();
        self.member_on(host)
    }

    /// A new person on a host that is there.
    pub fn member_on(&mut self, host: HostId) -> Who {
        let identity = Identity::from_bytes(&Secret(self.world.dice.bytes()));
        let mut config = Config::default();
        config.port = PORT;
        self.members.push(Member {
            host,
            identity,
            config,
            channels: BTreeMap::new(),
            by_link: BTreeSet::new(),
            seen: 0,
            past: 0,
            devices: BTreeSet::new(),
            forgetful: false,
        });
        Who(self.members.len() - 1)
    }

    /// `count` new people in a channel, their nodes running.
    pub fn members(&mut self, count: usize, chan: Chan) -> Vec<Who> {
        let all: Vec<_> = (0..count).map(|_| self.member()).collect();
        for who in &all {
            self.join(*who, chan);
            self.start(*who);
        }
        all
    }

    /// Everybody.
    pub fn all(&self) -> impl Iterator<Item = Who> + use<> {
        (0..self.members.len()).map(Who)
    }

    /// The host of a member.
    #[must_use]
    pub fn host(&self, who: Who) -> HostId {
        self.members[who.0].host
    }

    /// Settings for the member's next start.
    pub fn config(&mut self, who: Who) -> &mut Config {
        &mut self.members[who.0].config
    }

    /// The IPv4 address at which a member's node listens.
    #[must_use]
    pub fn address(&self, who: Who) -> SocketAddr {
        let addresses = self.world.net.addresses(self.host(who));
        let v4 = addresses.iter().find(|ip| ip.is_ipv4()).copied();
        SocketAddr::new(v4.unwrap_or(IpAddr::from([0, 0, 0, 0])), PORT)
    }

    /// The member's node, if it runs.
    #[must_use]
    pub fn node(&self, who: Who) -> Option<&Node> {
        self.world.machine(self.host(who))
    }

    /// Starts the member's node with fresh entropy; it joins the member's channels.
    pub fn start(&mut self, who: Who) {
        let member = &self.members[who.0];
        let (host, config) = (member.host, member.config.clone());
        let identity = member.identity.clone();
        let seed = Seed(self.world.dice.bytes());
        self.members[who.0].past = self.world.events(host).len();
        self.world.start(host, |now| match Node::new(config, identity, seed, now) {
            Ok(node) => node,
            Err(error) => panic!("{error}"),
        });
        let chans: Vec<_> = self.members[who.0].channels.keys().copied().collect();
        for chan in chans {
            self.enter(who, chan);
        }
        self.look();
    }

    /// Makes a channel one of the member's; a running node joins it at once.
    pub fn join(&mut self, who: Who, chan: Chan) {
        self.members[who.0].channels.insert(chan, None);
        if self.node(who).is_some() {
            self.enter(who, chan);
        }
    }

    /// As [`join`](Self::join), by a link to the channel alone: also whenever the node starts again.
    pub fn join_by_link(&mut self, who: Who, chan: Chan) {
        self.members[who.0].by_link.insert(chan);
        self.join(who, chan);
    }

    fn enter(&mut self, who: Who, chan: Chan) {
        let (host, file) = (self.host(who), self.channels[chan.0].clone());
        let by_link = self.members[who.0].by_link.contains(&chan);
        let joined = self.world.call(host, |node, now| {
            if by_link {
                node.join_link(now, &JoinLink::from(&file))
            } else {
                node.join(now, &file)
            }
        });
        match joined {
            Ok(handle) => self.members[who.0].channels.insert(chan, Some(handle)),
            Err(error) => self.world.fail(&format!("{who:?} cannot join {chan:?}: {error}")),
        };
    }

    /// The member leaves a channel.
    pub fn leave(&mut self, who: Who, chan: Chan) {
        let (host, handle) = (self.host(who), self.handle(who, chan));
        self.members[who.0].channels.remove(&chan);
        let left = self.world.call(host, |node, now| node.leave(now, handle));
        if let Err(error) = left {
            self.world.fail(&format!("{who:?} cannot leave {chan:?}: {error}"));
        }
    }

    fn handle(&self, who: Who, chan: Chan) -> ChannelHandle {
        match self.members[who.0].channels.get(&chan) {
            Some(Some(handle)) => *handle,
            _ => self.world.fail(&format!("{who:?} is not in {chan:?}")),
        }
    }

    /// Tells a member's node where another one is.
    pub fn introduce(&mut self, who: Who, other: Who, chan: Chan) {
        self.introduce_at(who, other, chan, Family::V4);
    }

    /// Tells a member's node where another one is in one of the address families.
    pub fn introduce_at(&mut self, who: Who, other: Who, chan: Chan, family: Family) {
        let (host, handle) = (self.host(who), self.handle(who, chan));
        let addresses = self.world.net.addresses(self.host(other));
        let address = addresses.iter().find(|ip| ip.is_ipv4() == (family == Family::V4));
        let Some(address) = address.map(|ip| SocketAddr::new(*ip, PORT)) else {
            self.world.fail(&format!("{other:?} has no {family:?} address"));
        };
        let hint = PeerHint { address, peer: None };
        let added = self.world.call(host, |node, now| node.add_peer(now, handle, hint));
        if let Err(error) = added {
            self.world.fail(&format!("{who:?} cannot add a peer: {error}"));
        }
    }

    /// The member's node is killed (kill -9) and its disk kept.
    pub fn kill(&mut self, who: Who) {
        self.look();
        self.world.kill(self.host(who));
        for handle in self.members[who.0].channels.values_mut() {
            *handle = None;
        }
    }

    /// The member's node says good-bye and ends.
    pub fn quit(&mut self, who: Who) {
        let host = self.host(who);
        self.world.call(host, Node::shutdown);
        let drained = |crew: &Self| crew.node(who).is_none_or(Node::is_drained);
        let done = self.run_until(Duration::from_secs(60), drained);
        // With a full disk there is no end: what waits for it would be lost.
        if !done && !self.world.disk(host).config.full {
            self.world.fail(&format!("{who:?} does not come to an end"));
        }
        self.kill(who);
    }

    /// The member's disk is emptied while its node does not run.
    pub fn wipe(&mut self, who: Who) {
        let host = self.host(who);
        self.world.disk(host).wipe();
        self.members[who.0].forgetful = true;
    }

    /// The member's disk is replaced by an old backup while its node does not run.
    pub fn restore(&mut self, who: Who, backup: crate::disk::Snapshot) {
        let host = self.host(who);
        self.world.disk(host).restore(backup);
        self.members[who.0].forgetful = true;
    }

    /// Whether the member's node has read the channel back.
    #[must_use]
    pub fn ready(&self, who: Who, chan: Chan) -> bool {
        let Some(Some(handle)) = self.members[who.0].channels.get(&chan) else { return false };
        let lately = self.events(who).get(self.members[who.0].past..).unwrap_or_default();
        lately.iter().any(
            |(_, event)| matches!(event, Event::Channel(channel, ChannelUpdate::Ready { .. }) if channel == handle),
        )
    }

    /// The member says something that nobody has said before, once the channel is ready.
    pub fn say(&mut self, who: Who, chan: Chan) -> EntryId {
        self.expect(Duration::from_secs(10), "readiness", |crew| crew.ready(who, chan));
        let text = format!("<{}> says no. {} in {}", who.0, self.said.len(), chan.0);
        self.say_text(who, chan, text)
    }

    /// The member says these words.
    pub fn say_text(&mut self, who: Who, chan: Chan, text: String) -> EntryId {
        let (host, handle) = (self.host(who), self.handle(who, chan));
        let sent = self.world.call(host, |node, now| node.send_text(now, handle, &text));
        match sent {
            Ok(id) => {
                self.said.push(Said { who, chan, id, text });
                id
            }
            Err(error) => self.world.fail(&format!("{who:?} cannot speak: {error}")),
        }
    }

    /// What was said so far.
    #[must_use]
    pub fn said(&self) -> &[Said] {
        &self.said
    }

    /// The channel as the member sees it.
    #[must_use]
    pub fn messages(&self, who: Who, chan: Chan) -> Vec<Message> {
        let handle = self.handle(who, chan);
        let (mut all, mut page) = (Vec::<Message>::new(), Page::First);
        loop {
            match self.node(who).map(|node| node.messages(handle, page, 64)) {
                Some(Ok(part)) if part.is_empty() => return all,
                Some(Ok(part)) => all.extend(part),
                other => self.world.fail(&format!("{who:?} sees {other:?}")),
            }
            page = all.last().map_or(page, |last| Page::After(last.id));
        }
    }

    /// What the member's nodes have told since the beginning.
    #[must_use]
    pub fn events(&self, who: Who) -> &[(Timestamp, Event)] {
        self.world.events(self.host(who))
    }

    /// Whether the member's nodes have told something like this, at or after `since`.
    pub fn told(&self, who: Who, since: Timestamp, like: impl Fn(&Event) -> bool) -> bool {
        self.events(who).iter().any(|(at, event)| *at >= since && like(event))
    }

    /// Lets time pass while all rules are checked.
    pub fn run(&mut self, time: Duration) {
        self.look();
        self.advance(time);
    }

    /// Lets time pass until `done` (looked at every 20 ms at first, later rarely), but no longer than `limit`; whether it
    /// is done.
    pub fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let start = self.world.now();
        let end = start + limit;
        loop {
            self.look();
            if done(self) {
                return true;
            }
            let left = end.saturating_since(self.world.now());
            if left.is_zero() {
                return false;
            }
            let passed = self.world.now().saturating_since(start);
            self.advance(left.min(TICK.max(passed / 100)));
        }
    }

    /// Lets time pass until `done`, or fails after `limit` saying that it did not `happen`.
    pub fn expect(&mut self, limit: Duration, happen: &str, done: impl Fn(&Self) -> bool) {
        if !self.run_until(limit, done) {
            let states = self.all().map(|who| self.describe(who)).collect::<String>();
            self.world.fail(&format!("within {limit:?} {happen} did not happen\n{states}"));
        }
    }

    /// The end: the last checks, and what happened.
    #[must_use]
    pub fn finish(mut self) -> Trace {
        self.look();
        self.check_trackers();
        self.world.into_trace()
    }
}

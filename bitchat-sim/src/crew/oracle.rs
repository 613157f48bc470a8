//! What must be true: at every moment, and once everything has settled.

use super::{Chan, Crew, Who};
use bitchat_core::base::ids::{Device, EntryId};
use bitchat_core::node::{ChannelUpdate, CloseReason, Event, LinkUpdate, Node};
use core::time::Duration;

impl Crew {
    /// Lets time pass, and looks at what every node told the moment that it told it.
    pub(super) fn advance(&mut self, time: Duration) {
        let end = self.world.now() + time;
        loop {
            let left = end.saturating_since(self.world.now());
            let seen: Vec<_> = self.members.iter().map(|m| (m.host, m.seen)).collect();
            let news = self.world.run_until(left, |world| {
                seen.iter().any(|(host, seen)| world.events(*host).len() > *seen)
            });
            self.look();
            if !news {
                return;
            }
        }
    }

    /// Checks every event that has not been looked at.
    pub(super) fn look(&mut self) {
        for who in self.all() {
            let device = self.node(who).and_then(Node::device);
            self.members[who.0].devices.extend(device);
        }
        for who in self.all() {
            let news = self.events(who).get(self.members[who.0].seen..).unwrap_or_default();
            let news: Vec<Event> = news.iter().map(|(_, event)| event.clone()).collect();
            self.members[who.0].seen += news.len();
            for event in news {
                self.judge(who, &event);
            }
        }
    }

    fn judge(&self, who: Who, event: &Event) {
        match event {
            Event::Channel(_, ChannelUpdate::Delivered { id, device }) => {
                self.check_delivered(who, *id, *device);
            }
            Event::Link(link, LinkUpdate::Up { device, .. }) => {
                let links = self.node(who).map(Node::links).unwrap_or_default();
                let info = links.iter().find(|info| info.link == *link);
                if info.is_some_and(|info| info.generation == 0) {
                    self.world.fail(&format!("{who:?} has a link that was never rekeyed"));
                }
                if self.owner(*device).is_none() {
                    self.world.fail(&format!("{who:?} has a link to a stranger: {device:?}"));
                }
            }
            Event::Link(_, LinkUpdate::Closed { reason: CloseReason::Violation(what), .. }) => {
                self.world.fail(&format!("{who:?} accuses an honest node: {what}"));
            }
            Event::Channel(_, ChannelUpdate::Equivocation { author }) => {
                let author = self.owner(*author);
                self.world.fail(&format!("{who:?} saw {author:?} equivocate, who is honest"));
            }
            Event::Channel(_, ChannelUpdate::Message { message, .. }) => {
                let known = self.said.iter().find(|said| said.id == message.id);
                let Some(said) = known else { return };
                // What an earlier device of the same person wrote is not this node's own.
                let own = self.node(who).and_then(Node::device) == Some(message.author);
                let right = message.content.text() == Some(&said.text)
                    && self.owner(message.author) == Some(said.who);
                if !right || message.own != own {
                    self.world.fail(&format!("{who:?} got {message:?}, which was {said:?}"));
                }
                self.check_stored(who, message.id, "shown");
            }
            _ => {}
        }
    }

    /// Who has, or had, a device.
    #[must_use]
    pub fn owner(&self, device: Device) -> Option<Who> {
        self.all().find(|who| self.members[who.0].devices.contains(&device))
    }

    fn check_delivered(&self, who: Who, id: EntryId, device: Device) {
        match self.owner(device) {
            None => self.world.fail(&format!("{who:?} delivered {id:?} to a stranger")),
            Some(owner) => self.check_stored(owner, id, "delivered"),
        }
    }

    /// A message must be on the member's disk: its words are unique, so they are looked for.
    fn check_stored(&self, who: Who, id: EntryId, why: &str) {
        let Some(said) = self.said.iter().find(|said| said.id == id) else { return };
        if !self.members[who.0].forgetful
            && self.members[who.0].config.store
            && !self.on_disk(who, &said.text)
        {
            self.world.fail(&format!("{why}, but not stored by {who:?}: {:?}", said.text));
        }
    }

    /// Whether these words are on the member's disk.
    #[must_use]
    pub fn on_disk(&self, who: Who, text: &str) -> bool {
        let mut records = self.world.records(self.host(who));
        records.any(|record| record.value.windows(text.len()).any(|part| part == text.as_bytes()))
    }

    /// Everybody who runs and is in the channel.
    #[must_use]
    pub fn present(&self, chan: Chan) -> Vec<Who> {
        let there = |who: &Who| matches!(self.members[who.0].channels.get(&chan), Some(Some(_)));
        self.all().filter(there).collect()
    }

    /// Whether each pair of those who run and share a channel has exactly one link, with renewed
    /// keys, that carries the channel at both ends.
    #[must_use]
    pub fn meshed(&self, chan: Chan) -> bool {
        let present = self.present(chan);
        let channel = self.file(chan).channel_id();
        present.iter().all(|who| {
            let links = self.node(*who).map(Node::links).unwrap_or_default();
            present.iter().filter(|other| *other != who).all(|other| {
                let leads = |device| self.owner(device) == Some(*other);
                let mut to_other = links.iter().filter(|info| leads(info.device));
                match (to_other.next(), to_other.next()) {
                    (Some(info), None) => info.generation > 0 && info.channels.contains(&channel),
                    _ => false,
                }
            })
        })
    }

    /// Whether everybody present sees the same messages in the same order, and everything that was
    /// said and not lost with a disk is among them.
    #[must_use]
    pub fn agreed(&self, chan: Chan) -> bool {
        let present = self.present(chan);
        let Some((first, others)) = present.split_first() else { return true };
        let messages = self.messages(*first, chan);
        let all_said = self.said.iter().filter(|said| said.chan == chan).all(|said| {
            messages.iter().any(|message| message.id == said.id)
                || !present.iter().any(|who| self.on_disk(*who, &said.text))
        });
        let plain = |who: Who| {
            let messages = self.messages(who, chan).into_iter();
            messages.map(|message| (message.id, message.content)).collect::<Vec<_>>()
        };
        let own = plain(*first);
        all_said
            && messages.is_sorted_by_key(|message| message.lamport)
            && others.iter().all(|other| plain(*other) == own)
    }

    /// Whether what was said is seen by its author (and thus, if [`Crew::agreed`], by everybody).
    #[must_use]
    pub fn all_said(&self, chan: Chan) -> bool {
        let present = self.present(chan);
        self.said.iter().filter(|said| said.chan == chan).all(|said| {
            let holds = |who: &Who| self.messages(*who, chan).iter().any(|m| m.id == said.id);
            present.iter().any(holds)
        })
    }

    pub(super) fn check_trackers(&mut self) {
        if self.allowed.tracker_violations {
            return;
        }
        for host in self.world.hosts() {
            let violations = self.world.violations(host).to_vec();
            if let Some(violation) = violations.first() {
                self.world.fail(&format!("a tracker complains: {violation}"));
            }
        }
    }

    /// A few lines about a member, for reports.
    #[must_use]
    pub fn describe(&self, who: Who) -> String {
        let Some(node) = self.node(who) else { return format!("{who:?} does not run\n") };
        let links: Vec<_> = node
            .links()
            .iter()
            .map(|info| (self.owner(info.device), info.generation, info.channels.len()))
            .collect();
        let channels: Vec<_> = self.members[who.0]
            .channels
            .iter()
            .filter(|(_, handle)| handle.is_some())
            .map(|(chan, _)| (*chan, self.messages(who, *chan).len()))
            .collect();
        format!(
            "{who:?}: links (to, generation, channels) {links:?}, messages {channels:?}\n\
             next {:?}, {:?}\n",
            node.poll_timeout(),
            node.stats()
        )
    }
}

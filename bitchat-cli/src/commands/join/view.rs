//! What the user sees of a channel.

use crate::screen::{entry, note, printable};
use bitchat_core::base::ids::{ChannelHandle, Device, EntryId};
use bitchat_core::base::time::UnixMillis;
use bitchat_core::crypto::identity::fingerprint;
use bitchat_core::node::{
    ChannelUpdate, CloseReason, Content, Event, LinkInfo, LinkUpdate, Message, NodeUpdate,
    StoreUpdate, TrackerState, TrackerUpdate,
};
use bitchat_core::wire::url::without_path;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Messages of the past that are shown at the start.
pub(super) const HISTORY: usize = 50;

pub(super) struct View {
    channel: ChannelHandle,
    shown: BTreeSet<EntryId>,
    /// The numbers of own messages.
    own: BTreeMap<EntryId, u64>,
    /// Up to which own message each device has stored them.
    stored: BTreeMap<Device, u64>,
    /// Other devices met or read in this channel: those that a message is meant for.
    others: BTreeSet<Device>,
    here: BTreeSet<Device>,
    /// Why nothing can be shown any more.
    gone: Option<io::Error>,
}

impl View {
    pub(super) fn new(channel: ChannelHandle) -> Self {
        Self {
            channel,
            shown: BTreeSet::new(),
            own: BTreeMap::new(),
            stored: BTreeMap::new(),
            others: BTreeSet::new(),
            here: BTreeSet::new(),
            gone: None,
        }
    }

    /// Whether nobody sees any more what is shown.
    pub(super) const fn is_gone(&self) -> bool {
        self.gone.is_some()
    }

    /// Whether everything was shown.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.gone.take().map_or(Ok(()), Err)
    }

    /// Shows an entry: `head` is ours, `text` may be anybody's and is printable.
    fn show(&mut self, head: &str, text: &str) {
        if self.gone.is_none() {
            self.gone = entry(head, text).err();
        }
    }

    fn tell(&mut self, text: &str) {
        self.show("*", text);
    }

    /// Shows what the channel is called.
    pub(super) fn named(&mut self, name: &str) {
        self.tell(&format!("this is the channel {}", printable(name)));
    }

    /// Says how many messages of the past are not shown.
    pub(super) fn skipped(&mut self, count: usize) {
        if count > 0 {
            self.tell(&format!("{count} earlier messages"));
        }
    }

    /// Shows the end of what was said before, of which these are the next messages. The first
    /// `skipped` are not shown.
    pub(super) fn history(&mut self, messages: &[Message], skipped: usize) {
        for (at, message) in messages.iter().enumerate() {
            if at < skipped {
                self.note(message);
            } else {
                self.message(message);
            }
        }
    }

    pub(super) fn on_event(&mut self, event: &Event) {
        match event {
            Event::Node(NodeUpdate::Listening { local }) => {
                self.tell(&format!("listening on {local}"));
            }
            Event::Channel(channel, update) if *channel == self.channel => self.on_channel(update),
            other => complain(other),
        }
    }

    fn on_channel(&mut self, update: &ChannelUpdate) {
        match update {
            ChannelUpdate::Ready { messages } => {
                self.tell(&format!("ready; {messages} messages so far"));
            }
            ChannelUpdate::MemberUp { device } => {
                self.others.insert(*device);
                self.here.insert(*device);
                self.tell(&format!("{} is here", fingerprint(&device.peer)));
            }
            ChannelUpdate::MemberDown { device } => {
                self.here.remove(device);
                self.tell(&format!("{} is gone", fingerprint(&device.peer)));
            }
            ChannelUpdate::Message { message, .. } => self.message(message),
            ChannelUpdate::Delivered { id, device } => self.delivered(id, device),
            other => complain_of_channel(other),
        }
    }

    /// Shows who is here, and how they are reached.
    pub(super) fn who(&mut self, links: &[LinkInfo]) {
        for device in &self.here.clone() {
            let link = links.iter().find(|link| link.device == *device);
            let how = link.map_or_else(String::new, |link| {
                let rtt = link.rtt.map_or_else(String::new, |rtt| format!(", {rtt:.0?} away"));
                format!("at {}{rtt}, keys renewed {} times", link.address, link.generation)
            });
            self.tell(&format!("{} {how}", fingerprint(&device.peer)));
        }
        self.tell(&format!("{} here besides you", self.here.len()));
    }

    fn note(&mut self, message: &Message) -> bool {
        if message.own {
            self.own.insert(message.id, message.seq);
        } else {
            self.others.insert(message.author);
        }
        self.shown.insert(message.id)
    }

    fn message(&mut self, message: &Message) {
        if !self.note(message) {
            return;
        }
        let time = message.wall.map_or_else(|| "--:--:--".to_owned(), clock);
        let who = if message.own {
            format!("you #{}", message.seq)
        } else {
            fingerprint(&message.author.peer)
        };
        let said = match &message.content {
            Content::Text(text) => printable(text),
            _ => "(something that only a later version can show)".to_owned(),
        };
        self.show(&format!("[{time}] {who}:"), &said);
    }

    fn delivered(&mut self, id: &EntryId, device: &Device) {
        self.others.insert(*device);
        let Some(&seq) = self.own.get(id) else { return };
        let known = self.stored.entry(*device).or_default();
        if *known >= seq {
            return;
        }
        *known = seq;
        let stored = self.stored.values().filter(|upto| **upto >= seq).count();
        self.tell(&format!("up to #{seq} stored by {stored} of {}", self.others.len()));
    }
}

fn complain_of_channel(update: &ChannelUpdate) {
    match update {
        ChannelUpdate::Equivocation { author } => note(&format!(
            "{} signed two different messages as one (a cheat, or a copied store); nothing more of \
             that device is accepted",
            fingerprint(&author.peer)
        )),
        ChannelUpdate::StoreWentBack => note(
            "others hold messages of yours that this store does not: it is an old copy; you go on \
             as a new author",
        ),
        ChannelUpdate::LogFull => {
            note("the history is as large as it may be; nothing more is kept");
        }
        other => tracing::trace!(?other, "event"),
    }
}

/// News that are not part of the conversation go to standard error.
fn complain(event: &Event) {
    let text = match event {
        Event::Tracker(_, TrackerUpdate { url, state }) => {
            let host = without_path(url);
            match state {
                TrackerState::Announcing => format!("tracker {host}: asking"),
                TrackerState::Working { peers, next, warning } => {
                    let next = next.as_secs();
                    let says = warning.as_ref().map(|words| format!("; it says: {words}"));
                    let says = says.unwrap_or_default();
                    format!("tracker {host}: {peers} peers; asked again in {next} s{says}")
                }
                TrackerState::Failed { reason, retry } => {
                    format!("tracker {host}: {reason}; tried again in {} s", retry.as_secs())
                }
            }
        }
        Event::Node(NodeUpdate::ListenFailed { family, failure }) => {
            format!("{family:?}: {failure}")
        }
        Event::Store(StoreUpdate::Failing { failure }) => {
            format!("store: {failure}; until then messages wait here")
        }
        Event::Store(StoreUpdate::Recovered) => "store: it works again".into(),
        Event::Store(StoreUpdate::Damaged { key }) => format!(
            "store: the record {} is damaged and not used; other members still hold the history",
            key.escape_ascii()
        ),
        Event::Link(_, LinkUpdate::Closed { device, reason: CloseReason::Violation(why) }) => {
            format!("the connection to {} was given up: {why}", fingerprint(&device.peer))
        }
        Event::Node(NodeUpdate::WallTimeNeeded) => {
            "the clock is not set: set it, this channel needs the date".into()
        }
        other => {
            tracing::trace!(?other, "event");
            return;
        }
    };
    note(&printable(&text));
}

/// The time of day of `at` in UTC.
fn clock(at: UnixMillis) -> String {
    let seconds = at.secs() % 86_400;
    format!("{:02}:{:02}:{:02}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::clock;
    use bitchat_core::base::time::UnixMillis;

    #[test]
    fn times_of_day() {
        assert_eq!(clock(UnixMillis(0)), "00:00:00Z");
        assert_eq!(clock(UnixMillis(86_400_000 * 20_000 + 86_399_999)), "23:59:59Z");
        assert_eq!(clock(UnixMillis(((13 * 60 + 7) * 60 + 9) * 1_000)), "13:07:09Z");
    }
}

//! What the application is told, by area.

mod channel;
mod link;
mod node;
mod store;
mod stream;
mod tracker;

pub use channel::ChannelUpdate;
pub use link::{CloseReason, LinkUpdate};
pub use node::NodeUpdate;
pub use store::StoreUpdate;
pub use stream::StreamUpdate;
pub use tracker::{TrackerState, TrackerUpdate};

use crate::base::ids::{ChannelHandle, LinkId, PeerStream};
use crate::node::log::LogLevel;
use crate::wire::url::without_path;
use core::fmt::{self, Display};

/// What the application is told, by area. `Display` says it in one line, without secrets; from
/// [`LogLevel::Debug`] on that line may hold an address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Of the node as a whole.
    Node(NodeUpdate),
    /// Of the store.
    Store(StoreUpdate),
    /// Of a link.
    Link(LinkId, LinkUpdate),
    /// Of a channel.
    Channel(ChannelHandle, ChannelUpdate),
    /// Of a tracker that a channel uses.
    Tracker(ChannelHandle, TrackerUpdate),
    /// Of a byte stream to a member.
    Stream(PeerStream, StreamUpdate),
}

/// What becomes of an event while the application does not take its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventClass {
    /// It is kept: it comes in pairs (up and down), or cannot be asked for. There is an end to such
    /// events, since a node that is behind takes neither messages nor new sessions.
    Keep,
    /// It is kept unless an equal event waits already.
    Coalesce,
    /// It is left out: it describes a state that can be asked for.
    Droppable,
}

impl Event {
    /// What becomes of it while the application does not take its events.
    #[must_use]
    pub const fn class(&self) -> EventClass {
        match self {
            Self::Node(update) => update.class(),
            Self::Store(_) => StoreUpdate::CLASS,
            Self::Link(_, update) => update.class(),
            Self::Channel(_, update) => update.class(),
            Self::Tracker(..) => TrackerUpdate::CLASS,
            Self::Stream(_, update) => update.class(),
        }
    }

    /// An earlier event that nobody has taken yet and that says nothing any more beside this one.
    #[must_use]
    pub fn supersedes(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Tracker(channel, new), Self::Tracker(of, old)) => {
                channel == of && new.url == old.url
            }
            (Self::Node(NodeUpdate::Dht { .. }), Self::Node(NodeUpdate::Dht { .. })) => true,
            _ => false,
        }
    }

    /// How much it matters in a log.
    #[must_use]
    pub const fn level(&self) -> LogLevel {
        match self {
            Self::Node(update) => update.level(),
            Self::Store(update) => update.level(),
            Self::Link(_, update) => update.level(),
            Self::Channel(_, update) => update.level(),
            Self::Tracker(_, update) => update.level(),
            Self::Stream(..) => StreamUpdate::LEVEL,
        }
    }

    /// Which part of the node speaks; see [`LogRecord::target`](crate::node::LogRecord::target).
    #[must_use]
    pub const fn target(&self) -> &'static str {
        match self {
            Self::Node(_) => "node",
            Self::Store(_) => "store",
            Self::Link(..) => "link",
            Self::Channel(_, update) => update.target(),
            Self::Tracker(..) => "tracker",
            Self::Stream(..) => "stream",
        }
    }

    /// A second line for [`LogLevel::Debug`], with what the first line must not hold.
    pub(crate) fn detail(&self) -> Option<Detail<'_>> {
        match self {
            Self::Link(_, LinkUpdate::Up { .. })
            | Self::Tracker(_, TrackerUpdate { state: TrackerState::Failed { .. }, .. }) => {
                Some(Detail(self))
            }
            _ => None,
        }
    }
}

impl Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(update) => update.fmt(f),
            Self::Store(update) => update.fmt(f),
            Self::Link(link, update) => write!(f, "link {} {update}", link.0),
            Self::Channel(channel, update @ ChannelUpdate::Ready { .. }) => {
                write!(f, "channel {} {update}", channel.0)
            }
            Self::Channel(channel, update) => write!(f, "channel {}: {update}", channel.0),
            Self::Tracker(channel, update) => write!(f, "channel {}: {update}", channel.0),
            Self::Stream(PeerStream { link, number }, update) => {
                write!(f, "stream {number} on link {} {update}", link.0)
            }
        }
    }
}

/// The words of [`Event::detail`].
pub(crate) struct Detail<'a>(&'a Event);

impl Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Event::Link(link, LinkUpdate::Up { address, .. }) => {
                write!(f, "link {} leads to {address}", link.0)
            }
            Event::Tracker(channel, TrackerUpdate { url, state }) => {
                let TrackerState::Failed { reason, retry } = state else { return Ok(()) };
                let host = without_path(url);
                write!(
                    f,
                    "channel {}: {host} failed: {reason}; asked again in {retry:?}",
                    channel.0
                )
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

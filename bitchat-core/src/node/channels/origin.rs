//! What a channel was joined by: its file, or a link until a member has sent `info`.

use crate::base::ids::ChannelId;
use crate::base::limits::Limits;
use crate::channel::ChannelInfo;
use crate::chatfile::{Announced, ChatFile, InfoError, JoinLink, Mode, Node, PeerHint};
use crate::crypto::channel_keys::{ChannelKeys, Epoch};
use crate::wire::url::TrackerUrl;

/// What is known of a channel.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    File(Box<ChatFile>),
    Link(Box<JoinLink>),
}

impl Origin {
    pub(crate) fn chan(&self) -> ChannelId {
        match self {
            Self::File(file) => file.channel_id(),
            Self::Link(link) => link.chan,
        }
    }

    pub(crate) fn keys(&self) -> ChannelKeys {
        match self {
            Self::File(file) => file.keys(Epoch::default()),
            Self::Link(link) => link.keys(Epoch::default()),
        }
    }

    pub(crate) const fn announced(&self) -> Announced {
        match self {
            Self::File(file) => file.announced(),
            Self::Link(link) => link.announced(),
        }
    }

    /// The channel is known to admit invited members only. Of a link `info` tells.
    pub(crate) fn is_invite_only(&self) -> bool {
        self.file().is_some_and(|file| file.info().mode == Mode::Invite)
    }

    /// Trackers in tiers; those of a link each in one of its own.
    pub(crate) fn tiers(&self) -> Vec<Vec<TrackerUrl>> {
        match self {
            Self::File(file) => file.outside().trackers.clone(),
            Self::Link(link) => link.trackers.iter().map(|url| vec![url.clone()]).collect(),
        }
    }

    /// Nodes of the DHT to begin with; a link has none.
    pub(crate) fn nodes(&self) -> &[Node] {
        self.file().map_or(&[], |file| &file.outside().nodes)
    }

    pub(crate) fn peers(&self) -> &[PeerHint] {
        match self {
            Self::File(file) => &file.outside().peers,
            Self::Link(link) => &link.peers,
        }
    }

    /// The file, once there is one.
    pub(crate) fn file(&self) -> Option<&ChatFile> {
        match self {
            Self::File(file) => Some(file),
            Self::Link(_) => None,
        }
    }

    /// Takes in what an earlier stay in the channel stored of `info`.
    pub(crate) fn restore(&mut self, bare: &[u8], limits: &Limits) -> Result<(), InfoError> {
        if let Self::Link(link) = self {
            *self = Self::File(Box::new(link.complete(bare, limits)?));
        }
        Ok(())
    }

    /// What the channel asks others for, or gives them.
    pub(crate) fn info(&self) -> ChannelInfo {
        match self {
            Self::File(file) => ChannelInfo::Held(file.encode_bare().into()),
            Self::Link(link) => ChannelInfo::Wanted(link.clone()),
        }
    }
}

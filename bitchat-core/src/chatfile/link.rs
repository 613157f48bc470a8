//! A channel as a line of text: `magnet:` for public channels, `dotchat:join/` for keyed ones.

mod join;
mod magnet;

use super::announced::{Announced, WallTimeUnknown};
use super::error::LinkError;
use super::file::{ChatFile, announced, keys};
use super::outside::{PeerHint, UnusableTracker};
use super::text::check_text;
use crate::base::ids::{ChannelId, InfoHash};
use crate::base::limits::Limits;
use crate::base::target::TargetPolicy;
use crate::base::time::UnixMillis;
use crate::crypto::channel_keys::{ChannelKeys, Epoch};
use crate::crypto::suite::Secret;
use crate::wire::url::TrackerUrl;

/// Trackers that a link takes over from a file: the first of each of the first tiers.
const LINK_TRACKERS: usize = 3;
/// Peer addresses that a link takes over from a file.
const LINK_PEERS: usize = 4;
/// Bytes of the longest tracker URL or name that a `dotchat:join/` link can hold.
const LINK_STRING: usize = 255;

/// What a link says: enough to find the channel and meet a member, who then has `info`. The name
/// is a hint until `info` has arrived and hashes to `chan`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinLink {
    /// The channel.
    pub chan: ChannelId,
    /// The channel's key; `None` for a public channel.
    pub key: Option<Secret>,
    /// The channel announces another hash every day; never in a public channel.
    pub rotate: bool,
    /// What the sender of the link calls the channel.
    pub name: Option<String>,
    /// Where to ask first.
    pub trackers: Vec<TrackerUrl>,
    /// Trackers that the link names and that cannot be used. Not written.
    pub unusable: Vec<UnusableTracker>,
    /// Where members were.
    pub peers: Vec<PeerHint>,
}

impl JoinLink {
    /// Reads either form. `policy` says where trackers and peers may be.
    ///
    /// # Errors
    /// [`LinkError`] names the part that is wrong.
    pub fn parse(text: &str, limits: &Limits, policy: TargetPolicy) -> Result<Self, LinkError> {
        let text = bare(text);
        if text.len() > limits.file.link_bytes {
            return Err(LinkError::TooLong { found: text.len(), limit: limits.file.link_bytes });
        }
        if let Some(query) = strip_scheme(text, magnet::SCHEME) {
            magnet::parse(query, limits, policy)
        } else if let Some(payload) =
            strip_scheme(text, join::SCHEME).or_else(|| strip_scheme(text, join::OLD_SCHEME))
        {
            join::parse(payload, limits, policy)
        } else {
            Err(LinkError::Scheme)
        }
    }

    /// The link as text: a secret if the channel is keyed. It may be turned to upper case as a
    /// whole for a QR code if it is a `dotchat:join/` link.
    #[must_use]
    pub fn to_text(&self) -> String {
        match &self.key {
            None => magnet::write(self),
            Some(key) => join::write(self, key),
        }
    }

    /// The keys of `epoch` under the link's own key.
    #[must_use]
    pub fn keys(&self, epoch: Epoch) -> ChannelKeys {
        keys(self.chan, self.key.as_ref(), epoch)
    }

    /// How the announced infohash comes about.
    #[must_use]
    pub const fn announced(&self) -> Announced {
        announced(self.key.is_some(), self.rotate)
    }

    /// What to announce and look for at `now` in the first epoch.
    ///
    /// # Errors
    /// [`WallTimeUnknown`] if the channel rotates and `now` is `None`.
    pub fn infohashes(&self, now: Option<UnixMillis>) -> Result<Vec<InfoHash>, WallTimeUnknown> {
        self.announced().infohashes(&self.keys(Epoch::default()), now)
    }
}

impl From<&ChatFile> for JoinLink {
    /// The channel's id and key with its name, its first trackers and a few addresses (without
    /// peer ids), so that it fits a QR code.
    fn from(file: &ChatFile) -> Self {
        let outside = file.outside();
        let trackers = outside.trackers.iter().filter_map(|tier| tier.first());
        let short = |url: &&TrackerUrl| url.to_string().len() <= LINK_STRING;
        let peers = outside.peers.iter().map(|hint| PeerHint { peer: None, ..*hint });
        let info = file.info();
        Self {
            chan: file.channel_id(),
            key: info.key.clone(),
            rotate: info.rotate,
            name: (info.name.len() <= LINK_STRING).then(|| info.name.clone()),
            trackers: trackers.filter(short).take(LINK_TRACKERS).cloned().collect(),
            unusable: Vec::new(),
            peers: peers.take(LINK_PEERS).collect(),
        }
    }
}

/// The link without what people's tools put around it: blanks, a byte order mark, `<` and `>` (RFC 3986
/// appendix C; BC-02.54).
fn bare(text: &str) -> &str {
    let blank = |char: char| char.is_whitespace() || matches!(char, '\u{feff}' | '\0');
    let text = text.trim_matches(blank);
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    inner.map_or(text, |inner| inner.trim_matches(blank))
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// The name, if it is fit to be shown.
fn shown_name(name: &str, limits: &Limits) -> Option<String> {
    check_text(name, limits.file.name_bytes).ok().map(|()| name.to_owned())
}

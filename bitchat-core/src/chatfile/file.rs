//! The file as a whole.

use super::announced::{Announced, WallTimeUnknown};
use super::error::ChatFileError;
use super::info::{History, Info, Mode};
use super::outside::{KEYS, Outside};
use crate::base::ids::{ChannelId, InfoHash};
use crate::base::limits::Limits;
use crate::base::target::TargetPolicy;
use crate::base::time::UnixMillis;
use crate::crypto::channel_keys::{ChannelKeys, Epoch};
use crate::crypto::identity::{self, SIGNATURE_LEN, fingerprint};
use crate::crypto::suite::{Secret, Suite};
use crate::wire::bencode::{self, Dict, Encoded};
use core::fmt;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What the owner's signature covers, besides the raw bytes of `info` (BC-02.10).
pub(super) const SIGNATURE_LABEL: &[u8] = b"bitchat-v1 info";

/// A `.chat` file that passed every check, its owner's signature included.
///
/// It keeps the raw bytes of every value it was read with, so that [`ChatFile::encode`] gives back
/// what [`ChatFile::parse`] took, keys that this version does not know included (BC-02.04).
#[derive(Clone, PartialEq, Eq)]
pub struct ChatFile {
    /// All entries of the outer dictionary: the file is exactly these.
    entries: BTreeMap<Vec<u8>, Encoded>,
    chan: ChannelId,
    info: Info,
    outside: Outside,
}

impl ChatFile {
    /// Reads a file from a stranger (BC-02.01), in time and memory bounded by
    /// `limits.file.chat_file_bytes`.
    /// `policy` says where its trackers, nodes and peers may be.
    ///
    /// # Errors
    /// [`ChatFileError`] names the field that is wrong.
    pub fn parse(
        bytes: &[u8],
        limits: &Limits,
        policy: TargetPolicy,
    ) -> Result<Self, ChatFileError> {
        let value = bencode::check(bytes, limits.file.chat_file_bytes)?;
        let dict = value.as_dict().ok_or(ChatFileError::NotDictionary("the file"))?;
        let raw_info = dict.get(b"info").ok_or(ChatFileError::Missing("info"))?;
        let info = Info::parse(raw_info, limits)?;
        check_signature(dict, &info, raw_info.raw())?;
        let entries = dict.into_iter().map(|(key, value)| (key.to_vec(), value.into())).collect();
        let outside = Outside::parse(dict, limits, policy)?;
        Ok(Self { entries, chan: channel_id(raw_info.raw()), info, outside })
    }

    /// The file's bytes. Whoever has them can join, so a keyed channel's file is a secret.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let entries = self.entries.iter().map(|(key, value)| (key.as_slice(), value.clone()));
        Encoded::dict(entries).into_vec()
    }

    /// The same channel with other trackers, nodes, peers, comment. `info`, the signature, unknown
    /// keys and fields that are equal keep their bytes.
    ///
    /// # Errors
    /// [`ChatFileError`] if what is new would be refused by [`ChatFile::parse`].
    pub fn with_outside(
        &self,
        outside: &Outside,
        limits: &Limits,
        policy: TargetPolicy,
    ) -> Result<Self, ChatFileError> {
        let mut entries = self.entries.clone();
        let (old, mut new) = (self.outside.encode(), outside.encode());
        for key in KEYS {
            // One list of trackers stands in two keys, which need not say the same.
            let same = match key {
                "announce" | "announce-list" => outside.trackers == self.outside.trackers,
                _ => new.get(key) == old.get(key),
            };
            if !same {
                entries.remove(key.as_bytes());
                entries.extend(new.remove(key).map(|value| (key.into(), value)));
            }
        }
        Self::parse(Encoded::dict(entries).as_slice(), limits, policy)
    }

    /// What the channel is.
    #[must_use]
    pub const fn info(&self) -> &Info {
        &self.info
    }

    /// Where to look for it.
    #[must_use]
    pub const fn outside(&self) -> &Outside {
        &self.outside
    }

    /// All entries of the outer dictionary.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&[u8], &Encoded)> {
        self.entries.iter().map(|(key, value)| (key.as_slice(), value))
    }

    /// The bytes of `info` as they are hashed and signed.
    #[must_use]
    pub fn raw_info(&self) -> &[u8] {
        self.entries.get(b"info".as_slice()).map_or(&[], Encoded::as_slice)
    }

    /// Names the channel: the first 20 bytes of `SHA-256(info)` (BC-02.11).
    #[must_use]
    pub const fn channel_id(&self) -> ChannelId {
        self.chan
    }

    /// Whoever sees the announced infohash may join.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        self.info.key.is_none()
    }

    /// The keys of `epoch` under the file's own key. Epochs that the owner opened later have keys
    /// that are not in the file.
    #[must_use]
    pub fn keys(&self, epoch: Epoch) -> ChannelKeys {
        keys(self.chan, self.info.key.as_ref(), epoch)
    }

    /// How the announced infohash comes about, in this and every later epoch.
    #[must_use]
    pub const fn announced(&self) -> Announced {
        announced(self.info.key.is_some(), self.info.rotate)
    }

    /// What to announce and look for at `now` in the first epoch.
    ///
    /// # Errors
    /// [`WallTimeUnknown`] if the channel rotates and `now` is `None`.
    pub fn infohashes(&self, now: Option<UnixMillis>) -> Result<Vec<InfoHash>, WallTimeUnknown> {
        self.announced().infohashes(&self.keys(Epoch::default()), now)
    }
}

/// The name of the channel with these `info` bytes.
pub(super) fn channel_id(raw_info: &[u8]) -> ChannelId {
    let digest: [u8; 32] = Sha256::digest(raw_info).into();
    let mut short = [0; ChannelId::LEN];
    short.copy_from_slice(&digest[..ChannelId::LEN]);
    ChannelId(short)
}

pub(super) fn keys(chan: ChannelId, key: Option<&Secret>, epoch: Epoch) -> ChannelKeys {
    match key {
        Some(key) => ChannelKeys::new(chan, key, epoch),
        None => ChannelKeys::new(chan, &ChannelKeys::public_key(chan), epoch),
    }
}

pub(super) const fn announced(keyed: bool, rotate: bool) -> Announced {
    match (keyed, rotate) {
        (false, _) => Announced::ChannelId,
        (true, false) => Announced::PerEpoch,
        (true, true) => Announced::Daily,
    }
}

fn check_signature(dict: Dict<'_>, info: &Info, raw_info: &[u8]) -> Result<(), ChatFileError> {
    let owner = match (info.owner, dict.get(b"signature")) {
        (None, None) => return Ok(()),
        (None, Some(_)) => return Err(ChatFileError::SignatureUnowned),
        (Some(_), None) => return Err(ChatFileError::SignatureMissing),
        (Some(owner), Some(value)) => (owner, value.as_bytes().unwrap_or_default()),
    };
    let (owner, signature) = owner;
    let signature: &[u8; SIGNATURE_LEN] = signature.try_into().map_err(|_| {
        ChatFileError::Shape { field: "signature", expected: "a string of 64 bytes" }
    })?;
    identity::verify(Suite::default(), &owner, SIGNATURE_LABEL, &[raw_info], signature)
        .map_err(|_| ChatFileError::SignatureInvalid)
}

impl fmt::Debug for ChatFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatFile")
            .field("chan", &self.chan)
            .field("info", &self.info)
            .field("outside", &self.outside)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ChatFile {
    /// A summary for people, which holds no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match (self.is_public(), self.info.mode, self.info.rotate) {
            (true, _, _) => "public: whoever sees its hash may join and read",
            (_, Mode::Invite, _) => "invite-only",
            (_, Mode::Open, false) => "keyed: whoever has this file may join",
            (_, Mode::Open, true) => "keyed, rotating: whoever has this file may join",
        };
        writeln!(f, "name      {}", self.info.name)?;
        writeln!(f, "channel   {} ({kind})", self.chan)?;
        if let Some(owner) = &self.info.owner {
            writeln!(f, "owner     {} (signed)", fingerprint(owner))?;
        }
        match self.info.history {
            History::None => writeln!(f, "history   none for late joiners")?,
            History::Messages(number) => writeln!(f, "history   the last {number} messages")?,
            History::Days(number) => writeln!(f, "history   the last {number} days")?,
            History::All => writeln!(f, "history   everything")?,
        }
        for (tier, urls) in self.outside.trackers.iter().enumerate() {
            urls.iter().try_for_each(|url| writeln!(f, "tracker   {url} (tier {})", tier + 1))?;
        }
        let (nodes, peers) = (self.outside.nodes.len(), self.outside.peers.len());
        writeln!(f, "hints     {nodes} DHT nodes, {peers} peers")?;
        self.outside.comment.iter().try_for_each(|comment| writeln!(f, "comment   {comment}"))
    }
}

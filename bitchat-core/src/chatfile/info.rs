//! The inner dictionary: what a channel is. Its bytes are never written a second time, because the
//! channel's name is their hash.

use super::error::ChatFileError;
use super::text::check_text;
use crate::base::ids::PeerId;
use crate::base::limits::Limits;
use crate::crypto::suite::Secret;
use crate::wire::bencode::{Dict, Encoded, Value};
use serde::{Deserialize, de::DeserializeOwned};
use serde_bytes::ByteArray;

/// The version of the format that this is.
pub(super) const VERSION: i64 = 1;

/// Who may take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Whoever has the file.
    Open,
    /// Whoever the owner, or an inviter of the owner's, has invited.
    Invite,
}

/// Which of the channel's past a late joiner is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum History {
    /// Nothing.
    None,
    /// The latest messages of each author, at most this many; at least 1.
    Messages(u32),
    /// The messages of the last days; at least 1.
    Days(u32),
    /// Everything.
    #[default]
    All,
}

/// What the `info` dictionary says (BC-02.02, BC-02.03).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The channel's name, for people; not unique.
    pub name: String,
    /// Random bytes that tell channels of one name apart.
    pub salt: [u8; 32],
    /// Who may take part.
    pub mode: Mode,
    /// The channel's key; `None` in a public channel.
    pub key: Option<Secret>,
    /// Who signed the file and, in an invite-only channel, decides who is a member.
    pub owner: Option<PeerId>,
    /// Which of the past a late joiner is given.
    pub history: History,
    /// The announced infohash changes every day.
    pub rotate: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryRepr {
    messages: Option<u32>,
    days: Option<u32>,
}

impl Info {
    pub(super) fn parse(value: Value<'_>, limits: &Limits) -> Result<Self, ChatFileError> {
        let dict = value.as_dict().ok_or(ChatFileError::NotDictionary("`info`"))?;
        let version = required(dict, "version", "info.version", "an integer")?;
        if version != VERSION {
            return Err(ChatFileError::Version(version));
        }
        let bytes = "a string of 32 bytes";
        let name: String = required(dict, "name", "info.name", "a UTF-8 string")?;
        check_text(&name, limits.file.name_bytes)
            .map_err(|fault| ChatFileError::Text { field: "info.name", fault })?;
        let salt: ByteArray<32> = required(dict, "salt", "info.salt", bytes)?;
        let key: Option<ByteArray<32>> = optional(dict, "key", "info.key", bytes)?;
        let owner: Option<ByteArray<32>> = optional(dict, "owner", "info.owner", bytes)?;
        let info = Self {
            name,
            salt: salt.into_array(),
            mode: mode(dict)?,
            key: key.map(|key| Secret(key.into_array())),
            owner: owner.map(|owner| PeerId(owner.into_array())),
            history: history(dict)?,
            rotate: rotate(dict)?,
        };
        info.check_combination()?;
        Ok(info)
    }

    /// BC-02.08, BC-02.09
    fn check_combination(&self) -> Result<(), ChatFileError> {
        if self.mode == Mode::Invite && self.owner.is_none() {
            return Err(ChatFileError::OwnerMissing);
        }
        if self.key.is_none() && self.mode == Mode::Invite {
            return Err(ChatFileError::NotInPublic("mode invite"));
        }
        if self.key.is_none() && self.rotate {
            return Err(ChatFileError::NotInPublic("rotate"));
        }
        Ok(())
    }

    /// The dictionary of a new channel. Defaults are left out.
    pub(super) fn encode(&self) -> Encoded {
        let mode = match self.mode {
            Mode::Open => &b"open"[..],
            Mode::Invite => b"invite",
        };
        let mut entries = vec![
            ("version", Encoded::int(VERSION)),
            ("name", Encoded::bytes(self.name.as_bytes())),
            ("salt", Encoded::bytes(&self.salt)),
            ("mode", Encoded::bytes(mode)),
        ];
        entries.extend(self.key.as_ref().map(|key| ("key", Encoded::bytes(&key.0))));
        entries.extend(self.owner.map(|owner| ("owner", Encoded::bytes(&owner.0))));
        entries.extend(self.history.encode().map(|history| ("history", history)));
        entries.extend(self.rotate.then(|| ("rotate", Encoded::int(1))));
        Encoded::dict(entries)
    }
}

impl History {
    fn encode(self) -> Option<Encoded> {
        let (key, number) = match self {
            Self::None => ("messages", 0),
            Self::Messages(number) => ("messages", number),
            Self::Days(number) => ("days", number),
            Self::All => return None,
        };
        Some(Encoded::dict([(key, Encoded::int(number.into()))]))
    }
}

fn mode(dict: Dict<'_>) -> Result<Mode, ChatFileError> {
    let expected = "`open` or `invite`";
    let shape = ChatFileError::Shape { field: "info.mode", expected };
    match required::<String>(dict, "mode", "info.mode", expected)?.as_str() {
        "open" => Ok(Mode::Open),
        "invite" => Ok(Mode::Invite),
        _ => Err(shape),
    }
}

/// BC-02.07
fn history(dict: Dict<'_>) -> Result<History, ChatFileError> {
    let (field, expected) = ("info.history", "a dictionary with a number of `messages` or `days`");
    match optional::<HistoryRepr>(dict, "history", field, expected)? {
        None => Ok(History::All),
        Some(HistoryRepr { messages: Some(0), days: None }) => Ok(History::None),
        Some(HistoryRepr { messages: Some(number), days: None }) => Ok(History::Messages(number)),
        Some(HistoryRepr { messages: None, days: Some(number @ 1..) }) => Ok(History::Days(number)),
        Some(_) => Err(ChatFileError::Shape { field, expected }),
    }
}

fn rotate(dict: Dict<'_>) -> Result<bool, ChatFileError> {
    let (field, expected) = ("info.rotate", "0 or 1");
    match optional::<i64>(dict, "rotate", field, expected)? {
        None | Some(0) => Ok(false),
        Some(1) => Ok(true),
        Some(_) => Err(ChatFileError::Shape { field, expected }),
    }
}

/// Maps the value behind `key`, if there is one, to a Rust type.
pub(super) fn optional<T: DeserializeOwned>(
    dict: Dict<'_>,
    key: &str,
    field: &'static str,
    expected: &'static str,
) -> Result<Option<T>, ChatFileError> {
    dict.get(key.as_bytes())
        .map(|value| value.deserialize().map_err(|_| ChatFileError::Shape { field, expected }))
        .transpose()
}

fn required<T: DeserializeOwned>(
    dict: Dict<'_>,
    key: &str,
    field: &'static str,
    expected: &'static str,
) -> Result<T, ChatFileError> {
    optional(dict, key, field, expected)?.ok_or(ChatFileError::Missing(field))
}

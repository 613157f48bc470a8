//! Why a file or a link is refused, in words for the person who tried to open it.

use super::text::TextFault;
use crate::wire::bencode::BencodeError;
use crate::wire::url::UrlError;

/// Why bytes are not a `.chat` file, or a draft cannot become one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChatFileError {
    /// The bytes are not canonical bencoding.
    #[error("not a .chat file, or a damaged one: {0}")]
    Bencode(#[from] BencodeError),
    /// The outermost value, or `info`, is no dictionary.
    #[error("not a .chat file: {0} must be a dictionary")]
    NotDictionary(&'static str),
    /// A field is missing.
    #[error("the field `{0}` is missing: ask for a complete file")]
    Missing(&'static str),
    /// A field has another type or shape.
    #[error("the field `{field}` must be {expected}")]
    Shape {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A list is longer than allowed.
    #[error("the field `{field}` has {found} entries, the most is {limit}: remove some")]
    TooMany {
        /// The field.
        field: &'static str,
        /// Entries found.
        found: usize,
        /// Entries allowed.
        limit: usize,
    },
    /// A text that is not fit to be shown.
    #[error("the field `{field}` {fault}")]
    Text {
        /// The field.
        field: &'static str,
        /// What is wrong.
        fault: TextFault,
    },
    /// A tracker URL or a host that cannot be read.
    #[error("the field `{field}` holds a bad address: {fault}")]
    Url {
        /// The field.
        field: &'static str,
        /// What is wrong.
        fault: UrlError,
    },
    /// An address that strangers may not point us at.
    #[error(
        "the field `{field}` points at {target}, which is not on the public Internet: allow local \
         targets if that is what you want"
    )]
    Target {
        /// The field.
        field: &'static str,
        /// The address or name.
        target: String,
    },
    /// A file of a later version.
    #[error("the file is of version {0}, this program knows version 1: use a newer program")]
    Version(i64),
    /// A field that a public channel (one without `key`) cannot have.
    #[error("a public channel cannot have `{0}`: give the channel a key, or leave this out")]
    NotInPublic(&'static str),
    /// An invite-only channel without an owner.
    #[error("an invite-only channel needs an owner: name the identity that invites")]
    OwnerMissing,
    /// An owner, but no signature.
    #[error("the file names an owner but is not signed: ask for the signed file")]
    SignatureMissing,
    /// A signature, but no owner.
    #[error("the file is signed but names no owner: ask for the original file")]
    SignatureUnowned,
    /// The signature is not the owner's.
    #[error("the owner's signature does not match: the file was changed by somebody else")]
    SignatureInvalid,
}

/// Why a text is no link to a channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// It starts as neither form.
    #[error("a link to a channel starts with `magnet:?` or `dotchat:join/`")]
    Scheme,
    /// It is too long.
    #[error("the link has {found} characters, the most is {limit}")]
    TooLong {
        /// Characters found.
        found: usize,
        /// Characters allowed.
        limit: usize,
    },
    /// A `%` without two hex digits behind it, or escaped bytes that are no UTF-8.
    #[error("the parameter `{0}` is badly escaped")]
    Escape(&'static str),
    /// A magnet link without exactly one usable `xt`.
    #[error("the link must hold one `xt=urn:btih:` with 40 hex digits or 32 base-32 characters")]
    Topic,
    /// A character that base 32 does not have, or a text cut short.
    #[error("the link contains a typing error, or a part of it is missing")]
    Typing,
    /// A link of a later version.
    #[error("the link is of version {0}, this program knows version 1: use a newer program")]
    Version(u8),
    /// Its content is not laid out as it should be.
    #[error("the link's `{0}` is malformed: ask for a new link")]
    Malformed(&'static str),
    /// A field that a file would be refused for, too.
    #[error(transparent)]
    Field(#[from] ChatFileError),
}

/// Why what a member sent does not complete a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InfoError {
    /// It is no sound file.
    #[error(transparent)]
    File(#[from] ChatFileError),
    /// Its `info` does not hash to the link's channel.
    #[error("the `info` is of another channel")]
    OtherChannel,
    /// The link says something else of the channel than its `info`.
    #[error(
        "the link and the channel's `info` differ in `{0}`: ask for a new link, or for the file"
    )]
    Contradiction(&'static str),
    /// The link leads to an invite-only channel.
    #[error("the channel is invite-only: this version can join open channels only")]
    InviteOnly,
}

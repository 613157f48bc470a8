//! Making a new channel.

use super::error::ChatFileError;
use super::file::{ChatFile, SIGNATURE_LABEL};
use super::info::{History, Info, Mode};
use super::outside::Outside;
use crate::base::limits::Limits;
use crate::base::rng::SecretStream;
use crate::base::target::TargetPolicy;
use crate::crypto::identity::Identity;
use crate::crypto::suite::Secret;
use crate::wire::bencode::Encoded;

/// Who will be able to join.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Whoever has the file or its link: it holds a random key.
    #[default]
    Keyed,
    /// Whoever knows the infohash, so also every tracker and everybody who watches one.
    Public,
    /// Whoever the owner invited; the file alone is not enough.
    InviteOnly,
}

/// A channel to be. Fill in what matters, then [`Draft::create`].
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The channel's name, for people.
    pub name: String,
    /// Who will be able to join.
    pub access: Access,
    /// Which of the past a late joiner is given.
    pub history: History,
    /// Announce under another hash every day; members need a wall clock.
    pub rotate: bool,
    /// Trackers, nodes, peers, comment.
    pub outside: Outside,
}

impl Draft {
    /// The file of a new channel, with salt and key from `secret`, signed by `owner` if there is
    /// one. Local targets are allowed here: its maker knows where they lead.
    ///
    /// # Errors
    /// [`ChatFileError`] names what has to be changed in the draft.
    pub fn create(
        &self,
        owner: Option<&Identity>,
        secret: &mut SecretStream,
        limits: &Limits,
    ) -> Result<ChatFile, ChatFileError> {
        let salt = secret.bytes();
        let key = (self.access != Access::Public).then(|| Secret(secret.bytes()));
        let mode = if self.access == Access::InviteOnly { Mode::Invite } else { Mode::Open };
        let info = Info {
            name: self.name.clone(),
            salt,
            mode,
            key,
            owner: owner.map(Identity::peer_id),
            history: self.history,
            rotate: self.rotate,
        };
        let raw_info = info.encode();
        let signature = owner.map(|owner| {
            let signature = owner.sign(SIGNATURE_LABEL, &[raw_info.as_slice()]);
            ("signature", Encoded::bytes(&signature))
        });
        let entries = self.outside.encode().into_iter().chain([("info", raw_info)]);
        let file = Encoded::dict(entries.chain(signature));
        ChatFile::parse(file.as_slice(), limits, TargetPolicy::AllowLocal)
    }
}

//! `info`: what the channel is, given by those who have it to those who joined by a link.

use crate::base::limits::Limits;
use crate::chatfile::{ChatFile, InfoError, JoinLink};
use bytes::Bytes;

/// What this device knows of the channel's `info`.
#[derive(Clone, Debug, Default)]
pub enum ChannelInfo {
    /// Nothing, and it does not ask either.
    #[default]
    Unknown,
    /// Only what this link says: every member is asked.
    Wanted(Box<JoinLink>),
    /// Everything: whoever asks is given these bytes
    /// ([`ChatFile::encode_bare`](crate::chatfile::ChatFile::encode_bare)).
    Held(Bytes),
}

impl ChannelInfo {
    /// Whether peers are asked (BC-09.40).
    pub(super) const fn is_wanted(&self) -> bool {
        matches!(self, Self::Wanted(_))
    }

    /// What a peer sent as `info`: the file, if this device wanted one (BC-09.42, BC-09.43).
    pub(super) fn learn(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<Box<ChatFile>>, InfoError> {
        let Self::Wanted(link) = self else { return Ok(None) };
        let file = link.complete(bytes, limits)?;
        *self = Self::Held(file.encode_bare().into());
        Ok(Some(Box::new(file)))
    }
}

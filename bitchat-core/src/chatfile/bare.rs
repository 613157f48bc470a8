//! The file without its outside: what members give those who joined by a link.

use super::error::InfoError;
use super::file::ChatFile;
use super::info::Mode;
use super::link::JoinLink;
use super::outside::Outside;
use crate::base::limits::Limits;
use crate::base::target::TargetPolicy;
use crate::wire::bencode::Encoded;

impl ChatFile {
    /// The bytes of a file that holds `info` and its signature only (BC-02.30): the same for every
    /// member, whatever else is in theirs. In a keyed channel they are a secret, as the file is.
    #[must_use]
    pub fn encode_bare(&self) -> Vec<u8> {
        let kept = ["info", "signature"].map(str::as_bytes);
        let entries = self.entries().filter(|(key, _)| kept.contains(key));
        Encoded::dict(entries.map(|(key, value)| (key, value.clone()))).into_vec()
    }
}

impl JoinLink {
    /// The file that the link stands for, made of what a member sent ([`ChatFile::encode_bare`]) and of the
    /// link's own trackers and peers. What else the member's bytes hold is left out.
    ///
    /// # Errors
    /// [`InfoError`] if the bytes are of no or another channel, or the channel is not what the link says
    /// (BC-02.31, BC-02.32).
    pub fn complete(&self, bare: &[u8], limits: &Limits) -> Result<ChatFile, InfoError> {
        // Nobody is called upon for what the outer dictionary says: it is left out.
        let given = ChatFile::parse(bare, limits, TargetPolicy::AllowLocal)?;
        if given.channel_id() != self.chan {
            return Err(InfoError::OtherChannel);
        }
        let info = given.info();
        if info.key != self.key {
            return Err(InfoError::Contradiction("key"));
        }
        if info.rotate != self.rotate {
            return Err(InfoError::Contradiction("rotate"));
        }
        if info.mode == Mode::Invite {
            return Err(InfoError::InviteOnly);
        }
        let outside = Outside {
            trackers: self.trackers.iter().map(|url| vec![url.clone()]).collect(),
            peers: self.peers.clone(),
            ..Outside::default()
        };
        let bare = ChatFile::parse(&given.encode_bare(), limits, TargetPolicy::AllowLocal)?;
        // Reading the link has judged its trackers and peers. Only a file that is too long is refused here.
        Ok(bare.with_outside(&outside, limits, TargetPolicy::AllowLocal).unwrap_or(bare))
    }
}

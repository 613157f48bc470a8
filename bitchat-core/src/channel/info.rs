//! `info`: what the channel is, given by those who have it to those who joined by a link.

use super::message;
use super::receive::ChannelFault;
use super::sink::{ChannelEvent, ChannelSink};
use super::{Channel, Peer};
use crate::chatfile::JoinLink;
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

/// Whether a peer asked for `info`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asked {
    #[default]
    No,
    Waits,
    /// It was given, once (BC-09.41).
    Answered,
}

impl Channel {
    /// What is known of `info`. To be said before the first link is up.
    pub fn set_info(&mut self, info: ChannelInfo) {
        self.info = info;
    }

    /// Asks a new peer if `info` is lacking (BC-09.40).
    pub(super) fn ask_for_info(&self, peer: &mut Peer) {
        peer.todo.ask_info = matches!(self.info, ChannelInfo::Wanted(_));
    }

    /// BC-09.42, BC-09.43
    pub(super) fn on_info(
        &mut self,
        bytes: &[u8],
        sink: &mut dyn ChannelSink,
    ) -> Result<(), ChannelFault> {
        let ChannelInfo::Wanted(link) = &self.info else { return Ok(()) };
        let file = link.complete(bytes, &self.config.limits)?;
        self.info = ChannelInfo::Held(file.encode_bare().into());
        sink.event(ChannelEvent::Info(Box::new(file)));
        Ok(())
    }
}

impl Peer {
    /// A second request on one link is ignored (BC-09.41).
    pub(super) fn on_want_info(&mut self) {
        if self.info_asked == Asked::No {
            self.info_asked = Asked::Waits;
        }
    }

    /// The answer that is owed to the peer, once there is one.
    pub(super) fn take_info_answer(&mut self, info: &ChannelInfo) -> Option<Vec<u8>> {
        let ChannelInfo::Held(bytes) = info else { return None };
        if self.info_asked != Asked::Waits {
            return None;
        }
        self.info_asked = Asked::Answered;
        Some(message::put_info(bytes))
    }
}

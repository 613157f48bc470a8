//! What all links of a channel share.

use crate::base::ids::ChannelId;
use crate::base::time::Timestamp;
use crate::channel::info::ChannelInfo;
use crate::channel::pex::Pex;
use crate::log::Chains;

/// What all links share.
#[derive(Clone, Copy)]
pub(in crate::channel) struct SyncContext<'a> {
    pub(in crate::channel) now: Timestamp,
    pub(in crate::channel) chan: ChannelId,
    pub(in crate::channel) chains: &'a Chains,
    pub(in crate::channel) pex: &'a Pex,
    pub(in crate::channel) info: &'a ChannelInfo,
    /// The longest message.
    pub(in crate::channel) message_bytes: usize,
    /// Members that one PEERS names.
    pub(in crate::channel) peers_per_message: usize,
}

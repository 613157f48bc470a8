//! How a node's memory is laid out in the store: `node/…` for itself, `chan/<id>/…` for a channel.
//! Each room codes its own records behind the prefix that it is given here.

use crate::base::ids::ChannelId;
use core::time::Duration;

/// Everything about the node itself.
pub(crate) const NODE: &[u8] = b"node/";
/// The nodes of the DHT that the last run knew.
pub(crate) const DHT: &[u8] = b"node/dht";
/// The first byte of values that are not simply a protocol's own coding.
pub(crate) const LAYOUT: u8 = 1;
/// Secrets and addresses that were not used for so long are forgotten.
pub(crate) const KEEP: Duration = Duration::from_secs(90 * 86_400);

/// Everything about a channel.
pub(crate) fn channel(chan: ChannelId) -> Vec<u8> {
    [b"chan/".as_slice(), &chan.0, b"/"].concat()
}

/// Everything of one kind about a channel.
pub(crate) fn of_channel(chan: ChannelId, kind: u8) -> Vec<u8> {
    [b"chan/".as_slice(), &chan.0, b"/", &[kind]].concat()
}

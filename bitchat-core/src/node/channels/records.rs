//! How a channel's log, and what the channel is, are stored.

use crate::base::ids::ChannelId;
use crate::channel;
use crate::node::api::Record;
use crate::node::store::prefix;
use crate::wire::reader::{DecodeError, Reader};
use bytes::{BufMut, Bytes};

/// Follows a channel's prefix in the keys of its log's records.
pub(crate) const LOG: u8 = b'r';
/// Follows a channel's prefix in the key of what the channel is.
pub(crate) const INFO: u8 = b'i';

pub(crate) fn log(chan: ChannelId, record: &channel::Record) -> Record {
    let mut key = prefix::of_channel(chan, LOG);
    key.put_slice(&record.key());
    let value = Bytes::from(record.encode());
    Record { key, value, secret: record.is_secret(), expires: None }
}

/// `info` as a member sent it: the file without its outer dictionary.
pub(crate) fn info(chan: ChannelId, bare: Vec<u8>) -> Record {
    let key = prefix::of_channel(chan, INFO);
    Record { key, value: bare.into(), secret: true, expires: None }
}

/// Reads a record of the log; `name` follows [`LOG`] in its key.
pub(crate) fn read_log(
    mut name: Reader<'_>,
    value: &Bytes,
) -> Result<channel::Record, DecodeError> {
    let read = channel::Record::decode(value)?;
    // The key names the content, so it also shows whether that is what was written.
    let intact = read.key() == name.rest();
    intact.then_some(read).ok_or(DecodeError::Invalid("key"))
}

#[cfg(test)]
mod tests;

//! How a node's memory is laid out in the store: `node/…` for itself, `chan/<id>/…` for a channel.

use crate::base::ids::{ChannelId, DeviceId};
use crate::base::time::UnixMillis;
use crate::channel;
use crate::crypto::identity::DeviceKeys;
use crate::crypto::suite::{DhPublic, DhSecret, Secret, Suite};
use crate::node::api::Record;
use crate::wire::reader::{DecodeError, Reader};
use bytes::{BufMut, Bytes};
use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use core::time::Duration;

/// Everything about the node itself.
pub(crate) const NODE: &[u8] = b"node/";
const DEVICE: &[u8] = b"node/device";
const RESUMPTION: &[u8] = b"node/resumption/";
const LAYOUT: u8 = 1;
/// Secrets and addresses that were not used for so long are forgotten.
const KEEP: Duration = Duration::from_secs(90 * 86_400);

/// A record of the node itself.
#[derive(Debug)]
pub(crate) enum NodeRecord {
    Device(DeviceKeys),
    Resumption(DhPublic, [Option<Secret>; 2]),
}

/// Everything about a channel.
pub(crate) fn channel_prefix(chan: ChannelId) -> Vec<u8> {
    let mut key = b"chan/".to_vec();
    key.put_slice(&chan.0);
    key.put_u8(b'/');
    key
}

pub(crate) fn device(keys: &DeviceKeys) -> Record {
    let mut value = vec![LAYOUT];
    value.put_slice(&keys.id.0);
    value.put_slice(&keys.static_key.to_bytes().0);
    Record { key: DEVICE.to_vec(), value: value.into(), secret: true, expires: None }
}

pub(crate) fn resumption(
    remote: &DhPublic,
    secrets: &[Option<Secret>; 2],
    wall: Option<UnixMillis>,
) -> Record {
    let mut value = vec![LAYOUT];
    secrets.iter().flatten().for_each(|secret| value.put_slice(&secret.0));
    let key = resumption_key(remote);
    let expires = wall.map(|wall| wall.plus(KEEP));
    Record { key, value: value.into(), secret: true, expires }
}

pub(crate) fn resumption_key(remote: &DhPublic) -> Vec<u8> {
    [RESUMPTION, &remote.0].concat()
}

/// Reads a record under [`NODE`].
pub(crate) fn read_node(suite: Suite, record: &Record) -> Result<NodeRecord, DecodeError> {
    let mut reader = Reader::new(&record.value);
    if reader.u8()? != LAYOUT {
        return Err(DecodeError::Invalid("layout"));
    }
    if record.key == DEVICE {
        let id = DeviceId(reader.array()?);
        let static_key = DhSecret::from_bytes(suite, &Secret(reader.array()?));
        reader.finish()?;
        return Ok(NodeRecord::Device(DeviceKeys { id, static_key }));
    }
    let remote = record.key.strip_prefix(RESUMPTION).ok_or(DecodeError::Invalid("key"))?;
    let remote = remote.try_into().map_err(|_| DecodeError::Invalid("key"))?;
    let current = Secret(reader.array()?);
    let previous = if reader.is_empty() { None } else { Some(Secret(reader.array()?)) };
    reader.finish()?;
    Ok(NodeRecord::Resumption(DhPublic(remote), [Some(current), previous]))
}

/// A record of a channel.
#[derive(Debug)]
pub(crate) enum ChannelRecord {
    Log(channel::Record),
    /// A member was reached here.
    Address(SocketAddr),
    /// What the channel is, of one that was joined by a link.
    Info(Bytes),
}

pub(crate) fn log(chan: ChannelId, record: &channel::Record) -> Record {
    let mut key = channel_prefix(chan);
    key.put_u8(b'r');
    key.put_slice(&record.key());
    let value = Bytes::from(record.encode());
    Record { key, value, secret: record.is_secret(), expires: None }
}

pub(crate) fn address(chan: ChannelId, address: SocketAddr, wall: Option<UnixMillis>) -> Record {
    let mut key = channel_prefix(chan);
    key.put_u8(b'a');
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    key.put_slice(&ip.octets());
    key.put_u16(address.port());
    let expires = wall.map(|wall| wall.plus(KEEP));
    Record { key, value: Bytes::from_static(&[LAYOUT]), secret: false, expires }
}

/// `info` as a member sent it: the file without its outside.
pub(crate) fn info(chan: ChannelId, bare: Vec<u8>) -> Record {
    let mut key = channel_prefix(chan);
    key.put_u8(b'i');
    Record { key, value: bare.into(), secret: true, expires: None }
}

/// The [`channel::Record::key`] of a record of the log.
pub(crate) fn log_key(chan: ChannelId, record: &Record) -> Option<&[u8]> {
    record.key.strip_prefix(channel_prefix(chan).as_slice())?.strip_prefix(b"r")
}

/// Reads a record under [`channel_prefix`].
pub(crate) fn read_channel(chan: ChannelId, record: &Record) -> Result<ChannelRecord, DecodeError> {
    let name = record.key.strip_prefix(channel_prefix(chan).as_slice());
    let mut name = Reader::new(name.ok_or(DecodeError::Invalid("key"))?);
    match name.u8()? {
        b'r' => {
            let read = channel::Record::decode(&record.value)?;
            // The key names the content, so it also shows whether that is what was written.
            let intact = read.key() == name.rest();
            intact.then_some(ChannelRecord::Log(read)).ok_or(DecodeError::Invalid("key"))
        }
        b'a' => {
            let ip = Ipv6Addr::from(name.array::<16>()?).to_canonical();
            let port = u16::from_be_bytes(name.array()?);
            name.finish()?;
            Ok(ChannelRecord::Address(SocketAddr::new(ip, port)))
        }
        b'i' => name.finish().map(|()| ChannelRecord::Info(record.value.clone())),
        _ => Err(DecodeError::Invalid("key")),
    }
}

#[cfg(test)]
mod tests;

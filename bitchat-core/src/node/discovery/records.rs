//! How places where a member was, and nodes of the DHT, are stored.

use super::dht::MAX_SAVED;
use crate::base::addr;
use crate::base::ids::ChannelId;
use crate::base::time::UnixMillis;
use crate::node::api::Record;
use crate::node::store::prefix::{DHT, KEEP, LAYOUT, of_channel};
use crate::wire::reader::{DecodeError, Reader};
use bytes::{BufMut, Bytes};
use core::net::SocketAddr;

/// Follows a channel's prefix in the keys of its places.
pub(crate) const PLACE: u8 = b'a';

pub(crate) fn address_key(chan: ChannelId, address: SocketAddr) -> Vec<u8> {
    let mut key = of_channel(chan, PLACE);
    key.put_slice(&addr::to_bytes(address.ip()));
    key.put_u16(address.port());
    key
}

pub(crate) fn address(chan: ChannelId, address: SocketAddr, wall: Option<UnixMillis>) -> Record {
    let expires = wall.map(|wall| wall.plus(KEEP));
    let value = Bytes::from_static(&[LAYOUT]);
    Record { key: address_key(chan, address), value, secret: false, expires }
}

/// Reads what follows [`PLACE`] in a key.
pub(crate) fn read_address(mut name: Reader<'_>) -> Result<SocketAddr, DecodeError> {
    let ip = addr::from_bytes(name.array()?);
    let port = u16::from_be_bytes(name.array()?);
    name.finish()?;
    Ok(SocketAddr::new(ip, port))
}

/// The nodes of the DHT to begin with in the next run.
pub(crate) fn dht_nodes(nodes: &[SocketAddr], wall: Option<UnixMillis>) -> Record {
    let mut value = vec![LAYOUT];
    for node in nodes {
        value.put_slice(&addr::to_bytes(node.ip()));
        value.put_u16(node.port());
    }
    let expires = wall.map(|wall| wall.plus(KEEP));
    Record { key: DHT.to_vec(), value: value.into(), secret: false, expires }
}

/// Reads the value of [`DHT`].
pub(crate) fn read_dht_nodes(value: &[u8]) -> Result<Vec<SocketAddr>, DecodeError> {
    let mut reader = Reader::new(value);
    if reader.u8()? != LAYOUT {
        return Err(DecodeError::Invalid("layout"));
    }
    let mut nodes = Vec::new();
    while !reader.is_empty() && nodes.len() < MAX_SAVED {
        let ip = addr::from_bytes(reader.array()?);
        nodes.push(SocketAddr::new(ip, u16::from_be_bytes(reader.array()?)));
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests;

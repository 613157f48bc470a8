//! How places where a member was are stored.

use crate::base::addr;
use crate::base::ids::ChannelId;
use crate::base::time::UnixMillis;
use crate::node::api::Record;
use crate::node::store::prefix::{KEEP, LAYOUT, of_channel};
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

#[cfg(test)]
mod tests;

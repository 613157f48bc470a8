//! Routes as PEERS holds them.

use crate::base::addr;
use crate::base::ids::{Device, DeviceId, PeerId};
use crate::base::via::Route;
use crate::wire::reader::{DecodeError, Reader};
use bytes::BufMut;
use core::net::{IpAddr, SocketAddr};

const UDP: u64 = 1;
const TCP: u64 = 2;
const RELAY: u64 = 3;

/// The route in the value of a fact of this kind; `None` if the kind is of no route.
pub(super) fn read(kind: u64, value: &[u8]) -> Result<Option<Route>, DecodeError> {
    let mut r = Reader::new(value);
    let route = match kind {
        UDP => Route::Udp(read_addr(&mut r)?),
        TCP => Route::Tcp(read_addr(&mut r)?),
        RELAY => Route::Relay(Device { peer: PeerId(r.array()?), id: DeviceId(r.array()?) }),
        _ => return Ok(None),
    };
    r.finish()?;
    Ok(Some(route))
}

/// The fact's kind and its value.
pub(super) fn put(route: Route) -> (u64, Vec<u8>) {
    match route {
        Route::Udp(addr) => (UDP, put_addr(addr)),
        Route::Tcp(addr) => (TCP, put_addr(addr)),
        Route::Relay(by) => (RELAY, [&by.peer.0[..], &by.id.0].concat()),
    }
}

/// The IP address, of 4 or 16 bytes, and the port.
fn read_addr(r: &mut Reader<'_>) -> Result<SocketAddr, DecodeError> {
    let ip = match r.remaining() {
        6 => IpAddr::from(r.array::<4>()?),
        18 => IpAddr::from(r.array::<16>()?),
        _ => return Err(DecodeError::Invalid("address")),
    };
    Ok(addr::canonical(SocketAddr::new(ip, r.u16()?)))
}

fn put_addr(addr: SocketAddr) -> Vec<u8> {
    let mut out = Vec::with_capacity(18);
    match addr.ip() {
        IpAddr::V4(ip) => out.put_slice(&ip.octets()),
        IpAddr::V6(ip) => out.put_slice(&ip.octets()),
    }
    out.put_u16_le(addr.port());
    out
}

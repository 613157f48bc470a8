//! A member as PEERS names it.

use crate::base::ids::{Device, DeviceId, PeerId};
use crate::wire::reader::{DecodeError, Reader};
use crate::wire::writer::Put;
use bytes::BufMut;
use core::net::{IpAddr, SocketAddr};

/// Addresses of one member (BC-09.26).
pub(super) const MAX_ADDRESSES: usize = 8;
/// Bytes of one member, with all its addresses.
pub(in crate::channel) const PEER_MAX: usize = 32 + 16 + 8 + 1 + MAX_ADDRESSES * (1 + 16 + 2);

/// A member and where it may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::channel) struct PeerHint {
    pub(in crate::channel) device: Device,
    pub(in crate::channel) addrs: Vec<SocketAddr>,
    /// Seconds since the sender last had a link to the member.
    pub(in crate::channel) age: u64,
}

impl PeerHint {
    pub(in crate::channel) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let device = Device { peer: PeerId(r.array()?), id: DeviceId(r.array()?) };
        let age = r.varint()?;
        let count = usize::from(r.u8()?);
        if count > MAX_ADDRESSES {
            return Err(DecodeError::TooLong { found: count as u64, limit: MAX_ADDRESSES as u64 });
        }
        let addrs = (0..count).map(|_| read_addr(r)).collect::<Result<_, _>>()?;
        Ok(Self { device, addrs, age })
    }

    pub(in crate::channel) fn put(&self, out: &mut Vec<u8>) {
        out.put_slice(&self.device.peer.0);
        out.put_slice(&self.device.id.0);
        out.put_varint(self.age);
        let addrs = self.addrs.iter().take(MAX_ADDRESSES);
        out.put_u8(u8::try_from(addrs.len()).unwrap_or(0));
        for addr in addrs {
            match addr.ip() {
                IpAddr::V4(ip) => {
                    out.put_u8(4);
                    out.put_slice(&ip.octets());
                }
                IpAddr::V6(ip) => {
                    out.put_u8(6);
                    out.put_slice(&ip.octets());
                }
            }
            out.put_u16_le(addr.port());
        }
    }
}

fn read_addr(r: &mut Reader<'_>) -> Result<SocketAddr, DecodeError> {
    let ip = match r.u8()? {
        4 => IpAddr::from(r.array::<4>()?),
        6 => IpAddr::from(r.array::<16>()?),
        _ => return Err(DecodeError::Invalid("address family")),
    };
    Ok(SocketAddr::new(ip, r.u16()?))
}

//! IP addresses as one host may spell them, and what an address must be before a packet goes there.
//!
//! A socket of both families spells an IPv4 address in IPv6 form (`::ffff:192.0.2.1`). Everything
//! in the core compares, stores and sends the *canonical* form, in which IPv4 is IPv4.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};

/// `ip` in canonical form.
#[must_use]
pub const fn canonical_ip(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// `address` in canonical form, without IPv6 scope and flow label.
#[must_use]
pub const fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(canonical_ip(address.ip()), address.port())
}

/// Reads the 16 bytes in which addresses are written on the wire and in records.
#[must_use]
pub fn from_bytes(bytes: [u8; 16]) -> IpAddr {
    canonical_ip(IpAddr::V6(Ipv6Addr::from(bytes)))
}

/// The 16 bytes in which `ip` is written on the wire and in records: IPv4 in its IPv6 form.
#[must_use]
pub const fn to_bytes(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// Whether two addresses are one, however each is spelt.
#[must_use]
pub fn is_same(a: SocketAddr, b: SocketAddr) -> bool {
    canonical(a) == canonical(b)
}

/// Whether `ip` is this host, however it is spelt.
#[must_use]
pub const fn is_loopback(ip: IpAddr) -> bool {
    canonical_ip(ip).is_loopback()
}

/// The network of an address: one owner can vary the rest at will, since an IPv6 host has a /64.
#[must_use]
pub fn network(ip: IpAddr) -> IpAddr {
    match canonical_ip(ip) {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) >> 64 << 64).into()),
        ip @ IpAddr::V4(_) => ip,
    }
}

/// Whether a peer could be at `address` at all: it has a port, and is one host's.
#[must_use]
pub const fn is_usable(address: SocketAddr) -> bool {
    let impossible = match canonical_ip(address.ip()) {
        IpAddr::V4(ip) => ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unspecified() || ip.is_multicast(),
    };
    address.port() != 0 && !impossible
}

#[cfg(test)]
mod tests;

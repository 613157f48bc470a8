//! Which addresses a stranger may make a node talk to.
//!
//! Tracker URLs, DHT nodes and peers come from files, links and other people. Without this rule a
//! `.chat` file could turn every reader into a scanner of its own home network.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What the user lets strangers point the node at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetPolicy {
    /// Addresses of the public Internet only.
    #[default]
    PublicOnly,
    /// Also loopback, link-local and private addresses: for a tracker in one's own network.
    AllowLocal,
}

impl TargetPolicy {
    /// Whether the node may send to `ip`. Apply it to literal addresses and again to every address
    /// that a name resolved to (BC-02.19).
    #[must_use]
    pub fn allows(self, ip: IpAddr) -> bool {
        match self {
            Self::PublicOnly => is_public_target(ip),
            Self::AllowLocal => is_one_host(ip),
        }
    }

    /// Whether the node may look up `name`; the answers are judged by [`TargetPolicy::allows`].
    #[must_use]
    pub fn allows_name(self, name: &str) -> bool {
        let last = name.rsplit('.').next().unwrap_or_default();
        let local = ["localhost", "local", "localdomain", "internal", "home", "lan", "arpa"];
        self == Self::AllowLocal || !local.iter().any(|tld| last.eq_ignore_ascii_case(tld))
    }
}

/// Whether `ip` is one host of the public Internet: not unspecified, loopback, link-local, private,
/// shared (CGNAT), multicast, broadcast, reserved, for benchmarks or for documentation.
///
/// IPv6 forms that carry an IPv4 address (mapped, 6to4, NAT64) are judged by that address. Source:
/// the IANA special-purpose address registries (RFC 6890).
#[must_use]
pub fn is_public_target(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let special = match ip.octets() {
        [0 | 10 | 127, ..] | [224..=255, ..] => true,
        [100, b, ..] => b & 0xc0 == 64,
        [169, 254, ..] | [192, 168, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] => true,
        [172, b, ..] => b & 0xf0 == 16,
        [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        _ => false,
    };
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        // IETF protocol assignments (Teredo, ORCHID, …) and documentation.
        [0x2001, second, ..] => second > 0x01ff && second != 0x0db8,
        [0x3fff, second, ..] => second > 0x0fff,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Not an address of nobody or of many.
fn is_one_host(ip: IpAddr) -> bool {
    match super::addr::canonical_ip(ip) {
        IpAddr::V4(ip) => ip.octets()[0] != 0 && ip.octets()[0] < 224,
        IpAddr::V6(ip) => !ip.is_unspecified() && !ip.is_multicast(),
    }
}

#[cfg(test)]
mod tests;

//! Cookies: whoever shows one receives what is sent to its address.

use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use crate::crypto::suite::{Secret, mac, mac_eq};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// How long one bucket of time lasts: a cookie lives for one to two of them.
const BUCKET: Duration = Duration::from_secs(120);

/// 16 bytes that only their maker can check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie(pub [u8; 16]);

impl Cookie {
    /// Bytes of a cookie.
    pub const LEN: usize = 16;
}

/// Makes and checks cookies without remembering any: each is a MAC over an address and the time
/// (BC-04.20).
#[derive(Debug)]
pub struct CookieJar {
    secret: Secret,
}

impl CookieJar {
    /// A jar with a key of its own. `secret` is the node's secret stream.
    #[must_use]
    pub fn new(secret: &mut Stream) -> Self {
        Self { secret: Secret(secret.bytes()) }
    }

    /// The cookie for `address`, good for at least two minutes and at most four.
    #[must_use]
    pub fn issue(&self, now: Timestamp, address: SocketAddr) -> Cookie {
        self.cookie(bucket(now), address)
    }

    /// Whether `cookie` was issued for `address` in this or the previous bucket (BC-04.21).
    #[must_use]
    pub fn accepts(&self, now: Timestamp, address: SocketAddr, cookie: &Cookie) -> bool {
        let bucket = bucket(now);
        [Some(bucket), bucket.checked_sub(1)]
            .into_iter()
            .flatten()
            .any(|bucket| mac_eq(&self.cookie(bucket, address).0, &cookie.0))
    }

    fn cookie(&self, bucket: u64, address: SocketAddr) -> Cookie {
        let (ip, port) = (mapped(address.ip()), address.port().to_le_bytes());
        Cookie(mac(&self.secret, &[b"cookie", &bucket.to_le_bytes(), &ip, &port]))
    }
}

fn bucket(now: Timestamp) -> u64 {
    now.saturating_since(Timestamp::ZERO).as_secs() / BUCKET.as_secs()
}

/// An address as 16 bytes, IPv4 as an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), so that sockets
/// of either kind agree.
pub(super) const fn mapped(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

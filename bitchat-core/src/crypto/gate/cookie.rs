//! Cookies: whoever shows one receives what is sent to its address.

use super::PROBE_NONCE_LEN;
use crate::base::addr;
use crate::base::rng::{SecretStream, Stream};
use crate::base::time::Timestamp;
use crate::crypto::suite::{Secret, mac, mac_eq};
use core::net::SocketAddr;
use core::time::Duration;

/// Random bytes of a probe's nonce; by the others its maker knows it again.
const NONCE_RANDOM: usize = 6;

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
/// (BC-04.20). Knows its node's own probes in the same way.
#[derive(Debug)]
pub struct CookieJar {
    secret: Secret,
}

impl CookieJar {
    /// A jar with a key of its own. `secret` is the node's secret stream.
    #[must_use]
    pub fn new(secret: &mut SecretStream) -> Self {
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

    /// The nonce of a new probe. To everybody else it is random.
    #[must_use]
    pub fn probe_nonce(&self, public: &mut Stream) -> [u8; PROBE_NONCE_LEN] {
        self.nonce_of(public.bytes())
    }

    /// Whether [`probe_nonce`](Self::probe_nonce) made `nonce`: then the probe is this node's own,
    /// whoever sent it back (BC-04.50).
    #[must_use]
    pub fn is_own(&self, nonce: &[u8; PROBE_NONCE_LEN]) -> bool {
        nonce.first_chunk().is_some_and(|random| self.nonce_of(*random) == *nonce)
    }

    fn nonce_of(&self, random: [u8; NONCE_RANDOM]) -> [u8; PROBE_NONCE_LEN] {
        let mark = mac(&self.secret, &[b"probe", &random]);
        core::array::from_fn(|at| match at.checked_sub(NONCE_RANDOM) {
            None => random[at],
            Some(at) => mark[at],
        })
    }

    fn cookie(&self, bucket: u64, address: SocketAddr) -> Cookie {
        let (ip, port) = (addr::to_bytes(address.ip()), address.port().to_le_bytes());
        Cookie(mac(&self.secret, &[b"cookie", &bucket.to_le_bytes(), &ip, &port]))
    }
}

fn bucket(now: Timestamp) -> u64 {
    now.saturating_since(Timestamp::ZERO).as_secs() / BUCKET.as_secs()
}

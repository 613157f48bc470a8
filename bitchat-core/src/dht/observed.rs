//! Where others see this node (BEP 42): two networks that agree are believed, one never.

use core::net::IpAddr;
use std::collections::BTreeMap;

/// Votes that are kept.
const MAX_VOTES: usize = 16;
/// Networks that must agree.
const QUORUM: usize = 2;

/// Who says what.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// What each network last said: its first two bytes (IPv6: its first four) stand for it.
    votes: BTreeMap<[u8; 4], IpAddr>,
}

impl Observed {
    /// `by` sees this node at `own`. The address, if enough others say so as well.
    pub(super) fn add(&mut self, by: IpAddr, own: IpAddr) -> Option<IpAddr> {
        let network = match by.to_canonical() {
            IpAddr::V4(ip) => {
                let [a, b, ..] = ip.octets();
                [0, 0, a, b]
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.octets();
                [a, b, c, d]
            }
        };
        if self.votes.len() >= MAX_VOTES && !self.votes.contains_key(&network) {
            self.votes.pop_first();
        }
        let own = own.to_canonical();
        self.votes.insert(network, own);
        let agree = self.votes.values().filter(|vote| **vote == own).count();
        (agree >= QUORUM).then_some(own)
    }
}

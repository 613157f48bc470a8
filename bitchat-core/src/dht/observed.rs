//! Where others see this node (BEP 42): two networks that agree are believed, one never, and of two
//! answers the one that more networks give.

use core::net::IpAddr;
use std::collections::VecDeque;

/// Votes that are kept.
const MAX_VOTES: usize = 16;
/// Networks that must agree.
const QUORUM: usize = 2;

/// Who says what, of one address family.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// What each network last said, the oldest vote first: a network's first two bytes (IPv6: its
    /// first four) stand for it.
    votes: VecDeque<([u8; 4], IpAddr)>,
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
        let own = own.to_canonical();
        self.votes.retain(|(voter, _)| *voter != network);
        if self.votes.len() >= MAX_VOTES {
            self.votes.pop_front();
        }
        self.votes.push_back((network, own));
        let agree = self.count(own);
        let others = self.votes.iter().filter(|(_, vote)| *vote != own);
        let most = others.map(|(_, vote)| self.count(*vote)).max().unwrap_or(0);
        (agree >= QUORUM && agree > most).then_some(own)
    }

    fn count(&self, own: IpAddr) -> usize {
        self.votes.iter().filter(|(_, vote)| *vote == own).count()
    }
}

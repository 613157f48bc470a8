//! How large packets may be: path MTU discovery by packets of one's own (DPLPMTUD, RFC 8899).
//!
//! Sizes are those of UDP payloads. Only a flow that fills its packets searches: an idle link, or
//! one that carries a few words, sends no probe and has no timer.

use crate::base::time::Timestamp;
use core::time::Duration;

/// What every path carries (RFC 9000 §14, BC-07.60).
pub(in crate::transport) const BASE: usize = 1_200;
/// The largest UDP payload over IPv4.
pub const MAX_DATAGRAM: usize = 65_507;
/// Where to look first: full Ethernet frames over IPv6.
const FIRST: usize = 1_452;
/// A size so little above the present one is not worth asking for: packet numbers take one to four
/// bytes, so a packet that cannot be told from a probe could have it.
const STEP: usize = 4;
/// Sizes worth asking for: IPv6's minimum, tunnels, Ethernet over IPv6 and IPv4, FDDI, jumbo
/// frames, and what loopback carries.
const CANDIDATES: [usize; 12] =
    [1_232, 1_280, 1_360, 1_400, FIRST, 1_472, 4_052, 8_952, 8_972, 16_336, 32_720, 65_487];
/// Lost probes of one size after which the size is too large for the path (RFC 8899 §5.1.2,
/// BC-07.62).
const TRIES: u8 = 3;
/// The time after which a path is searched again, since it may carry more by then (RFC 8899 §5.1.1,
/// BC-07.63).
const SEARCH_AGAIN: Duration = Duration::from_secs(600);
/// Large packets lost, with no later one acknowledged, that show a black hole (RFC 8899 §4.3).
const BLACK_HOLE: u32 = 4;

/// A probe under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Probe {
    pn: u64,
    size: usize,
}

/// The size in use on the present path, and the search for a larger one.
#[derive(Clone, Debug)]
pub(in crate::transport) struct PathMtu {
    /// The size that the path is known to carry.
    size: usize,
    /// What this side sends at most.
    local: usize,
    /// What the peer takes at most: [`BASE`] until it says more (BC-07.61).
    peer: usize,
    /// The smallest size that the path did not carry.
    too_large: usize,
    /// What the path carried before it changed or lost its way: asked for first.
    remembered: Option<usize>,
    probe: Option<Probe>,
    /// How often the present candidate was lost.
    lost_probes: u8,
    /// The last packet with data was full: larger ones would help.
    wanted: bool,
    /// When the search ended.
    search_ended: Option<Timestamp>,
    /// The newest packet above [`BASE`] that arrived.
    newest_large: Option<u64>,
    /// Packets above [`BASE`] that were lost, all of them later than `newest_large`.
    large_lost: u32,
}

impl PathMtu {
    /// Starts at [`BASE`]; this side sends up to `local` bytes.
    pub(in crate::transport) fn new(local: usize) -> Self {
        Self {
            size: BASE,
            local: local.clamp(BASE, MAX_DATAGRAM),
            peer: BASE,
            too_large: usize::MAX,
            remembered: None,
            probe: None,
            lost_probes: 0,
            wanted: false,
            search_ended: None,
            newest_large: None,
            large_lost: 0,
        }
    }

    /// The size that the path is known to carry.
    pub(in crate::transport) const fn size(&self) -> usize {
        self.size
    }

    /// The peer says what it takes. True if the size in use became smaller.
    pub(in crate::transport) fn set_peer_limit(&mut self, bytes: usize) -> bool {
        let peer = bytes.max(BASE);
        if self.peer == peer {
            return false;
        }
        self.peer = peer;
        self.search_ended = None;
        let smaller = self.size > self.limit();
        self.size = self.size.min(self.limit());
        smaller
    }

    fn limit(&self) -> usize {
        self.local.min(self.peer)
    }

    /// A packet with data left; `full`: there was more to send than it had room for.
    pub(in crate::transport) fn on_filled(&mut self, full: bool) {
        self.wanted = full;
    }

    /// The size of the probe that may leave now. At most one is under way (BC-07.62).
    pub(in crate::transport) fn due(&self, now: Timestamp) -> Option<usize> {
        let rests = self.search_ended.is_some_and(|since| now < since + SEARCH_AGAIN);
        if !self.wanted || self.probe.is_some() || rests || self.size >= self.limit() {
            return None;
        }
        // After a rest the sizes that failed get another chance.
        let too_large = if self.search_ended.is_some() { usize::MAX } else { self.too_large };
        self.candidate(too_large)
    }

    /// The search ends if nothing is left to ask for.
    pub(in crate::transport) fn end_search(&mut self, now: Timestamp) {
        if self.probe.is_none() && self.candidate(self.too_large).is_none() {
            self.search_ended = self.search_ended.or(Some(now));
        }
    }

    /// The next size to ask for: what was carried before, the most likely one, then upwards.
    fn candidate(&self, too_large: usize) -> Option<usize> {
        let (size, limit) = (self.size, self.limit());
        let open =
            |candidate: &usize| (size + STEP..too_large).contains(candidate) && *candidate <= limit;
        let mut likely = [self.remembered, Some(FIRST)].into_iter().flatten();
        let upwards = CANDIDATES.into_iter().chain([limit]);
        likely.find(open).or_else(|| upwards.filter(open).min())
    }

    /// Probe `pn` of `size` bytes left.
    pub(in crate::transport) fn on_probe(&mut self, pn: u64, size: usize) {
        if self.search_ended.take().is_some() {
            self.too_large = usize::MAX;
            self.lost_probes = 0;
        }
        self.probe = Some(Probe { pn, size });
    }

    /// Packet `pn` of `size` bytes was acknowledged; `judged`: that says something of this path
    /// (BC-07.68). True if the size in use grew.
    pub(in crate::transport) fn on_acked(
        &mut self,
        now: Timestamp,
        pn: u64,
        size: u64,
        judged: bool,
    ) -> bool {
        let probe = self.probe.take_if(|probe| probe.pn == pn);
        if !judged {
            return false;
        }
        if let Some(probe) = probe {
            self.lost_probes = 0;
            self.newest_large = self.newest_large.max(Some(pn));
            self.large_lost = 0;
            self.size = probe.size.min(self.limit()).max(self.size);
            self.end_search(now);
            return true;
        }
        if size > BASE as u64 && self.newest_large < Some(pn) {
            self.newest_large = Some(pn);
            self.large_lost = 0;
        }
        false
    }

    /// Packet `pn` of `size` bytes was lost; `judged`: that says something of this path (BC-07.68).
    /// True if the path turned out to carry less than it did: it is a black hole for packets of the
    /// size in use (BC-07.64).
    pub(in crate::transport) fn on_lost(
        &mut self,
        now: Timestamp,
        pn: u64,
        size: u64,
        judged: bool,
    ) -> bool {
        let probe = self.probe.take_if(|probe| probe.pn == pn);
        if !judged {
            return false;
        }
        if let Some(probe) = probe {
            self.on_probe_lost(now, probe.size);
            return false;
        }
        let large = size > BASE as u64;
        if !large || self.size == BASE || self.newest_large > Some(pn) {
            return false;
        }
        self.large_lost += 1;
        if self.large_lost < BLACK_HOLE {
            return false;
        }
        self.restart();
        true
    }

    fn on_probe_lost(&mut self, now: Timestamp, size: usize) {
        self.lost_probes += 1;
        if self.lost_probes >= TRIES {
            self.lost_probes = 0;
            self.too_large = self.too_large.min(size);
            self.remembered = self.remembered.filter(|&remembered| remembered < size);
        }
        self.end_search(now);
    }

    /// The state at the beginning of the next path: all is to be proven again, what was carried
    /// before first (BC-07.65).
    pub(in crate::transport) fn next_path(&self) -> Self {
        let mut next = self.clone();
        next.restart();
        next
    }

    fn restart(&mut self) {
        self.remembered = Some(self.size).filter(|&size| size > BASE).or(self.remembered);
        self.size = BASE;
        self.too_large = usize::MAX;
        self.probe = None;
        self.lost_probes = 0;
        self.search_ended = None;
        self.newest_large = None;
        self.large_lost = 0;
    }
}

#[cfg(test)]
mod tests;

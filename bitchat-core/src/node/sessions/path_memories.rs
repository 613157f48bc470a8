//! What links measured of their paths, for the next link to the same address (spec 07, "A path that is
//! known").

use crate::base::time::Timestamp;
use crate::transport::PathMemory;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

/// Paths remembered at most; the oldest is forgotten for a new one.
const MAX_PATHS: usize = 256;
/// For how long a measurement is believed (BC-07.85).
const LIFETIME: Duration = Duration::from_secs(600);

/// The newest measurement of each path, by the peer's address. Nothing of it outlives the run.
#[derive(Debug, Default)]
pub(crate) struct PathMemories {
    paths: BTreeMap<SocketAddr, (Timestamp, PathMemory)>,
}

impl PathMemories {
    /// A link that ended, and not for a fault of the peer, measured the path to `remote`. What is worth
    /// nothing replaces nothing.
    pub(crate) fn remember(&mut self, now: Timestamp, remote: SocketAddr, memory: PathMemory) {
        self.paths.retain(|_, (at, _)| now.saturating_since(*at) < LIFETIME);
        self.paths.insert(remote, (now, memory));
        if self.paths.len() > MAX_PATHS
            && let Some((&oldest, _)) = self.paths.iter().min_by_key(|(_, (at, _))| *at)
        {
            self.paths.remove(&oldest);
        }
    }

    /// What is known of the path to `remote`.
    pub(crate) fn recall(&self, now: Timestamp, remote: &SocketAddr) -> Option<PathMemory> {
        let (at, memory) = self.paths.get(remote)?;
        (now.saturating_since(*at) < LIFETIME).then_some(*memory)
    }

    /// The peer there broke a rule: what it acknowledged says nothing.
    pub(crate) fn forget(&mut self, remote: &SocketAddr) {
        self.paths.remove(remote);
    }

    /// The host is in another network.
    pub(crate) fn forget_all(&mut self) {
        self.paths.clear();
    }
}

#[cfg(test)]
mod tests;

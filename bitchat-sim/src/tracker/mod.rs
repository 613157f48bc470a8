//! A BitTorrent tracker that lives in the world: simple, but strict about what clients send.

mod http;
mod udp;

use crate::dice::Dice;
use bitchat_core::base::ids::StreamId;
use bitchat_core::base::time::Timestamp;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// How a tracker treats its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It answers as it should.
    Working,
    /// It answers every announce with this error.
    Failing(String),
    /// It answers with random bytes.
    Garbage,
    /// It takes requests and never answers.
    Silent,
}

/// What clients announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happening {
    Nothing,
    Started,
    Stopped,
    Completed,
}

/// A checked announce.
#[derive(Clone, Debug)]
struct Announce {
    info_hash: [u8; 20],
    address: SocketAddr,
    left: u64,
    event: Happening,
    wanted: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    left: u64,
    seen: Timestamp,
}

/// What a swarm looks like to one client.
#[derive(Clone, Debug, Default)]
struct Swarm {
    seeders: u32,
    leechers: u32,
    peers: Vec<SocketAddr>,
}

/// A tracker: both protocols, one registry.
#[derive(Debug)]
pub struct Tracker {
    /// How it treats its clients; may be changed at any time.
    pub mood: Mood,
    /// How often clients are to announce.
    pub interval: Duration,
    swarms: BTreeMap<[u8; 20], BTreeMap<SocketAddr, Entry>>,
    connections: BTreeMap<u64, (SocketAddr, Timestamp)>,
    requests: BTreeMap<StreamId, (SocketAddr, Vec<u8>)>,
    violations: Vec<String>,
    announces: u64,
    dice: Dice,
}

impl Tracker {
    /// A working tracker that knows nobody.
    #[must_use]
    pub fn new(dice: Dice) -> Self {
        Self {
            mood: Mood::Working,
            interval: Duration::from_secs(1_800),
            swarms: BTreeMap::new(),
            connections: BTreeMap::new(),
            requests: BTreeMap::new(),
            violations: Vec::new(),
            announces: 0,
            dice,
        }
    }

    /// What clients did that no BitTorrent client may do.
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// How many announces were accepted.
    #[must_use]
    pub fn announces(&self) -> u64 {
        self.announces
    }

    /// How many peers it knows, all swarms together.
    #[must_use]
    pub fn peers(&self) -> usize {
        self.swarms.values().map(BTreeMap::len).sum()
    }

    /// The infohashes that it knows.
    pub fn swarms(&self) -> impl Iterator<Item = &[u8; 20]> {
        self.swarms.keys()
    }

    /// Lists a peer as if it had announced (a stranger, or one that is long gone).
    pub fn plant(&mut self, now: Timestamp, info_hash: [u8; 20], address: SocketAddr) {
        let entry = Entry { left: 1, seen: now };
        self.swarms.entry(info_hash).or_default().insert(address, entry);
    }

    /// Forgets everything, as after a restart.
    pub fn forget(&mut self) {
        self.swarms.clear();
        self.connections.clear();
    }

    /// A datagram came; the answer to it.
    pub fn on_datagram(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        data: &[u8],
    ) -> Option<Vec<u8>> {
        match self.mood {
            Mood::Silent => None,
            Mood::Garbage => {
                let len = 1 + self.dice.index(200);
                let mut garbage = self.dice.blob(len);
                // Half of it looks like an answer to the request at first.
                if let (true, Some(id), Some(start)) =
                    (self.dice.chance(0.5), data.get(12..16), garbage.get_mut(..8))
                {
                    start[..4].copy_from_slice(&[0, 0, 0, 1]);
                    start[4..].copy_from_slice(id);
                }
                Some(garbage)
            }
            Mood::Working | Mood::Failing(_) => udp::answer(self, now, from, data),
        }
    }

    /// Somebody opened a stream.
    pub fn on_accepted(&mut self, stream: StreamId, from: SocketAddr) {
        self.requests.insert(stream, (from, Vec::new()));
    }

    /// Bytes of a request came; the answer once it is complete, in the pieces in which it is sent.
    /// The stream is closed behind it.
    pub fn on_readable(
        &mut self,
        now: Timestamp,
        stream: StreamId,
        data: &[u8],
    ) -> Option<Vec<Vec<u8>>> {
        let (from, request) = self.requests.get_mut(&stream)?;
        request.extend_from_slice(data);
        if !request.ends_with(b"\r\n\r\n") {
            return None;
        }
        let (from, request) = (*from, core::mem::take(request));
        let answer = match self.mood {
            Mood::Silent => return None,
            Mood::Garbage => {
                let len = self.dice.index(3_000);
                self.dice.blob(len)
            }
            Mood::Working | Mood::Failing(_) => http::answer(self, now, from, &request),
        };
        self.requests.remove(&stream);
        Some(self.in_pieces(&answer))
    }

    /// A stream ended.
    pub fn on_closed(&mut self, stream: StreamId) {
        self.requests.remove(&stream);
    }

    fn in_pieces(&mut self, answer: &[u8]) -> Vec<Vec<u8>> {
        let size = match self.dice.chance(0.5) {
            true => answer.len().max(1),
            false => 1 + self.dice.index(64),
        };
        answer.chunks(size).map(<[u8]>::to_vec).collect()
    }

    fn violation(&mut self, from: SocketAddr, what: &str) {
        self.violations.push(format!("{from}: {what}"));
    }

    /// Takes an announce in and names others of the swarm (and the client itself, as many do).
    fn announce(&mut self, now: Timestamp, announce: &Announce) -> Swarm {
        self.announces += 1;
        let silence = self.interval * 2;
        let swarm = self.swarms.entry(announce.info_hash).or_default();
        swarm.retain(|_, entry| now.saturating_since(entry.seen) < silence);
        let Announce { address, left, .. } = *announce;
        if announce.event == Happening::Stopped {
            swarm.remove(&address);
            return Swarm::default();
        }
        swarm.insert(address, Entry { left, seen: now });
        let mut found = Swarm::default();
        for entry in swarm.values() {
            match entry.left {
                0 => found.seeders += 1,
                _ => found.leechers += 1,
            }
        }
        // Seeds are withheld from seeds.
        let useful = |entry: &Entry| left > 0 || entry.left > 0;
        let mut peers: Vec<SocketAddr> =
            swarm.iter().filter(|(_, e)| useful(e)).map(|(address, _)| *address).collect();
        while peers.len() > announce.wanted {
            peers.swap_remove(self.dice.index(peers.len()));
        }
        found.peers = peers;
        found
    }
}

#[cfg(test)]
mod tests;

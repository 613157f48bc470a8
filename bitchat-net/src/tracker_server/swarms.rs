//! Who announced what, and the two protocols in which it is asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, SocketAddr};

const PROTOCOL_ID: [u8; 8] = 0x0417_2710_1980_u64.to_be_bytes();
/// Seconds in which a connection id is the current one; it is accepted for as long again.
const CONNECTION_WINDOW: u64 = 60;
/// Bytes of an announce without options (BEP 15).
const ANNOUNCE_LEN: usize = 98;
const CONNECT: u32 = 0;
const ANNOUNCE: u32 = 1;
const ERROR: u32 = 3;

/// What a tracker asks of its clients, and its bounds.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Seconds between announces of a client; a peer is forgotten after twice as long.
    pub interval: u32,
    /// Infohashes remembered.
    pub max_swarms: usize,
    /// Peers remembered of one infohash.
    pub max_swarm_peers: usize,
    /// Peers in one reply.
    pub max_reply_peers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { interval: 300, max_swarms: 4_096, max_swarm_peers: 1_024, max_reply_peers: 50 }
    }
}

/// Peers by address, each with the second in which it is forgotten.
type Swarm = BTreeMap<SocketAddr, u64>;

/// A tracker without sockets: requests in, replies out.
#[derive(Debug)]
pub struct Tracker {
    options: Options,
    swarms: BTreeMap<[u8; 20], Swarm>,
    secret: RandomState,
    /// Random numbers drawn so far.
    draws: u64,
}

/// What both protocols ask.
struct Announce {
    infohash: [u8; 20],
    port: u16,
    stopped: bool,
    wanted: usize,
    /// Peers of both families can be named in the reply.
    both: bool,
}

impl Tracker {
    /// A tracker that knows nobody.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, swarms: BTreeMap::new(), secret: RandomState::new(), draws: 0 }
    }

    /// Answers an HTTP request that is complete; `now` is in seconds.
    #[must_use]
    pub fn http(&mut self, now: u64, from: SocketAddr, request: &[u8]) -> Vec<u8> {
        let (status, body) = match parse_http(request) {
            Ok(announce) => match self.announce(now, from, &announce) {
                Ok(peers) => ("200 OK", self.body(&peers)),
                Err(reason) => ("200 OK", failure(reason)),
            },
            Err(Some(reason)) => ("200 OK", failure(reason)),
            Err(None) => ("404 Not Found", Vec::new()),
        };
        let mut response = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            body.len(),
        )
        .into_bytes();
        response.extend(body);
        response
    }

    /// Answers a datagram, if it is a request. A reply to somebody who has not shown that its
    /// address is true is never longer than the request.
    #[must_use]
    pub fn udp(&mut self, now: u64, from: SocketAddr, packet: &[u8]) -> Option<Vec<u8>> {
        let (connection, rest) = packet.split_first_chunk::<8>()?;
        let (action, rest) = rest.split_first_chunk::<4>()?;
        let (transaction, _) = rest.split_first_chunk::<4>()?;
        let head = |action: u32| [&action.to_be_bytes()[..], &transaction[..]].concat();
        match u32::from_be_bytes(*action) {
            CONNECT if *connection == PROTOCOL_ID => {
                Some([head(CONNECT), self.connection(now, from).to_vec()].concat())
            }
            ANNOUNCE if self.is_connected(now, from, *connection) => {
                let peers = parse_udp(packet).and_then(|it| self.announce(now, from, &it));
                let reply = match peers {
                    Ok(peers) => [head(ANNOUNCE), self.fixed(&peers), compact(&peers, from.ip())],
                    Err(reason) => [head(ERROR), reason.into(), Vec::new()],
                };
                Some(reply.concat())
            }
            ANNOUNCE => Some([head(ERROR), b"connect first".to_vec()].concat()),
            _ => None,
        }
    }

    fn announce(
        &mut self,
        now: u64,
        from: SocketAddr,
        announce: &Announce,
    ) -> Result<Vec<SocketAddr>, &'static str> {
        if announce.port == 0 {
            return Err("the port must not be 0");
        }
        let peer = SocketAddr::new(from.ip().to_canonical(), announce.port);
        let known = self.swarms.contains_key(&announce.infohash);
        if !known && self.swarms.len() >= self.options.max_swarms {
            self.forget(now);
            if self.swarms.len() >= self.options.max_swarms {
                return Err("the tracker is full");
            }
        }
        let swarm = self.swarms.entry(announce.infohash).or_default();
        swarm.retain(|_, &mut until| until > now);
        swarm.remove(&peer);
        let wanted = announce.wanted.min(self.options.max_reply_peers);
        let useful = |other: &SocketAddr| announce.both || other.is_ipv4() == peer.is_ipv4();
        let mut peers: Vec<_> = swarm.keys().copied().filter(useful).collect();
        if announce.stopped {
            if swarm.is_empty() {
                self.swarms.remove(&announce.infohash);
            }
        } else if swarm.len() < self.options.max_swarm_peers {
            swarm.insert(peer, now + 2 * u64::from(self.options.interval));
        }
        self.choose(&mut peers, wanted);
        Ok(peers)
    }

    /// Leaves `wanted` of the peers, by lot: everybody is named to somebody, and nobody with many
    /// ports is named to all.
    fn choose(&mut self, peers: &mut Vec<SocketAddr>, wanted: usize) {
        for at in 0..wanted.min(peers.len()) {
            self.draws += 1;
            let left = (peers.len() - at) as u64;
            let drawn = usize::try_from(self.secret.hash_one(self.draws) % left).unwrap_or(0);
            peers.swap(at, at + drawn);
        }
        peers.truncate(wanted);
    }

    fn forget(&mut self, now: u64) {
        self.swarms.retain(|_, swarm| {
            swarm.retain(|_, &mut until| until > now);
            !swarm.is_empty()
        });
    }

    fn body(&self, peers: &[SocketAddr]) -> Vec<u8> {
        let mut body = format!("d8:intervali{}e", self.options.interval).into_bytes();
        for (key, ip) in [("5:peers", IpAddr::from([0; 4])), ("6:peers6", IpAddr::from([0; 16]))] {
            let compact = compact(peers, ip);
            body.extend(format!("{key}{}:", compact.len()).into_bytes());
            body.extend(compact);
        }
        body.push(b'e');
        body
    }

    /// Interval, leechers, seeders.
    fn fixed(&self, peers: &[SocketAddr]) -> Vec<u8> {
        let leechers = u32::try_from(peers.len()).unwrap_or(u32::MAX);
        [self.options.interval, leechers, 0]
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect()
    }

    fn connection(&self, now: u64, from: SocketAddr) -> [u8; 8] {
        self.secret.hash_one((from, now / CONNECTION_WINDOW)).to_be_bytes()
    }

    fn is_connected(&self, now: u64, from: SocketAddr, id: [u8; 8]) -> bool {
        id == self.connection(now, from)
            || now
                .checked_sub(CONNECTION_WINDOW)
                .is_some_and(|now| id == self.connection(now, from))
    }
}

/// The peers of `ip`'s family, as BEP 23 and BEP 7 write them.
fn compact(peers: &[SocketAddr], ip: IpAddr) -> Vec<u8> {
    let mut out = Vec::new();
    for peer in peers {
        match (peer.ip(), ip.to_canonical()) {
            (IpAddr::V4(peer), IpAddr::V4(_)) => out.extend(peer.octets()),
            (IpAddr::V6(peer), IpAddr::V6(_)) => out.extend(peer.octets()),
            _ => continue,
        }
        out.extend(peer.port().to_be_bytes());
    }
    out
}

fn failure(reason: &str) -> Vec<u8> {
    let mut body = String::new();
    // Writing to a string cannot fail.
    let _ = write!(body, "d14:failure reason{}:{reason}e", reason.len());
    body.into_bytes()
}

/// Reads a request for `/announce`; `Err(None)` if it is none.
fn parse_http(request: &[u8]) -> Result<Announce, Option<&'static str>> {
    let line = request.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let line = str::from_utf8(line).map_err(|_| None)?;
    let target =
        line.strip_prefix("GET ").and_then(|rest| rest.split_once(" HTTP/1.")).ok_or(None)?.0;
    let query = target.strip_prefix("/announce?").ok_or(None)?;
    let (mut infohash, mut port, mut stopped, mut wanted) = (None, None, false, usize::MAX);
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match key {
            "info_hash" => infohash = unescape(value).and_then(|hash| hash.try_into().ok()),
            "port" => port = value.parse().ok(),
            "numwant" => wanted = value.parse().map_err(|_| Some("numwant must be a number"))?,
            "event" => {
                let known = ["started", "stopped", "completed", ""].contains(&value);
                stopped = value == "stopped";
                known.then_some(()).ok_or(Some("there is no such event"))?;
            }
            _ => {}
        }
    }
    let infohash = infohash.ok_or(Some("info_hash must have 20 bytes"))?;
    let port = port.ok_or(Some("port must be a number from 1 to 65535"))?;
    Ok(Announce { infohash, port, stopped, wanted, both: true })
}

/// Undoes percent-encoding; `None` if it is broken.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            u8::try_from(digit()? * 16 + digit()?).ok()?
        } else {
            byte
        });
    }
    Some(out)
}

fn parse_udp(packet: &[u8]) -> Result<Announce, &'static str> {
    let packet = packet.first_chunk::<ANNOUNCE_LEN>().ok_or("the announce is too short")?;
    let [.., w0, w1, w2, w3, p0, p1] = *packet;
    let mut infohash = [0; 20];
    infohash.copy_from_slice(&packet[16..36]);
    Ok(Announce {
        infohash,
        port: u16::from_be_bytes([p0, p1]),
        stopped: packet[80..84] == [0, 0, 0, 3],
        // A negative number leaves the choice to the tracker.
        wanted: usize::try_from(i32::from_be_bytes([w0, w1, w2, w3])).unwrap_or(usize::MAX),
        both: false,
    })
}

#[cfg(test)]
mod tests;

//! The messages of the DHT (KRPC: BEP 5, with BEP 32, 42, 43 and 51), read as other people's programs
//! write them and written as libtorrent does.
//!
//! What is read is forgiving where real nodes differ: keys in any order, ids of any length, `ip` of any
//! length, `v` of any length or none, `e` beside `r`. Nothing that is read decides more than its own field.

use super::id::NodeId;
use crate::base::ids::InfoHash;
use crate::wire::bencode::{self, Dict, Encoded, Value};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The largest message that is looked at. Some nodes answer with all they know, 4.9 kB for 600 peers.
pub const MAX_MESSAGE: usize = 16 * 1024;
/// Bytes of a transaction id that is sent back (some nodes use up to 16).
const MAX_TRANSACTION: usize = 32;
/// Bytes of a token that is sent back.
const MAX_TOKEN: usize = 64;
/// Peers, and nodes, that are taken from one message.
const MAX_VALUES: usize = 300;
const MAX_NODES: usize = 32;

/// A node that somebody told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Its id.
    pub id: NodeId,
    /// Its address.
    pub addr: SocketAddr,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// `t`: the asker's name for the query.
    pub transaction: &'a [u8],
    /// What it says.
    pub body: Body<'a>,
    /// `ip`: where the other side sees this one (BEP 42).
    pub observed: Option<SocketAddr>,
    /// `ro`: the sender answers nothing (BEP 43).
    pub read_only: bool,
}

/// The kinds of message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// `y` = `q`.
    Query(Query<'a>),
    /// `y` = `r`.
    Reply(Reply<'a>),
    /// `y` = `e`.
    Error {
        /// 201 generic, 202 server, 203 protocol, 204 unknown method.
        code: i64,
    },
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// Who asks.
    pub id: NodeId,
    /// What.
    pub method: Method<'a>,
    /// `want`: the families of nodes that it asks for (BEP 32): IPv4, IPv6.
    pub want: [bool; 2],
}

/// What may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method<'a> {
    /// Are you there?
    Ping,
    /// Who is near `target`?
    FindNode {
        /// The place.
        target: NodeId,
    },
    /// Who has announced `hash`, or is near it?
    GetPeers {
        /// The infohash.
        hash: InfoHash,
    },
    /// The asker serves `hash`.
    AnnouncePeer {
        /// The infohash.
        hash: InfoHash,
        /// The port where peers reach it.
        port: u16,
        /// The port that the query came from is meant, whatever `port` says.
        implied: bool,
        /// What a get_peers gave.
        token: &'a [u8],
    },
    /// Which infohashes do you hold (BEP 51)?
    SampleInfohashes {
        /// The place.
        target: NodeId,
    },
    /// Something else: answered like find_node if it has a target, as libtorrent does, else refused.
    Unknown {
        /// Its target, if it has one.
        target: Option<NodeId>,
    },
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply<'a> {
    /// Who answers.
    pub id: Option<NodeId>,
    /// Nodes near the target.
    pub nodes: Vec<Contact>,
    /// Peers of the infohash.
    pub peers: Vec<SocketAddr>,
    /// Proves to the node that the asker has its address.
    pub token: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    /// Reads a datagram; `None` if it is no KRPC message.
    #[must_use]
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        if datagram.first() != Some(&b'd') {
            return None;
        }
        let (value, rest) = bencode::check_foreign(datagram, MAX_MESSAGE).ok()?;
        let dict = value.as_dict().filter(|_| rest.iter().all(u8::is_ascii_whitespace))?;
        let transaction = bytes(dict, b"t").filter(|id| id.len() <= MAX_TRANSACTION)?;
        let body = match bytes(dict, b"y")? {
            b"q" => Body::Query(Query::parse(dict)?),
            b"r" => Body::Reply(Reply::parse(dict.get(b"r")?.as_dict()?)),
            b"e" => Body::Error { code: error_code(dict) },
            _ => return None,
        };
        let observed = bytes(dict, b"ip").and_then(compact_peer);
        let read_only = dict.get(b"ro").and_then(Value::as_int) == Some(1);
        Some(Self { transaction, body, observed, read_only })
    }
}

impl<'a> Query<'a> {
    fn parse(dict: Dict<'a>) -> Option<Self> {
        let arguments = dict.get(b"a")?.as_dict()?;
        let id = node_id(arguments, b"id")?;
        let hash = || node_id(arguments, b"info_hash").map(|id| InfoHash(id.0));
        let target = || node_id(arguments, b"target");
        let method = match bytes(dict, b"q")? {
            b"ping" => Method::Ping,
            b"find_node" => Method::FindNode { target: target()? },
            b"get_peers" => Method::GetPeers { hash: hash()? },
            b"announce_peer" => Method::AnnouncePeer {
                hash: hash()?,
                port: number(arguments, b"port").unwrap_or(0),
                implied: number(arguments, b"implied_port").unwrap_or(0) != 0,
                token: bytes(arguments, b"token").filter(|token| token.len() <= MAX_TOKEN)?,
            },
            b"sample_infohashes" => Method::SampleInfohashes { target: target()? },
            _ => Method::Unknown { target: target() },
        };
        let wanted = |family: &[u8]| {
            let list = arguments.get(b"want").and_then(Value::as_list);
            list.into_iter().flatten().take(8).any(|item| item.as_bytes() == Some(family))
        };
        Some(Self { id, method, want: [wanted(b"n4"), wanted(b"n6")] })
    }
}

impl<'a> Reply<'a> {
    fn parse(dict: Dict<'a>) -> Self {
        let mut nodes = Vec::new();
        add_nodes(&mut nodes, bytes(dict, b"nodes").unwrap_or_default(), 4);
        add_nodes(&mut nodes, bytes(dict, b"nodes6").unwrap_or_default(), 16);
        let values = dict.get(b"values").and_then(Value::as_list).into_iter().flatten();
        let peers = values.take(MAX_VALUES).filter_map(|value| compact_peer(value.as_bytes()?));
        Self {
            id: node_id(dict, b"id"),
            nodes,
            peers: peers.collect(),
            token: bytes(dict, b"token").filter(|token| token.len() <= MAX_TOKEN),
        }
    }
}

/// What every message of this node carries.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The id of the query.
    pub transaction: &'a [u8],
    /// The program that this node looks like.
    pub version: [u8; 4],
}

impl Envelope<'_> {
    /// A query; `read_only` says that this node answers none (BEP 43).
    #[must_use]
    pub fn query(
        &self,
        id: NodeId,
        method: Method<'_>,
        want: [bool; 2],
        read_only: bool,
    ) -> Vec<u8> {
        let mut arguments = vec![("id", Encoded::bytes(&id.0))];
        let name = match method {
            Method::Ping => "ping",
            Method::FindNode { target } => {
                arguments.push(("target", Encoded::bytes(&target.0)));
                "find_node"
            }
            Method::GetPeers { hash } => {
                arguments.push(("info_hash", Encoded::bytes(&hash.0)));
                "get_peers"
            }
            Method::AnnouncePeer { hash, port, implied, token } => {
                // Always both (BC-18.06): some nodes ignore the one, some are silent without the other.
                arguments.push(("implied_port", Encoded::int(implied.into())));
                arguments.push(("info_hash", Encoded::bytes(&hash.0)));
                arguments.push(("port", Encoded::int(port.into())));
                arguments.push(("token", Encoded::bytes(token)));
                "announce_peer"
            }
            Method::SampleInfohashes { target } => {
                arguments.push(("target", Encoded::bytes(&target.0)));
                "sample_infohashes"
            }
            Method::Unknown { .. } => "ping",
        };
        let families = [(want[0], "n4"), (want[1], "n6")];
        let want: Vec<_> = families.into_iter().filter(|(wanted, _)| *wanted).collect();
        if !want.is_empty() {
            let names = want.iter().map(|(_, name)| Encoded::bytes(name.as_bytes()));
            arguments.push(("want", Encoded::list(names)));
        }
        let mut entries = vec![
            ("a", Encoded::dict(arguments)),
            ("q", Encoded::bytes(name.as_bytes())),
            ("t", Encoded::bytes(self.transaction)),
            ("v", Encoded::bytes(&self.version)),
            ("y", Encoded::bytes(b"q")),
        ];
        if read_only {
            entries.push(("ro", Encoded::int(1)));
        }
        Encoded::dict(entries).into_vec()
    }

    /// A reply to the node at `to`, who is told its own address (BEP 42).
    #[must_use]
    pub fn reply(&self, to: SocketAddr, values: Vec<(&'static str, Encoded)>) -> Vec<u8> {
        let entries = [
            ("ip", Encoded::bytes(&compact(to))),
            ("r", Encoded::dict(values)),
            ("t", Encoded::bytes(self.transaction)),
            ("v", Encoded::bytes(&self.version)),
            ("y", Encoded::bytes(b"r")),
        ];
        Encoded::dict(entries).into_vec()
    }

    /// A refusal.
    #[must_use]
    pub fn error(&self, code: i64, words: &str) -> Vec<u8> {
        let error = [Encoded::int(code), Encoded::bytes(words.as_bytes())];
        let entries = [
            ("e", Encoded::list(error)),
            ("t", Encoded::bytes(self.transaction)),
            ("v", Encoded::bytes(&self.version)),
            ("y", Encoded::bytes(b"e")),
        ];
        Encoded::dict(entries).into_vec()
    }
}

/// An address as BEP 5 and BEP 32 write it: the address, then the port, big-endian.
#[must_use]
pub fn compact(addr: SocketAddr) -> Vec<u8> {
    let mut out = match addr.ip().to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    out.extend(addr.port().to_be_bytes());
    out
}

/// Nodes as BEP 5 and BEP 32 write them.
#[must_use]
pub fn compact_nodes(nodes: &[Contact]) -> Encoded {
    let mut out = Vec::with_capacity(nodes.len() * 38);
    for node in nodes {
        out.extend(node.id.0);
        out.extend(compact(node.addr));
    }
    Encoded::bytes(&out)
}

fn compact_peer(bytes: &[u8]) -> Option<SocketAddr> {
    let (ip, port) = bytes.split_last_chunk::<2>()?;
    let ip = match ip.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(ip).map(Ipv4Addr::from).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(ip).map(Ipv6Addr::from).ok()?),
        _ => return None,
    };
    Some(SocketAddr::new(ip.to_canonical(), u16::from_be_bytes(*port)))
}

fn add_nodes(nodes: &mut Vec<Contact>, compact: &[u8], ip_len: usize) {
    for node in compact.chunks_exact(20 + ip_len + 2).take(MAX_NODES) {
        let Some((id, addr)) = node.split_first_chunk::<20>() else { continue };
        if let Some(addr) = compact_peer(addr) {
            nodes.push(Contact { id: NodeId(*id), addr });
        }
    }
}

fn number(dict: Dict<'_>, key: &[u8]) -> Option<u16> {
    dict.get(key).and_then(Value::as_int).and_then(|number| u16::try_from(number).ok())
}

fn error_code(dict: Dict<'_>) -> i64 {
    let list = dict.get(b"e").and_then(Value::as_list);
    list.and_then(|mut list| list.next()).and_then(Value::as_int).unwrap_or(0)
}

fn bytes<'a>(dict: Dict<'a>, key: &[u8]) -> Option<&'a [u8]> {
    dict.get(key)?.as_bytes()
}

fn node_id(dict: Dict<'_>, key: &[u8]) -> Option<NodeId> {
    <[u8; 20]>::try_from(bytes(dict, key)?).ok().map(NodeId)
}

#[cfg(test)]
mod tests;

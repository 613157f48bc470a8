//! The HTTP tracker protocol (BEP 3, 7, 23), written from the other side.

use super::{Announce, Happening, Mood, Swarm, Tracker};
use bitchat_core::base::time::Timestamp;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

pub(super) fn answer(
    tracker: &mut Tracker,
    now: Timestamp,
    from: SocketAddr,
    request: &[u8],
) -> Vec<u8> {
    let announce = match parse(from, request) {
        Ok(announce) => announce,
        Err(what) => {
            tracker.violation(from, &what);
            return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec();
        }
    };
    let body = match &tracker.mood {
        Mood::Failing(text) => format!("d14:failure reason{}:{text}e", text.len()).into_bytes(),
        _ => {
            let swarm = tracker.announce(now, &announce);
            body(&swarm, tracker.interval.as_secs())
        }
    };
    framed(tracker, &body)
}

/// The three ways in which an HTTP body ends, one of them at random.
fn framed(tracker: &mut Tracker, body: &[u8]) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
    match tracker.dice.below(3) {
        0 => {
            let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
            [head.as_bytes(), body].concat()
        }
        1 => {
            let mut out = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
            for chunk in body.chunks(1 + tracker.dice.index(50)) {
                out.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                out.extend(chunk);
                out.extend(b"\r\n");
            }
            out.extend(b"0\r\n\r\n");
            out
        }
        _ => [format!("{head}Connection: close\r\n\r\n").as_bytes(), body].concat(),
    }
}

fn body(swarm: &Swarm, interval: u64) -> Vec<u8> {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for peer in &swarm.peers {
        let port = peer.port().to_be_bytes();
        match peer.ip() {
            IpAddr::V4(ip) => v4.extend([&ip.octets()[..], &port].concat()),
            IpAddr::V6(ip) => v6.extend([&ip.octets()[..], &port].concat()),
        }
    }
    let (complete, incomplete) = (swarm.seeders, swarm.leechers);
    let mut out = format!(
        "d8:completei{complete}e10:incompletei{incomplete}e8:intervali{interval}e5:peers{}:",
        v4.len()
    )
    .into_bytes();
    out.extend(v4);
    if !v6.is_empty() {
        out.extend(format!("6:peers6{}:", v6.len()).into_bytes());
        out.extend(v6);
    }
    out.push(b'e');
    out
}

fn parse(from: SocketAddr, request: &[u8]) -> Result<Announce, String> {
    let text = core::str::from_utf8(request).map_err(|_| "a request that is not text")?;
    let (line, headers) = text.split_once("\r\n").ok_or("a request without headers")?;
    if !headers.lines().any(|line| line.to_ascii_lowercase().starts_with("host: ")) {
        return Err("no Host header".into());
    }
    let target = line
        .strip_prefix("GET ")
        .and_then(|rest| rest.strip_suffix(" HTTP/1.1"))
        .ok_or_else(|| format!("not a GET request of HTTP/1.1: {line}"))?;
    let (path, query) = target.split_once('?').ok_or("no query")?;
    if !path.ends_with("/announce") {
        return Err(format!("not the announce path: {path}"));
    }
    let mut fields = BTreeMap::new();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').ok_or("a parameter without a value")?;
        if fields.insert(name, unescape(value)?).is_some() {
            return Err(format!("{name} given twice"));
        }
    }
    check(from, &fields)
}

fn check(from: SocketAddr, fields: &BTreeMap<&str, Vec<u8>>) -> Result<Announce, String> {
    let get = |name: &str| fields.get(name).ok_or_else(|| format!("no {name}"));
    let number = |name: &str| -> Result<u64, String> {
        let text = String::from_utf8_lossy(get(name)?).into_owned();
        text.parse().map_err(|_| format!("{name} is {text}"))
    };
    let id = |name: &str| -> Result<[u8; 20], String> {
        get(name)?.as_slice().try_into().map_err(|_| format!("{name} is not 20 bytes long"))
    };
    let port = u16::try_from(number("port")?).map_err(|_| "a port beyond 65535")?;
    if port == 0 {
        return Err("port 0".into());
    }
    id("peer_id")?;
    number("uploaded")?;
    number("downloaded")?;
    if number("compact")? != 1 {
        return Err("not compact".into());
    }
    let event = match fields.get("event").map(Vec::as_slice) {
        None => Happening::Nothing,
        Some(b"started") => Happening::Started,
        Some(b"stopped") => Happening::Stopped,
        Some(b"completed") => Happening::Completed,
        Some(other) => return Err(format!("event {}", String::from_utf8_lossy(other))),
    };
    let wanted = if fields.contains_key("numwant") { number("numwant")? } else { 50 };
    Ok(Announce {
        info_hash: id("info_hash")?,
        address: SocketAddr::new(from.ip(), port),
        left: number("left")?,
        event,
        wanted: usize::try_from(wanted.min(200)).unwrap_or(200),
    })
}

/// Percent escapes only: in a tracker's query, `+` is a plus.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next().unwrap_or(b'?'), bytes.next().unwrap_or(b'?')];
        let digits = String::from_utf8_lossy(&digits).into_owned();
        out.push(u8::from_str_radix(&digits, 16).map_err(|_| format!("escape %{digits}"))?);
    }
    Ok(out)
}

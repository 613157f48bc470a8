//! The UDP tracker protocol (BEP 15, with the options of BEP 41), written from the other side.

use super::{Announce, Happening, Mood, Tracker};
use bitchat_core::base::time::Timestamp;
use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

const MAGIC: u64 = 0x0417_2710_1980;
const CONNECTION_LIFE: Duration = Duration::from_secs(120);

fn at<const N: usize>(data: &[u8], offset: usize) -> Option<[u8; N]> {
    data.get(offset..offset + N)?.try_into().ok()
}

pub(super) fn answer(
    tracker: &mut Tracker,
    now: Timestamp,
    from: SocketAddr,
    data: &[u8],
) -> Option<Vec<u8>> {
    let head = (at(data, 0), at(data, 8), at::<4>(data, 12));
    let (Some(connection), Some(action), Some(transaction)) = head else {
        tracker.violation(from, "a datagram shorter than any request");
        return None;
    };
    match (u64::from_be_bytes(connection), u32::from_be_bytes(action)) {
        (MAGIC, 0) => {
            if data.len() != 16 {
                tracker.violation(from, "a connect request that is not 16 bytes long");
            }
            let id = tracker.dice.u64();
            tracker.connections.insert(id, (from, now));
            Some([&[0; 4], &transaction[..], &id.to_be_bytes()].concat())
        }
        (id, 1) => announce(tracker, now, from, data, id, transaction),
        _ => {
            tracker.violation(from, "neither a connect nor an announce request");
            None
        }
    }
}

fn error(transaction: [u8; 4], text: &str) -> Vec<u8> {
    [&[0, 0, 0, 3], &transaction[..], text.as_bytes()].concat()
}

fn announce(
    tracker: &mut Tracker,
    now: Timestamp,
    from: SocketAddr,
    data: &[u8],
    id: u64,
    transaction: [u8; 4],
) -> Option<Vec<u8>> {
    let known = tracker.connections.get(&id).copied();
    // A late retransmission may use an id that has just run out: an error, but no violation.
    if known
        .is_none_or(|(owner, born)| owner != from || now.saturating_since(born) > CONNECTION_LIFE)
    {
        return Some(error(transaction, "connection id mismatch"));
    }
    let request = match parse(from, data) {
        Ok(request) => request,
        Err(what) => {
            tracker.violation(from, what);
            return Some(error(transaction, what));
        }
    };
    if let Mood::Failing(text) = &tracker.mood {
        return Some(error(transaction, text));
    }
    let swarm = tracker.announce(now, &request);
    let interval = u32::try_from(tracker.interval.as_secs()).unwrap_or(u32::MAX);
    let numbers = [interval, swarm.leechers, swarm.seeders].map(u32::to_be_bytes).concat();
    let mut reply = [&[0, 0, 0, 1], &transaction[..], &numbers].concat();
    for peer in swarm.peers {
        match (peer.ip(), from.is_ipv4()) {
            (IpAddr::V4(ip), true) => reply.extend(ip.octets()),
            (IpAddr::V6(ip), false) => reply.extend(ip.octets()),
            _ => continue,
        }
        reply.extend(peer.port().to_be_bytes());
    }
    Some(reply)
}

fn parse(from: SocketAddr, data: &[u8]) -> Result<Announce, &'static str> {
    let short = "an announce request shorter than 98 bytes";
    let number = |offset| at(data, offset).map(u32::from_be_bytes).ok_or(short);
    let port = u16::from_be_bytes(at(data, 96).ok_or(short)?);
    if port == 0 {
        return Err("an announce with port 0");
    }
    let event = match number(80)? {
        0 => Happening::Nothing,
        1 => Happening::Completed,
        2 => Happening::Started,
        3 => Happening::Stopped,
        _ => return Err("an unknown event"),
    };
    let wanted = match i32::from_be_bytes(at(data, 92).ok_or(short)?) {
        negative if negative < 0 => 50,
        wanted => usize::try_from(wanted).unwrap_or(0).min(200),
    };
    options(data.get(98..).unwrap_or_default())?;
    Ok(Announce {
        info_hash: at(data, 16).ok_or(short)?,
        address: SocketAddr::new(from.ip(), port),
        left: u64::from_be_bytes(at(data, 64).ok_or(short)?),
        event,
        wanted,
    })
}

fn options(mut data: &[u8]) -> Result<(), &'static str> {
    while let Some((kind, rest)) = data.split_first() {
        data = match kind {
            0 => return Ok(()),
            1 => rest,
            2 => {
                let len = usize::from(*rest.first().ok_or("an option without a length")?);
                rest.get(1 + len..).ok_or("an option longer than the request")?
            }
            _ => return Err("an unknown option"),
        };
    }
    Ok(())
}

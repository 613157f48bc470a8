//! The bencoded body of an HTTP tracker's reply.
//!
//! Real trackers are not canonical: some do not sort their keys, aquatic ends the body with CRLF.
//! Since nothing is signed here, the reader forgives exactly that: keys in any order, and white
//! space after the dictionary. It is bounded, never recurses, and looks at each byte at most four times.

use super::announce::{Answer, Retry, add_compact, add_peer, clean_text, dedup, ip_from_bytes};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// Nesting of lists and dictionaries.
const MAX_DEPTH: usize = 8;
/// Bytes of a tracker id that is remembered.
const MAX_TRACKER_ID: usize = 128;

/// Why a reply is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The body is not a bencoded dictionary.
    #[error("the tracker's reply is not a bencoded dictionary")]
    Malformed,
    /// A key that matters comes twice.
    #[error("the tracker's reply holds a key twice")]
    Duplicate,
    /// The tracker refused (BEP 3 `failure reason`, BEP 31 `retry in`, and the intervals that some
    /// trackers name beside the reason).
    #[error("the tracker refused: {reason}")]
    Refused {
        /// Its words, made fit to be shown.
        reason: String,
        /// Whether and when to try again, if it said so: the longest of its waits.
        retry: Option<Retry>,
    },
}

/// The fields that matter, as raw spans of the body.
#[derive(Default)]
struct Fields<'a> {
    failure: Option<&'a [u8]>,
    retry: Option<&'a [u8]>,
    interval: Option<&'a [u8]>,
    min_interval: Option<&'a [u8]>,
    tracker_id: Option<&'a [u8]>,
    warning: Option<&'a [u8]>,
    external_ip: Option<&'a [u8]>,
    peers: Option<&'a [u8]>,
    peers6: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn slot(&mut self, key: &[u8]) -> Option<&mut Option<&'a [u8]>> {
        Some(match key {
            b"failure reason" => &mut self.failure,
            b"retry in" => &mut self.retry,
            b"interval" => &mut self.interval,
            b"min interval" => &mut self.min_interval,
            b"tracker id" => &mut self.tracker_id,
            b"warning message" => &mut self.warning,
            b"external ip" => &mut self.external_ip,
            b"peers" => &mut self.peers,
            b"peers6" => &mut self.peers6,
            _ => return None,
        })
    }

    /// When a tracker that refused wants to be asked again (BC-10.65).
    fn wait(&self) -> Option<Retry> {
        let retry = self.retry.and_then(retry);
        let intervals = [self.interval, self.min_interval].map(|value| value.and_then(seconds));
        match (retry, intervals.into_iter().flatten().max()) {
            (Some(Retry::After(wait)), Some(interval)) => Some(Retry::After(wait.max(interval))),
            (None, interval) => interval.map(Retry::After),
            (retry, _) => retry,
        }
    }
}

/// Reads a reply, keeping at most `max_peers` peers (BC-10.14, BC-10.15).
///
/// # Errors
/// [`ReplyError`]. A field of the wrong type counts as absent, as in real clients.
pub fn parse(body: &[u8], max_peers: usize) -> Result<Answer, ReplyError> {
    let fields = read_fields(body)?;
    if let Some(failure) = fields.failure {
        let reason = clean_text(string(failure).ok_or(ReplyError::Malformed)?);
        return Err(ReplyError::Refused { reason, retry: fields.wait() });
    }
    let mut peers = Vec::new();
    if let Some(value) = fields.peers {
        match string(value) {
            Some(compact) => add_compact(&mut peers, compact, false, max_peers),
            None => add_listed(&mut peers, value, max_peers),
        }
    }
    if let Some(compact) = fields.peers6.and_then(string) {
        add_compact(&mut peers, compact, true, max_peers);
    }
    dedup(&mut peers);
    let tracker_id = fields.tracker_id.and_then(string);
    Ok(Answer {
        peers,
        interval: fields.interval.and_then(seconds),
        min_interval: fields.min_interval.and_then(seconds),
        tracker_id: tracker_id.filter(|id| id.len() <= MAX_TRACKER_ID).map(<[u8]>::to_vec),
        external_ip: fields.external_ip.and_then(string).and_then(ip_from_bytes),
        warning: fields.warning.and_then(string).map(clean_text).filter(|text| !text.is_empty()),
    })
}

fn read_fields(body: &[u8]) -> Result<Fields<'_>, ReplyError> {
    let mut fields = Fields::default();
    let (entries, rest) = split_value(body).ok_or(ReplyError::Malformed)?;
    if !rest.iter().all(u8::is_ascii_whitespace) {
        return Err(ReplyError::Malformed);
    }
    for (key, value) in Entries::of(entries).ok_or(ReplyError::Malformed)? {
        if let Some(slot) = fields.slot(key)
            && slot.replace(value).is_some()
        {
            return Err(ReplyError::Duplicate);
        }
    }
    Ok(fields)
}

/// Peers as a list of dictionaries with `ip` and `port` (BEP 3). Names are not resolved: a tracker
/// shall not make us ask for names.
fn add_listed(peers: &mut Vec<SocketAddr>, list: &[u8], limit: usize) {
    let Some(mut rest) = list.strip_prefix(b"l") else { return };
    while let Some((item, tail)) = split_value(rest).filter(|_| peers.len() < limit) {
        rest = tail;
        let (mut ip, mut port) = (None, None);
        for (key, value) in Entries::of(item).into_iter().flatten() {
            match key {
                b"ip" => ip = string(value).and_then(|text| str::from_utf8(text).ok()),
                b"port" => port = integer(value).and_then(|port| u16::try_from(port).ok()),
                _ => {}
            }
        }
        if let (Some(ip), Some(port)) = (ip.and_then(|ip| ip.parse::<IpAddr>().ok()), port) {
            add_peer(peers, SocketAddr::new(ip, port), limit);
        }
    }
}

fn retry(value: &[u8]) -> Option<Retry> {
    if string(value) == Some(b"never") {
        return Some(Retry::Never);
    }
    let minutes = u64::try_from(integer(value)?).ok()?;
    Some(Retry::After(Duration::from_secs(minutes.saturating_mul(60))))
}

fn seconds(value: &[u8]) -> Option<Duration> {
    integer(value).and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
}

/// The entries of a dictionary whose span has been checked.
struct Entries<'a>(&'a [u8]);

impl<'a> Entries<'a> {
    fn of(value: &'a [u8]) -> Option<Self> {
        value.strip_prefix(b"d").map(Self)
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = split_string(self.0)?;
        let (value, rest) = split_value(rest)?;
        self.0 = rest;
        Some((key, value))
    }
}

/// The span of the value at the front, and what follows it.
fn split_value(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = input;
    let mut dicts = [false; MAX_DEPTH];
    let mut wants_key = [false; MAX_DEPTH];
    let mut depth = 0_usize;
    loop {
        let open = depth.checked_sub(1);
        let first = *rest.first()?;
        let in_key = open.is_some_and(|open| dicts[open] && wants_key[open]);
        match first {
            b'e' if open.is_some_and(|open| !dicts[open] || wants_key[open]) => {
                rest = rest.get(1..)?;
                depth -= 1;
            }
            b'd' | b'l' if !in_key && depth < MAX_DEPTH => {
                rest = rest.get(1..)?;
                (dicts[depth], wants_key[depth]) = (first == b'd', true);
                depth += 1;
                continue;
            }
            b'i' if !in_key => rest = split_integer(rest)?.1,
            b'0'..=b'9' => rest = split_string(rest)?.1,
            _ => return None,
        }
        // A value has ended: in a dictionary, keys and values alternate.
        match depth.checked_sub(1) {
            None => return input.split_at_checked(input.len() - rest.len()),
            Some(open) => wants_key[open] = !wants_key[open],
        }
    }
}

fn split_string(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = input.iter().take(8).position(|&byte| byte == b':')?;
    let digits = input.get(..colon)?;
    if !digits.iter().all(u8::is_ascii_digit) || (colon > 1 && digits.starts_with(b"0")) {
        return None;
    }
    let len = str::from_utf8(digits).ok()?.parse::<usize>().ok()?;
    input.get(colon + 1..)?.split_at_checked(len)
}

fn split_integer(input: &[u8]) -> Option<(i64, &[u8])> {
    let digits = input.strip_prefix(b"i")?;
    let end = digits.iter().take(24).position(|&byte| byte == b'e')?;
    let text = str::from_utf8(digits.get(..end)?).ok()?;
    let value = text.parse::<i64>().ok().filter(|value| value.to_string() == text)?;
    Some((value, digits.get(end + 1..)?))
}

fn string(value: &[u8]) -> Option<&[u8]> {
    split_string(value).map(|(string, _)| string)
}

fn integer(value: &[u8]) -> Option<i64> {
    split_integer(value).map(|(integer, _)| integer)
}

#[cfg(test)]
mod tests;

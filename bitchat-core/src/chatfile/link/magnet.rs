//! `magnet:` links (BEP 9): as every BitTorrent program reads and writes them.

use super::{JoinLink, shown_name};
use crate::base::ids::ChannelId;
use crate::base::limits::Limits;
use crate::base::target::TargetPolicy;
use crate::chatfile::error::{ChatFileError, LinkError};
use crate::chatfile::outside::{PeerHint, at_most, usable_tracker};
use crate::wire::base32;
use core::fmt::Write as _;

pub(super) const SCHEME: &str = "magnet:?";
const TOPIC: &str = "urn:btih:";

/// BC-02.21, BC-02.22, BC-02.51
pub(super) fn parse(
    query: &str,
    limits: &Limits,
    policy: TargetPolicy,
) -> Result<JoinLink, LinkError> {
    let mut chan = None;
    let (mut name, mut trackers, mut peers) = (None, Vec::new(), Vec::new());
    let (mut unusable, mut named) = (Vec::new(), 0);
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        // Some programs number repeated parameters: `tr.1=`.
        let numbered = key.rsplit_once('.').filter(|(_, number)| is_number(number));
        match numbered.map_or(key, |(key, _)| key).to_ascii_lowercase().as_str() {
            "xt" => {
                let value = unescape(value, "xt")?;
                // A topic of another kind, as in links for both versions of BitTorrent, says nothing.
                let Some(hash) = of_btih(&value) else { continue };
                let found = topic(hash).ok_or(LinkError::Topic)?;
                if chan.replace(found).is_some_and(|other| other != found) {
                    return Err(LinkError::Topic);
                }
            }
            "dn" => name = shown_name(&unescape(value, "dn")?, limits),
            "tr" => {
                named += 1;
                at_most("tr", named, limits.file.trackers)?;
                let text = unescape(value, "tr")?;
                trackers.extend(usable_tracker(&text, "tr", policy, &mut unusable)?);
            }
            "x.pe" => {
                peers.extend(peer(&unescape(value, "x.pe")?, policy)?);
                at_most("x.pe", peers.len(), limits.file.file_peers)?;
            }
            _ => {}
        }
    }
    let chan = chan.ok_or(LinkError::Topic)?;
    Ok(JoinLink { chan, key: None, rotate: false, name, trackers, unusable, peers })
}

pub(super) fn write(link: &JoinLink) -> String {
    let mut text = format!("{SCHEME}xt={TOPIC}{}", link.chan);
    let mut push = |key: &str, value: &str| {
        let _ = write!(text, "&{key}=");
        escape(value, &mut text);
    };
    link.name.iter().for_each(|name| push("dn", name));
    link.trackers.iter().for_each(|url| push("tr", &url.to_string()));
    link.peers.iter().for_each(|hint| push("x.pe", &hint.addr.to_string()));
    text
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn of_btih(text: &str) -> Option<&str> {
    let (urn, hash) = text.split_at_checked(TOPIC.len())?;
    urn.eq_ignore_ascii_case(TOPIC).then_some(hash)
}

/// 40 hex digits or 32 characters of base 32.
fn topic(hash: &str) -> Option<ChannelId> {
    let bytes = match hash.len() {
        32 => base32::decode(hash)?,
        40 => hash.as_bytes().chunks(2).map(hex_byte).collect::<Option<_>>()?,
        _ => return None,
    };
    bytes.try_into().ok().map(ChannelId)
}

/// An address; a name is passed over, since nothing in a link is worth a look-up per peer.
fn peer(text: &str, policy: TargetPolicy) -> Result<Option<PeerHint>, LinkError> {
    let Ok(addr) = text.parse::<core::net::SocketAddr>() else { return Ok(None) };
    if addr.port() == 0 {
        return Err(LinkError::Malformed("x.pe"));
    }
    if !policy.allows(addr.ip()) {
        return Err(ChatFileError::Target { field: "x.pe", target: addr.to_string() }.into());
    }
    Ok(Some(PeerHint { addr, peer: None }))
}

fn escape(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

fn unescape(value: &str, parameter: &'static str) -> Result<String, LinkError> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let (digits, after) = rest.split_at_checked(2).unwrap_or_default();
                bytes.push(hex_byte(digits).ok_or(LinkError::Escape(parameter))?);
                rest = after;
            }
            b'+' => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| LinkError::Escape(parameter))
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let &[high, low] = digits else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

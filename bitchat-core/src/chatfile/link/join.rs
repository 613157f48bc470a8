//! `dotchat:join/` links: a keyed channel in few characters, in one exact form.

use super::{JoinLink, LINK_STRING, shown_name};
use crate::base::ids::ChannelId;
use crate::base::limits::Limits;
use crate::base::target::TargetPolicy;
use crate::chatfile::error::LinkError;
use crate::chatfile::outside::{PeerHint, at_most, peer, usable_tracker};
use crate::crypto::suite::{Secret, hash};
use crate::wire::base32;
use crate::wire::reader::{DecodeError, Reader};
use zeroize::Zeroizing;

pub(super) const SCHEME: &str = "dotchat:join/";
/// What links began with at first: read as before, never written. The URI scheme belongs to another
/// messenger.
pub(super) const OLD_SCHEME: &str = "bitchat:join/";
const VERSION: u8 = 1;
const FLAG_ROTATE: u8 = 1;
/// Version, flags, channel and key.
const HEAD_LEN: usize = 2 + 20 + 32;
/// Bytes at the end that catch typing errors.
const CHECK_LEN: usize = 3;

/// BC-02.23, BC-02.24, BC-02.25, BC-02.52
pub(super) fn parse(
    payload: &str,
    limits: &Limits,
    policy: TargetPolicy,
) -> Result<JoinLink, LinkError> {
    let bytes = Zeroizing::new(base32::decode(payload).ok_or(LinkError::Typing)?);
    let (body, found) = bytes.split_last_chunk::<CHECK_LEN>().ok_or(LinkError::Typing)?;
    if *found != checksum(body) {
        return Err(LinkError::Typing);
    }
    let mut reader = Reader::new(body);
    let version = reader.u8().map_err(malformed("version"))?;
    if version != VERSION {
        return Err(LinkError::Version(version));
    }
    let flags = reader.u8().map_err(malformed("flags"))?;
    if flags & !FLAG_ROTATE != 0 {
        return Err(LinkError::Malformed("flags"));
    }
    let chan = ChannelId(reader.array().map_err(malformed("channel"))?);
    let key = Secret(reader.array().map_err(malformed("key"))?);
    let name = text(short(&mut reader, "name")?, "name")?;
    let name = match name {
        "" => None,
        name => Some(shown_name(name, limits).ok_or(LinkError::Malformed("name"))?),
    };
    let mut unusable = Vec::new();
    let trackers = list(&mut reader, "trackers", limits.file.trackers, |bytes| {
        let written = text(bytes, "trackers")?;
        let url = usable_tracker(written, "trackers", policy, &mut unusable)?;
        let exact = url.as_ref().is_none_or(|url| url.to_string() == written);
        if exact { Ok(url) } else { Err(LinkError::Malformed("trackers")) }
    })?;
    let trackers = trackers.into_iter().flatten().collect();
    let peers = list(&mut reader, "peers", limits.file.file_peers, |bytes| {
        peer(bytes, "peers", policy)?.ok_or(LinkError::Malformed("peers"))
    })?;
    reader.finish().map_err(malformed("end"))?;
    let rotate = flags == FLAG_ROTATE;
    Ok(JoinLink { chan, key: Some(key), rotate, name, trackers, unusable, peers })
}

pub(super) fn write(link: &JoinLink, key: &Secret) -> String {
    let mut places = Vec::new();
    put_short(&mut places, link.name.as_deref().unwrap_or_default().as_bytes());
    put_list(&mut places, link.trackers.iter().map(|url| url.to_string().into_bytes()));
    put_list(&mut places, link.peers.iter().map(PeerHint::encode));
    // As long as it gets, or it would move and leave the key behind.
    let mut body = Zeroizing::new(Vec::with_capacity(HEAD_LEN + places.len() + CHECK_LEN));
    body.extend([VERSION, if link.rotate { FLAG_ROTATE } else { 0 }]);
    body.extend(link.chan.0);
    body.extend(key.0);
    body.extend(places);
    let check = checksum(&body);
    body.extend(check);
    let text = Zeroizing::new(base32::encode(&body));
    format!("{SCHEME}{}", *text)
}

fn checksum(body: &[u8]) -> [u8; CHECK_LEN] {
    let [a, b, c, ..] = hash(&[b"bitchat-v1 join link", body]);
    [a, b, c]
}

fn malformed(part: &'static str) -> impl Fn(DecodeError) -> LinkError {
    move |_| LinkError::Malformed(part)
}

/// A byte string behind its length in one byte.
fn short<'a>(reader: &mut Reader<'a>, part: &'static str) -> Result<&'a [u8], LinkError> {
    let len = reader.u8().map_err(malformed(part))?;
    reader.bytes(len.into()).map_err(malformed(part))
}

fn text<'a>(bytes: &'a [u8], part: &'static str) -> Result<&'a str, LinkError> {
    core::str::from_utf8(bytes).map_err(|_| LinkError::Malformed(part))
}

/// Byte strings behind their number in one byte.
fn list<T>(
    reader: &mut Reader<'_>,
    part: &'static str,
    limit: usize,
    mut read: impl FnMut(&[u8]) -> Result<T, LinkError>,
) -> Result<Vec<T>, LinkError> {
    let count = reader.u8().map_err(malformed(part))?;
    at_most(part, count.into(), limit)?;
    (0..count).map(|_| read(short(reader, part)?)).collect()
}

fn put_short(out: &mut Vec<u8>, bytes: &[u8]) {
    if let Ok(len) = u8::try_from(bytes.len()) {
        out.push(len);
        out.extend_from_slice(bytes);
    } else {
        out.push(0);
    }
}

/// What is too long for a link is left out: a link names a few places, not all.
fn put_list(out: &mut Vec<u8>, items: impl Iterator<Item = Vec<u8>>) {
    let items: Vec<_> = items.filter(|item| item.len() <= LINK_STRING).take(LINK_STRING).collect();
    out.push(u8::try_from(items.len()).unwrap_or(u8::MAX));
    items.iter().for_each(|item| put_short(out, item));
}

//! How resumption secrets are stored.

use crate::base::time::UnixMillis;
use crate::crypto::suite::{DhPublic, Secret};
use crate::node::api::Record;
use crate::node::store::prefix::{KEEP, LAYOUT};
use crate::wire::reader::{DecodeError, Reader};
use bytes::BufMut;

const RESUMPTION: &[u8] = b"node/resumption/";

pub(crate) fn resumption(
    remote: &DhPublic,
    secrets: &[Option<Secret>; 2],
    wall: Option<UnixMillis>,
) -> Record {
    let mut value = vec![LAYOUT];
    secrets.iter().flatten().for_each(|secret| value.put_slice(&secret.0));
    let key = resumption_key(remote);
    let expires = wall.map(|wall| wall.plus(KEEP));
    Record { key, value: value.into(), secret: true, expires }
}

pub(crate) fn resumption_key(remote: &DhPublic) -> Vec<u8> {
    [RESUMPTION, &remote.0].concat()
}

/// Reads the secrets shared with a peer.
pub(crate) fn read_resumption(
    record: &Record,
) -> Result<(DhPublic, [Option<Secret>; 2]), DecodeError> {
    let mut reader = Reader::new(&record.value);
    if reader.u8()? != LAYOUT {
        return Err(DecodeError::Invalid("layout"));
    }
    let remote = record.key.strip_prefix(RESUMPTION).ok_or(DecodeError::Invalid("key"))?;
    let remote = remote.try_into().map_err(|_| DecodeError::Invalid("key"))?;
    let current = Secret(reader.array()?);
    let previous = if reader.is_empty() { None } else { Some(Secret(reader.array()?)) };
    reader.finish()?;
    Ok((DhPublic(remote), [Some(current), previous]))
}

#[cfg(test)]
mod tests;

//! How the device is stored.

use crate::base::ids::DeviceId;
use crate::crypto::identity::DeviceKeys;
use crate::crypto::suite::{DhSecret, Secret, Suite};
use crate::node::api::Record;
use crate::node::store::prefix::LAYOUT;
use crate::wire::reader::{DecodeError, Reader};
use bytes::BufMut;

/// The key of the one record.
pub(crate) const DEVICE: &[u8] = b"node/device";

pub(crate) fn device(keys: &DeviceKeys) -> Record {
    let mut value = vec![LAYOUT];
    value.put_slice(&keys.id.0);
    value.put_slice(&keys.static_key.to_bytes().0);
    Record { key: DEVICE.to_vec(), value: value.into(), secret: true, expires: None }
}

/// Reads the value of [`DEVICE`].
pub(crate) fn read_device(suite: Suite, value: &[u8]) -> Result<DeviceKeys, DecodeError> {
    let mut reader = Reader::new(value);
    if reader.u8()? != LAYOUT {
        return Err(DecodeError::Invalid("layout"));
    }
    let id = DeviceId(reader.array()?);
    let static_key = DhSecret::from_bytes(suite, &Secret(reader.array()?));
    reader.finish()?;
    Ok(DeviceKeys { id, static_key })
}

#[cfg(test)]
mod tests;

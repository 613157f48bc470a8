//! Parameters of a call, each taken by its name; what is left over is an error.

use super::wire::Fault;
use bitchat_core::base::ids::{ChannelHandle, EntryId};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

pub(super) struct Params(pub Map<String, Value>);

impl Params {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn optional_text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Fault::params(format!("{name} is a string"))),
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String, Fault> {
        let text = self.optional_text(name)?;
        text.ok_or_else(|| Fault::params(format!("{name} is missing: a string")))
    }

    pub(super) fn optional_bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let Some(text) = self.optional_text(name)? else { return Ok(None) };
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes());
        bytes.map(Some).map_err(|_| Fault::params(format!("{name} is base64url without padding")))
    }

    /// Whether there is such a parameter.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    pub(super) fn optional_number(&mut self, name: &str) -> Result<Option<usize>, Fault> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
        number.map(Some).ok_or_else(|| Fault::params(format!("{name} is a whole number")))
    }

    pub(super) fn channel(&mut self) -> Result<ChannelHandle, Fault> {
        let number = self.take("channel").and_then(|value| value.as_u64());
        let number = number.and_then(|number| u32::try_from(number).ok());
        number
            .map(ChannelHandle)
            .ok_or_else(|| Fault::params("channel is missing: a number that join gave"))
    }

    pub(super) fn entry(&mut self, name: &str) -> Result<EntryId, Fault> {
        let bytes = self.optional_bytes(name)?.and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(EntryId)
            .ok_or_else(|| Fault::params(format!("{name} is missing: 32 bytes, base64url")))
    }

    /// There is nothing left.
    pub(super) fn end(self) -> Result<(), Fault> {
        match self.0.keys().next() {
            Some(name) => Err(Fault::params(format!("unknown parameter {name:?}"))),
            None => Ok(()),
        }
    }
}

/// Bytes as base64url without padding.
pub(super) fn bytes(bytes: &[u8]) -> Value {
    BASE64URL_NOPAD.encode(bytes).into()
}

/// A number that may be larger than 2^53.
pub(super) fn number(number: u64) -> Value {
    number.to_string().into()
}

//! The canonical encoder.

use super::value::Value;
use core::fmt;
use std::collections::BTreeMap;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// One value in its canonical encoding, built from the inside out.
///
/// Depth is the caller's: what lies deeper than [`MAX_DEPTH`](super::MAX_DEPTH) will not be read
/// back. Erased when dropped, since a `.chat` file holds a key.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Encoded(Vec<u8>);

impl Encoded {
    /// An integer.
    #[must_use]
    pub fn int(value: i64) -> Self {
        Self(format!("i{value}e").into_bytes())
    }

    /// A string.
    #[must_use]
    pub fn bytes(value: &[u8]) -> Self {
        let mut out = Vec::with_capacity(value.len() + 8);
        put_bytes(&mut out, value);
        Self(out)
    }

    /// A list.
    #[must_use]
    pub fn list(values: impl IntoIterator<Item = Self>) -> Self {
        let mut out = vec![b'l'];
        values.into_iter().for_each(|value| out.extend_from_slice(&value.0));
        out.push(b'e');
        Self(out)
    }

    /// A dictionary, in whatever order the entries come; of equal keys the last one counts.
    #[must_use]
    pub fn dict<K: Into<Vec<u8>>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let sorted: BTreeMap<Vec<u8>, Self> =
            entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
        let mut out = vec![b'd'];
        for (key, value) in &sorted {
            put_bytes(&mut out, key);
            out.extend_from_slice(&value.0);
        }
        out.push(b'e');
        Self(out)
    }

    /// The encoding.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The encoding.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<u8> {
        core::mem::take(&mut self.0)
    }

    /// A view of the value.
    #[must_use]
    pub fn value(&self) -> Value<'_> {
        Value::checked(&self.0)
    }
}

impl From<Value<'_>> for Encoded {
    /// Copies the raw span.
    fn from(value: Value<'_>) -> Self {
        Self(value.raw().to_vec())
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoded({} bytes)", self.0.len())
    }
}

fn put_bytes(out: &mut Vec<u8>, value: &[u8]) {
    out.extend_from_slice(value.len().to_string().as_bytes());
    out.push(b':');
    out.extend_from_slice(value);
}

//! A view of checked bytes: nothing is copied, every value knows its raw span.

use core::fmt;
use serde::de::DeserializeOwned;

/// One value that passed the check.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Value<'a>(&'a [u8]);

impl<'a> Value<'a> {
    /// `raw` has passed the check.
    pub(super) const fn checked(raw: &'a [u8]) -> Self {
        Self(raw)
    }

    /// The bytes of the value exactly as they were received.
    #[must_use]
    pub const fn raw(self) -> &'a [u8] {
        self.0
    }

    /// The number, if it is an integer.
    #[must_use]
    pub fn as_int(self) -> Option<i64> {
        let digits = self.0.strip_prefix(b"i")?.strip_suffix(b"e")?;
        core::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// The content, if it is a string.
    #[must_use]
    pub fn as_bytes(self) -> Option<&'a [u8]> {
        let colon = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if colon == 0 { None } else { self.0.get(colon + 1..) }
    }

    /// The members, if it is a list.
    #[must_use]
    pub fn as_list(self) -> Option<List<'a>> {
        self.0.strip_prefix(b"l").map(|rest| List { rest })
    }

    /// The entries, if it is a dictionary.
    #[must_use]
    pub fn as_dict(self) -> Option<Dict<'a>> {
        self.0.strip_prefix(b"d").map(|entries| Dict { entries })
    }

    /// Maps the value to a Rust type.
    ///
    /// # Errors
    /// serde's message if the value has another shape.
    pub fn deserialize<T: DeserializeOwned>(self) -> Result<T, serde_bencode::Error> {
        serde_bencode::from_bytes(self.0)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes)", self.0.len())
    }
}

/// The members of a list, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for List<'a> {
    type Item = Value<'a>;
    fn next(&mut self) -> Option<Value<'a>> {
        take_value(&mut self.rest)
    }
}

/// The entries of a dictionary.
#[derive(Clone, Copy, Debug)]
pub struct Dict<'a> {
    entries: &'a [u8],
}

impl<'a> Dict<'a> {
    /// The value behind `key` (the first one, in a foreign dictionary with duplicates). Reads the
    /// dictionary from its start.
    #[must_use]
    pub fn get(self, key: &[u8]) -> Option<Value<'a>> {
        self.into_iter().find(|(found, _)| *found == key).map(|(_, value)| value)
    }
}

impl<'a> IntoIterator for Dict<'a> {
    type Item = (&'a [u8], Value<'a>);
    type IntoIter = DictIter<'a>;
    fn into_iter(self) -> DictIter<'a> {
        DictIter { rest: self.entries }
    }
}

/// Walks through the entries of a dictionary in their order in the file.
#[derive(Clone, Debug)]
pub struct DictIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for DictIter<'a> {
    type Item = (&'a [u8], Value<'a>);
    fn next(&mut self) -> Option<Self::Item> {
        let key = take_value(&mut self.rest)?.as_bytes()?;
        Some((key, take_value(&mut self.rest)?))
    }
}

/// Splits the first value off `rest`; `None` at the closing `e`.
fn take_value<'a>(rest: &mut &'a [u8]) -> Option<Value<'a>> {
    let mut at = 0;
    let mut depth = 0_usize;
    loop {
        match rest.get(at)? {
            b'l' | b'd' => {
                depth += 1;
                at += 1;
            }
            b'e' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            b'i' => at += rest.get(at..)?.iter().position(|&byte| byte == b'e')? + 1,
            _ => at += string_len(rest.get(at..)?)?,
        }
        if depth == 0 {
            let (value, after) = rest.split_at_checked(at)?;
            *rest = after;
            return Some(Value(value));
        }
    }
}

/// Bytes of the string at the start of `bytes`, with its length prefix.
fn string_len(bytes: &[u8]) -> Option<usize> {
    let colon = bytes.iter().position(|&byte| byte == b':')?;
    let len: usize = core::str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
    (colon + 1).checked_add(len)
}

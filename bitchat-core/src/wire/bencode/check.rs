//! The check that runs before anything else looks at bencoded bytes. It does not recurse, needs
//! the same few hundred bytes of stack for every input, and reads each byte once.

use super::value::Value;
use core::cmp::Ordering;
use core::fmt::{self, Write as _};
use core::ops::Range;

/// Lists and dictionaries that may lie inside one another (BC-01.11).
pub const MAX_DEPTH: usize = 16;

/// What is wrong with bencoded bytes, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BencodeError {
    /// Keys and indices that lead to the place, as in `info.name` or `announce-list[0][1]`; empty
    /// at the top level.
    pub path: String,
    /// Offset of the offending byte.
    pub at: usize,
    /// What is wrong there.
    pub fault: Fault,
}

impl fmt::Display for BencodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{} ", self.path)?;
        }
        write!(f, "at byte {}: {}", self.at, self.fault)
    }
}

impl core::error::Error for BencodeError {}

/// What may be wrong with bencoded bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// More bytes than the caller allows.
    #[error("{size} bytes are above the limit of {limit}")]
    TooLarge {
        /// Bytes given.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The input is empty or ends inside a value.
    #[error("the input ends where a value should go on")]
    UnexpectedEnd,
    /// A byte that no value starts with.
    #[error("a value cannot start with the byte 0x{0:02x}")]
    UnexpectedByte(u8),
    /// More than [`MAX_DEPTH`] lists and dictionaries inside one another.
    #[error("lists and dictionaries lie more than {MAX_DEPTH} deep")]
    TooDeep,
    /// An integer without digits, with a stray byte, a leading zero or a negative zero (BC-01.06).
    #[error("an integer is not in its one canonical form")]
    Integer,
    /// An integer that does not fit 64 bits with a sign (BC-01.07).
    #[error("an integer is outside the signed 64-bit range")]
    IntegerRange,
    /// A string's length that is not a plain decimal number (BC-01.08).
    #[error("the length of a string is not in its one canonical form")]
    Length,
    /// A string that claims more bytes than there are (BC-01.08).
    #[error("a string claims more bytes than the {0} that are left")]
    LengthRange(usize),
    /// A dictionary key that is no string (BC-01.09).
    #[error("a key is not a string")]
    KeyType,
    /// A key without a value.
    #[error("a key has no value")]
    MissingValue,
    /// Keys out of order (BC-01.09).
    #[error("keys not sorted")]
    KeyOrder,
    /// One key twice.
    #[error("a key occurs twice")]
    DuplicateKey,
    /// Bytes after the value (BC-01.10).
    #[error("{0} bytes follow the value")]
    TrailingBytes(usize),
}

/// Checks that `bytes` are one canonical value and nothing else, of at most `limit` bytes.
///
/// # Errors
/// [`BencodeError`] with the place of the first fault.
pub fn check(bytes: &[u8], limit: usize) -> Result<Value<'_>, BencodeError> {
    let (value, rest) = check_prefix(bytes, limit)?;
    if rest.is_empty() {
        return Ok(value);
    }
    let fault = Fault::TrailingBytes(rest.len());
    Err(BencodeError { path: String::new(), at: value.raw().len(), fault })
}

/// Checks that `bytes`, at most `limit` of them, start with one canonical value; gives it and what
/// follows it (BEP 9 messages, for one).
///
/// # Errors
/// [`BencodeError`] with the place of the first fault.
pub fn check_prefix(bytes: &[u8], limit: usize) -> Result<(Value<'_>, &[u8]), BencodeError> {
    Checker::new(bytes, KeyOrder::Canonical).run(limit)
}

/// As [`check_prefix`] for what other people's programs send: keys may come in any order and more
/// than once, since some trackers and DHT nodes sort them wrongly. Everything else is as strict.
///
/// # Errors
/// [`BencodeError`] with the place of the first fault.
pub fn check_foreign(bytes: &[u8], limit: usize) -> Result<(Value<'_>, &[u8]), BencodeError> {
    Checker::new(bytes, KeyOrder::Any).run(limit)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyOrder {
    Canonical,
    Any,
}

/// A list or dictionary that is still open.
#[derive(Clone, Default)]
struct Open {
    is_dict: bool,
    /// Values complete so far.
    values: usize,
    /// The latest key, while or after its value is read.
    key: Option<Range<usize>>,
    /// The latest key still lacks its value.
    wants_value: bool,
}

struct Checker<'a> {
    bytes: &'a [u8],
    at: usize,
    open: [Open; MAX_DEPTH],
    depth: usize,
    order: KeyOrder,
}

impl<'a> Checker<'a> {
    fn new(bytes: &'a [u8], order: KeyOrder) -> Self {
        Self { bytes, at: 0, open: Default::default(), depth: 0, order }
    }

    fn run(mut self, limit: usize) -> Result<(Value<'a>, &'a [u8]), BencodeError> {
        let checked = if self.bytes.len() > limit {
            Err(Fault::TooLarge { size: self.bytes.len(), limit })
        } else {
            self.value()
        };
        match checked {
            Ok(()) => {
                let (value, rest) = self.bytes.split_at(self.at);
                Ok((Value::checked(value), rest))
            }
            Err(fault) => Err(BencodeError { path: self.path(), at: self.at, fault }),
        }
    }

    /// Reads tokens until everything opened is closed again.
    fn value(&mut self) -> Result<(), Fault> {
        loop {
            self.token()?;
            if self.depth == 0 {
                return Ok(());
            }
        }
    }

    /// Reads one key, one integer or string, or one bracket. On a fault `at` is the place of it.
    fn token(&mut self) -> Result<(), Fault> {
        let first = self.peek()?;
        let top = self.depth.checked_sub(1).map(|top| &self.open[top]);
        let (in_dict, wants_value) = top.map_or((false, false), |t| (t.is_dict, t.wants_value));
        match first {
            b'e' if wants_value => Err(Fault::MissingValue),
            b'e' if self.depth > 0 => {
                self.at += 1;
                self.depth -= 1;
                self.complete();
                Ok(())
            }
            _ if in_dict && !wants_value => self.key(),
            b'i' => self.integer(),
            b'0'..=b'9' => {
                self.string()?;
                self.complete();
                Ok(())
            }
            b'l' | b'd' => self.push(first == b'd'),
            other => Err(Fault::UnexpectedByte(other)),
        }
    }

    fn peek(&self) -> Result<u8, Fault> {
        self.bytes.get(self.at).copied().ok_or(Fault::UnexpectedEnd)
    }

    fn push(&mut self, is_dict: bool) -> Result<(), Fault> {
        let slot = self.open.get_mut(self.depth).ok_or(Fault::TooDeep)?;
        *slot = Open { is_dict, ..Open::default() };
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// A value ended: tells the list or dictionary that it lies in.
    fn complete(&mut self) {
        if let Some(top) = self.depth.checked_sub(1) {
            self.open[top].values += 1;
            self.open[top].wants_value = false;
        }
    }

    fn key(&mut self) -> Result<(), Fault> {
        if !self.peek()?.is_ascii_digit() {
            return Err(Fault::KeyType);
        }
        let start = self.at;
        let key = self.string()?;
        let top = &mut self.open[self.depth - 1];
        let before = top.key.replace(key.clone());
        top.wants_value = true;
        let order = before.map_or(Ordering::Less, |old| self.bytes[old].cmp(&self.bytes[key]));
        if order == Ordering::Less || self.order == KeyOrder::Any {
            return Ok(());
        }
        self.at = start;
        Err(if order == Ordering::Equal { Fault::DuplicateKey } else { Fault::KeyOrder })
    }

    /// Reads a string and gives the range of its content.
    fn string(&mut self) -> Result<Range<usize>, Fault> {
        let (digits, end) = self.digits(self.at);
        if self.bytes.get(end).is_none() {
            return Err(Fault::UnexpectedEnd);
        }
        if self.bytes[end] != b':' || has_leading_zero(digits) {
            return Err(Fault::Length);
        }
        let start = end + 1;
        let left = self.bytes.len() - start;
        match parse::<usize>(digits) {
            Some(len) if len <= left => {
                self.at = start + len;
                Ok(start..self.at)
            }
            _ => Err(Fault::LengthRange(left)),
        }
    }

    fn integer(&mut self) -> Result<(), Fault> {
        let negative = self.bytes.get(self.at + 1) == Some(&b'-');
        let start = self.at + 1 + usize::from(negative);
        let (digits, end) = self.digits(start);
        match self.bytes.get(end) {
            None => return Err(Fault::UnexpectedEnd),
            Some(b'e') => {}
            Some(_) => return Err(Fault::Integer),
        }
        if digits.is_empty() || has_leading_zero(digits) || (negative && digits == b"0") {
            return Err(Fault::Integer);
        }
        parse::<i64>(&self.bytes[self.at + 1..end]).ok_or(Fault::IntegerRange)?;
        self.at = end + 1;
        self.complete();
        Ok(())
    }

    /// The decimal digits from `start` on, and the offset behind them.
    fn digits(&self, start: usize) -> (&'a [u8], usize) {
        let rest = self.bytes.get(start..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (&rest[..count], start + count)
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for open in &self.open[..self.depth] {
            match &open.key {
                _ if !open.is_dict => {
                    let _ = write!(path, "[{}]", open.values);
                }
                Some(key) => {
                    let dot = if path.is_empty() { "" } else { "." };
                    let key = &self.bytes[key.clone()];
                    let shown = &key[..key.len().min(32)];
                    let _ = write!(path, "{dot}{}", shown.escape_ascii());
                }
                None => {}
            }
        }
        path
    }
}

fn has_leading_zero(digits: &[u8]) -> bool {
    digits.len() > 1 && digits[0] == b'0'
}

fn parse<T: core::str::FromStr>(digits: &[u8]) -> Option<T> {
    core::str::from_utf8(digits).ok()?.parse().ok()
}

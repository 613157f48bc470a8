//! Bencoding (BEP 3): a strict check in bounded time and memory, a raw view of what passed it, and
//! a canonical encoder.
//!
//! Nothing is handed to serde_bencode unchecked: it recurses without a limit and accepts several
//! spellings of one value. Signatures and ids are made over the raw span that [`Value::raw`] gives,
//! never over a second encoding.

mod check;
mod encode;
mod value;

pub use check::{BencodeError, Fault, MAX_DEPTH, check, check_foreign, check_prefix};
pub use encode::Encoded;
pub use value::{Dict, DictIter, List, Value};

#[cfg(test)]
mod tests;

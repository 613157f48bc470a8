//! Floor 1: bytes to values and back.
//!
//! 1a `varint`, `reader`, `writer`, `bencode`; 1b `packet`, `frame`.

pub mod reader;
pub mod varint;
pub mod writer;

//! Floor 1: bytes to values and back.
//!
//! 1a `varint`, `reader`, `writer`, `url`, `bencode`; 1b `packet`, `frame`.

pub mod bencode;
pub mod packet;
pub mod reader;
pub mod url;
pub mod varint;
pub mod writer;

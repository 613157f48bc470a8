//! Floor 1: bytes to values and back.
//!
//! 1a `varint`, `reader`, `writer`, `url`, `base32`, `bencode`; 1b `packet`, `frame`.

pub mod base32;
pub mod bencode;
pub mod frame;
pub mod packet;
pub mod reader;
pub mod url;
pub mod varint;
pub mod writer;

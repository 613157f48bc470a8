//! The Bit Chat protocol as a state machine without sockets, clocks or threads.
//!
//! Everything that touches the world is outside: the embedder hands in datagrams, stream bytes and
//! the time, and carries out what the node asks for. Equal seeds and equal inputs give equal bytes.

#![forbid(unsafe_code)]

pub mod base;
pub mod channel;
pub mod chatfile;
pub mod crypto;
pub mod dht;
pub mod handshake;
pub mod link;
pub mod log;
pub mod node;
pub mod tracker;
pub mod transport;
pub mod wire;

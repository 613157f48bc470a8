//! The Bit Chat driver for Rust applications: sockets, clocks, disk and entropy around a
//! [`bitchat_core::node`], on tokio.

mod private;
pub mod store;

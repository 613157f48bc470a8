//! The Bit Chat driver for Rust applications: sockets, clocks, disk and entropy around a
//! [`bitchat_core::node`], on tokio.

mod driver;
pub mod identity;
mod private;
pub mod store;
mod tcp;
pub mod tracker_server;
mod udp;
mod world;

pub use tcp::Tls;
pub use udp::BindError;

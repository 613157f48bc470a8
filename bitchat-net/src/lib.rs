//! The Bit Chat driver for Rust applications: sockets, clocks, disk and entropy around a
//! [`bitchat_core::node`], on tokio.
//!
//! [`start`] opens the store and the sockets; the task that comes back runs the node; the
//! [`Client`] asks it, and [`Events`] tells what happens.

pub mod check;
mod client;
mod driver;
pub mod identity;
mod key_log;
mod log;
pub mod private;
mod qlog;
pub mod store;
mod tcp;
pub mod tracker_server;
mod udp;
mod world;

pub use client::{
    Client, DHT_ROUTERS, Driver, Ended, Events, Options, RequestError, StartError, start,
};
pub use key_log::KeyLogError;
pub use qlog::QlogError;
pub use tcp::Tls;
pub use udp::BindError;

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

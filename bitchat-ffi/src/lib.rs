//! The C interface of Bit Chat: a thin layer over `bitchat-core`, and the only unsafe code.
//!
//! `include/bitchat.h` is generated from this crate and compared by a test. The conventions are at the
//! top of that header.

mod boundary;
mod chatfile;
mod config;
mod identity;
mod limits;
mod log_level;
mod node;
mod sized_struct;
mod status;
mod values;
mod version;

pub use chatfile::*;
pub use config::*;
pub use identity::*;
pub use limits::*;
pub use log_level::*;
pub use node::*;
pub use status::*;
pub use values::*;
pub use version::*;

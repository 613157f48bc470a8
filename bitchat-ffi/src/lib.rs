//! The C interface of Bit Chat: a thin layer over `bitchat-core`, and the only unsafe code.
//!
//! `include/bitchat.h` is generated from this crate and compared by a test. The conventions are at the
//! top of that header.

mod boundary;
mod identity;
mod status;
mod version;

pub use identity::*;
pub use status::*;
pub use version::*;

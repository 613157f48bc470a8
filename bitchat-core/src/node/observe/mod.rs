//! What a node shows of its work to people who look into it.

mod key_log;
#[cfg(feature = "qlog")]
mod qlog;

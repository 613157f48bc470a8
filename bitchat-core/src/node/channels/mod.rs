//! The channels that the node is in.

pub(crate) mod joined;
pub(crate) mod origin;

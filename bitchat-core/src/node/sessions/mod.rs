//! Sessions with other devices: from a handshake to the end of a link, and what a link leaves behind.

mod duplicate_sessions;
pub(crate) mod handshakes;
pub(crate) mod link_table;
pub(crate) mod memory_budget;
pub(crate) mod path_memories;
pub(crate) mod resumptions;

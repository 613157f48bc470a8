//! The parts of the vector of a session: the world, what its datagrams hold, and the secrets
//! behind.

pub(crate) mod layers;
pub(crate) mod listing;
pub(crate) mod secrets;
pub(crate) mod world;

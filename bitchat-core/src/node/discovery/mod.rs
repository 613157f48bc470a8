//! Finding members: addresses where they may be, when each is dialled, trackers, own addresses.

pub(crate) mod candidates;
mod dialling;
pub(crate) mod own_addresses;
pub(crate) mod trackers;

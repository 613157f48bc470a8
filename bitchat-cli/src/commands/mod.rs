//! One file per command.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod dht;
pub(crate) mod id;
pub(crate) mod join;
pub(crate) mod new;
pub(crate) mod rpc;
pub(crate) mod show;
pub(crate) mod tracker;

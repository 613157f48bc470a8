//! One file per command.

pub(crate) mod id;
pub(crate) mod new;
pub(crate) mod show;

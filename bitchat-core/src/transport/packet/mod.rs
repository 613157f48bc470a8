//! What a packet is made of, streams apart: its number, and the frames that are put into it.

pub(super) mod announcements;
pub(super) mod builder;
pub(super) mod contents;
pub(super) mod datagrams;
pub(super) mod numbers;

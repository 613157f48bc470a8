//! What the node remembers: records that are read back, and changes that are on their way to the disk.

pub(crate) mod loads;
pub(crate) mod records;
pub(crate) mod write_queue;

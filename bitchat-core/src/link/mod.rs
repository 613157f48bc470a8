//! Floor 4: one peer, however reached.

mod control;
mod keys;
mod rekey;
mod slots;

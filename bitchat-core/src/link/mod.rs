//! Floor 4: one peer, however reached.

mod control;
mod rekey;
mod slots;

//! Floor 4: one peer, however reached.

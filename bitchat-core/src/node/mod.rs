//! Floor 6: the one type that embedders hold.

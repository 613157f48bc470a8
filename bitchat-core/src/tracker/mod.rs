//! Floor 3: BitTorrent trackers, as a popular client speaks to them.

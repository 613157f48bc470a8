//! Floor 3: from a stranger's datagram to two sets of keys.

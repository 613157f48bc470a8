//! Floor 3: reliable delivery over packets that may be lost.

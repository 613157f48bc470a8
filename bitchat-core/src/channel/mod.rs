//! Floor 5: what a chat is.

//! Floor 3: the `.chat` file and its links.

//! What a `.chat` file and a link to a channel may hold.

use super::ranges;

/// What a `.chat` file and a link to a channel may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileLimits {
    /// Bytes of a `.chat` file.
    pub chat_file_bytes: usize,
    /// Trackers in one `.chat` file.
    pub trackers: usize,
    /// DHT nodes in one `.chat` file.
    pub nodes: usize,
    /// Peer addresses in one `.chat` file.
    pub file_peers: usize,
    /// Bytes of a name: of a channel, or of the program that made a file.
    pub name_bytes: usize,
    /// Bytes of the comment in a `.chat` file.
    pub comment_bytes: usize,
    /// Bytes of a link to a channel.
    pub link_bytes: usize,
}

impl Default for FileLimits {
    fn default() -> Self {
        Self {
            chat_file_bytes: 64 * 1024,
            trackers: 32,
            nodes: 32,
            file_peers: 32,
            name_bytes: 128,
            comment_bytes: 1_024,
            link_bytes: 8 * 1024,
        }
    }
}

ranges! { FileLimits;
    chat_file_bytes: 1_024 to 16_777_216,
    trackers: 1 to 1_024,
    nodes: 1 to 1_024,
    file_peers: 1 to 1_024,
    name_bytes: 1 to 1_024,
    comment_bytes: 1 to 65_536,
    link_bytes: 128 to 1_048_576,
}

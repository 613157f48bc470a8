//! What is taken from trackers.

use super::ranges;

/// What is taken from trackers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackerLimits {
    /// Bytes of a tracker's answer, after decompression.
    pub tracker_reply_bytes: usize,
}

impl Default for TrackerLimits {
    fn default() -> Self {
        Self { tracker_reply_bytes: 256 * 1024 }
    }
}

ranges! { TrackerLimits;
    tracker_reply_bytes: 1_024 to 16_777_216,
}

//! What channels that rotate announce, and until when: infohash rotation (BC-10.62).

use crate::base::ids::{ChannelHandle, InfoHash};
use crate::base::time::{Now, Timestamp, UnixMillis};
use core::time::Duration;
use std::collections::BTreeSet;

/// The wall clock may jump while the host sleeps: a node with a channel that rotates looks at the
/// clock this often at least.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(10 * 60);

/// What a channel that rotates announces, by the wall clock: the wall clock may jump, or go on while
/// the monotonic one stands still.
#[derive(Clone, Debug)]
pub(crate) struct Rotation {
    pub from: UnixMillis,
    pub until: UnixMillis,
    pub infohashes: Vec<InfoHash>,
}

/// When the channels that rotate announce something else.
#[derive(Debug, Default)]
pub(crate) struct Rotations {
    begins: BTreeSet<(UnixMillis, ChannelHandle)>,
    ends: BTreeSet<(UnixMillis, ChannelHandle)>,
}

impl Rotations {
    /// The channel's rotation was `old` and is `new`.
    pub(crate) fn replace(
        &mut self,
        handle: ChannelHandle,
        old: Option<&Rotation>,
        new: Option<&Rotation>,
    ) {
        if let Some(old) = old {
            self.begins.remove(&(old.from, handle));
            self.ends.remove(&(old.until, handle));
        }
        if let Some(new) = new {
            self.begins.insert((new.from, handle));
            self.ends.insert((new.until, handle));
        }
    }

    /// The channels that may have to announce something else at `wall`.
    pub(crate) fn due(&self, wall: UnixMillis) -> BTreeSet<ChannelHandle> {
        let ended = self.ends.iter().take_while(|(until, _)| wall >= *until);
        let not_begun = self.begins.iter().rev().take_while(|(from, _)| wall < *from);
        ended.chain(not_begun).map(|(_, handle)| *handle).collect()
    }

    /// When to look at the wall clock again.
    pub(crate) fn poll_timeout(&self, now: Now) -> Option<Timestamp> {
        let (until, _) = self.ends.first()?;
        Some(now.mono_of(*until)?.min(now.mono + LOOK_AT_CLOCK))
    }
}

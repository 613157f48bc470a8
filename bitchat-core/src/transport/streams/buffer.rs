//! The send buffer that the streams of a link share.

use super::flow::Growth;
use super::schedule::Class;

/// What the send buffer may hold, in congestion windows: the least urgent class may fill half of
/// it.
const SEND_WINDOWS: u64 = 3;
/// The same while packets are lost: a part of what is buffered has arrived, behind what is
/// repeated.
const LOSSY_SEND_WINDOWS: u64 = 6;

/// Bytes that were written and not acknowledged.
#[derive(Debug)]
pub(super) struct SendBuffer {
    /// Its size at the start, and now.
    least: usize,
    size: usize,
    pub(super) used: usize,
}

impl SendBuffer {
    pub(super) const fn new(size: usize) -> Self {
        Self { least: size, size, used: 0 }
    }

    /// Bytes that a stream of `class` may write now.
    pub(super) fn room(&self, class: Class) -> usize {
        class.share(self.size).saturating_sub(self.used)
    }

    /// Writers of `class` have room enough to be told. With some hysteresis, so that a full buffer
    /// does not wake them for every packet.
    pub(super) const fn is_roomy(&self, class: Class) -> bool {
        let share = class.share(self.size);
        self.used <= share - share / 8
    }

    /// The buffer should hold what is in flight and what follows, for the least urgent class, too
    /// (BC-07.81), and on a lossy path (BC-07.84) what arrived behind a loss that is repeated,
    /// perhaps more than once. `window` is that of congestion control.
    pub(super) fn grow(&mut self, window: u64, lossy: bool, growth: &mut Growth) {
        let windows = if lossy { LOSSY_SEND_WINDOWS } else { SEND_WINDOWS };
        let wanted = usize::try_from(window.saturating_mul(windows)).unwrap_or(usize::MAX);
        if wanted > self.size {
            let more = growth.take((wanted - self.size) as u64);
            self.size += usize::try_from(more).unwrap_or(0);
        }
    }

    /// Makes the buffer as small as at the start if nothing is in it.
    pub(super) fn shrink(&mut self, growth: &mut Growth) {
        if self.used == 0 {
            growth.give_back((self.size - self.least) as u64);
            self.size = self.least;
        }
    }
}

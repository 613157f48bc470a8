//! Under which hash a channel is announced, and when that changes.

use crate::base::ids::InfoHash;
use crate::base::time::UnixMillis;
use crate::crypto::channel_keys::ChannelKeys;

const DAY_MS: u64 = 86_400_000;
/// Around its boundary both days are announced for this long on either side, so that members whose
/// clocks differ still meet.
const OVERLAP_MS: u64 = 3 * 3_600_000;

/// The wall clock is needed and not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this channel changes its hash every day: set the wall clock to find it")]
pub struct WallTimeUnknown;

/// How the announced infohash of a channel comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// A public channel: its [`ChannelId`](crate::base::ids::ChannelId) itself.
    ChannelId,
    /// A keyed channel: a hash that only members can compute; it changes with the epoch.
    PerEpoch,
    /// A keyed channel that rotates: another such hash every day.
    Daily,
}

impl Announced {
    /// What to announce and look for at `now`; the first is the day's own (BC-02.12,
    /// BC-02.13, BC-02.14, BC-02.15).
    ///
    /// # Errors
    /// [`WallTimeUnknown`] if the channel rotates and `now` is `None`.
    pub fn infohashes(
        self,
        keys: &ChannelKeys,
        now: Option<UnixMillis>,
    ) -> Result<Vec<InfoHash>, WallTimeUnknown> {
        match self {
            Self::ChannelId => Ok(vec![InfoHash(keys.chan().0)]),
            Self::PerEpoch => Ok(vec![keys.infohash(0)]),
            Self::Daily => {
                let (day, into) = channel_day(keys, now.ok_or(WallTimeUnknown)?);
                let second = match into {
                    0..OVERLAP_MS => day.checked_sub(1),
                    _ if into >= DAY_MS - OVERLAP_MS => Some(day + 1),
                    _ => None,
                };
                Ok([Some(day), second]
                    .into_iter()
                    .flatten()
                    .map(|day| keys.infohash(day))
                    .collect())
            }
        }
    }

    /// The moment after `now` at which [`Announced::infohashes`] gives something else; `None` if it
    /// never does.
    #[must_use]
    pub fn next_change(self, keys: &ChannelKeys, now: UnixMillis) -> Option<UnixMillis> {
        if self != Self::Daily {
            return None;
        }
        let (_, into) = channel_day(keys, now);
        let steps = [OVERLAP_MS, DAY_MS - OVERLAP_MS, DAY_MS];
        let next = steps.into_iter().find(|&step| step > into).unwrap_or(DAY_MS);
        Some(UnixMillis(now.0.saturating_add(next - into)))
    }
}

/// The channel's own count of days and the milliseconds into the day. Each channel's day begins at
/// its own time, so that not all of them change at once and give their kind away.
fn channel_day(keys: &ChannelKeys, now: UnixMillis) -> (u64, u64) {
    let derived = keys.derive(b"day offset", &[]);
    let [a, b, c, d, e, f, g, h, ..] = derived.0;
    let offset = u64::from_le_bytes([a, b, c, d, e, f, g, h]) % DAY_MS;
    let shifted = now.0.saturating_add(offset);
    (shifted / DAY_MS, shifted % DAY_MS)
}

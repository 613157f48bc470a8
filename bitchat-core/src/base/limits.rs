//! Every bound in one place: what a hostile peer can make a node hold or do (BC-12.60).

mod channel;
mod file;
mod link;
mod node;
mod tracker;

pub use channel::ChannelLimits;
pub use file::FileLimits;
pub use link::LinkLimits;
pub use node::NodeLimits;
pub use tracker::TrackerLimits;

use core::ops::{Deref, DerefMut};
use std::sync::Arc;

/// All limits of a node. Clones share one block of memory, so that each link and each channel can
/// hold them; a clone that is changed gets a block of its own.
///
/// The defaults suit a desktop or phone; an embedder may lower or raise each:
/// ```
/// # use bitchat_core::base::limits::Limits;
/// let limits = Limits::with(|limits| limits.node.links = 16);
/// assert_eq!(limits.check(), Ok(()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(Arc<AllLimits>);

/// Limits by what they bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AllLimits {
    /// What a node holds and does for all its channels together.
    pub node: NodeLimits,
    /// What one link holds, and the sizes of what it carries.
    pub link: LinkLimits,
    /// What one channel holds of its log, and what it waits for.
    pub channel: ChannelLimits,
    /// What is taken from trackers.
    pub tracker: TrackerLimits,
    /// What a `.chat` file and a link to a channel may hold.
    pub file: FileLimits,
}

impl Limits {
    /// The defaults, but for what `change` does.
    #[must_use]
    pub fn with(change: impl FnOnce(&mut AllLimits)) -> Self {
        let mut limits = AllLimits::default();
        change(&mut limits);
        Self(Arc::new(limits))
    }

    /// Checks that each limit leaves room to work and does not ask for more than a machine has.
    ///
    /// # Errors
    /// The text names the first limit that is out of its range, without its group (as the C
    /// interface does: no two limits have the same name), and the range.
    pub fn check(&self) -> Result<(), &'static str> {
        let AllLimits { node, link, channel, tracker, file } = &**self;
        node.check()?;
        link.check()?;
        channel.check()?;
        tracker.check()?;
        file.check()
    }
}

impl Deref for Limits {
    type Target = AllLimits;

    fn deref(&self) -> &AllLimits {
        &self.0
    }
}

impl DerefMut for Limits {
    fn deref_mut(&mut self) -> &mut AllLimits {
        Arc::make_mut(&mut self.0)
    }
}

/// Gives the limits of one group a `check`. Every field must stand here, or this does not compile.
macro_rules! ranges {
    ($limits:ident; $($field:ident: $min:literal to $max:literal,)*) => {
        impl $limits {
            /// The complaint about the first limit that is out of its range.
            pub(super) fn check(&self) -> Result<(), &'static str> {
                let Self { $($field),* } = self;
                $(if !($min..=$max).contains($field) {
                    return Err(concat!(
                        "limits.", stringify!($field),
                        ": choose ", stringify!($min), " to ", stringify!($max)
                    ));
                })*
                Ok(())
            }
        }
    };
}
use ranges;

#[cfg(test)]
mod tests;

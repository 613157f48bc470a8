//! Floor 3: the `.chat` file and its links (spec 02).
//!
//! A `.chat` file is to a channel what a `.torrent` file is to a torrent: whoever has it can find
//! the channel and, unless it is invite-only, join it. It comes from strangers, so reading one
//! checks everything before it believes anything.

mod announced;
mod bare;
mod create;
mod error;
mod file;
mod info;
mod link;
mod outside;
mod text;

pub use announced::{Announced, WallTimeUnknown};
pub use create::{Access, Draft};
pub use error::{ChatFileError, InfoError, LinkError};
pub use file::ChatFile;
pub use info::{History, Info, Mode};
pub use link::JoinLink;
pub use outside::{Node, Outside, PeerHint, UnusableTracker};
pub use text::{TextFault, check_text};

#[cfg(test)]
mod tests;

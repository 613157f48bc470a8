//! Floor 2: keys and transcripts. Secrets are erased when dropped and never print.
//!
//! 2a `suite`, the one seam to a cryptographic back end; 2b everything made of it.

pub mod channel_keys;
pub mod gate;
pub mod identity;
pub mod key_log;
pub mod noise;
pub mod packet_key;
pub mod suite;

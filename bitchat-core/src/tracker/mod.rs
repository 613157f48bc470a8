//! Floor 3: BitTorrent trackers, as a popular client speaks to them (spec 10).
//!
//! [`Announcer`](announcer::Announcer) is the machine of one channel; the rest are its parts:
//! [`profile`] is the disguise, [`http`] and [`udp`] are the two protocols, [`reply`] reads what an
//! HTTP tracker says.

pub mod announce;
pub mod announcer;
mod contact;
pub mod gzip;
pub mod http;
pub mod interface;
mod lane;
pub mod profile;
pub mod reply;
mod schedule;
pub mod udp;

//! A deterministic world around Bit Chat nodes: hosts, cables, disks, clocks, trackers and faults,
//! all decided by one seed. For tests and benches only.
//!
//! The world sleeps exactly until the earliest deadline. So a node that names its deadline too late,
//! or never moves it on, is found out.

pub mod crew;
pub mod dht;
pub mod dice;
pub mod disk;
pub mod machine;
pub mod net;
pub mod scenario;
pub mod schedule;
pub mod trace;
pub mod tracker;
pub mod world;

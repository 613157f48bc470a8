//! Floor 0: plain values that every other floor may use.

pub mod addr;
pub mod agenda;
pub mod ids;
pub mod limits;
pub mod queue;
pub mod rangeset;
pub mod rng;
pub mod target;
pub mod time;
pub mod via;

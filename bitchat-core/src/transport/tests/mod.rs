//! Two transports and a network between them.

mod bottleneck;
mod bulk;
mod chaos;
mod congestion;
mod hostile;
mod latency;
mod moving;
mod pair;
mod sending;

pub(in crate::transport) use pair::Recorder;
use pair::{Event, Lane, Pair, contents};

//! Two transports and a network between them.

mod bulk;
mod pair;

use pair::{Lane, Pair};

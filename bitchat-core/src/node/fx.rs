//! What every owner needs of the node.

use super::config::Config;
use super::outbox::Outbox;
use crate::base::rng::Rng;

/// The settings, the chance and the way out: lent to an owner for each call.
#[derive(Debug)]
pub(crate) struct Fx {
    pub config: Config,
    pub rng: Rng,
    pub outbox: Outbox,
}

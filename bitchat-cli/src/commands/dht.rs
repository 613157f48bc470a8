//! Whom a node asks in the DHT.

use bitchat_core::node::DhtMode;
use bitchat_net::Options;
use clap::Args;

#[derive(Args)]
pub(crate) struct DhtArguments {
    /// Do not look for members in the DHT. With --local only those of its nodes are asked that the file
    /// names
    #[arg(long)]
    no_dht: bool,
}

impl DhtArguments {
    /// Who trusts a file with its own network is not made known to the whole world for it.
    pub(crate) fn apply(&self, local: bool, options: &mut Options) {
        if local {
            options.config.dht_routers.clear();
        }
        if self.no_dht {
            options.config.dht = DhtMode::Off;
        }
    }
}

//! `bitchat tracker`: a place to meet, for one's own network.

use crate::error::CliError;
use crate::screen::report;
use crate::signals::{Asked, Signals};
use bitchat_net::tracker_server::{Options, serve};
use clap::Args;
use std::net::SocketAddr;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Where to listen, over TCP and UDP; repeat for several; port 0 for any
    #[arg(long = "bind", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:6969")]
    addresses: Vec<SocketAddr>,
    /// Seconds between two announces of a member
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(10..=86_400))]
    interval: u32,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<(), CliError> {
    let mut signals = Signals::listen()?;
    let options = Options { interval: arguments.interval, ..Options::default() };
    let server = serve(&arguments.addresses, options).await.map_err(|source| {
        let addresses: Vec<_> = arguments.addresses.iter().map(ToString::to_string).collect();
        CliError::TrackerBind { addresses: addresses.join(", "), source }
    })?;
    for address in &server.addrs {
        report(&format!("tracker at http://{address}/announce and udp://{address}"));
    }
    while !matches!(signals.next().await, Asked::Stop) {}
    Ok(())
}

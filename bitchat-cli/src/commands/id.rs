//! `bitchat id`: who one is to others.

use crate::error::CliError;
use crate::files::{Home, identity_file};
use crate::screen::line;
use bitchat_core::crypto::identity::{fingerprint, peer_link};
use bitchat_net::identity::load_or_create;
use clap::Args;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    home: Home,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let path = identity_file(&arguments.home.open()?);
    let peer = load_or_create(&path)?.peer_id();
    line(&format!("fingerprint  {}", fingerprint(&peer)))?;
    line(&format!("link         {}", peer_link(&peer)))?;
    line(&format!("kept in      {}", path.display()))?;
    Ok(())
}

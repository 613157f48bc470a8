//! What went wrong, in one line: what it was, and what to do.

use bitchat_core::chatfile::{ChatFileError, LinkError};
use bitchat_core::wire::url::UrlError;
use bitchat_net::identity::IdentityError;
use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("cannot read {}: {source}; check the name and its permissions", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}; check the directory and its permissions", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} exists already; choose another name, or move it away", path.display())]
    Exists { path: PathBuf },
    #[error("{}: {source}", path.display())]
    ChatFile { path: PathBuf, source: ChatFileError },
    #[error("{}: {source} (bitchat join --local)", path.display())]
    LocalTarget { path: PathBuf, source: ChatFileError },
    #[error("{0}")]
    Link(LinkError),
    #[error("{0} (bitchat join --local)")]
    LocalLink(LinkError),
    #[error("such a channel cannot be made: {0}")]
    Draft(ChatFileError),
    #[error("the tracker {url} cannot be used: {source}")]
    Tracker { url: String, source: UrlError },
    #[error("no home directory is known; name a directory with --dir")]
    NoHome,
    #[error("the system gives no random numbers ({0}); no key can be made here")]
    Entropy(getrandom::Error),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Start(#[from] bitchat_net::StartError),
    #[error("the channel cannot be joined: {0}")]
    Join(String),
    #[error(
        "no tracker can listen on {addresses}: {source}; choose another address or port with --bind"
    )]
    TrackerBind { addresses: String, source: io::Error },
    #[error("{count} of your messages were not stored in time and may be lost")]
    Unsent { count: usize },
    #[error("the node has ended by itself; start again, and please report this")]
    Ended,
    #[error("no threads can be started ({0}); end some programs")]
    Runtime(io::Error),
    #[error("the peer cannot be checked: {0}")]
    Check(io::Error),
    #[error("{failed} of {all} checks failed")]
    NotKept { failed: usize, all: usize },
    #[error("demo: {0}")]
    Demo(String),
    #[error("nothing more can be printed: {0}")]
    Output(#[from] io::Error),
}

//! `bitchat new`: a channel of one's own.

use crate::error::CliError;
use crate::files::write_chat_file;
use crate::screen::{note, report};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::Rng;
use bitchat_core::base::time::UnixMillis;
use bitchat_core::chatfile::{Access, ChatFile, Draft, Node, Outside};
use bitchat_core::wire::url::TrackerUrl;
use bitchat_net::identity::fresh_seed;
use clap::Args;
use std::path::PathBuf;
use std::time::SystemTime;

#[derive(Args)]
pub(crate) struct Arguments {
    /// A public channel: whoever sees its hash, every tracker for one, may join and read
    #[arg(long, conflicts_with = "rotate")]
    public: bool,
    /// A tracker to meet at (http://, https:// or udp://); repeat for several
    #[arg(long = "tracker", value_name = "URL")]
    trackers: Vec<String>,
    /// A node of the DHT to begin with; repeat for several
    #[arg(long = "node", value_name = "HOST:PORT")]
    nodes: Vec<Node>,
    /// Announce under another hash every day
    #[arg(long)]
    rotate: bool,
    /// The channel's name
    #[arg(long, default_value = "chat")]
    name: String,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let file = make(arguments)?;
    write_chat_file(&arguments.output, &file)?;
    report(&format!("{} is channel {}", arguments.output.display(), file.channel_id()));
    if !file.is_public() {
        note("whoever has this file can join: pass it on as you would a key");
    }
    if arguments.trackers.is_empty() && arguments.nodes.is_empty() {
        note(
            "no tracker is named in it: members find each other in the DHT alone; add --tracker URL",
        );
    }
    Ok(())
}

fn make(arguments: &Arguments) -> Result<ChatFile, CliError> {
    let tiers = arguments.trackers.iter().map(|url| {
        let parsed: TrackerUrl =
            url.parse().map_err(|source| CliError::Tracker { url: url.clone(), source })?;
        Ok(vec![parsed])
    });
    let outside = Outside {
        trackers: tiers.collect::<Result<_, CliError>>()?,
        nodes: arguments.nodes.clone(),
        created_by: Some(format!("bitchat {}", env!("CARGO_PKG_VERSION"))),
        created: today(),
        ..Outside::default()
    };
    let access = if arguments.public { Access::Public } else { Access::Keyed };
    let draft = Draft {
        name: arguments.name.clone(),
        access,
        rotate: arguments.rotate,
        outside,
        ..Draft::default()
    };
    let mut rng = Rng::new(&fresh_seed().map_err(CliError::Entropy)?);
    draft.create(None, &mut rng.secret, &Limits::default()).map_err(CliError::Draft)
}

/// The day, and not the second: nobody needs to know more of when a channel was made.
fn today() -> Option<UnixMillis> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(UnixMillis(since.as_secs() / 86_400 * 86_400_000))
}

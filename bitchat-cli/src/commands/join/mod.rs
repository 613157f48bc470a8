//! `bitchat join`: a conversation, line by line.

mod view;

use crate::error::CliError;
use crate::files::{Home, Source, identity_file, read_channel, store_file};
use crate::screen::{self, printable};
use crate::signals::Signals;
use bitchat_core::base::ids::ChannelHandle;
use bitchat_core::base::target::TargetPolicy;
use bitchat_core::channel::SendError as LogError;
use bitchat_core::crypto::identity::fingerprint;
use bitchat_core::node::{Event, PeerHint, SendError};
use bitchat_net::identity::load_or_create;
use bitchat_net::{Client, Events, Options, RequestError};
use clap::Args;
use std::io::BufRead;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use view::View;

/// Lines typed ahead of the node.
const LINES: usize = 16;
/// Who has met nobody for so long is told what the reason may be.
const ALONE: Duration = Duration::from_secs(15);

/// The environment variable that names a key log (spec 13), in the manner of SSLKEYLOGFILE.
const KEY_LOG: &str = "BITCHATKEYLOGFILE";
/// The environment variable that names a directory for traces (spec 13), as programs that speak QUIC
/// have it.
const TRACES: &str = "QLOGDIR";

#[derive(Args)]
pub(crate) struct Arguments {
    /// The .chat file; or a link (bitchat:join/..., magnet:...), or a file that holds one: other users of
    /// this machine can see what is written here
    #[arg(value_name = "FILE or LINK")]
    channel: PathBuf,
    #[command(flatten)]
    home: Home,
    /// The UDP port to use; 0 for any
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Allow trackers and members on this machine and in its own network: the file comes from
    /// somebody whom you trust
    #[arg(long)]
    local: bool,
    /// Where a member may be; repeat for several
    #[arg(long = "peer", value_name = "ADDRESS:PORT")]
    peers: Vec<SocketAddr>,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<(), CliError> {
    let policy = if arguments.local { TargetPolicy::AllowLocal } else { TargetPolicy::PublicOnly };
    let source = read_channel(&arguments.channel, policy)?;
    let home = arguments.home.open()?;
    let identity = load_or_create(&identity_file(&home))?;
    screen::line(&format!(
        "* channel {}, you are {}; /who, /quit",
        title(&source),
        fingerprint(&identity.peer_id()),
    ))?;
    let mut options = Options::new(identity, Some(store_file(&home)));
    options.config.port = arguments.port;
    options.config.local_trackers = arguments.local;
    if let Some(path) = std::env::var_os(KEY_LOG).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        eprintln!(
            "WARNING: {KEY_LOG} is set: the secrets of this conversation are written to {}, and \
             whoever reads that file reads everything that was said",
            path.display()
        );
        options.insecure_key_log = Some(path);
    }
    options.qlog = std::env::var_os(TRACES).filter(|path| !path.is_empty()).map(PathBuf::from);
    let (client, events, driver) = bitchat_net::start(options).await?;
    let signals = Signals::listen()?;
    let task = tokio::spawn(driver.run());
    let by_link = matches!(source, Source::Link(_));
    let joined = match source {
        Source::File(file) => client.join(file).await,
        Source::Link(link) => client.join_link(link).await,
    };
    let channel = joined.map_err(|error| CliError::Join(error.to_string()))?;
    for &address in &arguments.peers {
        let hint = PeerHint { address, peer: None };
        client.add_peer(channel, hint).await.map_err(|error| CliError::Join(error.to_string()))?;
    }
    let view = View::new(channel);
    let (live, met, unsent) = (false, false, None);
    let mut talk = Talk { client, channel, by_link, view, live, met, unsent };
    let result = talk.go(events, signals).await;
    eprintln!("saying good-bye");
    talk.client.shutdown().await;
    let _ = task.await;
    result
}

/// What is known of a channel before it is joined.
fn title(source: &Source) -> String {
    match source {
        Source::File(file) => format!("{} ({})", printable(&file.info().name), file.channel_id()),
        Source::Link(link) => {
            let name = link.name.as_deref().map(printable);
            let name = name.map_or_else(String::new, |name| format!(", {name} as the link says"));
            format!("{}{name}; it is ready once a member has told what it is", link.chan)
        }
    }
}

struct Talk {
    client: Client,
    channel: ChannelHandle,
    /// Its name is news once it is ready.
    by_link: bool,
    view: View,
    live: bool,
    /// Somebody was here.
    met: bool,
    /// A text that the node could not take yet: it goes before the next line.
    unsent: Option<String>,
}

impl Talk {
    /// Until the user, the terminal or the node has had enough.
    async fn go(&mut self, mut events: Events, mut signals: Signals) -> Result<(), CliError> {
        let mut lines = read_lines();
        let alone = tokio::time::sleep(ALONE);
        tokio::pin!(alone);
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => self.on_event(event).await?,
                    None => return Err(CliError::Ended),
                },
                line = lines.recv(), if self.live && self.unsent.is_none() => match line {
                    Some(line) if line.trim() == "/quit" => return Ok(()),
                    Some(line) => self.on_line(&line).await?,
                    None => return Ok(()),
                },
                () = &mut alone, if !self.met => {
                    self.met = true;
                    eprintln!(
                        "nobody has answered yet: the others may be away, or their .chat file is \
                         another one (compare the channel's number); this goes on trying"
                    );
                }
                () = signals.next() => return Ok(()),
            }
        }
    }

    async fn on_event(&mut self, event: Event) -> Result<(), CliError> {
        if let Event::ChannelReady { channel, .. } = event
            && channel == self.channel
        {
            self.live = true;
            if self.by_link
                && let Ok(Some(file)) = self.client.chat_file(channel).await
            {
                screen::line(&format!("* this is the channel {}", printable(&file.info().name)))?;
            }
            let history = self.client.messages(channel).await.unwrap_or_default();
            self.view.history(&history)?;
        }
        self.met |= matches!(event, Event::MemberUp { .. });
        self.view.on_event(&event)?;
        // An own message was stored: now there may be room.
        if let Event::Message { message, .. } = event
            && message.own
            && let Some(text) = self.unsent.take()
        {
            self.send(text).await?;
        }
        Ok(())
    }

    async fn on_line(&mut self, line: &str) -> Result<(), CliError> {
        let text = match line.trim() {
            "" => return Ok(()),
            "/who" => {
                let links = self.client.links().await.map_err(|_| CliError::Ended)?;
                return Ok(self.view.who(&links)?);
            }
            // Two slashes say one.
            text if text.starts_with("//") => &text[1..],
            text if text.starts_with('/') => {
                eprintln!("unknown command; there are /who and /quit (write // to say /)");
                return Ok(());
            }
            text => text,
        };
        self.send(text.to_owned()).await
    }

    async fn send(&mut self, text: String) -> Result<(), CliError> {
        match self.client.send_text(self.channel, text.as_str()).await {
            Ok(_) => Ok(()),
            Err(RequestError::Refused(
                SendError::StoreBusy | SendError::Refused(LogError::Busy),
            )) => {
                self.unsent = Some(text);
                Ok(())
            }
            Err(RequestError::Refused(error)) => {
                eprintln!("not sent: {error}");
                Ok(())
            }
            Err(RequestError::Ended(_)) => Err(CliError::Ended),
        }
    }
}

/// What is typed, from a thread of its own: reading a terminal cannot be cancelled.
fn read_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(LINES);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

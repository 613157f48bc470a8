//! `bitchat join`: a conversation, line by line.

mod input;
mod outbox;
mod view;

use super::dht::DhtArguments;
use crate::error::CliError;
use crate::files::{Home, Source, identity_file, read_channel, store_file};
use crate::screen::{self, printable};
use crate::signals::{Asked, Signals};
use crate::terminal::Unbuffered;
use bitchat_core::base::ids::ChannelHandle;
use bitchat_core::base::target::TargetPolicy;
use bitchat_core::channel::SendError as LogError;
use bitchat_core::crypto::identity::fingerprint;
use bitchat_core::node::{ChannelUpdate, Event, Page, PeerHint, SendError, StoreUpdate};
use bitchat_net::identity::load_or_create;
use bitchat_net::{Client, Events, Options, RequestError};
use clap::Args;
use outbox::Outbox;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, sleep_until};
use view::{HISTORY, View};

/// Messages of the past that are read at once.
const PAGE: usize = 512;
/// A text that the node could not take is tried again after so long at the latest.
const RETRY: Duration = Duration::from_secs(1);
/// Who leaves waits so long for the next of his messages to be stored.
const PATIENCE: Duration = Duration::from_secs(5);
/// Who has met nobody for so long is told what the reason may be.
const ALONE: Duration = Duration::from_secs(15);

/// The environment variable that names a key log (spec 13), in the manner of SSLKEYLOGFILE.
const KEY_LOG: &str = "BITCHATKEYLOGFILE";
/// The environment variable that names a directory for traces (spec 13), as programs that speak
/// QUIC have it.
const TRACES: &str = "QLOGDIR";

#[derive(Args)]
pub(crate) struct Arguments {
    /// The .chat file; or a link (dotchat:join/..., magnet:...), or a file that holds one: other
    /// users of this machine can see what is written here
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
    #[command(flatten)]
    dht: DhtArguments,
    /// Where a member may be; repeat for several
    #[arg(long = "peer", value_name = "ADDRESS:PORT")]
    peers: Vec<SocketAddr>,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<(), CliError> {
    let policy = if arguments.local { TargetPolicy::AllowLocal } else { TargetPolicy::PublicOnly };
    let source = read_channel(&arguments.channel, policy)?;
    for tracker in source.unusable() {
        screen::note(&tracker.to_string());
    }
    let home = arguments.home.open()?;
    let identity = load_or_create(&identity_file(&home))?;
    let who = fingerprint(&identity.peer_id());
    screen::entry("*", &format!("channel {}", title(&source)))?;
    screen::entry("*", &format!("you are {who}; /who, /quit"))?;
    let mut options = Options::new(identity, Some(store_file(&home)));
    options.config.port = arguments.port;
    options.config.local_trackers = arguments.local;
    arguments.dht.apply(arguments.local, &mut options);
    debug(&mut options);
    let (client, events, driver) = bitchat_net::start(options).await?;
    let signals = Signals::listen()?;
    // From here on the terminal is given back, whatever happens.
    let terminal = Unbuffered::enter();
    screen::typed_on(terminal.as_ref().and_then(Unbuffered::writer));
    let task = tokio::spawn(driver.run());
    let result = talk(arguments, source, client.clone(), events, signals, terminal.as_ref()).await;
    screen::note("saying good-bye");
    client.shutdown().await;
    let _ = task.await;
    screen::typed_on(None);
    result
}

/// What the environment asks for, to find out why something does not work.
fn debug(options: &mut Options) {
    let path = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(path) = path(KEY_LOG) {
        screen::note(&format!(
            "WARNING: {KEY_LOG} is set: the secrets of this conversation are written to {}, and \
             whoever reads that file reads everything that was said",
            path.display()
        ));
        options.insecure_key_log = Some(path);
    }
    options.qlog = path(TRACES);
}

async fn talk(
    arguments: &Arguments,
    source: Source,
    client: Client,
    events: Events,
    signals: Signals,
    terminal: Option<&Unbuffered>,
) -> Result<(), CliError> {
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
    let (view, outbox) = (View::new(channel), Outbox::default());
    let (live, met, leaves) = (false, false, None);
    let mut talk = Talk { client, channel, by_link, view, live, met, outbox, leaves };
    talk.go(events, signals, terminal).await
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
    outbox: Outbox,
    /// The user wants to leave: what was typed has until then to be stored.
    leaves: Option<Instant>,
}

impl Talk {
    /// Until the user, the terminal or the node has had enough.
    async fn go(
        &mut self,
        mut events: Events,
        mut signals: Signals,
        terminal: Option<&Unbuffered>,
    ) -> Result<(), CliError> {
        let mut lines = input::lines(terminal.map(Unbuffered::keys));
        let mut retry = tokio::time::interval(RETRY);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let alone = sleep_until(Instant::now() + ALONE);
        tokio::pin!(alone);
        while self.leaves.is_none() || self.outbox.unsent() > 0 {
            let (reads, leaves) = (self.leaves.is_none() && self.outbox.has_room(), self.leaves);
            tokio::select! {
                event = events.next() => self.on_event(event.ok_or(CliError::Ended)?).await?,
                line = lines.recv(), if reads => match line {
                    Some(line) => self.on_line(line.trim()).await?,
                    None => self.leave(),
                },
                _ = retry.tick(), if self.outbox.next().is_some() => self.send().await?,
                () = &mut alone, if !self.met => {
                    self.met = true;
                    screen::note(
                        "nobody has answered yet: the others may be away, or their .chat file is \
                         another one (compare the channel's number); this goes on trying",
                    );
                }
                () = sleep_until(leaves.unwrap_or_else(Instant::now)), if leaves.is_some() => break,
                asked = signals.next() => match asked {
                    Asked::Stop => break,
                    Asked::Resume => drop(terminal.map(Unbuffered::again)),
                },
            }
            // Whoever reads nothing more has left: what was said is stored all the same.
            if self.leaves.is_none() && self.view.is_gone() {
                self.leave();
            }
        }
        match self.outbox.unsent() {
            0 => self.view.end().map_err(CliError::Output),
            count => Err(CliError::Unsent { count }),
        }
    }

    async fn on_event(&mut self, event: Event) -> Result<(), CliError> {
        if let Event::Channel(channel, ChannelUpdate::Ready { messages }) = event
            && channel == self.channel
        {
            self.live = true;
            if self.by_link
                && let Ok(Some(file)) = self.client.chat_file(channel).await
            {
                self.view.named(&file.info().name);
            }
            self.show_history(messages).await;
        }
        self.met |= matches!(event, Event::Channel(_, ChannelUpdate::MemberUp { .. }));
        self.view.on_event(&event);
        match event {
            Event::Channel(_, ChannelUpdate::Message { message, .. }) => {
                if self.outbox.stored(&message.id) {
                    self.leaves = self.leaves.map(|_| Instant::now() + PATIENCE);
                }
                // Whoever wrote it: there may be room now.
                self.send().await
            }
            Event::Channel(_, ChannelUpdate::Ready { .. })
            | Event::Store(StoreUpdate::Recovered) => self.send().await,
            _ => Ok(()),
        }
    }

    /// Reads the history, of which there are `messages`, and shows its end.
    async fn show_history(&mut self, messages: usize) {
        let mut skipped = messages.saturating_sub(HISTORY);
        self.view.skipped(skipped);
        let mut page = Page::First;
        loop {
            let part = self.client.messages(self.channel, page, PAGE).await.unwrap_or_default();
            let Some(last) = part.last() else { return };
            self.view.history(&part, skipped);
            (page, skipped) = (Page::After(last.id), skipped.saturating_sub(part.len()));
        }
    }

    async fn on_line(&mut self, line: &str) -> Result<(), CliError> {
        let text = match line {
            "" => return Ok(()),
            "/quit" => {
                self.leave();
                return Ok(());
            }
            "/who" => {
                let links = self.client.links().await.map_err(|_| CliError::Ended)?;
                self.view.who(&links);
                return Ok(());
            }
            // Two slashes say one.
            text if text.starts_with("//") => &text[1..],
            text if text.starts_with('/') => {
                screen::note("unknown command; there are /who and /quit (write // to say /)");
                return Ok(());
            }
            text => text,
        };
        if !self.live && self.outbox.next().is_none() {
            screen::note("what you write is kept until the channel is ready");
        }
        self.outbox.push(text.to_owned());
        self.send().await
    }

    /// From now on nothing is read.
    fn leave(&mut self) {
        self.leaves = Some(Instant::now() + PATIENCE);
        if self.outbox.unsent() > 0 {
            screen::note("what you wrote is being stored; Ctrl-C does without");
        }
    }

    /// Gives the node what was typed, as far as it takes it.
    async fn send(&mut self) -> Result<(), CliError> {
        while let Some(text) = self.outbox.next().filter(|_| self.live) {
            match self.client.send_text(self.channel, text).await {
                Ok(id) => self.outbox.done(Some(id)),
                Err(RequestError::Refused(
                    SendError::StoreBusy | SendError::Refused(LogError::Busy),
                )) => return Ok(()),
                Err(RequestError::Refused(error)) => {
                    screen::note(&format!("not sent: {error}"));
                    self.outbox.done(None);
                }
                Err(RequestError::Ended(_)) => return Err(CliError::Ended),
            }
        }
        Ok(())
    }
}

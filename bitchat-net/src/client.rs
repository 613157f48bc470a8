//! The application's side: a handle to ask with, a stream of events, and the task to spawn.

use crate::driver::{self, Clock, Command};
use crate::identity::fresh_seed;
use crate::key_log::{KeyLogError, KeyLogFile};
use crate::log;
use crate::qlog::{QlogError, TraceFiles};
use crate::store::{Store, StoreError};
use crate::tcp::Tls;
use crate::udp::BindError;
use crate::world::World;
use bitchat_core::base::ids::{ChannelHandle, Device, EntryId};
use bitchat_core::base::time::Now;
use bitchat_core::chatfile::{ChatFile, JoinLink};
use bitchat_core::crypto::identity::Identity;
use bitchat_core::node::{
    ClockKind, Config, ConfigError, Event, HistoryError, JoinError, LinkInfo, LogLevel, Message,
    Node, Page, PeerHint, SendError, Stats, UnknownChannel,
};
use std::path::PathBuf;
use tokio::sync::{mpsc, oneshot};

/// Events that wait for the application; then the node keeps them.
const EVENTS: usize = 256;
/// Questions that wait for the node; then whoever asks waits.
const COMMANDS: usize = 64;

/// Nodes of the DHT that everybody knows: they name others to who knows nobody.
pub const DHT_ROUTERS: [&str; 3] =
    ["router.bittorrent.com:6881", "dht.libtorrent.org:25401", "dht.transmissionbt.com:6881"];

/// What a node is started with.
#[derive(Debug)]
pub struct Options {
    /// How the node behaves. `config.store` is set by [`Options::store`]. While `config.log` is off it
    /// is as much as the `tracing` subscriber wants of the target `bitchat` when the node starts.
    pub config: Config,
    /// Who it is.
    pub identity: Identity,
    /// The file that it remembers in; `None`: it forgets everything at its end.
    pub store: Option<PathBuf>,
    /// Whom TLS servers (HTTPS trackers) are believed from.
    pub tls: Tls,
    /// **Dangerous: for debugging only.** The file that the secrets of all sessions are appended to,
    /// for who records the datagrams and wants to read them (spec 13). It sets
    /// `config.insecure_key_log`; without it that flag has no effect here.
    pub insecure_key_log: Option<PathBuf>,
    /// The directory that a qlog trace of every link is written to, for tools that draw them (spec
    /// 13): `<connection ids>-client.sqlog` where this node began the session, `-server.sqlog` where
    /// its peer did. It sets `config.qlog`; without it that flag has no effect here.
    pub qlog: Option<PathBuf>,
}

impl Options {
    /// The usual settings: any port, both address families, a store in `store`, and the well-known nodes of
    /// the DHT ([`DHT_ROUTERS`]).
    #[must_use]
    pub fn new(identity: Identity, store: Option<PathBuf>) -> Self {
        let mut config = Config::default();
        // What `std::time::Instant` reads: it runs in sleep on Windows alone.
        config.clock = if cfg!(windows) { ClockKind::RunsInSleep } else { ClockKind::StopsInSleep };
        config.dht_routers = DHT_ROUTERS.iter().filter_map(|node| node.parse().ok()).collect();
        Self { config, identity, store, tls: Tls::platform(), insecure_key_log: None, qlog: None }
    }
}

/// Why a node did not start, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No UDP socket, or not on the port that was asked for.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The key log that was asked for cannot be written.
    #[error(transparent)]
    KeyLog(#[from] KeyLogError),
    /// The traces that were asked for cannot be written.
    #[error(transparent)]
    Qlog(#[from] QlogError),
    /// A setting is out of its range.
    #[error("bad setting: {0}")]
    Config(#[from] ConfigError),
    /// The system has no randomness.
    #[error("the system gives no random numbers ({0}); a node cannot run here")]
    Entropy(getrandom::Error),
}

/// The node has ended: it was shut down, or its task was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node has ended; start it again")]
pub struct Ended;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum RequestError<E> {
    /// The node has ended.
    #[error(transparent)]
    Ended(#[from] Ended),
    /// The node refuses.
    #[error("{0}")]
    Refused(E),
}

/// A handle to a running node; clone it freely. When the last one is dropped the node shuts down.
#[derive(Clone, Debug)]
pub struct Client {
    commands: mpsc::Sender<Command<Node>>,
}

/// What the node tells the application. While nobody takes events the node keeps them, and in the
/// end slows its peers down; drop this to do without.
#[derive(Debug)]
pub struct Events(mpsc::Receiver<Event>);

impl Events {
    /// The next event; `None` once the node has ended.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

/// The task that runs the node: spawn [`Driver::run`].
///
/// Dropping it ends the node at once and without a good-bye, as a crash would. Nothing that was
/// acknowledged is lost: what the store was asked to keep is still written.
pub struct Driver(driver::Driver<Node>);

impl Driver {
    /// Runs the node until it is shut down or no [`Client`] is left.
    pub async fn run(self) {
        self.0.run().await;
    }
}

/// Opens the store and the sockets and makes a node of them. Spawn [`Driver::run`] of what comes
/// back. To be called on a tokio runtime with I/O and time.
///
/// # Errors
/// [`StartError`] says what is wrong and what to do.
pub async fn start(options: Options) -> Result<(Client, Events, Driver), StartError> {
    let Options { mut config, identity, store, tls, insecure_key_log, qlog } = options;
    config.store = store.is_some();
    if config.log == LogLevel::Off {
        config.log = log::wanted();
    }
    config.insecure_key_log = insecure_key_log.is_some();
    let key_log = insecure_key_log.as_deref().map(KeyLogFile::open).transpose()?;
    config.qlog = qlog.is_some();
    let traces = qlog.map(TraceFiles::open).transpose()?;
    let store = match store {
        Some(path) => Some(Store::open(&path).await?),
        None => None,
    };
    let port = config.port;
    // BC-11.03: a fresh seed for every start.
    let seed = fresh_seed().map_err(StartError::Entropy)?;
    let clock = Clock::start();
    let node = Node::new(config, identity, seed, clock.now())?;
    let (commands, asked) = mpsc::channel(COMMANDS);
    let (told, events) = mpsc::channel(EVENTS);
    let mut world = World::new(store, tls);
    if let Some(file) = key_log {
        world.log_keys_to(file);
    }
    if let Some(files) = traces {
        world.write_traces_to(files);
    }
    let mut driver = driver::Driver::new(node, world, clock, asked, told);
    driver.begin();
    let (errors, some_socket) = driver.world().bind_errors();
    for error in errors {
        // A host without IPv6 (or IPv4) is no obstacle; a port that was asked for and is taken is.
        let asked_for = port != 0 && !matches!(error, BindError::Io { .. });
        if asked_for || !some_socket {
            return Err(error.into());
        }
    }
    Ok((Client { commands }, Events(events), Driver(driver)))
}

impl Client {
    /// Joins the channel of `file`. It is live after `ChannelUpdate::Ready`.
    ///
    /// # Errors
    /// The node refuses the file, or has ended.
    pub async fn join(&self, file: ChatFile) -> Result<ChannelHandle, RequestError<JoinError>> {
        self.ask(move |node, now| node.join(now, &file)).await?.map_err(RequestError::Refused)
    }

    /// Joins the channel of `link`. It is live after `ChannelUpdate::Ready`, which comes once a member has
    /// said what the channel is, now or in an earlier stay; `Client::chat_file` gives its file then.
    ///
    /// # Errors
    /// The node refuses the link, or has ended.
    pub async fn join_link(
        &self,
        link: JoinLink,
    ) -> Result<ChannelHandle, RequestError<JoinError>> {
        self.ask(move |node, now| node.join_link(now, &link)).await?.map_err(RequestError::Refused)
    }

    /// The file of a channel; `None` while it was joined by a link and no member has been met.
    ///
    /// # Errors
    /// The channel is unknown, or the node has ended.
    pub async fn chat_file(
        &self,
        channel: ChannelHandle,
    ) -> Result<Option<ChatFile>, RequestError<UnknownChannel>> {
        let file = self.ask(move |node, _| node.chat_file(channel).map(Option::<&_>::cloned));
        file.await?.map_err(RequestError::Refused)
    }

    /// Leaves a channel. What it holds stays in the store.
    ///
    /// # Errors
    /// The channel is unknown, or the node has ended.
    pub async fn leave(&self, channel: ChannelHandle) -> Result<(), RequestError<UnknownChannel>> {
        self.ask(move |node, now| node.leave(now, channel)).await?.map_err(RequestError::Refused)
    }

    /// Writes a message. It leaves once it is stored; `ChannelUpdate::Delivered` tells who else stored it.
    ///
    /// # Errors
    /// The channel is unknown, the text too long, too much is waiting, or the node has ended.
    pub async fn send_text(
        &self,
        channel: ChannelHandle,
        text: impl Into<String>,
    ) -> Result<EntryId, RequestError<SendError>> {
        let text = text.into();
        let sent = self.ask(move |node, now| node.send_text(now, channel, &text)).await?;
        sent.map_err(RequestError::Refused)
    }

    /// Tells the node where a member may be.
    ///
    /// # Errors
    /// The channel is unknown, or the node has ended.
    pub async fn add_peer(
        &self,
        channel: ChannelHandle,
        hint: PeerHint,
    ) -> Result<(), RequestError<UnknownChannel>> {
        let added = self.ask(move |node, now| node.add_peer(now, channel, hint)).await?;
        added.map_err(RequestError::Refused)
    }

    /// Starts a key renewal on every link; on how many.
    ///
    /// # Errors
    /// The node has ended.
    pub async fn renew_keys(&self) -> Result<usize, Ended> {
        self.ask(Node::renew_keys).await
    }

    /// Mixes fresh entropy in and drops all links: to be called after a virtual machine was resumed
    /// or the process was forked, when another copy of this node may use the same keys.
    ///
    /// # Errors
    /// [`StartError::Entropy`] if the system has none; otherwise nothing, also if the node has ended.
    pub async fn reseed(&self) -> Result<(), StartError> {
        let seed = fresh_seed().map_err(StartError::Entropy)?;
        // A node that has ended has no keys to mix into.
        let _ = self.ask(move |node, now| node.reseed(now, &seed)).await;
        Ok(())
    }

    /// All links as they are now.
    ///
    /// # Errors
    /// The node has ended.
    pub async fn links(&self) -> Result<Vec<LinkInfo>, Ended> {
        self.ask(|node, _| node.links()).await
    }

    /// Up to `limit` messages of a part of a channel's history, in the order that everybody shows.
    ///
    /// # Errors
    /// The channel is unknown, it has no message that the page begins at, or the node has ended.
    pub async fn messages(
        &self,
        channel: ChannelHandle,
        page: Page,
        limit: usize,
    ) -> Result<Vec<Message>, RequestError<HistoryError>> {
        let ask = move |node: &mut Node, _| node.messages(channel, page, limit);
        self.ask(ask).await?.map_err(RequestError::Refused)
    }

    /// The devices that have stored the message `id`.
    ///
    /// # Errors
    /// The channel is unknown, or the node has ended.
    pub async fn delivered(
        &self,
        channel: ChannelHandle,
        id: EntryId,
    ) -> Result<Vec<Device>, RequestError<UnknownChannel>> {
        self.ask(move |node, _| node.delivered(channel, id)).await?.map_err(RequestError::Refused)
    }

    /// This node's own device, once it is known (with a store: after it was read).
    ///
    /// # Errors
    /// The node has ended.
    pub async fn device(&self) -> Result<Option<Device>, Ended> {
        self.ask(|node, _| node.device()).await
    }

    /// Counters since the start.
    ///
    /// # Errors
    /// The node has ended.
    pub async fn stats(&self) -> Result<Stats, Ended> {
        self.ask(|node, _| node.stats()).await
    }

    /// Says good-bye to peers and trackers, ends the node and closes its store; returns when all of
    /// that is done. The good-bye takes at most two seconds, the store what its disk needs to write what
    /// it was asked to keep, at most ten.
    pub async fn shutdown(&self) {
        // Two may say so at once: the second finds a closed channel.
        let _ = self.commands.send(Command::Shutdown).await;
        self.commands.closed().await;
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Node, Now) -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let (reply, answer) = oneshot::channel();
        let call = Box::new(move |node: &mut Node, now| {
            // Whoever asked may have gone away; what was asked is done all the same.
            let _ = reply.send(question(node, now));
        });
        self.commands.send(Command::Call(call)).await.map_err(|_| Ended)?;
        answer.await.map_err(|_| Ended)
    }
}

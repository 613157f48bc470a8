//! Byte streams for the node: TCP, and TLS over it.

use bitchat_core::base::ids::{RequestId, StreamId};
use bytes::Bytes;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OnceCell, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A connection, with its TLS handshake, takes at most so long (BC-11.21).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer that takes nothing for so long is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes read at a time.
const READ: usize = 16 * 1024;
/// Pieces read from all streams that the node has not seen; then reading waits.
const READ_QUEUE: usize = 32;
/// Pieces written to one stream that the network has not taken; one more closes the stream.
const WRITE_QUEUE: usize = 64;

/// What happened to a stream.
#[derive(Debug)]
pub(crate) enum StreamNews {
    /// It is open.
    Opened { request: RequestId, stream: StreamId },
    /// It could not be opened. The text is for people.
    Failed { request: RequestId, stream: StreamId, reason: String },
    /// Bytes arrived.
    Readable { stream: StreamId, data: Vec<u8> },
    /// It ended.
    Closed { stream: StreamId },
}

/// All streams of one node. Dropping it closes them at once.
pub(crate) struct Streams {
    tls: Tls,
    next: u64,
    /// Streams that the node believes open or opening; `None` where nothing can be written any more
    /// and the node is about to be told.
    writers: BTreeMap<StreamId, Option<mpsc::Sender<Bytes>>>,
    tasks: JoinSet<()>,
    news_in: mpsc::Sender<StreamNews>,
    news: mpsc::Receiver<StreamNews>,
}

impl Streams {
    pub(crate) fn new(tls: Tls) -> Self {
        let (news_in, news) = mpsc::channel(READ_QUEUE);
        let writers = BTreeMap::new();
        Self { tls, next: 0, writers, tasks: JoinSet::new(), news_in, news }
    }

    /// Starts a connection; the answer is [`StreamNews::Opened`] or [`StreamNews::Failed`].
    pub(crate) fn open(&mut self, request: RequestId, remote: SocketAddr, tls: Option<String>) {
        let stream = StreamId(self.next);
        self.next += 1;
        let (writer, writes) = mpsc::channel(WRITE_QUEUE);
        self.writers.insert(stream, Some(writer));
        let (config, news) = (self.tls.clone(), self.news_in.clone());
        self.tasks.spawn(async move {
            let connected = timeout(CONNECT_TIMEOUT, connect(remote, tls, config)).await;
            let last = match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(socket) => {
                    let _ = news.send(StreamNews::Opened { request, stream }).await;
                    carry(stream, socket, writes, &news).await;
                    StreamNews::Closed { stream }
                }
                Err(error) => {
                    StreamNews::Failed { request, stream, reason: format!("{remote}: {error}") }
                }
            };
            let _ = news.send(last).await;
        });
    }

    /// Queues `data` to be written. A stream that takes nothing any more is closed.
    pub(crate) fn write(&mut self, stream: StreamId, data: Bytes) {
        if let Some(slot) = self.writers.get_mut(&stream)
            && let Some(writer) = slot
            && writer.try_send(data).is_err()
        {
            *slot = None;
        }
    }

    /// Closes a stream behind what was written (BC-11.22). The node hears no more of it.
    pub(crate) fn close(&mut self, stream: StreamId) {
        self.writers.remove(&stream);
    }

    /// The next thing that happens to any stream.
    pub(crate) async fn next(&mut self) -> StreamNews {
        loop {
            tokio::select! {
                Some(news) = self.news.recv() => {
                    let wanted = match &news {
                        StreamNews::Opened { stream, .. } | StreamNews::Readable { stream, .. } => {
                            self.writers.contains_key(stream)
                        }
                        StreamNews::Failed { stream, .. } | StreamNews::Closed { stream } => {
                            self.writers.remove(stream).is_some()
                        }
                    };
                    if wanted {
                        return news;
                    }
                }
                // Tasks report through the channel; here they are only cleared away.
                Some(_) = self.tasks.join_next() => {}
            }
        }
    }
}

/// Something to read from and write to: TCP, or TLS over it.
trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

async fn connect(
    remote: SocketAddr,
    tls: Option<String>,
    config: Tls,
) -> io::Result<Box<dyn Socket>> {
    let socket = TcpStream::connect(remote).await?;
    socket.set_nodelay(true)?;
    let Some(name) = tls else { return Ok(Box::new(socket)) };
    let server = ServerName::try_from(name)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let connector = TlsConnector::from(config.get().await?);
    Ok(Box::new(connector.connect(server, socket).await?))
}

/// Carries bytes both ways until one side ends.
async fn carry(
    stream: StreamId,
    socket: Box<dyn Socket>,
    writes: mpsc::Receiver<Bytes>,
    news: &mpsc::Sender<StreamNews>,
) {
    let (reader, writer) = tokio::io::split(socket);
    let ended = tokio::select! {
        ended = read_in(stream, reader, news) => ended,
        ended = write_out(writer, writes) => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(?stream, %error, "stream broke");
    }
}

async fn read_in(
    stream: StreamId,
    mut reader: impl AsyncRead + Unpin,
    news: &mpsc::Sender<StreamNews>,
) -> io::Result<()> {
    let mut buffer = vec![0; READ];
    loop {
        let read = reader.read(&mut buffer).await?;
        let data = buffer[..read].to_vec();
        if read == 0 || news.send(StreamNews::Readable { stream, data }).await.is_err() {
            return Ok(());
        }
    }
}

async fn write_out(
    mut writer: impl AsyncWrite + Unpin,
    mut writes: mpsc::Receiver<Bytes>,
) -> io::Result<()> {
    while let Some(data) = writes.recv().await {
        timeout(WRITE_TIMEOUT, writer.write_all(&data)).await??;
        timeout(WRITE_TIMEOUT, writer.flush()).await??;
    }
    timeout(WRITE_TIMEOUT, writer.shutdown()).await?
}

/// Whom TLS servers are believed from (BC-11.23).
#[derive(Clone, Debug, Default)]
pub struct Tls(Arc<OnceCell<Arc<ClientConfig>>>);

impl Tls {
    /// The certificate authorities that the operating system trusts, read at the first use.
    #[must_use]
    pub fn platform() -> Self {
        Self::default()
    }

    /// A configuration of the application's own.
    #[must_use]
    pub fn custom(config: Arc<ClientConfig>) -> Self {
        Self(Arc::new(OnceCell::new_with(Some(config))))
    }

    async fn get(&self) -> io::Result<Arc<ClientConfig>> {
        // Reading the system's certificates takes a while: not on the node's own thread.
        let read = || async {
            tokio::task::spawn_blocking(platform_config).await.map_err(io::Error::other)?
        };
        self.0.get_or_try_init(read).await.cloned()
    }
}

fn platform_config() -> io::Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(io::Error::other)?
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests;

//! A small BitTorrent tracker (BEP 3, 7, 15, 23) over HTTP and UDP on one port: for one's own
//! network, for demonstrations and for tests.
//!
//! It serves any infohash, remembers peers in memory only, and takes a peer's address from where
//! its announce came from, never from what the announce says.

mod swarms;

pub use swarms::{Options, Tracker};

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Bytes of an HTTP request.
const MAX_REQUEST: usize = 8 * 1024;
/// HTTP connections at once, for each address.
const MAX_CONNECTIONS: usize = 128;
/// How long an HTTP connection may take.
const HTTP_TIME: Duration = Duration::from_secs(10);
/// A pause after an error of a socket, so that one that lasts does not spin.
const ERROR_PAUSE: Duration = Duration::from_millis(100);
/// Tries to find a port that is free for TCP and UDP.
const PORT_TRIES: usize = 16;

/// A running tracker; it ends when this is dropped.
#[derive(Debug)]
pub struct TrackerServer {
    /// Where it listens, over TCP and UDP, in the order in which the addresses were given.
    pub addrs: Vec<SocketAddr>,
    _tasks: JoinSet<()>,
}

struct Shared {
    tracker: Mutex<Tracker>,
    start: Instant,
}

impl Shared {
    /// Calls `act` with the tracker and the seconds since it started.
    fn with<R>(&self, act: impl FnOnce(&mut Tracker, u64) -> R) -> R {
        let now = self.start.elapsed().as_secs();
        act(&mut self.tracker.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

/// Serves a tracker on each of `addresses`, with one memory of peers. Where a port is 0, the port
/// of the address before is used, or any free one for the first.
///
/// # Errors
/// If an address cannot be bound.
pub async fn serve(addresses: &[SocketAddr], options: Options) -> io::Result<TrackerServer> {
    let tracker = Mutex::new(Tracker::new(options));
    let shared = Arc::new(Shared { tracker, start: Instant::now() });
    let mut server = TrackerServer { addrs: Vec::new(), _tasks: JoinSet::new() };
    for &address in addresses {
        let before = server.addrs.last().map_or(0, SocketAddr::port);
        let port = if address.port() == 0 { before } else { address.port() };
        let (tcp, udp) = bind(SocketAddr::new(address.ip(), port)).await?;
        server.addrs.push(udp.local_addr()?);
        server._tasks.spawn(serve_http(tcp, Arc::clone(&shared)));
        server._tasks.spawn(serve_udp(udp, Arc::clone(&shared)));
    }
    Ok(server)
}

/// One port for both protocols.
async fn bind(address: SocketAddr) -> io::Result<(TcpListener, UdpSocket)> {
    let mut tries = 0;
    loop {
        let tcp = TcpListener::bind(address).await?;
        match UdpSocket::bind(tcp.local_addr()?).await {
            Ok(udp) => return Ok((tcp, udp)),
            Err(_) if address.port() == 0 && tries < PORT_TRIES => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn serve_http(listener: TcpListener, shared: Arc<Shared>) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let Ok((stream, from)) = listener.accept().await else {
            sleep(ERROR_PAUSE).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            // A client that is too slow or broken gets nothing; there is nobody to tell.
            let _ = timeout(HTTP_TIME, answer_http(stream, from, &shared)).await;
            drop(slot);
        });
    }
}

async fn answer_http(mut stream: TcpStream, from: SocketAddr, shared: &Shared) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if request.len() >= MAX_REQUEST || stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let response = shared.with(|tracker, now| tracker.http(now, from, &request));
    stream.write_all(&response).await?;
    stream.shutdown().await
}

async fn serve_udp(socket: UdpSocket, shared: Arc<Shared>) {
    let mut packet = vec![0; 2_048];
    loop {
        let Ok((len, from)) = socket.recv_from(&mut packet).await else {
            sleep(ERROR_PAUSE).await;
            continue;
        };
        let request = packet.get(..len).unwrap_or_default();
        if let Some(reply) = shared.with(|tracker, now| tracker.udp(now, from, request)) {
            // A reply that cannot be sent is as good as one that is lost.
            let _ = socket.send_to(&reply, from).await;
        }
    }
}

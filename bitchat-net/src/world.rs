//! What the node asks of the world, carried out; what the world answers.

use crate::key_log::KeyLogFile;
use crate::qlog::TraceFiles;
use crate::store::{Answer, Opened, Store, StoreError};
use crate::tcp::{StreamNews, Streams, Tls};
use crate::udp::{BindError, Udp};
use bitchat_core::base::ids::{RequestId, SocketId};
use bitchat_core::crypto::key_log::KeyLogLine;
use bitchat_core::node::{Action, Failure, Family, Input, QlogRecord};
use std::collections::BTreeSet;
use std::future::{pending, poll_fn};
use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

/// How often the host's own addresses are read anew.
const INTERFACES_INTERVAL: Duration = Duration::from_secs(30);
/// A name that takes longer to look up has no address.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(45);

/// The store may take so long to finish and close its file; then the node ends without waiting for it.
pub(crate) const CLOSE_TIME: Duration = Duration::from_secs(10);

/// Tries to find a port that is free for both families.
const PORT_TRIES: usize = 16;

type Lookup = (RequestId, io::Result<Vec<IpAddr>>);

/// Something that happened outside.
pub(crate) enum News {
    /// A socket (by its index) has something to receive.
    Datagrams(usize),
    /// A socket that took nothing takes datagrams again.
    Writable,
    /// A stream did something.
    Stream(StreamNews),
    /// A name was looked up.
    Lookup(Lookup),
    /// The store answered.
    Store(Answer),
    /// The host's addresses are others than before.
    Interfaces,
}

/// Sockets, streams, lookups and the disk of one node. Dropping it ends them all at once.
pub(crate) struct World {
    sockets: Vec<Udp>,
    /// The socket whose turn it is to be received from.
    turn: usize,
    streams: Streams,
    lookups: JoinSet<Lookup>,
    store: Option<Opened>,
    /// What the store has not answered yet.
    asked: BTreeSet<RequestId>,
    interfaces: Vec<IpAddr>,
    interfaces_due: Interval,
    /// The addresses could not be read: that was said.
    interfaces_failed: bool,
    bind_errors: Vec<BindError>,
    key_log: Option<KeyLogFile>,
    traces: Option<TraceFiles>,
}

impl World {
    pub(crate) fn new(store: Option<Opened>, tls: Tls) -> Self {
        let mut interfaces_due = interval(INTERFACES_INTERVAL);
        interfaces_due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            sockets: Vec::new(),
            turn: 0,
            streams: Streams::new(tls),
            lookups: JoinSet::new(),
            store,
            asked: BTreeSet::new(),
            interfaces: Vec::new(),
            interfaces_due,
            interfaces_failed: false,
            bind_errors: Vec::new(),
            key_log: None,
            traces: None,
        }
    }

    /// From now on the key log is written to `file`.
    pub(crate) fn log_keys_to(&mut self, file: KeyLogFile) {
        self.key_log = Some(file);
    }

    /// Writes a line of the key log, where there is one.
    pub(crate) fn log_key(&mut self, line: &KeyLogLine) {
        if let Some(file) = &mut self.key_log {
            file.write(line);
        }
    }

    /// From now on traces of links are written to `files`.
    pub(crate) fn write_traces_to(&mut self, files: TraceFiles) {
        self.traces = Some(files);
    }

    /// Writes a record of a trace, where there are any.
    pub(crate) fn trace(&mut self, record: &QlogRecord) {
        if let Some(files) = &mut self.traces {
            files.write(record);
        }
    }

    /// Carries out `action`; the answer, where it is known at once (BC-11.07).
    pub(crate) fn act(&mut self, action: Action) -> Option<Input<'static>> {
        match action {
            Action::BindUdp { request, family, port } => Some(self.bind(request, family, port)),
            Action::Resolve { request, host } => {
                self.lookups.spawn(async move { (request, resolve(&host).await) });
                None
            }
            Action::OpenTcp { request, remote, tls } => {
                self.streams.open(request, remote, tls);
                None
            }
            Action::Write { stream, data } => {
                self.streams.write(stream, data);
                None
            }
            Action::Close { stream } => {
                self.streams.close(stream);
                None
            }
            Action::Persist { request, changes } => {
                self.ask_store(request, |store| store.persist(request, changes))
            }
            Action::Load { request, prefix, after, limit } => {
                self.ask_store(request, |store| store.load(request, prefix, after, limit))
            }
            other => {
                tracing::error!(?other, "an action that this driver does not know");
                None
            }
        }
    }

    fn bind(&mut self, request: RequestId, family: Family, port: u16) -> Input<'static> {
        let bound = if port == 0 { self.bind_any(family) } else { Udp::bind(family, port) };
        match bound {
            Ok(udp) => {
                let local = udp.local();
                Input::Bound { request, socket: self.add_socket(udp), local }
            }
            Err(error) => {
                let failure = Failure::Other(error.to_string());
                self.bind_errors.push(error);
                Input::Failed { request, failure }
            }
        }
    }

    pub(crate) fn add_socket(&mut self, udp: Udp) -> SocketId {
        self.sockets.push(udp);
        SocketId(u32::try_from(self.sockets.len() - 1).unwrap_or(u32::MAX))
    }

    /// Binds a port of the system's choice: the one that the other family's socket has, or one that
    /// it can have (BC-11.29).
    fn bind_any(&self, family: Family) -> Result<Udp, BindError> {
        if let Some(first) = self.sockets.first() {
            let same = Udp::bind(family, first.local().port());
            return if same.is_ok() { same } else { Udp::bind(family, 0) };
        }
        let other = if family == Family::V4 { Family::V6 } else { Family::V4 };
        for _ in 0..PORT_TRIES {
            let udp = Udp::bind(family, 0)?;
            match Udp::bind(other, udp.local().port()) {
                Err(BindError::InUse { .. }) => {}
                _ => return Ok(udp),
            }
        }
        Udp::bind(family, 0)
    }

    fn ask_store(
        &mut self,
        request: RequestId,
        ask: impl FnOnce(&Store) -> Result<(), StoreError>,
    ) -> Option<Input<'static>> {
        let failure = match &self.store {
            None => Failure::Unsupported,
            Some((store, _)) => match ask(store) {
                Ok(()) => {
                    self.asked.insert(request);
                    return None;
                }
                Err(error) => Failure::Other(error.to_string()),
            },
        };
        Some(Input::Failed { request, failure })
    }

    /// The socket of a name that [`World::act`] gave out.
    pub(crate) fn socket(&self, id: SocketId) -> Option<&Udp> {
        self.sockets.get(usize::try_from(id.0).ok()?)
    }

    /// The same, to send by.
    pub(crate) fn socket_mut(&mut self, id: SocketId) -> Option<&mut Udp> {
        self.sockets.get_mut(usize::try_from(id.0).ok()?)
    }

    /// How many datagrams every socket sends at once.
    pub(crate) fn max_segments(&self) -> usize {
        self.sockets.iter().map(Udp::max_segments).min().unwrap_or(1)
    }

    /// The sockets that could not be opened since this was last asked, and whether any is open.
    pub(crate) fn bind_errors(&mut self) -> (Vec<BindError>, bool) {
        (std::mem::take(&mut self.bind_errors), !self.sockets.is_empty())
    }

    /// The host's addresses, as last read.
    pub(crate) fn interfaces(&self) -> &[IpAddr] {
        &self.interfaces
    }

    /// Reads the host's addresses; whether they have changed.
    pub(crate) fn read_interfaces(&mut self) -> bool {
        self.on_interfaces(local_addresses())
    }

    /// Takes in what the system says of the host's addresses. If it says nothing they are what they
    /// were (BC-11.54): a host out of file descriptors has not left its networks.
    fn on_interfaces(&mut self, read: io::Result<Vec<IpAddr>>) -> bool {
        let failed = std::mem::replace(&mut self.interfaces_failed, read.is_err());
        match read {
            Ok(addresses) if addresses != self.interfaces => {
                self.interfaces = addresses;
                self.sockets.iter_mut().for_each(Udp::on_new_routes);
                true
            }
            Ok(_) => false,
            Err(error) => {
                if !failed {
                    tracing::warn!(%error, "this host's addresses cannot be read");
                }
                false
            }
        }
    }

    /// More answers of the store that are already there.
    pub(crate) fn more_answers(&mut self) -> Option<Answer> {
        let answer = self.store.as_mut()?.1.try_recv().ok()?;
        self.asked.remove(&answer.request());
        Some(answer)
    }

    /// Waits for the next thing to happen. `blocked` names a socket that takes no datagrams.
    pub(crate) async fn next(&mut self, blocked: Option<SocketId>) -> News {
        loop {
            let Self { sockets, turn, streams, lookups, store, asked, interfaces_due, .. } = self;
            let writable = blocked.and_then(|id| sockets.get(usize::try_from(id.0).ok()?));
            let news = tokio::select! {
                index = poll_fn(|cx| poll_any_readable(sockets, turn, cx)) => News::Datagrams(index),
                () = writable_again(writable) => News::Writable,
                news = streams.next() => News::Stream(news),
                Some(Ok(lookup)) = lookups.join_next() => News::Lookup(lookup),
                answer = next_answer(store, asked) => News::Store(answer),
                _ = interfaces_due.tick() => News::Interfaces,
            };
            if matches!(news, News::Interfaces) && !self.read_interfaces() {
                continue;
            }
            return news;
        }
    }

    /// Ends everything; returns once the store is closed and its lock released, or after [`CLOSE_TIME`].
    pub(crate) async fn close(self) {
        if let Some((store, _)) = self.store
            && timeout(CLOSE_TIME, store.close()).await.is_err()
        {
            tracing::warn!("the store is still writing: its disk is slow, or does not answer");
        }
    }
}

/// The store's next answer. A store that has died answers nothing: each question that it leaves open
/// has failed (BC-11.07).
async fn next_answer(store: &mut Option<Opened>, asked: &mut BTreeSet<RequestId>) -> Answer {
    let Some((_, answers)) = store else { return pending().await };
    if let Some(answer) = answers.recv().await {
        asked.remove(&answer.request());
        return answer;
    }
    match asked.pop_first() {
        Some(request) => Answer::Failed { request, error: StoreError::Closed },
        None => pending().await,
    }
}

async fn writable_again(socket: Option<&Udp>) {
    match socket {
        // Readiness is never an error here that waiting longer would mend.
        Some(socket) => drop(poll_fn(|cx| socket.poll_writable(cx)).await),
        None => pending().await,
    }
}

/// A socket with something to receive. Each gets its turn (BC-11.55): a flood over one family does not
/// silence the other.
fn poll_any_readable(sockets: &[Udp], turn: &mut usize, cx: &mut Context<'_>) -> Poll<usize> {
    let in_turn = sockets.iter().enumerate().cycle().skip(*turn).take(sockets.len());
    for (index, socket) in in_turn {
        if socket.poll_readable(cx).is_ready() {
            *turn = (index + 1) % sockets.len();
            return Poll::Ready(index);
        }
    }
    Poll::Pending
}

async fn resolve(host: &str) -> io::Result<Vec<IpAddr>> {
    if let Ok(literal) = host.parse() {
        return Ok(vec![literal]);
    }
    let found = timeout(RESOLVE_TIMEOUT, lookup_host((host, 0))).await??;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.map(|socket| socket.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// The addresses of this host at which another one could reach it (BC-11.24): no loopback, and no link-local
/// ones, which mean nothing without the name of an interface.
fn local_addresses() -> io::Result<Vec<IpAddr>> {
    let interfaces = if_addrs::get_if_addrs()?;
    let mut addresses: Vec<IpAddr> =
        interfaces.iter().map(if_addrs::Interface::ip).filter(reachable).collect();
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}

fn reachable(address: &IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast() || link_local)
}

#[cfg(test)]
mod tests;

//! The loop around a node: one task that owns it.
//!
//! Every wake-up hands something in; then everything that the node has to say is taken out, until
//! it is silent; then the task sleeps until the node's deadline or the next thing that happens.

use crate::log::trace;
use crate::store::{Answer, wall_clock};
use crate::tcp::StreamNews;
use crate::udp::{Batch, ReceiveBuffers};
use crate::world::{News, World};
use bitchat_core::base::ids::SocketId;
use bitchat_core::base::time::{Now, Timestamp};
use bitchat_core::crypto::key_log::KeyLogLine;
use bitchat_core::node::{
    Action, Deadline, Event, Failure, Input, LogRecord, Node, QlogRecord, Transmit, TransmitPoll,
};
use std::future::pending;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// A node that is shut down says good-bye for at most so long (BC-11.09).
pub(crate) const SHUTDOWN_TIME: Duration = Duration::from_secs(2);
/// Bytes of the largest batch of datagrams (the kernel's limit for GSO), and of the send buffer.
const SEND_BUFFER: usize = 65_507;
/// Datagrams of one batch at most (the kernel's `UDP_MAX_SEGMENTS` of old).
const MAX_SEGMENTS: usize = 64;
/// While a socket takes nothing, what waits to leave stays due: the node is woken no more often.
const BLOCKED_PAUSE: Duration = Duration::from_millis(1);
/// Batches sent, or received from one socket, before everybody else gets a turn.
const TURN: usize = 32;

/// What the driver needs of a node; tests put a scripted one in its place.
pub(crate) trait Machine {
    fn handle_input(&mut self, now: Now, input: Input<'_>);
    fn handle_timeout(&mut self, now: Now);
    fn poll_transmit(&mut self, now: Now, max_segments: usize, buf: &mut [u8]) -> TransmitPoll;
    fn poll_action(&mut self) -> Option<Action>;
    fn poll_event(&mut self) -> Option<Event>;
    fn poll_log(&mut self) -> Option<LogRecord>;
    fn poll_timeout(&self) -> Option<Deadline>;
    /// Secrets for who debugs; a machine has none unless it was told to give them away.
    fn poll_key_log(&mut self) -> Option<KeyLogLine> {
        None
    }
    /// Traces of links; a machine has none unless it was told to make some.
    fn poll_qlog(&mut self) -> Option<QlogRecord> {
        None
    }
    fn shutdown(&mut self, now: Now);
    fn is_drained(&self) -> bool;
}

impl Machine for Node {
    fn handle_input(&mut self, now: Now, input: Input<'_>) {
        self.handle_input(now, input);
    }
    fn handle_timeout(&mut self, now: Now) {
        self.handle_timeout(now);
    }
    fn poll_transmit(&mut self, now: Now, max_segments: usize, buf: &mut [u8]) -> TransmitPoll {
        self.poll_transmit(now, max_segments, buf)
    }
    fn poll_action(&mut self) -> Option<Action> {
        self.poll_action()
    }
    fn poll_event(&mut self) -> Option<Event> {
        self.poll_event()
    }
    fn poll_log(&mut self) -> Option<LogRecord> {
        self.poll_log()
    }
    fn poll_timeout(&self) -> Option<Deadline> {
        self.poll_timeout()
    }
    fn poll_key_log(&mut self) -> Option<KeyLogLine> {
        self.poll_key_log()
    }
    fn poll_qlog(&mut self) -> Option<QlogRecord> {
        self.poll_qlog()
    }
    fn shutdown(&mut self, now: Now) {
        self.shutdown(now);
    }
    fn is_drained(&self) -> bool {
        self.is_drained()
    }
}

/// Something to be done with the machine.
pub(crate) type Call<M> = Box<dyn FnOnce(&mut M, Now) + Send>;

/// What the handles ask of the task.
pub(crate) enum Command<M> {
    /// Do this.
    Call(Call<M>),
    /// Say good-bye and end.
    Shutdown,
}

/// The node's clocks (BC-11.01, BC-11.02).
#[derive(Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Now {
        let nanos = u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Now { mono: Timestamp::from_nanos(nanos), wall: wall_clock() }
    }

    /// `None` if the moment is further away than the system can count.
    fn instant(self, at: Timestamp) -> Option<Instant> {
        self.0.checked_add(Duration::from_nanos(at.as_nanos()))
    }
}

/// A host whose wall clock went on so much further than the monotonic one slept, or was set; to a node both
/// mean that what it knew is old.
const SLEPT: Duration = Duration::from_secs(5);

/// Whether the host slept between these two moments, as far as a monotonic clock that stops shows it.
fn has_slept(before: Now, after: Now) -> bool {
    let (Some(from), Some(to)) = (before.wall, after.wall) else { return false };
    let awake = after.mono.saturating_since(before.mono);
    Duration::from_millis(to.0.saturating_sub(from.0)) >= awake + SLEPT
}

/// Why the task woke up.
enum Wake<M> {
    News(News),
    Command(Option<Command<M>>),
    Timeout,
    EventsRoom,
    Again,
    TimeIsUp,
}

/// The task: a machine, its world, and the handles' channels.
pub(crate) struct Driver<M> {
    machine: M,
    world: World,
    clock: Clock,
    commands: mpsc::Receiver<Command<M>>,
    events: mpsc::Sender<Event>,
    /// The application has not taken its events: none are polled until it does.
    events_full: bool,
    buffers: ReceiveBuffers,
    out: Vec<u8>,
    /// A batch in `out` that the socket did not take.
    unsent: Option<Transmit>,
    /// When `handle_timeout` was last called.
    woken: Option<Instant>,
    /// A turn ended before the work did.
    again: bool,
    /// Shut down: the moment at which patience ends.
    ends: Option<Instant>,
}

impl<M: Machine> Driver<M> {
    pub(crate) fn new(
        machine: M,
        world: World,
        clock: Clock,
        commands: mpsc::Receiver<Command<M>>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        Self {
            machine,
            world,
            clock,
            commands,
            events,
            events_full: false,
            buffers: ReceiveBuffers::new(),
            out: vec![0; SEND_BUFFER],
            unsent: None,
            woken: None,
            again: false,
            ends: None,
        }
    }

    /// Tells the node what it must know first, and opens its sockets.
    pub(crate) fn begin(&mut self) {
        self.world.read_interfaces();
        self.tell_interfaces();
        self.drain();
    }

    pub(crate) fn world(&mut self) -> &mut World {
        &mut self.world
    }

    /// Runs until the node is shut down or nobody holds a handle to it any more.
    pub(crate) async fn run(mut self) {
        loop {
            self.drain();
            // A batch that the socket did not take is out of the node: it may be the good-bye (BC-11.53).
            if self.ends.is_some() && self.machine.is_drained() && self.unsent.is_none() {
                break;
            }
            let before = self.clock.now();
            match self.wake().await {
                Wake::TimeIsUp => break,
                wake => {
                    if has_slept(before, self.clock.now()) {
                        tracing::info!("the host slept");
                        self.input(Input::Resumed);
                    }
                    self.on_wake(wake);
                }
            }
        }
        // The commands' channel closes behind the store: whoever waits for it may open it again.
        self.world.close().await;
        drop(self.commands);
    }

    /// Takes out everything that the node has to say, until it is silent (BC-11.05).
    fn drain(&mut self) {
        self.again = false;
        loop {
            // Before the packets that the keys open (BC-13.05).
            while let Some(line) = self.machine.poll_key_log() {
                self.world.log_key(&line);
            }
            let mut worked = self.transmit();
            while let Some(action) = self.machine.poll_action() {
                worked = true;
                if let Some(answer) = self.world.act(action) {
                    self.input(answer);
                }
            }
            worked |= self.deliver_events();
            std::iter::from_fn(|| self.machine.poll_log()).for_each(|record| trace(&record));
            while let Some(record) = self.machine.poll_qlog() {
                self.world.trace(&record);
            }
            if !worked || self.again {
                return;
            }
        }
    }

    /// Sends what the node has to send; whether that was anything.
    fn transmit(&mut self) -> bool {
        let mut worked = false;
        for _ in 0..TURN {
            let Some(transmit) = self.unsent.take().or_else(|| self.next_transmit()) else {
                return worked;
            };
            if !self.send(&transmit) {
                self.unsent = Some(transmit);
                return worked;
            }
            worked = true;
        }
        self.again = true;
        worked
    }

    fn next_transmit(&mut self) -> Option<Transmit> {
        let segments = self.world.max_segments().clamp(1, MAX_SEGMENTS);
        loop {
            match self.machine.poll_transmit(self.clock.now(), segments, &mut self.out) {
                TransmitPoll::Ready(transmit) => return Some(transmit),
                TransmitPoll::Pending => return None,
                // BC-11.06: nothing is lost by a buffer that is too small.
                TransmitPoll::NeedSpace(bytes) if bytes > self.out.len() => {
                    self.out.resize(bytes, 0);
                }
                TransmitPoll::NeedSpace(bytes) => {
                    tracing::error!(bytes, "a node that wants the space it has");
                    return None;
                }
            }
        }
    }

    /// False if the socket takes nothing now. What has no socket is lost.
    fn send(&mut self, transmit: &Transmit) -> bool {
        let socket = self.world.socket_mut(transmit.socket);
        let data = self.out.get(..transmit.len);
        match (socket, data) {
            (Some(socket), Some(data)) => socket.send(transmit, data),
            _ => true,
        }
    }

    /// Hands events to the application as long as it takes them (BC-11.08); whether there were any.
    fn deliver_events(&mut self) -> bool {
        self.events_full = false;
        let mut worked = false;
        loop {
            match self.events.try_reserve() {
                Ok(room) => match self.machine.poll_event() {
                    Some(event) => room.send(event),
                    None => return worked,
                },
                Err(mpsc::error::TrySendError::Full(())) => {
                    self.events_full = true;
                    return worked;
                }
                // Nobody listens: events go nowhere, and must not hold the node up.
                Err(mpsc::error::TrySendError::Closed(())) => {
                    if self.machine.poll_event().is_none() {
                        return worked;
                    }
                }
            }
            worked = true;
        }
    }

    async fn wake(&mut self) -> Wake<M> {
        let timeout = self.timeout();
        let blocked = self.unsent.map(|transmit| transmit.socket);
        tokio::select! {
            command = self.commands.recv(), if self.ends.is_none() => Wake::Command(command),
            news = self.world.next(blocked) => Wake::News(news),
            () = sleep_until_some(timeout) => Wake::Timeout,
            () = sleep_until_some(self.ends) => Wake::TimeIsUp,
            _ = self.events.reserve(), if self.events_full => Wake::EventsRoom,
            () = tokio::task::yield_now(), if self.again => Wake::Again,
        }
    }

    /// When the node is to be woken.
    fn timeout(&self) -> Option<Instant> {
        let deadline = self.machine.poll_timeout()?;
        tracing::trace!(at = ?deadline.at, reason = deadline.reason, "sleep");
        let at = self.clock.instant(deadline.at)?;
        // BC-11.52
        let earliest = self.unsent.and(self.woken).map(|woken| woken + BLOCKED_PAUSE);
        Some(earliest.map_or(at, |earliest| at.max(earliest)))
    }

    fn on_wake(&mut self, wake: Wake<M>) {
        match wake {
            Wake::News(news) => self.on_news(news),
            Wake::Command(Some(Command::Call(call))) => call(&mut self.machine, self.clock.now()),
            // Nobody can ask for anything any more: that is a good-bye, too.
            Wake::Command(Some(Command::Shutdown) | None) => {
                self.ends = Some(Instant::now() + SHUTDOWN_TIME);
                self.machine.shutdown(self.clock.now());
            }
            // BC-11.04
            Wake::Timeout => {
                self.woken = Some(Instant::now());
                self.machine.handle_timeout(self.clock.now());
            }
            Wake::EventsRoom | Wake::Again | Wake::TimeIsUp => {}
        }
    }

    fn on_news(&mut self, news: News) {
        match news {
            News::Datagrams(index) => self.receive(index),
            News::Writable => {}
            News::Stream(news) => self.on_stream(news),
            News::Lookup((request, Ok(addresses))) => {
                self.input(Input::Resolved { request, addresses: &addresses });
            }
            News::Lookup((request, Err(error))) => {
                let failure = Failure::Other(error.to_string());
                self.input(Input::Failed { request, failure });
            }
            News::Store(answer) => {
                self.on_store(answer);
                while let Some(answer) = self.world.more_answers() {
                    self.on_store(answer);
                }
            }
            News::Interfaces => self.tell_interfaces(),
        }
    }

    fn receive(&mut self, index: usize) {
        let Ok(id) = u32::try_from(index).map(SocketId) else { return };
        for _ in 0..TURN {
            let Some(socket) = self.world.socket(id) else { return };
            let filled = socket.receive(&mut self.buffers);
            if filled == 0 {
                return;
            }
            let now = self.clock.now();
            // BC-11.50
            for batch in self.buffers.batches(filled) {
                let Batch { from, local, ecn, stride, data } = batch;
                let input = Input::Datagram { socket: id, from, local, ecn, stride, data };
                self.machine.handle_input(now, input);
            }
            self.drain();
        }
    }

    fn on_stream(&mut self, news: StreamNews) {
        match news {
            StreamNews::Opened { request, stream } => {
                self.input(Input::Opened { request, stream });
            }
            StreamNews::Failed { request, reason, .. } => {
                self.input(Input::Failed { request, failure: Failure::Other(reason) });
            }
            StreamNews::Readable { stream, data } => {
                self.input(Input::Readable { stream, data: &data });
            }
            StreamNews::Closed { stream } => self.input(Input::Closed { stream }),
        }
    }

    fn on_store(&mut self, answer: Answer) {
        self.input(match answer {
            Answer::Persisted { request } => Input::Persisted { request },
            Answer::Loaded { request, records, more } => Input::Loaded { request, records, more },
            Answer::Failed { request, error } => {
                Input::Failed { request, failure: Failure::Other(error.to_string()) }
            }
        });
    }

    fn tell_interfaces(&mut self) {
        self.machine.handle_input(self.clock.now(), Input::Interfaces(self.world.interfaces()));
    }

    fn input(&mut self, input: Input<'_>) {
        self.machine.handle_input(self.clock.now(), input);
    }
}

async fn sleep_until_some(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;

use super::*;
use crate::Tls;
use crate::store::Store;
use bitchat_core::base::ids::{ChannelHandle, RequestId};
use bitchat_core::node::{Change, ChannelUpdate, Family, Record};
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// A machine that says what it was told to say, and notes what it hears.
#[derive(Default)]
struct Script {
    transmits: VecDeque<(Transmit, Vec<u8>)>,
    space: usize,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
    deadline: Option<Timestamp>,
    stays: bool,
    /// After each timeout there is another one to come, at this moment.
    due: Option<Timestamp>,
    /// Whom it greets first, if not itself.
    greets: Option<SocketAddr>,
    /// Note each question for a datagram to send.
    polls: bool,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Script {
    fn note(&self, text: String) {
        self.heard.lock().unwrap().push(text);
    }
}

impl Machine for Script {
    fn handle_input(&mut self, _: Now, input: Input<'_>) {
        match input {
            Input::Interfaces(_) => {}
            Input::Datagram { stride, data, .. } => {
                data.chunks(stride).for_each(|one| self.note(format!("datagram {}", one.len())));
            }
            Input::Bound { local, .. } => {
                self.note(format!("bound {}", Family::of(&local) == Family::V4));
                self.note(format!("port {}", local.port()));
                // Greets itself, with three datagrams in one batch.
                let to = self.greets.unwrap_or(([127, 0, 0, 1], local.port()).into());
                let transmit = Transmit {
                    socket: SocketId(0),
                    to,
                    len: 2_500,
                    segment_size: Some(1_000),
                    ecn: None,
                    local: None,
                };
                self.transmits.push_back((transmit, vec![1; 2_500]));
            }
            other => self.note(format!("{other:?}")),
        }
    }
    fn handle_timeout(&mut self, now: Now) {
        assert!(now.mono >= self.deadline.take().unwrap(), "never too early");
        self.deadline = self.due;
        self.note("timeout".into());
    }
    fn poll_transmit(&mut self, _: Now, segments: usize, buf: &mut [u8]) -> TransmitPoll {
        if self.polls {
            self.note("poll".into());
        }
        if self.transmits.front().is_none() {
            return TransmitPoll::Pending;
        }
        if buf.len() < self.space {
            return TransmitPoll::NeedSpace(self.space);
        }
        let (mut transmit, mut data) = self.transmits.pop_front().unwrap();
        if segments == 1
            && let Some(size) = transmit.segment_size.take()
        {
            let rest = data.split_off(size.min(data.len()));
            transmit.len = data.len();
            if !rest.is_empty() {
                let later = Transmit { len: rest.len(), segment_size: Some(size), ..transmit };
                self.transmits.push_front((later, rest));
            }
        }
        buf[..data.len()].copy_from_slice(&data);
        TransmitPoll::Ready(transmit)
    }
    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }
    fn poll_log(&mut self) -> Option<LogRecord> {
        None
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
    fn poll_timeout(&self) -> Option<Deadline> {
        self.deadline.map(|at| Deadline { at, reason: "test" })
    }
    fn shutdown(&mut self, _: Now) {
        self.note("shutdown".into());
    }
    fn is_drained(&self) -> bool {
        !self.stays
    }
}

struct Rig {
    heard: Arc<Mutex<Vec<String>>>,
    commands: mpsc::Sender<Command<Script>>,
    events: mpsc::Receiver<Event>,
    task: tokio::task::JoinHandle<()>,
}

impl Rig {
    fn start(script: Script, store: Option<crate::store::Opened>, room: usize) -> Self {
        let heard = script.heard.clone();
        let (commands, asked) = mpsc::channel(8);
        let (told, events) = mpsc::channel(room);
        let world = World::new(store, Tls::platform());
        let mut driver = Driver::new(script, world, Clock::start(), asked, told);
        driver.begin();
        Self { heard, commands, events, task: tokio::spawn(driver.run()) }
    }

    /// With a batch that waits for a socket that takes nothing, and the other end of that.
    #[cfg(unix)]
    fn start_blocked(script: Script) -> (Self, std::os::unix::net::UnixDatagram) {
        let heard = script.heard.clone();
        let (commands, asked) = mpsc::channel(8);
        let (told, events) = mpsc::channel(4);
        let mut world = World::new(None, Tls::platform());
        let (socket, far) = crate::udp::Udp::full();
        let socket = world.add_socket(socket);
        let mut driver = Driver::new(script, world, Clock::start(), asked, told);
        let to = ([127, 0, 0, 1], 9).into();
        driver.unsent =
            Some(Transmit { socket, to, len: 9, segment_size: None, ecn: None, local: None });
        (Self { heard, commands, events, task: tokio::spawn(driver.run()) }, far)
    }

    async fn hears(&self, what: &str) {
        while !self.heard.lock().unwrap().iter().any(|text| text.contains(what)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn count(&self, what: &str) -> usize {
        self.heard.lock().unwrap().iter().filter(|text| text.contains(what)).count()
    }
}

fn event(n: u32) -> Event {
    Event::Channel(ChannelHandle(n), ChannelUpdate::LogFull)
}

/// BC-11.08
#[tokio::test]
async fn events_wait_in_the_node_until_the_application_takes_them() {
    let script = Script { events: (0..1_000).map(event).collect(), ..Script::default() };
    let mut rig = Rig::start(script, None, 4);
    let (reply, left) = tokio::sync::oneshot::channel();
    let look = Box::new(|script: &mut Script, _| reply.send(script.events.len()).unwrap());
    rig.commands.send(Command::Call(look)).await.ok().unwrap();
    assert_eq!(left.await.unwrap(), 996, "the channel's room, and not one more");
    for n in 0..1_000 {
        assert_eq!(rig.events.recv().await, Some(event(n)));
    }
}

#[tokio::test]
async fn an_application_that_does_not_listen_holds_nothing_up() {
    let script = Script { events: (0..1_000).map(event).collect(), ..Script::default() };
    let rig = Rig::start(script, None, 4);
    drop(rig.events);
    rig.commands.send(Command::Shutdown).await.ok().unwrap();
    rig.task.await.unwrap();
}

/// BC-11.05, BC-11.06, BC-11.10
#[tokio::test]
async fn batches_arrive_as_datagrams() {
    let bind = Action::BindUdp { request: RequestId(1), family: Family::V4, port: 0 };
    let script = Script { actions: [bind].into(), space: 100_000, ..Script::default() };
    let rig = Rig::start(script, None, 4);
    rig.hears("datagram 500").await;
    assert_eq!(rig.count("datagram 1000"), 2);
    assert_eq!(rig.count("datagram"), 3);
    assert_eq!(rig.count("bound true"), 1);
}

/// BC-11.50: one wake-up for what one system call brings, not one for each datagram.
#[tokio::test]
async fn what_arrived_together_is_handed_in_before_anything_is_polled() {
    let bind = Action::BindUdp { request: RequestId(1), family: Family::V4, port: 0 };
    let script = Script { actions: [bind].into(), polls: true, ..Script::default() };
    let rig = Rig::start(script, None, 4);
    rig.hears("datagram 500").await;
    let heard = rig.heard.lock().unwrap().clone();
    let port = heard.iter().find_map(|text| text.strip_prefix("port ")).unwrap();
    let to = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
    // The task sleeps until this test waits. Sizes differ, so that the system joins none of them.
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for size in 101..=106 {
        sender.send_to(&vec![7; size], to).unwrap();
    }
    rig.hears("datagram 106").await;
    let heard = rig.heard.lock().unwrap().clone();
    let at = |what: &str| heard.iter().position(|text| text == what).unwrap();
    let between = &heard[at("datagram 101")..at("datagram 106")];
    assert_eq!(between.iter().filter(|text| *text == "poll").count(), 0, "{between:?}");
}

/// BC-11.04
#[tokio::test(start_paused = true)]
async fn deadlines_are_kept() {
    let script = Script { deadline: Some(Timestamp::from_millis(500)), ..Script::default() };
    let start = Instant::now();
    let rig = Rig::start(script, None, 4);
    rig.hears("timeout").await;
    let late = start.elapsed() - Duration::from_millis(500);
    assert!(late < Duration::from_millis(5), "{late:?}");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(rig.count("timeout"), 1);
}

/// BC-11.52
#[cfg(unix)]
#[tokio::test]
async fn a_full_socket_does_not_make_it_spin() {
    let due = Some(Timestamp::ZERO);
    let start = Instant::now();
    let (rig, far) = Rig::start_blocked(Script { deadline: due, due, ..Script::default() });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (woken, most) = (rig.count("timeout"), start.elapsed().as_millis() + 1);
    assert!(woken > 1 && woken as u128 <= most, "{woken} times, at most {most}");
    // It goes on once the socket takes datagrams.
    far.set_nonblocking(true).unwrap();
    while far.recv(&mut [0; 1_000]).is_ok() {}
    rig.commands.send(Command::Shutdown).await.ok().unwrap();
    rig.task.await.unwrap();
}

/// BC-11.53: a fresh socket takes nothing before the runtime has looked at it.
#[tokio::test]
async fn a_good_bye_that_waits_for_its_socket_is_sent() {
    let peer = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let greets = Some(peer.local_addr().unwrap());
    let bind = Action::BindUdp { request: RequestId(1), family: Family::V4, port: 0 };
    let rig = Rig::start(Script { actions: [bind].into(), greets, ..Script::default() }, None, 4);
    rig.commands.try_send(Command::Shutdown).ok().unwrap();
    rig.task.await.unwrap();
    let (mut sizes, mut bytes) = (Vec::new(), [0; 2_000]);
    while sizes.len() < 3 {
        let datagram = tokio::time::timeout(Duration::from_secs(5), peer.recv(&mut bytes));
        sizes.push(datagram.await.expect("it was sent").unwrap());
    }
    assert_eq!(sizes, [1_000, 1_000, 500]);
}

/// BC-11.07
#[tokio::test]
async fn each_action_is_answered_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = Store::open(&path).await.unwrap();
    let record =
        Record { key: b"k".to_vec(), value: Bytes::from_static(b"v"), secret: true, expires: None };
    let nobody: SocketAddr = ([127, 0, 0, 1], 1).into();
    let actions = [
        Action::Persist { request: RequestId(1), changes: vec![Change::Put(record)] },
        Action::Load { request: RequestId(2), prefix: vec![], after: vec![], limit: 9 },
        Action::Resolve { request: RequestId(3), host: "127.0.0.9".into() },
        Action::OpenTcp { request: RequestId(4), remote: nobody, tls: None },
        Action::BindUdp { request: RequestId(5), family: Family::V4, port: 0 },
    ];
    let rig = Rig::start(Script { actions: actions.into(), ..Script::default() }, Some(store), 4);
    for answer in [
        "Persisted { request: RequestId(1) }",
        "Loaded { request: RequestId(2), records: [Record",
        "Resolved { request: RequestId(3), addresses: [127.0.0.9] }",
        "Failed { request: RequestId(4)",
        "bound true",
    ] {
        rig.hears(answer).await;
        assert_eq!(rig.count(answer), 1);
    }
    assert_eq!(rig.count("RequestId("), 4);
    rig.commands.send(Command::Shutdown).await.ok().unwrap();
    rig.commands.closed().await;
    Store::open(&path).await.expect("whoever waited for the end may open the store again");
}

/// BC-11.09
#[tokio::test(start_paused = true)]
async fn patience_with_a_good_bye_ends() {
    for (stays, least, most) in [(false, 0, 10), (true, 2_000, 2_010)] {
        let rig = Rig::start(Script { stays, ..Script::default() }, None, 4);
        let start = Instant::now();
        rig.commands.send(Command::Shutdown).await.ok().unwrap();
        rig.task.await.unwrap();
        let took = start.elapsed().as_millis();
        assert!((least..=most).contains(&took), "{took} ms");
        assert_eq!(*rig.heard.lock().unwrap(), ["shutdown"]);
    }
}

#[tokio::test]
async fn without_handles_the_node_says_good_bye() {
    let rig = Rig::start(Script::default(), None, 4);
    drop(rig.commands);
    rig.task.await.unwrap();
    assert_eq!(*rig.heard.lock().unwrap(), ["shutdown"]);
}

/// BC-11.01, BC-11.02
#[tokio::test]
async fn one_clock_counts_and_the_other_tells_the_date() {
    let clock = Clock::start();
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let mut last = clock.now();
    for _ in 0..10_000 {
        let now = clock.now();
        assert!(now.mono >= last.mono);
        last = now;
    }
    let wall = Duration::from_millis(last.wall.unwrap().0);
    assert!(wall + Duration::from_millis(1) > before && wall < before + Duration::from_secs(60));
    assert_eq!(
        clock.instant(Timestamp::from_millis(7)).unwrap() - clock.instant(Timestamp::ZERO).unwrap(),
        Duration::from_millis(7)
    );
}

#[test]
fn a_wall_clock_that_ran_ahead_of_the_monotonic_one_shows_a_sleep() {
    let at = |mono, wall| Now {
        mono: Timestamp::from_millis(mono),
        wall: Some(bitchat_core::base::time::UnixMillis(wall)),
    };
    let start = at(1_000, 1_000_000);
    assert!(has_slept(start, at(1_010, 1_600_000)));
    assert!(has_slept(start, at(1_000, 1_005_000)));
    assert!(!has_slept(start, at(1_000, 1_004_999)));
    // Awake for ten minutes, with a clock that is put back, and without one.
    assert!(!has_slept(start, at(601_000, 1_600_000)));
    assert!(!has_slept(start, at(2_000, 1_000)));
    assert!(!has_slept(start, Now { wall: None, ..at(2_000, 0) }));
}

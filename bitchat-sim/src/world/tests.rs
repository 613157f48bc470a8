use super::*;
use bitchat_core::base::ids::SocketId;
use bitchat_core::node::{
    Action, Change, Deadline, Family, NodeUpdate, Record, Transmit, TransmitPoll,
};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the little machine does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Vice {
    None,
    Spins,
    Strands,
    RepeatsRequest,
    ForeignSocket,
}

/// Sends a number to its peer every second and sends back each number it gets, plus one, until 10.
struct Echo {
    vice: Vice,
    peer: Option<SocketAddr>,
    socket: Option<SocketId>,
    next: Timestamp,
    out: VecDeque<(SocketAddr, u8)>,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
    highest: u8,
}

impl Echo {
    fn new(now: Now, vice: Vice, peer: Option<SocketAddr>) -> Self {
        let bind = Action::BindUdp { request: RequestId(1), family: Family::V4, port: 7 };
        Self {
            vice,
            peer,
            socket: None,
            next: now.mono + Duration::from_secs(1),
            out: VecDeque::new(),
            actions: VecDeque::from([bind]),
            events: VecDeque::new(),
            highest: 0,
        }
    }
}

impl Machine for Echo {
    fn handle_input(&mut self, _: Now, input: Input<'_>) {
        match input {
            Input::Bound { socket, local, .. } => {
                self.socket = Some(socket);
                self.events.push_back(Event::Node(NodeUpdate::Listening { local }));
                let record =
                    Record { key: vec![1], value: vec![2].into(), secret: false, expires: None };
                let request = RequestId(if self.vice == Vice::RepeatsRequest { 1 } else { 2 });
                let changes = vec![Change::Put(record)];
                self.actions.push_back(Action::Persist { request, changes });
            }
            Input::Datagram { from, stride, data, .. } => {
                for number in data.chunks(stride).map(|datagram| datagram[0]) {
                    self.highest = self.highest.max(number);
                    if number < 10 {
                        self.out.push_back((from, number + 1));
                    }
                }
            }
            Input::Persisted { request } => {
                let (prefix, after) = (vec![], vec![]);
                let request = RequestId(request.0 + 1);
                self.actions.push_back(Action::Load { request, prefix, after, limit: 10 });
            }
            Input::Loaded { records, .. } => assert_eq!(records.len(), 1),
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        if self.vice != Vice::Spins && now.mono >= self.next {
            self.next = now.mono + Duration::from_secs(1);
            self.out.extend(self.peer.map(|peer| (peer, 0)));
        }
    }

    fn poll_transmit(&mut self, now: Now, _: usize, buf: &mut [u8]) -> TransmitPoll {
        if self.vice == Vice::Strands && now.mono + Duration::from_millis(500) > self.next {
            self.out.extend(self.peer.map(|peer| (peer, 0)));
        }
        let Some(socket) = self.socket.filter(|_| !self.out.is_empty()) else {
            return TransmitPoll::Pending;
        };
        let Some(first) = buf.first_mut() else { return TransmitPoll::NeedSpace(1) };
        let Some((to, number)) = self.out.pop_front() else { return TransmitPoll::Pending };
        *first = number;
        let socket = if self.vice == Vice::ForeignSocket { SocketId(77) } else { socket };
        TransmitPoll::Ready(Transmit {
            socket,
            to,
            len: 1,
            segment_size: None,
            ecn: None,
            local: None,
        })
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        Some(Deadline { at: self.next, reason: "next number" })
    }
}

fn world(seed: u64, vice: Vice) -> (World<Echo>, HostId, HostId) {
    let mut world = World::new(seed, false);
    let (one, other) = (world.add_host(), world.add_host());
    let peer = SocketAddr::new(world.net.addresses(other)[0], 7);
    world.start(one, |now| Echo::new(now, vice, Some(peer)));
    world.start(other, |now| Echo::new(now, Vice::None, None));
    (world, one, other)
}

fn failure(vice: Vice) -> String {
    let run = || {
        let (mut world, ..) = world(1, vice);
        world.run(Duration::from_millis(3_700));
    };
    let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn machines_talk_at_exactly_the_right_times() {
    let (mut world, one, other) = world(1, Vice::None);
    world.net.set_default(&LinkConfig::delay(Duration::from_millis(50)));
    world.run(Duration::from_millis(1_320));
    // 0 at 1 s, and one hop each 50 ms: 5 at 1.3 s.
    assert_eq!(world.machine(one).unwrap().highest, 5);
    assert_eq!(world.machine(other).unwrap().highest, 4);
    assert_eq!(world.disk(one).records().count(), 1);
    assert!(matches!(world.events(one), [(_, Event::Node(NodeUpdate::Listening { .. }))]));
    assert_eq!(world.counters(one).woken, 1);
}

#[test]
fn equal_seeds_give_equal_traces_and_others_do_not() {
    let hash = |seed| {
        let (mut world, ..) = world(seed, Vice::None);
        world.net.set_default(&LinkConfig::default().lossy(0.1));
        world.run(Duration::from_secs(60));
        world.into_trace().hash()
    };
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1), hash(2));
}

#[test]
fn vices_are_found_out() {
    assert!(failure(Vice::Spins).contains("spins: next number"));
    assert!(failure(Vice::Strands).contains("stranded Transmit"));
    assert!(failure(Vice::RepeatsRequest).contains("used RequestId(1) twice"));
    assert!(failure(Vice::ForeignSocket).contains("sends nonsense"));
    assert!(failure(Vice::Spins).contains("of seed 1"));
}

#[test]
fn a_killed_machine_leaves_its_disk_and_nothing_else() {
    let (mut world, one, other) = world(1, Vice::None);
    world.run(Duration::from_millis(1_500));
    world.kill(one);
    world.run(Duration::from_secs(5));
    let (before, heard) = (world.counters(one).sent, world.counters(other).received);
    assert!(before > 0 && heard > 0);
    assert_eq!(world.disk(one).records().count(), 1);
    let peer = SocketAddr::new(world.net.addresses(other)[0], 7);
    world.start(one, |now| Echo::new(now, Vice::None, Some(peer)));
    world.run(Duration::from_millis(1_500));
    assert!(world.counters(other).received > heard);
}

#[test]
fn skewed_clocks_wake_at_the_first_possible_moment() {
    for skew_ppm in [-100_000, -100, 0, 1, 100, 100_000] {
        let clock = Clock { origin: 12_345_678_901, skew_ppm, wall: None };
        for deadline in [0u64, 12_345_678_902, 99_999_999_999_999_999] {
            let deadline = Timestamp::from_nanos(deadline);
            let at = clock.when(deadline);
            assert!(clock.now(at).mono >= deadline);
            let before = Timestamp::from_nanos(at.as_nanos().saturating_sub(1));
            assert!(at == Timestamp::ZERO || clock.now(before).mono < deadline);
        }
    }
}

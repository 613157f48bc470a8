use super::*;
use crate::transport::congestion::{Cubic, NewReno};

const MSS: u64 = 1_000;
const RTT: Duration = Duration::from_millis(100);

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A path of 100 packets a round trip, as remembered.
fn memory(loss: u64) -> PathMemory {
    PathMemory::new(RTT, 1_000 * MSS, loss, MSS).expect("worth remembering")
}

/// A link that begins with a memory, and sends a packet each time `send` is called.
struct Flow {
    careful: Careful,
    rtt: Rtt,
    millis: u64,
    next: u64,
    in_flight: u64,
}

impl Flow {
    fn new(inner: Box<dyn Controller>, memory: PathMemory, trip: Duration) -> Self {
        let mut rtt = Rtt::new(trip);
        rtt.update(trip, Duration::ZERO);
        Self { careful: Careful::new(inner, memory, MSS), rtt, millis: 0, next: 0, in_flight: 0 }
    }

    /// Sends as much as the window lets it; how many packets.
    fn fill(&mut self) -> u64 {
        let mut sent = 0;
        while self.in_flight + MSS <= self.careful.window() {
            self.in_flight += MSS;
            self.careful.on_sent(at(self.millis), self.next, MSS, self.in_flight);
            self.next += 1;
            sent += 1;
        }
        sent
    }

    /// Packet `pn` is acknowledged.
    fn ack(&mut self, pn: u64) {
        let now = at(self.millis);
        let sent_at = now - RTT;
        let packet = AckedPacket { pn, sent_at, bytes: MSS, app_limited: false };
        self.careful.on_acked(now, packet, &self.rtt);
        self.in_flight -= MSS;
        let ack = AckSummary { in_flight: self.in_flight, acked: MSS, rate: None };
        self.careful.on_ack_end(now, &ack);
    }

    fn lose(&mut self, packets: u64) {
        self.in_flight -= packets * MSS;
        let sent_at = at(self.millis) - RTT;
        let event = Congestion { sent_at, bytes: packets * MSS, ..Congestion::default() };
        self.careful.on_congestion(at(self.millis), event);
    }

    /// The first window is sent and acknowledged.
    fn start(&mut self) {
        assert_eq!(self.fill(), 10);
        self.millis += 100;
        (0..10).for_each(|pn| self.ack(pn));
    }
}

fn controllers() -> [Box<dyn Controller>; 2] {
    [Box::new(Cubic::new(MSS)), Box::new(NewReno::new(MSS))]
}

/// BC-07.86
#[test]
fn half_of_what_was_remembered_is_sent_once_the_first_window_came_through() {
    for inner in controllers() {
        let mut flow = Flow::new(inner, memory(0), RTT);
        assert_eq!(flow.fill(), 10, "nothing is jumped on trust");
        flow.millis += 100;
        (0..9).for_each(|pn| flow.ack(pn));
        assert!(flow.careful.window() <= 19 * MSS);
        flow.ack(9);
        assert_eq!(flow.careful.window(), 50 * MSS);
        assert_eq!(flow.careful.pacing_rate(&flow.rtt), 500 * MSS, "spread over a round trip");
        assert_eq!(flow.fill(), 50);
        flow.millis += 100;
        flow.ack(10);
        assert_eq!(flow.careful.phase, Phase::Validating { last: 59, window: 50 * MSS });
        (11..60).for_each(|pn| flow.ack(pn));
        assert_eq!(flow.careful.phase, Phase::Normal);
        assert!(flow.careful.window() >= 60 * MSS, "slow start went on meanwhile");
    }
}

/// BC-07.86
#[test]
fn nothing_is_resumed_on_a_path_with_another_round_trip_or_when_nothing_waits() {
    for (trip, jumps) in [(49, false), (51, true), (199, true), (201, false)] {
        let inner = Box::new(NewReno::new(MSS));
        let mut flow = Flow::new(inner, memory(0), Duration::from_millis(trip));
        flow.start();
        assert_eq!(flow.careful.window() == 50 * MSS, jumps, "{trip} ms");
    }
    let mut flow = Flow::new(Box::new(NewReno::new(MSS)), memory(0), RTT);
    for pn in 0..20 {
        flow.in_flight += MSS;
        flow.careful.on_sent(at(flow.millis), pn, MSS, flow.in_flight);
        flow.millis += 100;
        flow.ack(pn);
    }
    assert_eq!(flow.careful.phase, Phase::Reconnaissance { full: false });
    // What is allowed and not used soon is void.
    let mut flow = Flow::new(Box::new(NewReno::new(MSS)), memory(0), RTT);
    flow.start();
    flow.millis += 201;
    flow.careful.on_sent(at(flow.millis), 10, MSS, MSS);
    assert_eq!(flow.careful.phase, Phase::Normal);
}

/// BC-07.87
#[test]
fn a_jump_that_loses_too_much_falls_to_half_of_what_arrived() {
    for inner in controllers() {
        let mut flow = Flow::new(inner, memory(0), RTT);
        flow.start();
        flow.fill();
        flow.millis += 100;
        (10..34).for_each(|pn| flow.ack(pn));
        flow.lose(4);
        assert!(matches!(flow.careful.phase, Phase::Validating { .. }), "four may be chance");
        flow.lose(1);
        assert_eq!(flow.careful.phase, Phase::Retreat { last: 59 });
        assert!(flow.careful.window() <= 12 * MSS);
        (39..60).for_each(|pn| flow.ack(pn));
        assert_eq!(flow.careful.phase, Phase::Normal);
    }
}

/// BC-07.87: what the path lost before is expected of it.
#[test]
fn a_lossy_path_may_lose_what_it_lost_before() {
    for (lost, retreats) in [(8, false), (10, true)] {
        let mut flow = Flow::new(Box::new(NewReno::new(MSS)), memory(100), RTT);
        flow.start();
        flow.fill();
        flow.millis += 100;
        flow.ack(10);
        flow.lose(lost);
        assert_eq!(matches!(flow.careful.phase, Phase::Retreat { .. }), retreats, "{lost}");
    }
    let mut flow = Flow::new(Box::new(NewReno::new(MSS)), memory(100), RTT);
    flow.start();
    flow.fill();
    flow.careful.on_congestion(at(flow.millis), Congestion::default());
    assert!(matches!(flow.careful.phase, Phase::Retreat { .. }), "a mark is no bad line");
}

/// BC-07.85
#[test]
fn a_path_that_holds_little_is_not_remembered() {
    assert_eq!(PathMemory::new(RTT, 399 * MSS, 0, MSS), None);
    assert!(PathMemory::new(RTT, 400 * MSS, 0, MSS).is_some());
    let lossy = PathMemory::new(RTT, 400 * MSS, 900, MSS).expect("it holds enough");
    assert_eq!(lossy.loss, MAX_LOSS);
}

#[test]
fn another_path_is_begun_without_memory() {
    let flow = Flow::new(Box::new(NewReno::new(MSS)), memory(0), RTT);
    let anew = flow.careful.anew(MSS);
    assert_eq!((anew.window(), anew.phase()), (10 * MSS, Some("slow_start")));
}

use super::*;

const MSS: u64 = 1_000;
const RTT: Duration = Duration::from_millis(100);

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A controller, and an ideal path that delivers what the test says.
struct Path {
    bbr: Bbr,
    millis: u64,
    delivered: u64,
}

impl Path {
    fn new() -> Self {
        Self { bbr: Bbr::new(MSS, 1), millis: 0, delivered: 0 }
    }

    /// A round of 100 ms in which `bytes` arrive, the round trip is `rtt`, and `lost` are lost;
    /// `in_flight` is left.
    fn round(&mut self, bytes: u64, rtt: Duration, lost: u64, in_flight: u64) {
        self.millis += 100;
        let now = at(self.millis);
        if lost > 0 {
            let sent_at = at(self.millis - 100);
            let (in_flight_at_send, bytes) = (in_flight.max(lost), lost / 3);
            for part in 1..=3 {
                let lost_since_send = bytes * part;
                let event = Congestion {
                    number: part,
                    sent_at,
                    bytes,
                    in_flight_at_send,
                    lost_since_send,
                    persistent: false,
                };
                self.bbr.on_congestion(now, event);
            }
        }
        let prior_delivered = self.delivered;
        self.delivered += bytes;
        let rate = Some(RateSample {
            interval: RTT,
            delivered: bytes,
            lost,
            prior_delivered,
            total_delivered: self.delivered,
            in_flight_at_send: in_flight,
            rtt,
            app_limited: false,
        });
        self.bbr.on_ack_end(now, &AckSummary { in_flight, acked: bytes, rate });
    }

    /// Fills a path of 100 packets a round trip.
    fn cruise(&mut self) {
        for packets in [10, 20, 40, 80, 100, 100, 100, 100] {
            self.round(packets * MSS, RTT, 0, 2 * packets * MSS);
        }
        assert_eq!(self.bbr.state, State::Drain);
        self.round(100 * MSS, RTT, 0, 90 * MSS);
        assert_eq!(self.bbr.state, State::Down);
        self.round(100 * MSS, RTT, 0, 90 * MSS);
        assert_eq!(self.bbr.state, State::Cruise);
    }
}

/// The first sample behind a long cut says next to nothing of the path.
#[test]
fn starting_up_it_is_never_slower_than_a_packet_in_a_round_trip() {
    let mut bbr = Bbr::new(MSS, 1);
    let sample = RateSample {
        interval: Duration::from_secs(60),
        delivered: 200,
        total_delivered: 200,
        in_flight_at_send: 200,
        rtt: RTT,
        ..RateSample::default()
    };
    bbr.on_ack_end(at(60_000), &AckSummary { in_flight: 0, acked: 200, rate: Some(sample) });
    assert_eq!(bbr.pacing_rate(&Rtt::new(RTT)), 10 * MSS, "not 8 bytes a second");
}

/// BC-07.30
#[test]
fn startup_doubles_until_the_pipe_is_full() {
    let mut path = Path::new();
    assert_eq!(path.bbr.pacing_rate(&Rtt::new(RTT)), 277_000, "ten packets a round, 2.77 times");
    path.round(10 * MSS, RTT, 0, 20 * MSS);
    assert_eq!(path.bbr.pacing_rate(&Rtt::new(RTT)), 274_230, "the same, with the margin");
    assert_eq!(path.bbr.window(), 20 * MSS);
    path.round(20 * MSS, RTT, 0, 40 * MSS);
    assert_eq!(path.bbr.window(), 40 * MSS);
    let mut path = Path::new();
    path.cruise();
    assert_eq!(path.bbr.pacing_rate(&Rtt::new(RTT)), 990_000, "99 % of a megabyte a second");
    assert!((200 * MSS..=310 * MSS).contains(&path.bbr.window()));
}

#[test]
fn a_probe_finds_more_and_the_old_is_forgotten_after_two() {
    let mut path = Path::new();
    path.cruise();
    let mut seen = Vec::new();
    for _ in 0..140 {
        let in_flight = if path.bbr.state == State::Up { 170 * MSS } else { 90 * MSS };
        let packets = if path.bbr.state == State::Up { 125 } else { 100 };
        path.round(packets * MSS, RTT, 0, in_flight);
        if seen.last() != Some(&path.bbr.state) {
            seen.push(path.bbr.state);
        }
    }
    let cycle = [State::Cruise, State::Refill, State::Up, State::Down];
    assert!(seen.starts_with(&[cycle, cycle].concat()), "{seen:?}");
    assert!(path.bbr.bandwidth() >= 1_250_000, "{:?}", path.bbr);
    for _ in 0..100 {
        path.round(50 * MSS, RTT, 0, 60 * MSS);
    }
    assert_eq!(path.bbr.bandwidth(), 500_000, "{:?}", path.bbr);
}

#[test]
fn loss_without_a_queue_is_made_up_for() {
    let mut path = Path::new();
    path.cruise();
    for _ in 0..10 {
        path.round(90 * MSS, RTT, 10 * MSS, 90 * MSS);
    }
    assert_eq!(path.bbr.bounds.bandwidth, u64::MAX, "no congestion");
    let background = path.bbr.losses.background();
    assert!((70..=100).contains(&background), "{background}");
    assert!(path.bbr.bandwidth() >= 990_000, "{}", path.bbr.bandwidth());
}

#[test]
fn loss_with_a_queue_is_congestion() {
    let mut path = Path::new();
    path.cruise();
    path.round(60 * MSS, RTT * 2, 40 * MSS, 190 * MSS);
    assert_eq!(path.bbr.bandwidth(), 700_000, "at most 30 % less at once");
    path.round(60 * MSS, RTT * 2, 40 * MSS, 190 * MSS);
    assert_eq!(path.bbr.bandwidth(), 600_000, "and not below what arrives");
    assert!(path.bbr.window() < 150 * MSS);
}

#[test]
fn a_mark_counts_even_without_a_queue() {
    let mut path = Path::new();
    path.cruise();
    let mark = Congestion { sent_at: at(path.millis), ..Congestion::default() };
    path.bbr.on_congestion(at(path.millis), mark);
    path.round(80 * MSS, RTT, 0, 90 * MSS);
    assert_eq!(path.bbr.bandwidth(), 800_000);
}

#[test]
fn a_probe_that_overflows_the_queue_ends_and_leaves_a_limit() {
    let mut path = Path::new();
    path.cruise();
    while path.bbr.state != State::Up {
        path.round(100 * MSS, RTT, 0, 90 * MSS);
    }
    path.round(100 * MSS, RTT * 3 / 2, 15 * MSS, 120 * MSS);
    assert_eq!(path.bbr.state, State::Down);
    assert_eq!(path.bbr.bounds.highest, 120 * MSS);
    path.round(100 * MSS, RTT, 0, 90 * MSS);
    assert_eq!(path.bbr.state, State::Cruise);
    assert_eq!(path.bbr.window(), 102 * MSS, "headroom of 15 %");
}

/// Cruises with round trips of `rtt` until a probe for bandwidth begins, and tells for how many
/// rounds of `rtt` it goes on.
fn rounds_of_a_probe(path: &mut Path, rtt: Duration) -> u32 {
    while path.bbr.state != State::Up {
        path.round(100 * MSS, rtt, 0, 130 * MSS);
    }
    let mut rounds = 0;
    while path.bbr.state == State::Up {
        path.round(100 * MSS, rtt, 0, 130 * MSS);
        rounds += 1;
    }
    rounds
}

/// Whoever is alone keeps its queue short: a probe ends with 5/4 of the volume in flight.
#[test]
fn alone_a_probe_ends_early() {
    for rtt in [RTT, RTT * 9 / 8] {
        let mut path = Path::new();
        path.cruise();
        assert_eq!(rounds_of_a_probe(&mut path, rtt), 1, "{rtt:?}");
    }
}

/// A queue that was never empty since the last probe is not this flow's own.
#[test]
fn in_a_queue_of_others_a_probe_goes_on() {
    let mut path = Path::new();
    path.cruise();
    let standing = RTT * 5 / 4;
    assert_eq!(rounds_of_a_probe(&mut path, standing), 1, "it was empty at first");
    assert_eq!(rounds_of_a_probe(&mut path, standing), 4, "until nothing more is found");
    while path.bbr.state != State::Up {
        path.round(100 * MSS, standing, 0, 130 * MSS);
    }
    path.round(100 * MSS, RTT * 7 / 4 - Duration::from_millis(1), 0, 130 * MSS);
    assert_eq!(path.bbr.state, State::Up);
    path.round(100 * MSS, RTT * 7 / 4, 0, 130 * MSS);
    assert_eq!(path.bbr.state, State::Down, "half of the volume more is in the queue");
    // One empty moment says that nobody else keeps it.
    path.round(100 * MSS, RTT, 0, 130 * MSS);
    assert_eq!(rounds_of_a_probe(&mut path, standing), 1);
}

/// What the first round of a probe adds to the long-term limit, where round trips of `rtt` stand.
fn raised_by_a_probe(rtt: Duration) -> u64 {
    let mut path = Path::new();
    path.cruise();
    rounds_of_a_probe(&mut path, rtt);
    let highest = 140 * MSS;
    path.bbr.bounds.highest = highest;
    while path.bbr.state != State::Up {
        path.round(100 * MSS, rtt, 0, 130 * MSS);
    }
    path.round(100 * MSS, rtt, 0, highest - MSS);
    path.bbr.bounds.highest - highest
}

/// Whoever came late has little time to catch up.
#[test]
fn in_a_queue_of_others_the_limit_grows_faster() {
    assert_eq!(raised_by_a_probe(RTT), MSS);
    assert_eq!(raised_by_a_probe(RTT * 5 / 4), 11 * MSS, "100 acknowledged, 140 >> 4 for each");
}

/// Each probe among others is a step towards equal shares.
#[test]
fn in_a_queue_of_others_the_next_probe_comes_sooner() {
    // Of the same seed, so that chance adds the same.
    let [alone, among_others] = [RTT, RTT * 5 / 4].map(|rtt| {
        let mut path = Path::new();
        path.cruise();
        // The first one began with the queue empty.
        rounds_of_a_probe(&mut path, rtt);
        rounds_of_a_probe(&mut path, rtt);
        path.bbr.cycle.wait
    });
    assert_eq!(alone, among_others + Duration::from_millis(500));
}

/// Before its own queue can be drained, a flow does not blame others for it.
#[test]
fn a_queue_that_is_not_drained_yet_tells_nothing() {
    let mut path = Path::new();
    path.cruise();
    path.bbr.cycle.smallest = Some(RTT * 2);
    let drained = path.bbr.cycle.start + RTT * 8;
    assert_eq!(path.bbr.others_queue(drained - Duration::from_millis(1)), None);
    assert_eq!(path.bbr.others_queue(drained), Some(RTT * 5 / 2));
}

/// A round trip that grew is probed with little in flight after ten seconds, and then believed.
#[test]
fn a_longer_round_trip_is_believed_after_a_probe() {
    let mut path = Path::new();
    path.cruise();
    let longer = RTT * 2;
    let mut rounds = 0;
    while path.bbr.state != State::ProbeRtt {
        path.round(100 * MSS, longer, 0, 100 * MSS);
        rounds += 1;
        assert!(rounds < 110);
    }
    assert!(rounds > 95);
    assert_eq!(path.bbr.window(), 50 * MSS, "half of what the path held");
    for _ in 0..3 {
        path.round(40 * MSS, longer, 0, 40 * MSS);
    }
    assert_eq!(path.bbr.state, State::Cruise);
    assert_eq!(path.bbr.min_rtt.get(), longer);
    assert!(path.bbr.window() > 90 * MSS);
}

#[test]
fn persistent_congestion_leaves_four_packets() {
    let mut path = Path::new();
    path.cruise();
    let event = Congestion { persistent: true, bytes: MSS, ..Congestion::default() };
    path.bbr.on_congestion(at(path.millis), event);
    assert_eq!(path.bbr.window(), 4 * MSS);
    let anew = path.bbr.anew(MSS);
    assert_eq!((anew.window(), anew.phase()), (10 * MSS, Some("startup")));
}

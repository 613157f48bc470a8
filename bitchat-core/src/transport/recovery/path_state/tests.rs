use super::*;
use crate::transport::congestion::NewReno;
use crate::transport::recovery::mtu::MAX_DATAGRAM;
use crate::wire::frame::EcnCounts;
use core::time::Duration;

const RTT: Duration = Duration::from_millis(80);

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A path with a round trip, losses, marks, a limit and large packets.
fn known() -> PathState {
    let controller = Box::new(NewReno::new(1_200));
    let mut path = PathState::new(at(0), controller, Rtt::new(RTT), MAX_DATAGRAM);
    path.rtt.update(RTT, Duration::ZERO);
    path.losses.on_lost(100);
    path.ecn.on_ack(Some(EcnCounts { ect0: 5, ect1: 0, ce: 5 }), 10, true);
    path.mtu.set_peer_limit(9_000);
    path.mtu.on_probe(7, 8_952);
    path.mtu.on_acked(at(80), 7, 0, true);
    path.on_size_changed();
    path.on_lost(at(90), &Losses { pass: 1, judged: 1, newest: Some(at(10)), ..Losses::default() });
    path
}

#[test]
fn nothing_measured_goes_along_to_the_next_path() {
    let old = known();
    assert_eq!((old.losses.per_mille(), old.packet_size()), (1_000, 8_952));
    assert_eq!(old.controller.phase(), Some("congestion_avoidance"));
    let mut next = old.next(at(100), 20, Rtt::new(RTT * 2), 30_000);
    assert_eq!((next.rtt.smoothed(), next.rtt.min()), (RTT * 2, None));
    assert_eq!((next.losses.per_mille(), next.packet_size()), (0, 1_200));
    assert_eq!((next.controller.window(), next.controller.phase()), (12_000, Some("slow_start")));
    // BC-07.65, BC-07.67: what both sides said goes along.
    next.mtu.on_filled(true);
    assert_eq!(next.mtu.due(at(100)), Some(8_952));
    assert!(!next.ecn.on_ack(Some(EcnCounts { ect0: 6, ect1: 0, ce: 5 }), 1, true));
}

/// BC-07.66, BC-07.68
#[test]
fn each_packet_counts_on_the_path_that_it_left_on() {
    let mut path = known().next(at(100), 20, Rtt::new(RTT), 3_000);
    assert_eq!((path.own(3_000), path.own(4_200)), (0, 1_200));
    path.on_unjudged_gone(19, 1_000);
    assert_eq!(path.own(3_200), 1_200);
    assert!(!path.judges(19) && path.judges(20));
    // Another port of the same address: the window stays, and so does what fills it.
    path.on_rebound(30);
    path.on_unjudged_gone(25, 1_200);
    assert!(!path.judges(29) && path.judges(30));
    assert_eq!(path.own(2_000), 0);
}

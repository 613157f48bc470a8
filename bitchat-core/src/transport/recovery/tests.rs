use super::*;
use crate::base::rangeset::RangeSet;
use crate::transport::congestion::NewReno;
use crate::transport::packet::builder::PacketBuilder;
use crate::wire::frame::{EcnCounts, Frame, Frames};
use core::time::Duration;

fn recovery() -> Recovery {
    let config = TransportConfig::default();
    Recovery::new(&config, Box::new(NewReno::new(1_200)), Timestamp::ZERO)
}

fn send(recovery: &mut Recovery, pn: u64, at: Timestamp) {
    let packet = NewPacket { pn, sent_at: at, size: 1_200, ect: false };
    recovery.on_sent(packet, &[SentFrame::MaxData]);
}

#[test]
fn the_window_and_the_pacer_hold_back() {
    let mut recovery = recovery();
    let now = Timestamp::from_millis(1);
    for pn in 0..10 {
        assert_eq!(recovery.permission(now), Permission::Granted);
        send(&mut recovery, pn, now);
    }
    assert_eq!(recovery.permission(now), Permission::Congested);
    let mut lost = Vec::new();
    let at = recovery.deadline().expect("a probe timer");
    recovery.handle_timeout(at, &mut lost);
    assert_eq!(lost.len(), 2, "what the two oldest carried goes out again");
    for pn in 10..12 {
        assert_eq!(recovery.permission(at), Permission::Granted);
        send(&mut recovery, pn, at);
    }
    assert_eq!(recovery.permission(at), Permission::Congested);
    assert!(recovery.deadline().is_some_and(|next| next > at));
}

#[test]
fn small_packets_are_counted_too() {
    let mut recovery = recovery();
    for pn in 0..16_384 {
        let packet = NewPacket { pn, sent_at: Timestamp::ZERO, size: 0, ect: false };
        recovery.on_sent(packet, &[]);
    }
    assert_eq!(recovery.permission(Timestamp::from_millis(1)), Permission::Congested);
}

#[test]
fn a_timer_handled_late_does_not_stay_in_the_past() {
    let mut recovery = recovery();
    send(&mut recovery, 0, Timestamp::ZERO);
    let late = Timestamp::ZERO + Duration::from_secs(86_400);
    recovery.handle_timeout(late, &mut Vec::new());
    assert!(recovery.deadline().is_some_and(|next| next > late));
    assert_eq!(recovery.probe_timeouts, 1);
}

const NONE: Range<u64> = 0..0;

/// Packets `numbers`, marked ECT(0), leave.
fn send_marked(recovery: &mut Recovery, numbers: Range<u64>, at: Timestamp) {
    for pn in numbers {
        recovery.on_sent(NewPacket { pn, sent_at: at, size: 1_200, ect: true }, &[]);
    }
}

/// An ACK of `late` and `range` arrives, which counts `ect0` and `ce` marks.
fn acknowledge(
    recovery: &mut Recovery,
    at: Timestamp,
    late: Range<u64>,
    range: Range<u64>,
    (ect0, ce): (u64, u64),
) {
    let mut received = RangeSet::new();
    received.insert(late);
    received.insert(range);
    let (mut buf, mut record) = ([0; 1_171], Vec::new());
    let mut packet = PacketBuilder::new(&mut buf, &mut record);
    assert!(packet.put_ack(Duration::ZERO, &received, Some(EcnCounts { ect0, ect1: 0, ce })));
    let len = packet.len();
    let Some(Ok(Frame::Ack(ack))) = Frames::new(&buf[..len]).next() else { panic!("no ACK") };
    recovery.on_ack(at, &ack, &mut Vec::new(), &mut Vec::new(), |_| ());
}

fn change_path(recovery: &mut Recovery, at: Timestamp, next_pn: u64) {
    recovery.path_changed(at, next_pn, Rtt::new(Duration::from_millis(40)));
}

/// BC-07.67, BC-07.68: whether they counted as lost before the change or after it, and whether the
/// ACK that reports them settles others or none.
#[test]
fn marks_of_late_packets_of_the_old_path_are_not_those_of_the_new_one() {
    for (before, alone) in [(false, true), (false, false), (true, true), (true, false)] {
        let mut recovery = recovery();
        let at = Timestamp::from_millis;
        send_marked(&mut recovery, 0..100, at(1));
        if before {
            acknowledge(&mut recovery, at(41), NONE, 99..100, (1, 0));
        }
        change_path(&mut recovery, at(50), 100);
        send_marked(&mut recovery, 100..107, at(51));
        let settled = if before { 99..104 } else { 100..104 };
        let arrived = settled.end - settled.start;
        acknowledge(&mut recovery, at(91), NONE, settled.clone(), (arrived, 0));
        assert!(recovery.packets_lost >= 97, "{} lost", recovery.packets_lost);
        // 0 to 4 are late and marked; so is nothing else.
        let (end, arrived) = if alone { (104, arrived) } else { (105, arrived + 1) };
        acknowledge(&mut recovery, at(92), 0..5, settled.start..end, (arrived, 5));
        assert_eq!(recovery.packets_late, 5);
        acknowledge(&mut recovery, at(93), 0..5, settled.start..end + 1, (arrived + 1, 5));
        let phase = recovery.path.controller.phase();
        assert_eq!(phase, Some("slow_start"), "{before} {alone}");
        // One of its own is another matter.
        acknowledge(&mut recovery, at(94), 0..5, settled.start..end + 2, (arrived + 1, 6));
        let phase = recovery.path.controller.phase();
        assert_eq!(phase, Some("congestion_avoidance"), "{before} {alone}");
    }
}

/// BC-07.68: what was in flight on the old path says nothing of how often the peer should
/// acknowledge on the new one.
#[test]
fn acks_are_asked_for_by_the_flight_of_the_present_path() {
    let asked = |recovery: &mut Recovery| {
        let (mut buf, mut record) = ([0; 1_171], Vec::new());
        let mut packet = PacketBuilder::new(&mut buf, &mut record);
        recovery.ask.write(&mut packet);
        packet.len() > 0
    };
    let mut recovery = recovery();
    let at = Timestamp::from_millis;
    send_marked(&mut recovery, 0..80, at(1));
    change_path(&mut recovery, at(50), 80);
    acknowledge(&mut recovery, at(81), NONE, 0..80, (80, 0));
    assert!(!asked(&mut recovery));
    send_marked(&mut recovery, 80..160, at(82));
    acknowledge(&mut recovery, at(162), NONE, 0..160, (160, 0));
    assert!(asked(&mut recovery));
}

/// A route that begins to drop what is marked, probes included, would be silent until the link
/// dies.
#[test]
fn a_path_that_is_silent_gets_no_marks() {
    // BC-07.29
    let mut recovery = recovery();
    let mut at = Timestamp::from_millis(1_000);
    send(&mut recovery, 0, at);
    assert!(recovery.path.ecn.mark());
    for pn in 1..4 {
        assert!(recovery.path.ecn.mark());
        at = recovery.deadline().expect("a probe timeout");
        recovery.handle_timeout(at, &mut Vec::new());
        send(&mut recovery, pn, at);
    }
    assert!(!recovery.path.ecn.mark());
}

use super::*;
use crate::wire::frame::{Ack, Frame, Frames};
use core::time::Duration;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Writes an ACK and gives `check` what it says.
fn report<T>(acks: &mut AckState, now: Timestamp, check: impl FnOnce(Ack<'_>) -> T) -> T {
    let (mut buf, mut record) = ([0; 1_171], Vec::new());
    let mut packet = PacketBuilder::new(&mut buf, &mut record);
    acks.write(now, &mut packet);
    let len = packet.len();
    let Some(Ok(Frame::Ack(ack))) = Frames::new(&buf[..len]).next() else { panic!("no ACK") };
    check(ack)
}

/// BC-07.09
#[test]
fn every_second_packet_or_the_delay() {
    let mut acks = AckState::default();
    acks.on_packet(at(0), 0, true, None);
    assert!(!acks.is_due() && acks.has_news());
    assert_eq!(acks.deadline(), Some(at(25)));
    acks.handle_timeout(at(24));
    assert!(!acks.is_due());
    acks.handle_timeout(at(25));
    assert!(acks.is_due());
    assert_eq!(report(&mut acks, at(25), |ack| ack.delay()), Duration::from_millis(25));
    assert!(!acks.is_due() && !acks.has_news() && acks.deadline().is_none());
    acks.on_packet(at(30), 1, true, None);
    acks.on_packet(at(30), 2, true, None);
    assert!(acks.is_due());
}

/// BC-07.09
#[test]
fn disorder_and_marks_are_reported_at_once() {
    for (pn, ecn) in [(2, None), (1, Some(Ecn::Ce))] {
        let mut acks = AckState::default();
        acks.on_packet(at(0), 0, true, None);
        report(&mut acks, at(0), |_| ());
        acks.on_packet(at(0), pn, true, ecn);
        assert!(acks.is_due());
    }
}

/// BC-07.03: two ends never acknowledge each other's acknowledgements.
#[test]
fn what_asks_for_nothing_gets_nothing() {
    let mut acks = AckState::default();
    (0..100).for_each(|pn| acks.on_packet(at(0), 2 * pn, false, None));
    assert!(!acks.is_due() && !acks.has_news() && acks.deadline().is_none());
}

/// BC-07.12
#[test]
fn ranges_are_bounded_and_forgotten_once_reported() {
    let mut acks = AckState::default();
    (0..1_000).for_each(|pn| acks.on_packet(at(0), 2 * pn, true, None));
    assert!(acks.is_fragmented());
    let ranges = report(&mut acks, at(0), |ack| ack.ranges().count());
    assert_eq!(ranges, MAX_ACK_RANGES);
    acks.on_ack_acked(1_990);
    assert!(!acks.is_fragmented());
    acks.on_packet(at(1), 1_999, true, Some(Ecn::Ect0));
    let ranges: Vec<_> = report(&mut acks, at(1), |ack| {
        assert_eq!(ack.ecn.map(|ecn| ecn.ect0), Some(1));
        ack.ranges().collect()
    });
    assert_eq!(ranges, [1_998..2_000, 1_996..1_997, 1_994..1_995, 1_992..1_993]);
}

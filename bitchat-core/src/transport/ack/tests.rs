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
    acks.on_packet(at(0), 0, AckUrgency::Soon, None);
    assert!(!acks.is_due() && acks.may_ride(at(25)));
    assert_eq!(acks.deadline(), Some(at(25)));
    acks.handle_timeout(at(24));
    assert!(!acks.is_due());
    acks.handle_timeout(at(25));
    assert!(acks.is_due());
    assert_eq!(report(&mut acks, at(25), |ack| ack.delay()), Duration::from_millis(25));
    assert!(!acks.is_due() && !acks.may_ride(at(25)) && acks.deadline().is_none());
    acks.on_packet(at(30), 1, AckUrgency::Soon, None);
    acks.on_packet(at(30), 2, AckUrgency::Soon, None);
    assert!(acks.is_due());
}

/// BC-07.09
#[test]
fn disorder_and_marks_are_reported_at_once() {
    for (pn, ecn) in [(2, None), (1, Some(Ecn::Ce))] {
        let mut acks = AckState::default();
        acks.on_packet(at(0), 0, AckUrgency::Soon, None);
        report(&mut acks, at(0), |_| ());
        acks.on_packet(at(0), pn, AckUrgency::Soon, ecn);
        assert!(acks.is_due());
    }
}

/// BC-07.03: two ends never acknowledge each other's acknowledgements.
#[test]
fn what_asks_for_nothing_gets_nothing() {
    let mut acks = AckState::default();
    (0..100).for_each(|pn| acks.on_packet(at(0), 2 * pn, AckUrgency::Never, None));
    assert!(!acks.is_due() && !acks.may_ride(at(25)) && acks.deadline().is_none());
}

/// BC-07.12
#[test]
fn ranges_are_bounded_and_forgotten_once_reported() {
    let mut acks = AckState::default();
    (0..1_000).for_each(|pn| acks.on_packet(at(0), 2 * pn, AckUrgency::Soon, None));
    assert!(acks.is_fragmented());
    let ranges = report(&mut acks, at(0), |ack| ack.ranges().count());
    assert_eq!(ranges, MAX_ACK_RANGES);
    acks.on_ack_acked(1_990);
    assert!(!acks.is_fragmented());
    acks.on_packet(at(1), 1_999, AckUrgency::Soon, Some(Ecn::Ect0));
    let ranges: Vec<_> = report(&mut acks, at(1), |ack| {
        assert_eq!(ack.ecn.map(|ecn| ecn.ect0), Some(1));
        ack.ranges().collect()
    });
    assert_eq!(ranges, [1_998..2_000, 1_996..1_997, 1_994..1_995, 1_992..1_993]);
}

/// BC-07.40, BC-07.44
#[test]
fn bulk_is_acknowledged_as_the_sender_asked() {
    let mut acks = AckState::default();
    let ask = AckFrequency { sequence: 7, packets: 10, max_delay_micros: 4_000, reordering: 3 };
    acks.on_frequency(&ask);
    for pn in 0..9 {
        acks.on_packet(at(0), pn, AckUrgency::Soon, None);
        assert!(!acks.is_due());
        assert_eq!(acks.may_ride(at(0)), pn >= 4, "half of ten");
    }
    assert_eq!(acks.deadline(), Some(at(4)));
    acks.on_packet(at(0), 9, AckUrgency::Soon, None);
    assert!(acks.is_due());
    report(&mut acks, at(0), |_| ());
    // 10 is missing, which 13 shows; and then it comes.
    for (pn, due) in [(11, false), (12, false), (13, true), (10, true), (14, false)] {
        acks.on_packet(at(1), pn, AckUrgency::Soon, None);
        assert_eq!(acks.is_due(), due, "{pn}");
        if due {
            report(&mut acks, at(1), |_| ());
        }
    }
    acks.on_packet(at(1), 15, AckUrgency::AtOnce, None);
    assert!(acks.is_due());
}

/// A gap that was reported once does not make every packet behind it urgent.
#[test]
fn a_gap_is_news_only_once() {
    let mut acks = AckState::default();
    let ask = AckFrequency { sequence: 1, packets: 64, max_delay_micros: 25_000, reordering: 3 };
    acks.on_frequency(&ask);
    let mut due = Vec::new();
    for pn in (0..40).filter(|pn| pn % 20 != 5) {
        acks.on_packet(at(0), pn, AckUrgency::Soon, None);
        if acks.is_due() {
            due.push(pn);
            report(&mut acks, at(0), |_| ());
        }
    }
    assert_eq!(due, [8, 28]);
}

/// BC-07.42
#[test]
fn an_older_wish_is_ignored() {
    let mut acks = AckState::default();
    let ask = |sequence, packets| AckFrequency {
        sequence,
        packets,
        max_delay_micros: 25_000,
        reordering: 1,
    };
    acks.on_frequency(&ask(3, 20));
    acks.on_frequency(&ask(2, 1));
    acks.on_frequency(&ask(3, 1));
    assert_eq!(acks.policy.packets, 20);
    acks.on_frequency(&ask(4, 1));
    assert_eq!(acks.policy.packets, 1);
}

/// The delay is that of the packet which is the largest of the report.
#[test]
fn the_delay_is_that_of_the_packet_reported() {
    let mut acks = AckState::default();
    (98..100).for_each(|pn| acks.on_packet(at(0), pn, AckUrgency::Soon, None));
    report(&mut acks, at(0), |_| ());
    acks.on_ack_acked(99);
    acks.on_packet(at(500), 50, AckUrgency::Soon, None);
    assert!(acks.is_due());
    let reported = report(&mut acks, at(501), |ack| (ack.largest, ack.delay()));
    assert_eq!(reported, (50, Duration::from_millis(1)));
    acks.on_packet(at(600), 100, AckUrgency::Soon, None);
    acks.on_packet(at(620), 60, AckUrgency::Soon, None);
    let reported = report(&mut acks, at(621), |ack| (ack.largest, ack.delay()));
    assert_eq!(reported, (100, Duration::from_millis(21)));
}

/// A late packet came after the ACK that the peer got.
#[test]
fn what_was_not_reported_yet_is_kept() {
    let mut acks = AckState::default();
    [10, 11, 13].into_iter().for_each(|pn| acks.on_packet(at(0), pn, AckUrgency::Soon, None));
    report(&mut acks, at(0), |_| ());
    acks.on_packet(at(1), 12, AckUrgency::Soon, None);
    acks.on_ack_acked(13);
    assert!(acks.is_due());
    assert!(report(&mut acks, at(1), |ack| ack.ranges().any(|range| range.contains(&12))));
}

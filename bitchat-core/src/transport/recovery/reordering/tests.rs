use super::*;
use crate::transport::congestion::rate::Stamp;
use crate::transport::recovery::sent::{NewPacket, SentPackets};

const MS: Duration = Duration::from_millis(1);

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A memory of the lost packets `numbers`, which left a millisecond apart.
fn lost(numbers: Range<u64>) -> Reordering {
    let (mut sent, mut reordering) = (SentPackets::default(), Reordering::default());
    for pn in numbers {
        sent.push(
            NewPacket { pn, sent_at: at(pn), size: 1_000, ect: false },
            Stamp::default(),
            &[],
        );
        let packet = sent.lose_oldest(&mut Vec::new()).expect("one");
        reordering.remember(&packet, 1);
    }
    reordering
}

/// BC-07.45
#[test]
fn little_is_remembered_and_nothing_for_long() {
    let mut reordering = lost(0..1_000);
    assert_eq!(reordering.lost.len(), 256);
    assert_eq!(reordering.take(&(0..744)), None, "forgotten");
    assert_eq!(reordering.take(&(744..800)).map(|packet| packet.pn), Some(744));
    assert_eq!(reordering.take(&(744..800)).map(|packet| packet.pn), Some(745));
    assert_eq!(reordering.take(&(1_000..9_000)), None);
    reordering.age(at(10_000), MS * 100, MS * 300);
    assert_eq!(reordering.lost.capacity(), 0, "nothing is left behind");
    let mut reordering = lost(0..9);
    reordering.forget();
    assert_eq!(reordering.lost.capacity(), 0);
}

/// BC-07.46
#[test]
fn thresholds_grow_with_proof_and_shrink_with_time() {
    let mut reordering = lost(0..1);
    let packet = reordering.take(&(0..1)).expect("remembered");
    reordering.on_late(at(140), &packet, 40, MS * 100);
    assert_eq!((reordering.packets(), reordering.eighths()), (41, 12));
    for step in 1..20 {
        reordering.age(at(140 + step * 1_601), MS * 100, MS * 300);
    }
    assert_eq!((reordering.packets(), reordering.eighths()), (3, 9));
}

/// BC-07.46: whatever a peer claims.
#[test]
fn thresholds_are_bounded() {
    let mut reordering = lost(0..1);
    let packet = reordering.take(&(0..1)).expect("remembered");
    reordering.on_late(at(1 << 40), &packet, u64::MAX, Duration::ZERO);
    assert_eq!((reordering.packets(), reordering.eighths()), (1_024, 17));
}

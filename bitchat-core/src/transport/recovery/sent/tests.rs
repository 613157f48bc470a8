use super::*;
use crate::transport::stream_id::TransportStreamId;

fn packet(pn: u64) -> NewPacket {
    NewPacket { pn, sent_at: Timestamp::from_millis(pn), size: 100 + pn, ect: false }
}

fn stream(start: u64) -> SentFrame {
    SentFrame::Stream {
        id: TransportStreamId::CONTROL,
        start,
        end: start + 1,
        fin: false,
        fresh: true,
    }
}

fn acknowledge(sent: &mut SentPackets, range: Range<u64>) -> (Vec<u64>, Vec<SentFrame>) {
    let (mut numbers, mut frames) = (Vec::new(), Vec::new());
    sent.acknowledge(&range, &mut frames, |packet| numbers.push(packet.pn));
    (numbers, frames)
}

/// A probe timeout behind two lost PINGs, and the next ones too, repeated these two and nothing
/// else. Found by a schedule.
#[test]
fn what_needs_no_repetition_does_not_keep_back_what_does() {
    // BC-07.88
    let mut sent = SentPackets::default();
    sent.push(packet(0), Stamp::default(), &[]);
    sent.push(packet(1), Stamp::default(), &[SentFrame::Ack { largest: 7 }]);
    for pn in 2..5 {
        sent.push(packet(pn), Stamp::default(), &[SentFrame::Ack { largest: 8 }, stream(pn)]);
    }
    acknowledge(&mut sent, 2..3);
    let mut frames = Vec::new();
    sent.copy_oldest(1, &mut frames);
    assert_eq!(frames, [SentFrame::Ack { largest: 8 }, stream(3)]);
}

#[test]
fn packets_leave_once_with_their_frames() {
    let mut sent = SentPackets::default();
    for pn in [0, 1, 3, 4, 7] {
        sent.push(packet(pn), Stamp::default(), &[SentFrame::MaxData, stream(pn)]);
    }
    assert_eq!((sent.count(), sent.bytes()), (5, 515));
    let (numbers, frames) = acknowledge(&mut sent, 1..4);
    assert_eq!(numbers, [1, 3]);
    assert_eq!(frames, [SentFrame::MaxData, stream(1), SentFrame::MaxData, stream(3)]);
    assert_eq!(acknowledge(&mut sent, 0..4), (vec![0], vec![SentFrame::MaxData, stream(0)]));
    assert_eq!(acknowledge(&mut sent, 0..4), (vec![], vec![]));
    let mut marks = 0;
    assert_eq!(sent.oldest(|| marks += 1).map(|packet| packet.pn), Some(4));
    assert_eq!((marks, sent.len(), sent.count(), sent.bytes()), (3, 2, 2, 211));
    let mut frames = Vec::new();
    sent.copy_oldest(5, &mut frames);
    assert_eq!(frames.len(), 4);
    frames.clear();
    sent.copy(3, &mut frames);
    assert!(frames.is_empty() && !sent.is_in_flight(3) && !sent.is_in_flight(5));
    sent.copy(7, &mut frames);
    assert_eq!(frames, [SentFrame::MaxData, stream(7)]);
    frames.clear();
    assert_eq!(sent.lose_oldest(&mut frames).map(|packet| packet.pn), Some(4));
    assert_eq!(frames, [SentFrame::MaxData, stream(4)]);
    assert_eq!(acknowledge(&mut sent, 0..u64::MAX).0, [7]);
    assert_eq!((sent.count(), sent.bytes()), (0, 0));
    assert!(sent.oldest(|| ()).is_none() && sent.lose_oldest(&mut frames).is_none());
    assert!(sent.frames.ring.is_empty());
}

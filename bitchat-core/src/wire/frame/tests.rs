use super::*;
use crate::base::rangeset::RangeSet;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::Range;
use core::time::Duration;
use proptest::prelude::*;

fn encode(frame: &Frame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode(&mut out);
    assert_eq!(out.len(), frame.encoded_len(), "{frame:?}");
    out
}

fn only(bytes: &[u8]) -> Result<Frame<'_>, FrameError> {
    let mut frames = Frames::new(bytes);
    let first = frames.next().expect("one frame");
    assert!(first.is_err() || frames.next().is_none());
    first
}

#[test]
fn every_frame_comes_back() {
    let number = varint_samples();
    for &value in &number {
        let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, 4711));
        let new = NewConnectionId { sequence: value, retire_prior_to: 1, id: ConnectionId([7; 8]) };
        for frame in [
            Frame::Ping,
            Frame::Padding(3),
            Frame::ResetStream { id: 5, code: value, final_size: value },
            Frame::StopSending { id: value, code: 1 },
            Frame::MaxData(value),
            Frame::MaxStreamData { id: 3, limit: value },
            Frame::MaxStreams(value),
            Frame::AckFrequency(AckFrequency {
                sequence: value,
                packets: value,
                max_delay_micros: value,
                reordering: value,
            }),
            Frame::ImmediateAck,
            Frame::Datagram(b"voice"),
            Frame::PathChallenge([1; 8]),
            Frame::PathResponse([2; 8]),
            Frame::ObservedAddress(SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9))),
            Frame::ObservedAddress(v6),
            Frame::NewConnectionId(new),
            Frame::RetireConnectionId { sequence: value },
            Frame::Close { code: value, reason: b"bye" },
            Frame::Stream(Stream { id: 4, offset: 9, data: b"x", fin: true, to_end: true }),
            Frame::Stream(Stream { id: 4, offset: 0, data: b"", fin: true, to_end: false }),
            Frame::Stream(Stream { id: 4, offset: 7, data: b"yz", fin: false, to_end: false }),
        ] {
            assert_eq!(only(&encode(&frame)), Ok(frame));
        }
    }
}

fn varint_samples() -> [u64; 5] {
    [1, 63, 64, 16_384, crate::wire::varint::MAX]
}

/// BC-07.01: an unknown type is an error, whatever follows.
#[test]
fn unknown_types_are_refused() {
    let known: Vec<u8> =
        (0..=0x05).chain(0x08..=0x14).chain(0x18..=0x1c).chain([0x20, 0x30, 0x31]).collect();
    for kind in (0..=255).filter(|kind| !known.contains(kind)) {
        assert_eq!(only(&[kind, 0, 0, 0]), Err(FrameError::UnknownType(kind)));
    }
}

/// BC-07.03
#[test]
fn padding_ack_and_close_do_not_ask_for_an_answer() {
    assert!(!Frame::Padding(1).is_ack_eliciting());
    assert!(!Frame::Close { code: 0, reason: b"" }.is_ack_eliciting());
    assert!(!only(&[2, 0, 0, 0, 0]).expect("an ACK").is_ack_eliciting());
    assert!(Frame::Ping.is_ack_eliciting() && Frame::Datagram(b"").is_ack_eliciting());
}

/// BC-07.04
#[test]
fn ack_ranges_below_zero_or_too_many_are_refused() {
    assert_eq!(only(&[2, 5, 0, 0, 6]), Err(FrameError::AckUnderflow));
    assert_eq!(only(&[2, 5, 0, 1, 0, 3, 1]), Err(FrameError::AckUnderflow));
    assert!(matches!(only(&[2, 5, 0, 1, 0, 3, 0]), Ok(Frame::Ack(_))));
    let mut many = vec![2, 0x44, 0, 0, 0x40, 64, 0];
    many.extend([0; 128]);
    assert!(matches!(
        only(&many),
        Err(FrameError::Malformed { kind: 2, error: DecodeError::TooLong { limit: 63, .. } })
    ));
}

/// BC-07.05
#[test]
fn stream_frames_that_say_nothing_or_too_much_are_refused() {
    assert_eq!(only(&[0x0a, 0, 0]), Err(FrameError::EmptyStream));
    let mut end = vec![0x0e, 0];
    end.extend([0xff; 8]);
    end.extend([1, 0]);
    assert_eq!(only(&end), Err(FrameError::OffsetOverflow));
}

/// BC-07.06
#[test]
fn a_long_reason_is_refused() {
    let reason = vec![b'x'; MAX_REASON_LEN];
    assert!(only(&encode(&Frame::Close { code: 1, reason: &reason })).is_ok());
    let reason = vec![b'x'; MAX_REASON_LEN + 1];
    assert!(only(&encode(&Frame::Close { code: 1, reason: &reason })).is_err());
}

/// BC-07.07
#[test]
fn a_new_connection_id_cannot_retire_itself() {
    assert!(only(&[0x18, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]).is_ok());
    assert!(only(&[0x18, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
}

fn ranges() -> impl Strategy<Value = Vec<Range<u64>>> {
    prop::collection::vec((1u64..200, 1u64..100_000), 1..90).prop_map(|steps| {
        let mut at = 0;
        let mut ranges: Vec<_> = steps
            .into_iter()
            .map(|(gap, len)| {
                let start = at + gap;
                at = start + len;
                start..at
            })
            .collect();
        ranges.reverse();
        ranges
    })
}

proptest! {
    #[test]
    fn acks_carry_the_newest_ranges_that_fit(ranges in ranges(), room in 0usize..400, ecn in any::<bool>()) {
        let mut out = Vec::new();
        let mut received = RangeSet::new();
        for range in &ranges {
            received.insert(range.clone());
        }
        let ecn = ecn.then_some(EcnCounts { ect0: 1, ect1: 70, ce: 3 });
        let delay = Duration::from_micros(25_000);
        if encode_ack(&mut out, room, delay, &received, ecn) {
            prop_assert!(out.len() <= room);
            let Ok(Frame::Ack(ack)) = only(&out) else { panic!("not an ACK") };
            let back: Vec<_> = ack.ranges().collect();
            prop_assert_eq!(&back[..], &ranges[..back.len()]);
            prop_assert!(back.len() == ranges.len().min(MAX_ACK_RANGES) || out.len() + 16 > room);
            prop_assert_eq!((ack.largest, ack.delay(), ack.ecn), (ranges[0].end - 1, delay, ecn));
            prop_assert_eq!(encode(&Frame::Ack(ack)), out);
        } else {
            prop_assert!(out.is_empty() && room < 30);
        }
    }

    #[test]
    fn any_bytes_end_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut left = bytes.len();
        for frame in Frames::new(&bytes) {
            if let Ok(Frame::Ack(ack)) = frame {
                prop_assert!(ack.ranges().count() <= MAX_ACK_RANGES);
            }
            prop_assert!(left > 0, "every frame takes at least one byte");
            left -= 1;
        }
    }
}

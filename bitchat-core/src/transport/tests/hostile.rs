//! Peers that do not keep to the rules.

use super::{Lane, Pair, Recorder, contents};
use crate::base::time::Timestamp;
use crate::transport::{
    Class, SendGate, Side, Transport, TransportConfig, TransportError, TransportStreamId,
};
use crate::wire::frame::{Frame, FrameError, Frames, Stream};
use core::time::Duration;
use proptest::prelude::*;

fn responder() -> Transport {
    Transport::new(TransportConfig::default(), Side::Responder, [1; 16], Timestamp::ZERO)
}

fn payload(frames: &[Frame<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    frames.iter().for_each(|frame| frame.encode(&mut out));
    out
}

fn take(transport: &mut Transport, pn: u64, frames: &[Frame<'_>]) -> Result<(), TransportError> {
    let mut sink = Recorder::default();
    transport.on_packet(Timestamp::ZERO, pn, None, &payload(frames), &mut sink)
}

fn stream(id: u64, offset: u64, data: &[u8], fin: bool) -> Frame<'_> {
    Frame::Stream(Stream { id, offset, data, fin, to_end: false })
}

fn refuse(frames: &[Frame<'_>]) -> TransportError {
    take(&mut responder(), 0, frames).expect_err("a violation")
}

/// BC-07.01, BC-07.02
#[test]
fn packets_must_consist_of_known_frames() {
    assert_eq!(refuse(&[]), TransportError::EmptyPacket);
    let mut sink = Recorder::default();
    let refused = responder().on_packet(Timestamp::ZERO, 0, None, &[1, 0x3f], &mut sink);
    assert_eq!(refused, Err(TransportError::Frame(FrameError::UnknownType(0x3f))));
}

/// BC-07.10
#[test]
fn acks_of_packets_that_were_not_sent_are_refused() {
    let mut transport = responder();
    let mut sink = Recorder::default();
    let ack = |largest: u8| [2, largest, 0, 0, 0];
    let mut on = |transport: &mut Transport, pn, payload: &[u8]| {
        transport.on_packet(Timestamp::ZERO, pn, None, payload, &mut sink)
    };
    assert_eq!(on(&mut transport, 0, &ack(0)), Err(TransportError::AckOfUnsent));
    transport.ping();
    let mut buf = [0; 1_171];
    assert!(transport.poll_packet(Timestamp::ZERO, &mut buf, SendGate::All).is_some());
    assert_eq!(on(&mut transport, 1, &ack(0)), Ok(()));
    assert_eq!(on(&mut transport, 2, &ack(1)), Err(TransportError::AckOfUnsent));
}

/// BC-07.11: who acknowledges everything up to the newest number runs into one left out.
#[test]
fn optimistic_acks_are_found_out() {
    let mut transport = responder();
    let (mut sink, mut buf) = (Recorder::default(), [0; 1_171]);
    for round in 0..1_000u64 {
        let now = Timestamp::from_millis(round * 50);
        transport.ping();
        let meta = transport.poll_packet(now, &mut buf, SendGate::All).expect("a PING");
        let mut ack = vec![2];
        let big = 0x8000_0000 | u32::try_from(meta.pn).expect("few packets");
        ack.extend(big.to_be_bytes());
        ack.extend([0, 0]);
        ack.extend(big.to_be_bytes());
        if transport.on_packet(now, round, None, &ack, &mut sink).is_err() {
            assert!(round >= 60, "numbers are not left out that often");
            return;
        }
    }
    panic!("never found out");
}

/// BC-07.17
#[test]
fn flow_control_is_enforced() {
    assert_eq!(refuse(&[stream(2, 128 * 1024, b"x", false)]), TransportError::FlowControl);
    let reset = Frame::ResetStream { id: 2, code: 0, final_size: 128 * 1024 + 1 };
    assert_eq!(refuse(&[reset]), TransportError::FlowControl);
    let full = |id| stream(id, 128 * 1024 - 1, b"x", false);
    let mut transport = responder();
    assert_eq!(take(&mut transport, 0, &[full(2), full(4), full(0)]), Ok(()));
    let more = [stream(6, 0, b"x", false)];
    assert_eq!(take(&mut transport, 1, &more), Err(TransportError::FlowControl));
}

/// BC-07.18, BC-07.19
#[test]
fn streams_are_limited_and_owned() {
    assert_eq!(take(&mut responder(), 0, &[stream(30, 0, b"x", false)]), Ok(()));
    assert_eq!(refuse(&[stream(32, 0, b"x", false)]), TransportError::StreamLimit);
    assert_eq!(refuse(&[stream(1 << 60, 0, b"x", false)]), TransportError::StreamLimit);
    assert_eq!(refuse(&[stream(1, 0, b"x", false)]), TransportError::StreamState);
    assert_eq!(refuse(&[Frame::MaxStreamData { id: 1, limit: 9 }]), TransportError::StreamState);
    assert_eq!(refuse(&[Frame::StopSending { id: 3, code: 9 }]), TransportError::StreamState);
}

/// BC-07.20
#[test]
fn the_final_size_is_final() {
    let end = stream(2, 0, b"abc", true);
    for later in [
        stream(2, 3, b"d", false),
        stream(2, 0, b"ab", true),
        stream(2, 0, b"abcd", true),
        Frame::ResetStream { id: 2, code: 0, final_size: 4 },
    ] {
        assert_eq!(refuse(&[end, later]), TransportError::FinalSize, "{later:?}");
    }
    let short = [stream(2, 5, b"x", false), stream(2, 0, b"abc", true)];
    assert_eq!(refuse(&short), TransportError::FinalSize);
    assert_eq!(take(&mut responder(), 0, &[end, end, stream(2, 1, b"bc", true)]), Ok(()));
}

/// BC-07.21
#[test]
fn the_control_stream_stays() {
    assert_eq!(refuse(&[stream(0, 0, b"x", true)]), TransportError::ControlClosed);
    let reset = Frame::ResetStream { id: 0, code: 0, final_size: 0 };
    assert_eq!(refuse(&[reset]), TransportError::ControlClosed);
    assert_eq!(refuse(&[Frame::StopSending { id: 0, code: 0 }]), TransportError::ControlClosed);
}

/// BC-07.22: data that would leave too many gaps is not acknowledged, and filling gaps goes on.
#[test]
fn gaps_are_bounded() {
    let config = TransportConfig { reassembly_gaps: 64, ..TransportConfig::default() };
    let mut transport = Transport::new(config, Side::Responder, [1; 16], Timestamp::ZERO);
    for gap in 0..64 {
        let piece = [stream(2, 2 * gap + 1, b"x", false)];
        assert_eq!(take(&mut transport, gap, &piece), Ok(()));
    }
    assert_eq!(transport.stats().packets_refused, 0);
    assert_eq!(take(&mut transport, 64, &[stream(2, 1_000, b"x", false)]), Ok(()));
    assert_eq!(transport.stats().packets_refused, 1);
    let mut buf = [0; 1_171];
    let meta = transport.poll_packet(Timestamp::ZERO, &mut buf, SendGate::All).expect("an ACK");
    assert!(meta.len > 0 && buf[..2] == [2, 63], "packet 64 is not acknowledged");
    for gap in 0..64 {
        let piece = [stream(2, 2 * gap, b"x", false)];
        assert_eq!(take(&mut transport, 65 + gap, &piece), Ok(()));
    }
    assert_eq!(transport.stats().packets_refused, 1);
    assert_eq!(take(&mut transport, 130, &[stream(2, 1_000, b"x", false)]), Ok(()));
    assert_eq!(transport.stats().packets_refused, 1);
}

/// BC-07.12: nothing that a peer provokes is kept per packet received.
#[test]
fn answers_coalesce() {
    let mut transport = responder();
    let mut sink = Recorder::default();
    for pn in 0..10_000 {
        let now = Timestamp::from_millis(pn);
        // Packets with gaps between them, and a stream that is asked to stop again and again.
        let frames = [Frame::Ping, Frame::StopSending { id: 2, code: 1 }, Frame::MaxData(pn)];
        transport.on_packet(now, 2 * pn, None, &payload(&frames), &mut sink).expect("allowed");
    }
    let (mut buf, now, mut built) = ([0; 1_171], Timestamp::from_millis(10_000), 0);
    while transport.poll_packet(now, &mut buf, SendGate::All).is_some() {
        built += 1;
    }
    assert_eq!(built, 1, "one acknowledgement with one reset");
}

/// A peer that never acknowledges gets a window and ever rarer probes.
#[test]
fn silence_is_probed_ever_more_rarely() {
    let mut pair = Pair::new(1, Lane { loss: 1_000, ..Lane::CLEAN });
    let id = pair.ends[0].transport.open_stream(Class::File).expect("a stream");
    pair.ends[0].transport.write(id, contents(id, 0..300_000)).expect("room");
    pair.run(Duration::from_secs(600), |_| false);
    assert!(pair.packets[0] < 10 + 2 * 70, "{} packets", pair.packets[0]);
}

/// A peer that acknowledges nothing but sends much makes us hold nothing per packet.
#[test]
fn pure_acks_are_not_tracked() {
    let mut transport = responder();
    let (mut sink, mut buf) = (Recorder::default(), [0; 1_171]);
    transport.ping();
    for pn in 0..5_000 {
        let now = Timestamp::from_micros(pn * 10);
        transport.on_packet(now, pn, None, &[1], &mut sink).expect("a PING");
        while transport.poll_packet(now, &mut buf, SendGate::All).is_some() {}
    }
    assert_eq!(transport.recovery.sent.len(), 1);
    assert!(transport.stats().packets_sent >= 2_500);
}

proptest! {
    /// BC-07.12: any sequence of frames is taken or refused; what is held stays bounded.
    #[test]
    fn any_frames_are_survived(
        packets in prop::collection::vec(prop::collection::vec(frame(), 1..20), 1..40), times in any::<u64>(),
    ) {
        let mut transport = responder();
        let _ = transport.write(TransportStreamId::CONTROL, contents(TransportStreamId::CONTROL, 0..5_000));
        let (mut sink, mut buf) = (Recorder::default(), [0; 1_171]);
        for (pn, frames) in packets.iter().enumerate() {
            let now = Timestamp::from_millis(pn as u64 * (times % 100));
            let frames: Vec<_> = frames.iter().map(Owned::frame).collect();
            if transport.on_packet(now, pn as u64, None, &payload(&frames), &mut sink).is_err() {
                break;
            }
            transport.handle_timeout(now);
            for _ in 0..100 {
                if transport.poll_packet(now, &mut buf, SendGate::All).is_none() {
                    break;
                }
            }
            prop_assert!(transport.poll_timeout().is_none_or(|at| at > now), "not drained");
            let stats = transport.stats();
            prop_assert!(stats.streams <= 80 && stats.bytes_unread <= 1 << 20);
        }
    }
}

/// A frame with data of its own.
#[derive(Clone, Debug)]
enum Owned {
    Stream(u64, u64, Vec<u8>, bool),
    Plain(Frame<'static>),
    /// An ACK frame of one or two ranges, as bytes.
    Ack(Vec<u8>),
}

impl Owned {
    fn frame(&self) -> Frame<'_> {
        match self {
            Self::Stream(id, offset, data, fin) => {
                stream(*id, *offset, data, *fin || data.is_empty())
            }
            Self::Plain(frame) => *frame,
            Self::Ack(bytes) => Frames::new(bytes).next().expect("one").expect("valid"),
        }
    }
}

fn frame() -> impl Strategy<Value = Owned> {
    let id = || prop_oneof![Just(0u64), Just(2), Just(4), 0u64..40];
    let data = prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        (id(), 0u64..3_000, data, prop::bool::weighted(0.05))
            .prop_map(|(id, offset, data, fin)| Owned::Stream(id, offset, data, fin)),
        (id(), 0u64..9, 0u64..5_000).prop_map(|(id, code, final_size)| Owned::Plain(
            Frame::ResetStream { id: id | 2, code, final_size }
        )),
        id().prop_map(|id| Owned::Plain(Frame::StopSending { id: id | 2, code: 1 })),
        (id(), any::<u32>())
            .prop_map(|(id, limit)| Owned::Plain(Frame::MaxStreamData { id, limit: limit.into() })),
        any::<u32>().prop_map(|limit| Owned::Plain(Frame::MaxData(limit.into()))),
        any::<u32>().prop_map(|limit| Owned::Plain(Frame::MaxStreams(limit.into()))),
        (0u8..4, 0u8..4, prop::bool::weighted(0.3)).prop_map(|(newest, before, ecn)| {
            let first = before.min(newest);
            let head = [2 + u8::from(ecn), newest, 40, 0, first];
            Owned::Ack(
                head.into_iter()
                    .chain([newest, 0, first].into_iter().take(usize::from(ecn) * 3))
                    .collect(),
            )
        }),
        Just(Owned::Plain(Frame::Ping)),
        Just(Owned::Plain(Frame::Padding(4))),
        Just(Owned::Plain(Frame::PathChallenge([3; 8]))),
    ]
}

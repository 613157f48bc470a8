//! `spec/vectors/frames.json`: frames with their bytes, and what is refused (chapter 07).

mod common;

use bitchat_core::base::ids::ConnectionId;
use bitchat_core::base::rangeset::RangeSet;
use bitchat_core::wire::frame::{
    AckFrequency, EcnCounts, Frame, Frames, NewConnectionId, Stream, encode_ack,
};
use serde_json::{Value, json};
use std::time::Duration;

fn bytes(frame: &Frame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode(&mut out);
    out
}

fn ack(ranges: &[(u64, u64)], ecn: Option<EcnCounts>) -> Vec<u8> {
    let (mut out, mut received) = (Vec::new(), RangeSet::new());
    for &(start, end) in ranges {
        received.insert(start..end);
    }
    assert!(encode_ack(&mut out, 1_000, Duration::from_micros(1_500), &received, ecn));
    out
}

/// The valid cases: what it is, in words, and its bytes.
fn valid() -> Vec<(String, Vec<u8>)> {
    let stream =
        |offset, data, fin, to_end| Frame::Stream(Stream { id: 6, offset, data, fin, to_end });
    let new = NewConnectionId { sequence: 2, retire_prior_to: 1, id: ConnectionId([0xc1; 8]) };
    let address = |text: &str| Frame::ObservedAddress(text.parse().expect("an address"));
    let frames = [
        Frame::Padding(3),
        Frame::Ping,
        Frame::ResetStream { id: 6, code: 7, final_size: 70_000 },
        Frame::StopSending { id: 6, code: 7 },
        stream(0, b"hello", false, false),
        stream(0, b"hello", true, true),
        stream(16_384, b"hello", false, true),
        stream(5, b"", true, false),
        Frame::MaxData(1 << 20),
        Frame::MaxStreamData { id: 6, limit: 200_000 },
        Frame::MaxStreams(80),
        Frame::NewConnectionId(new),
        Frame::RetireConnectionId { sequence: 1 },
        Frame::PathChallenge([0xa1; 8]),
        Frame::PathResponse([0xa1; 8]),
        Frame::Close { code: 3, reason: b"more data than flow control allows" },
        address("192.0.2.7:6881"),
        address("[2001:db8::7]:6881"),
        Frame::Datagram(b"voice"),
        Frame::AckFrequency(AckFrequency {
            sequence: 3,
            packets: 25,
            max_delay_micros: 25_000,
            reordering: 3,
        }),
        Frame::ImmediateAck,
    ];
    let mut cases: Vec<_> = frames.iter().map(|frame| (describe(frame), bytes(frame))).collect();
    let ecn = EcnCounts { ect0: 5, ect1: 0, ce: 2 };
    for encoded in [
        ack(&[(0, 1)], None),
        ack(&[(3, 9), (12, 13), (100, 1_001)], None),
        ack(&[(5, 10), (11, 12)], Some(ecn)),
    ] {
        let frame = Frames::new(&encoded).next().expect("a frame").expect("valid");
        cases.push((describe(&frame), encoded));
    }
    cases
}

/// A frame in words; ranges of an ACK are written out, newest first.
fn describe(frame: &Frame<'_>) -> String {
    match frame {
        Frame::Ack(ack) => {
            let ranges: Vec<_> =
                ack.ranges().map(|range| format!("{}-{}", range.start, range.end - 1)).collect();
            let ecn = ack
                .ecn
                .map(|ecn| format!(", ECT(0) {}, ECT(1) {}, CE {}", ecn.ect0, ecn.ect1, ecn.ce));
            let delay = ack.delay_micros;
            format!("ACK of {} after {delay} us{}", ranges.join(" "), ecn.unwrap_or_default())
        }
        Frame::Stream(stream) => {
            let Stream { id, offset, fin, to_end, .. } = stream;
            let data = String::from_utf8_lossy(stream.data);
            let fin = if *fin { ", FIN" } else { "" };
            let length = if *to_end { ", to the end of the packet" } else { "" };
            format!("STREAM {id} at {offset}: \"{data}\"{fin}{length}")
        }
        Frame::Datagram(data) => format!("DATAGRAM \"{}\"", String::from_utf8_lossy(data)),
        Frame::Padding(len) => format!("PADDING of {len} bytes"),
        Frame::Ping => "PING".into(),
        Frame::ResetStream { id, code, final_size } => {
            format!("RESET_STREAM {id}, code {code}, final size {final_size}")
        }
        Frame::StopSending { id, code } => format!("STOP_SENDING {id}, code {code}"),
        Frame::MaxData(limit) => format!("MAX_DATA {limit}"),
        Frame::MaxStreamData { id, limit } => format!("MAX_STREAM_DATA {id}: {limit}"),
        Frame::MaxStreams(limit) => format!("MAX_STREAMS {limit}"),
        Frame::AckFrequency(ask) => format!(
            "ACK_FREQUENCY {}: every {} packets, {} us at most, reordering {}",
            ask.sequence, ask.packets, ask.max_delay_micros, ask.reordering
        ),
        Frame::ImmediateAck => "IMMEDIATE_ACK".into(),
        Frame::PathChallenge(token) => format!("PATH_CHALLENGE {}", common::hex(token)),
        Frame::PathResponse(token) => format!("PATH_RESPONSE {}", common::hex(token)),
        Frame::ObservedAddress(address) => format!("OBSERVED_ADDRESS {address}"),
        Frame::NewConnectionId(new) => format!(
            "NEW_CONNECTION_ID {} of sequence {}, retire prior to {}",
            new.id, new.sequence, new.retire_prior_to
        ),
        Frame::RetireConnectionId { sequence } => format!("RETIRE_CONNECTION_ID {sequence}"),
        Frame::Close { code, reason } => {
            format!("CLOSE {code}: \"{}\"", String::from_utf8_lossy(reason))
        }
    }
}

/// The invalid cases: bytes and why they are refused.
fn invalid() -> Vec<(&'static str, &'static str)> {
    vec![
        ("3f", "unknown frame type 0x3f"),
        ("06", "unknown frame type 0x06"),
        ("21", "unknown frame type 0x21"),
        ("13014019", "malformed frame of type 0x13: the input ends inside a value"),
        ("0205000006", "an ACK range reaches below packet number 0"),
        ("020500010301 01", "an ACK range reaches below packet number 0"),
        (
            "02 05 00 4040 00",
            "malformed frame of type 0x02: a length of 64 is above the limit of 63",
        ),
        ("02 05", "malformed frame of type 0x02: the input ends inside a value"),
        ("03 05 00 00 00 01", "malformed frame of type 0x03: the input ends inside a value"),
        ("0a 00 00", "an empty STREAM frame"),
        ("0c 00 05", "an empty STREAM frame"),
        ("0a 00 05 6162", "malformed frame of type 0x0a: the input ends inside a value"),
        ("0e 00 ffffffffffffffff 01 61", "stream data ends above the largest offset"),
        ("10", "malformed frame of type 0x10: the input ends inside a value"),
        (
            "18 01 02 c1c1c1c1c1c1c1c1",
            "malformed frame of type 0x18: the field `retire prior to` has an invalid value",
        ),
        ("1a 01020304050607", "malformed frame of type 0x1a: the input ends inside a value"),
        ("1c 03 4101", "malformed frame of type 0x1c: a length of 257 is above the limit of 256"),
        (
            "20 00000000000000000000ffffc0000207",
            "malformed frame of type 0x20: the input ends inside a value",
        ),
        ("31 05 61", "malformed frame of type 0x31: the input ends inside a value"),
    ]
}

/// BC-07.01, BC-07.04, BC-07.05, BC-07.06, BC-07.07: the committed file is what the code says.
#[test]
fn the_vectors_are_current() {
    let valid: Vec<_> = valid()
        .into_iter()
        .map(|(frame, bytes)| json!({ "frame": frame, "bytes": common::hex(&bytes) }))
        .collect();
    let invalid: Vec<_> = invalid()
        .into_iter()
        .map(|(bytes, error)| json!({ "bytes": bytes.replace(' ', ""), "error": error }))
        .collect();
    common::check("frames", &json!({ "valid": valid, "invalid": invalid }));
}

fn cases(of: &str) -> Vec<Value> {
    let file = common::load("frames");
    let cases = file[of].as_array().expect("a list").clone();
    assert!(cases.len() >= 15);
    cases
}

#[test]
fn valid_frames_decode_and_encode_again() {
    for case in cases("valid") {
        let encoded = common::unhex(&case["bytes"]);
        let frames: Vec<_> = Frames::new(&encoded).collect();
        let [Ok(frame)] = &frames[..] else { panic!("{case}: {frames:?}") };
        assert_eq!(describe(frame), case["frame"]);
        assert_eq!(bytes(frame), encoded);
    }
}

#[test]
fn invalid_frames_are_refused_for_the_right_reason() {
    for case in cases("invalid") {
        let encoded = common::unhex(&case["bytes"]);
        let first = Frames::new(&encoded).next().expect("something");
        assert_eq!(first.expect_err("invalid").to_string(), case["error"], "{case}");
    }
}

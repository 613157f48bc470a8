use super::record::{Closed, Data, Dropped, Lost, Metrics, Tuple, event, head};
use super::{Trace, frame};
use crate::base::time::Timestamp;
use crate::crypto::noise::Role;
use crate::link::{Ended, Verdict};
use crate::wire::frame::{Frame, Stream};
use serde_json::{Value, json};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn told(now: Timestamp, data: &Data<'_>) -> Value {
    parsed(&event(now, data).expect("a record"))
}

#[test]
fn the_head_names_schema_and_vantage_point() {
    let head = parsed(&head("aa-bb", "client"));
    assert_eq!(head["file_schema"], "urn:ietf:params:qlog:file:sequential");
    assert_eq!(head["serialization_format"], "application/qlog+json-seq");
    assert_eq!(head["trace"]["vantage_point"], json!({ "type": "client" }));
    assert_eq!(head["trace"]["common_fields"]["group_id"], "aa-bb");
}

#[test]
fn times_are_milliseconds_to_the_microsecond() {
    let now = Timestamp::from_nanos(12_345_678_999);
    let record = told(now, &Data::Lost(Lost::new(7)));
    assert_eq!(record["time"], json!(12_345.678));
    assert_eq!(record["name"], "quic:packet_lost");
    assert_eq!(record["data"]["header"], json!({ "packet_type": "1RTT", "packet_number": 7 }));
}

#[test]
fn frames_show_lengths_and_no_contents() {
    let mut payload = Vec::new();
    let stream = Stream { id: 4, offset: 9, data: b"secret", fin: true, to_end: false };
    Frame::Stream(stream).encode(&mut payload);
    Frame::ImmediateAck.encode(&mut payload);
    Frame::PathChallenge(*b"challeng").encode(&mut payload);
    Frame::Ping.encode(&mut payload);
    Frame::Padding(3).encode(&mut payload);
    let frames = serde_json::to_value(frame::first(&payload)).expect("JSON");
    let expected = json!([
        { "frame_type": "stream", "stream_id": 4, "offset": 9, "fin": true,
          "raw": { "length": 6, "payload_length": 6 } },
        { "frame_type": "unknown", "frame_type_bytes": 0x14 },
        { "frame_type": "path_challenge" },
        { "frame_type": "ping" },
        { "frame_type": "padding", "raw": { "length": 3, "payload_length": 3 } },
    ]);
    assert_eq!(frames, expected);
}

#[test]
fn only_changed_metrics_are_told() {
    let before =
        Metrics { congestion_window: Some(12_000), pto_count: Some(0), ..Metrics::default() };
    let after = Metrics { congestion_window: Some(13_200), ..before.clone() };
    let changed = serde_json::to_value(after.since(&before)).expect("JSON");
    assert_eq!(changed, json!({ "congestion_window": 13_200 }));
}

#[test]
fn the_end_says_who_and_why() {
    let record = told(Timestamp::ZERO, &Data::Closed(Closed::new(&Ended::Peer(13))));
    assert_eq!(
        record["data"],
        json!({ "initiator": "remote", "error_code": 13, "trigger": "application" })
    );
    let dropped = told(Timestamp::ZERO, &Data::Dropped(Dropped::new(40, Verdict::Forged)));
    assert_eq!(dropped["data"]["trigger"], "decryption_failure");
}

#[test]
fn addresses_stand_with_their_family() {
    let v6 = serde_json::to_value(Tuple::of("[2001:db8::1]:5".parse().unwrap())).expect("JSON");
    assert_eq!(v6, json!({ "ip_v6": "2001:db8::1", "port_v6": 5 }));
}

/// BC-13.23
#[test]
fn records_that_nobody_takes_are_bounded_and_counted_where_they_are_missing() {
    let mut trace = Trace::new("aa-bb", Role::Initiator);
    for pn in 0..100_000 {
        trace.tell(Timestamp::ZERO, &Data::Lost(Lost::new(pn)));
    }
    let waiting: usize = trace.records.iter().skip(1).map(String::len).sum();
    assert!(waiting == trace.waiting && waiting <= super::MAX_WAITING);
    assert_eq!(trace.lost, 100_000 + 1 - trace.records.len() as u64);
    // There is room again, but the gap is to be told of first.
    trace.records.drain(..10);
    trace.waiting = 0;
    let kept = trace.records.len();
    trace.tell(Timestamp::ZERO, &Data::Lost(Lost::new(7)));
    assert_eq!(trace.records.len(), kept);
}

/// BC-13.23
#[test]
fn a_packet_of_a_thousand_frames_makes_a_record_of_a_few() {
    let payload = [1; 1_000];
    assert_eq!(frame::first(&payload).len(), frame::MAX_FRAMES);
}

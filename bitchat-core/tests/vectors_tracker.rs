//! `spec/vectors/tracker.json`: requests for fixed inputs, and replies with what they mean (spec 10).

mod common;

use bitchat_core::base::ids::InfoHash;
use bitchat_core::tracker::announce::{Announce, Answer, Event};
use bitchat_core::tracker::http::{Response, ResponseReader, announce_request};
use bitchat_core::tracker::profile::{ClientId, PROFILES, Profile};
use bitchat_core::tracker::reply;
use bitchat_core::tracker::udp::{self, Expect, Reply};
use bitchat_core::wire::url::TrackerUrl;
use common::{hex, unhex};
use serde_json::{Value, json};

const MAX_PEERS: usize = 4;
const MAX_REPLY: usize = 1_000;
const CONNECTION: u64 = 0x1122_3344_5566_7788;

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn number<T: TryFrom<u64>>(value: &Value) -> T {
    value.as_u64().and_then(|number| T::try_from(number).ok()).expect("a number in range")
}

fn announces() -> Vec<Value> {
    let client = |profile: &Profile, rest: &[u8; 12]| {
        hex(&[&profile.peer_id_prefix[..], &rest[..]].concat())
    };
    let mut cases = Vec::new();
    for (index, profile) in PROFILES.iter().enumerate() {
        let events = ["none", "started", "stopped"];
        let urls =
            ["http://t.example/announce", "https://[2001:db8::1]:8443/a?key=1", "http://t.example"];
        cases.push(json!({
            "profile": profile.name,
            "url": urls[index % urls.len()],
            "infohash": hex(&(0x79..0x8d).collect::<Vec<u8>>()),
            "peer_id": client(profile, b"aZ09-_.!~*()"),
            "key": 0xab_u32 << (8 * index),
            "port": 6881 + index,
            "left": 1_u64 << (26 + index),
            "event": events[index % events.len()],
            "tracker_id": hex(if index == 0 { b"id \xff" } else { b"" }),
        }));
    }
    cases
}

/// Puts the bytes beside the inputs of an announce.
fn with_requests(case: &Value) -> Value {
    let profile = PROFILES.iter().find(|it| it.name == case["profile"]).expect("a profile");
    let client = ClientId {
        peer_id: unhex(&case["peer_id"]).try_into().expect("20 bytes"),
        key: number(&case["key"]),
    };
    let tracker_id = unhex(&case["tracker_id"]);
    let event = match text(&case["event"]) {
        "started" => Event::Started,
        "stopped" => Event::Stopped,
        _ => Event::None,
    };
    let announce = Announce {
        infohash: InfoHash(unhex(&case["infohash"]).try_into().expect("20 bytes")),
        client: &client,
        port: number(&case["port"]),
        left: number(&case["left"]),
        event,
        tracker_id: &tracker_id,
    };
    let url = TrackerUrl::parse(text(&case["url"])).expect("a URL");
    let http = announce_request(&url, profile, &announce);
    let path = url.path.as_str();
    let mut out = case.clone();
    out["http"] = json!(String::from_utf8(http).expect("text"));
    out["udp_connect"] = json!(hex(&udp::connect_request(7)));
    out["udp"] = json!(hex(&udp::announce_request(CONNECTION, 8, profile, &announce, path)));
    out
}

fn answer(answer: &Answer) -> Value {
    let secs = |duration: Option<core::time::Duration>| duration.map(|it| it.as_secs());
    json!({
        "peers": answer.peers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "interval": secs(answer.interval),
        "min_interval": secs(answer.min_interval),
        "tracker_id": answer.tracker_id.as_deref().map(hex),
        "external_ip": answer.external_ip.map(|ip| ip.to_string()),
        "warning": answer.warning,
    })
}

fn read_body(body: &[u8]) -> Value {
    match reply::parse(body, MAX_PEERS) {
        Ok(it) => answer(&it),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn read_http(response: &[u8]) -> Value {
    let url = TrackerUrl::parse("http://t.example/announce").expect("a URL");
    let mut reader = ResponseReader::new(url, MAX_REPLY);
    let result = match reader.push(response) {
        Ok(None) => reader.finish(),
        Ok(Some(response)) => Ok(response),
        Err(error) => Err(error),
    };
    match result {
        Ok(Response::Body(body)) => json!({ "body": hex(&body) }),
        Ok(Response::Redirect(url)) => json!({ "redirect": url.to_string() }),
        Ok(Response::Refused { status, body, wait }) => {
            json!({ "status": status, "body": hex(&body), "retry_after": wait.map(|it| it.as_secs()) })
        }
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn read_udp(waits_for: &str, packet: &[u8]) -> Value {
    let expect = match waits_for {
        "connect" => Expect::Connect,
        family => Expect::Announce { ipv6: family == "announce over IPv6" },
    };
    let mut out = match udp::parse(packet, expect, MAX_PEERS) {
        Ok(Reply::Connected(id)) => json!({ "connection": format!("{id:016x}") }),
        Ok(Reply::Announced(it)) => answer(&it),
        Err(error) => json!({ "error": error.to_string() }),
    };
    out["transaction"] = json!(udp::transaction(packet));
    out
}

const BODIES: [&[u8]; 15] = [
    b"d8:intervali1800e12:min intervali900e5:peers12:\x0a\0\0\x01\x1a\xe1\x0a\0\0\x02\0\x50e",
    b"d5:peers0:8:intervali60e6:peers618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1e\r\n",
    b"d5:peersld2:ip8:10.0.0.14:porti80eed2:ip1:x4:porti80eeee",
    b"d5:peers30:\x0a\0\0\x01\0\x01\x0a\0\0\x02\0\x01\x0a\0\0\x03\0\x01\x0a\0\0\x04\0\x01\x0a\0\0\x05\0\x01e",
    b"d5:peers21:\0\0\0\0\0\x01\x0a\0\0\x01\0\0\x0a\0\0\x01\0\x01\x0a\0\0e",
    b"d11:external ip4:\x01\x02\x03\x0410:tracker id2:ab15:warning message3:a\x1bbe",
    b"d14:failure reason9:not today8:retry ini5ee",
    b"d14:failure reason4:gone8:retry in5:nevere",
    b"d14:failure reason6:no \0\0 8:intervali7200e12:min intervali900ee",
    b"d8:interval2:60e",
    b"d8:intervali1e8:intervali2ee",
    b"d8:intervali01ee",
    b"d8:intervali1eex",
    b"d1:alllllllleeeeeeeee",
    b"le",
];

const RESPONSES: [&[u8]; 13] = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nde",
    b"HTTP/1.0 200 OK\r\n\r\nde",
    b"HTTP/1.1 503 Busy\r\nRetry-After: 900\r\nContent-Length: 2\r\n\r\nde",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n1;x\r\nd\r\n1\r\ne\r\n0\r\nT: u\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\x02\x03\x4b\xb1\xb0\xca\xcc\x2b\x49\x2d\x2a\x4b\xcc\xc9\x34\xb4\x30\x30\x48\x35\xb5\x2a\x48\x4d\x2d\x2a\x36\xb0\x4a\x05\0\xab\xd9\x98\x92\x1b\0\0\0",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\x02\x03\x4b\xb1\xb0\xca\xcc\x2b\x49\x2d\x2a\x4b\xcc\xc9\x34\xb4\x30\x30\x48\x35\xb5\x2a\x48\x4d\x2d\x2a\x36\xb0\x4a\x05\0\xab\xd9\x98\x93\x1b\0\0\0",
    b"HTTP/1.1 302 Found\r\nLocation: /other?a=b\r\n\r\n",
    b"HTTP/1.1 307 x\r\nLocation: https://u.example/\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: udp://u.example:1/\r\n\r\n",
    b"HTTP/1.1 404 Not Found\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nde",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
];

const PACKETS: [(&str, &[u8]); 9] = [
    ("connect", b"\0\0\0\0\0\0\0\x07\x11\x22\x33\x44\x55\x66\x77\x88"),
    ("connect", b"\0\0\0\0\0\0\0\x07\x11\x22\x33\x44\x55\x66\x77"),
    ("announce", b"\0\0\0\x01\0\0\0\x08\0\0\x07\x08\0\0\0\x01\0\0\0\0\x0a\0\0\x01\x1a\xe1\x0a\0"),
    (
        "announce over IPv6",
        b"\0\0\0\x01\0\0\0\x08\0\0\x07\x08\0\0\0\x01\0\0\0\0\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1",
    ),
    ("announce", b"\0\0\0\x03\0\0\0\x08not \x07today"),
    ("announce", b"\0\0\0\x01\0\0\0\x08"),
    ("announce", b"\0\0\0\x02\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0"),
    ("announce", b"\0\0\0\x01\0\0\0\x08\0\0\x07\x08\0\0\0\x01\0\0\0"),
    ("announce", b"\0\0\x01\x01\0\0\0\x08\0\0\x07\x08\0\0\0\x01\0\0\0\0"),
];

fn vectors() -> Value {
    let bodies = BODIES.iter().map(|body| json!({ "hex": hex(body), "means": read_body(body) }));
    let responses =
        RESPONSES.iter().map(|bytes| json!({ "hex": hex(bytes), "means": read_http(bytes) }));
    let packets = PACKETS.iter().map(|(waits_for, packet)| {
        json!({ "waits_for": waits_for, "hex": hex(packet), "means": read_udp(waits_for, packet) })
    });
    json!({
        "max_peers": MAX_PEERS,
        "max_reply_bytes": MAX_REPLY,
        "announces": announces().iter().map(with_requests).collect::<Vec<_>>(),
        "http_bodies": bodies.collect::<Vec<_>>(),
        "http_responses": responses.collect::<Vec<_>>(),
        "udp_packets": packets.collect::<Vec<_>>(),
    })
}

#[test]
fn the_committed_vectors_are_what_the_code_produces() {
    common::check("tracker", &vectors());
}

#[test]
fn the_committed_vectors_are_read_back() {
    let file = common::load("tracker");
    let list = |name: &str| file[name].as_array().expect("a list").clone();
    for case in list("announces") {
        assert_eq!(with_requests(&case), case);
    }
    for case in list("http_bodies") {
        assert_eq!(read_body(&unhex(&case["hex"])), case["means"]);
    }
    for case in list("http_responses") {
        assert_eq!(read_http(&unhex(&case["hex"])), case["means"]);
    }
    for case in list("udp_packets") {
        assert_eq!(read_udp(text(&case["waits_for"]), &unhex(&case["hex"])), case["means"]);
    }
    let refused =
        list("http_bodies").iter().filter(|case| case["means"]["error"].is_string()).count();
    assert_eq!(refused, 8, "three refusals of the tracker, five bodies that are none");
}

//! Vectors of chapter 3: peer ids, links, certificates.

mod common;

use bitchat_core::base::ids::DeviceId;
use bitchat_core::base::time::UnixMillis;
use bitchat_core::crypto::identity::{
    Certificate, Identity, fingerprint, parse_peer_link, peer_link,
};
use bitchat_core::crypto::suite::{DhSecret, Secret, Suite};
use common::{hex, unhex};
use core::time::Duration;
use serde_json::{Value, json};

const START: u64 = 1_700_000_000_000;
const DAY: u64 = 86_400_000;

fn secret(value: &Value) -> Secret {
    Secret(unhex(value).try_into().expect("32 bytes"))
}

/// The certificate that the inputs of `vector` give.
fn issue(suite: Suite, vector: &Value) -> Certificate {
    let millis = |name: &str| vector[name].as_u64().expect("milliseconds");
    Certificate::issue(
        &Identity::new(suite, &secret(&vector["identity_secret"])),
        DeviceId(unhex(&vector["device"]).try_into().expect("16 bytes")),
        DhSecret::from_bytes(suite, &secret(&vector["static_secret"])).public(),
        UnixMillis(millis("not_before")),
        Duration::from_millis(millis("not_after") - millis("not_before")),
    )
    .expect("a valid lifetime")
}

/// What becomes of the certificate in `vector` at its time.
fn verdict(suite: Suite, vector: &Value) -> String {
    let now = UnixMillis(vector["now"].as_u64().expect("milliseconds"));
    let found =
        Certificate::decode(&unhex(&vector["bytes"])).and_then(|found| found.verify(suite, now));
    found.map_or_else(|error| format!("{error:?}"), |()| "valid".to_owned())
}

fn checks(suite: Suite, bytes: &[u8]) -> Vec<Value> {
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut bytes = bytes.to_vec();
        change(&mut bytes);
        bytes
    };
    let end = START + 90 * DAY;
    let cases = [
        (START, bytes.to_vec()),
        (START - DAY, bytes.to_vec()),
        (START - DAY - 1, bytes.to_vec()),
        (end + DAY, bytes.to_vec()),
        (end + DAY + 1, bytes.to_vec()),
        (START, changed(|bytes| bytes[0] = 2)),
        (START, changed(|bytes| bytes[20] ^= 1)),
        (START, changed(|bytes| bytes[89] ^= 0x80)),
        (START, changed(|bytes| bytes[97] ^= 1)),
        (START, changed(|bytes| bytes.truncate(160))),
        (START, changed(|bytes| bytes.push(0))),
    ];
    cases
        .into_iter()
        .map(|(now, bytes)| {
            let mut vector = json!({ "now": now, "bytes": hex(&bytes) });
            vector["verdict"] = verdict(suite, &vector).into();
            vector
        })
        .collect()
}

fn link_verdict(link: &str) -> String {
    parse_peer_link(link).map_or_else(|error| format!("{error:?}"), |peer| hex(&peer.0))
}

fn links(link: &str) -> Vec<Value> {
    [
        link.to_uppercase(),
        link.replace("peer", "join"),
        link[..68].to_owned(),
        format!("{}1", &link[..68]),
        format!("{}{}", &link[..68], if link.ends_with('a') { 'b' } else { 'a' }),
    ]
    .into_iter()
    .map(|link| json!({ "link": link, "verdict": link_verdict(&link) }))
    .collect()
}

/// BC-03.03, BC-03.04, BC-03.05, BC-03.06, BC-03.07, BC-03.08
#[test]
fn identities_and_certificates() {
    for &suite in Suite::ALL {
        let identity = Identity::new(suite, &Secret([0x33; 32]));
        let link = peer_link(&identity.peer_id());
        let mut certificate = json!({
            "identity_secret": hex(&[0x33; 32]),
            "device": hex(&[0x44; 16]),
            "static_secret": hex(&[0x55; 32]),
            "not_before": START,
            "not_after": START + 90 * DAY,
        });
        let bytes = issue(suite, &certificate).encode();
        certificate["bytes"] = hex(&bytes).into();
        let document = json!({
            "identity": {
                "secret": hex(&[0x33; 32]),
                "peer_id": hex(&identity.peer_id().0),
                "fingerprint": fingerprint(&identity.peer_id()),
                "link": link,
            },
            "links": links(&link),
            "certificate": certificate,
            "checks": checks(suite, &bytes),
        });
        common::check("identity", &document);
        consume(suite, &common::load("identity"));
    }
}

fn consume(suite: Suite, document: &Value) {
    let peer = Identity::new(suite, &secret(&document["identity"]["secret"])).peer_id();
    assert_eq!(hex(&peer.0), document["identity"]["peer_id"].as_str().expect("hex"));
    let link = document["identity"]["link"].as_str().expect("a link");
    assert_eq!(parse_peer_link(link), Ok(peer));
    for vector in document["links"].as_array().expect("links") {
        let link = vector["link"].as_str().expect("a link");
        assert_eq!(link_verdict(link), vector["verdict"].as_str().expect("a verdict"));
    }
    let certificate = issue(suite, &document["certificate"]);
    assert_eq!(hex(&certificate.encode()), document["certificate"]["bytes"].as_str().expect("hex"));
    let mut verdicts = Vec::new();
    for vector in document["checks"].as_array().expect("checks") {
        let expected = vector["verdict"].as_str().expect("a verdict");
        assert_eq!(verdict(suite, vector), expected);
        verdicts.push(expected);
    }
    let expected = ["valid", "NotYetValid", "Expired", "Lifetime", "Signature"];
    assert!(expected.iter().all(|verdict| verdicts.contains(verdict)), "{verdicts:?}");
}

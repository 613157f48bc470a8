//! Vectors of chapter 4: the envelope, probe and ack.

mod common;

use bitchat_core::base::ids::ChannelId;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::crypto::channel_keys::{ChannelKeys, Epoch};
use bitchat_core::crypto::gate::{Cookie, Envelope, Kind, Probe, ProbeAck};
use bitchat_core::crypto::suite::{Secret, hash, mac, xor_stream};
use common::{hex, unhex};
use serde_json::{Value, json};

const DAY: u64 = 19_675;

fn keys() -> ChannelKeys {
    ChannelKeys::new(ChannelId([0x01; 20]), &Secret([0x11; 32]), Epoch::default())
}

/// A datagram with everything that another implementation needs to make it.
fn describe(datagram: &[u8], why: &str) -> Value {
    let mut opened = datagram.to_vec();
    let body = Envelope::new(&mut opened).expect("long enough").unmask(&keys());
    json!({
        "what": why,
        "day": DAY,
        "nonce": hex(&datagram[..16]),
        "body": hex(body),
        "datagram": hex(datagram),
    })
}

fn probe() -> Probe {
    Probe { nonce: [0x22; 12], cookie: Cookie([0x33; 16]) }
}

fn ack(observed: &str) -> ProbeAck {
    let observed = observed.parse().expect("an address");
    ProbeAck { nonce: [0x22; 12], cookie: Cookie([0x44; 16]), observed }
}

fn valid() -> Vec<Value> {
    let mut rng = Rng::new(&Seed([0x55; 32])).public;
    let sealed = probe().seal(&keys(), DAY, &mut rng);
    let body = sealed.len() - 32;
    let v4 = ack("192.0.2.1:6881").seal(&keys(), DAY, body, &mut rng);
    let v6 = ack("[2001:db8::1]:6881").seal(&keys(), DAY, body, &mut rng);
    vec![
        describe(&sealed, "probe"),
        describe(&v4, "ack, observed 192.0.2.1:6881"),
        describe(&v6, "ack, observed [2001:db8::1]:6881"),
    ]
}

/// Changes to the probe and the receiver's day, and what becomes of it.
fn judged(datagram: &[u8]) -> Vec<Value> {
    let changed = |at: usize| {
        let mut datagram = datagram.to_vec();
        datagram[at] ^= 1;
        datagram
    };
    [
        (DAY - 2, datagram.to_vec()),
        (DAY - 1, datagram.to_vec()),
        (DAY + 1, datagram.to_vec()),
        (DAY + 2, datagram.to_vec()),
        (DAY, changed(0)),
        (DAY, changed(15)),
        (DAY, changed(16)),
        (DAY, changed(32)),
        (DAY, changed(datagram.len() - 1)),
        (DAY, datagram[..32].to_vec()),
    ]
    .into_iter()
    .map(|(day, datagram)| {
        json!({ "day": day, "opens": opens(&datagram, day), "datagram": hex(&datagram) })
    })
    .collect()
}

fn opens(datagram: &[u8], day: u64) -> bool {
    let mut datagram = datagram.to_vec();
    Envelope::new(&mut datagram).is_some_and(|envelope| envelope.proves(&keys(), day))
}

/// BC-04.05, BC-04.06, BC-04.07, BC-04.08, BC-04.11, BC-04.12
#[test]
fn probes_and_acks() {
    let valid = valid();
    let judged = judged(&unhex(&valid[0]["datagram"]));
    let document = json!({
        "keys": { "mac": hex(&keys().mac.0), "mask": hex(&keys().mask.0) },
        "valid": valid,
        "judged": judged,
    });
    common::check("probe", &document);
    let document = common::load("probe");
    document["valid"].as_array().expect("cases").iter().for_each(rebuild);
    for vector in document["judged"].as_array().expect("cases") {
        let day = vector["day"].as_u64().expect("a day");
        assert_eq!(Some(opens(&unhex(&vector["datagram"]), day)), vector["opens"].as_bool());
    }
    let body = |at: usize| unhex(&document["valid"][at]["body"]);
    assert_eq!(Probe::decode(&body(0)), Ok(probe()));
    assert_eq!(ProbeAck::decode(&body(1)), Ok(ack("192.0.2.1:6881")));
    assert_eq!(ProbeAck::decode(&body(2)), Ok(ack("[2001:db8::1]:6881")));
    assert_eq!(Kind::of(&body(2)), Some(Kind::ProbeAck));
}

/// Makes the datagram of `vector` from its body by the letter of the specification.
fn rebuild(vector: &Value) {
    let nonce = unhex(&vector["nonce"]);
    let day = vector["day"].as_u64().expect("a day").to_le_bytes();
    let mut masked = unhex(&vector["body"]);
    xor_stream(&keys().mask, nonce[..12].try_into().expect("12 bytes"), &mut masked);
    let mac = mac(&keys().mac, &[&day, &hash(&[&nonce, &masked])]);
    let datagram = [nonce.as_slice(), &mac, &masked].concat();
    assert_eq!(hex(&datagram), vector["datagram"].as_str().expect("hex"));
}

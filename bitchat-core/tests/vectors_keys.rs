//! Vectors of chapter 4: a channel's keys.

mod common;

use bitchat_core::base::ids::ChannelId;
use bitchat_core::crypto::channel_keys::{ChannelKeys, Epoch};
use bitchat_core::crypto::suite::{Secret, prf};
use common::{hex, unhex};
use serde_json::{Value, json};

fn array<const N: usize>(value: &Value) -> [u8; N] {
    unhex(value).try_into().expect("the right length")
}

fn case(key: [u8; 32], chan: [u8; 20], epoch: [u8; 32]) -> Value {
    let keys = ChannelKeys::new(ChannelId(chan), &Secret(key), Epoch(epoch));
    let root = prf(&Secret(key), &[b"root", &chan, &epoch]);
    assert_eq!(prf(&root, &[b"psk"]).0, keys.psk.0, "the root that the keys come from");
    json!({
        "key": hex(&key),
        "chan": hex(&chan),
        "epoch": hex(&epoch),
        "root": hex(&root.0),
        "psk": hex(&keys.psk.0),
        "mac": hex(&keys.mac.0),
        "mask": hex(&keys.mask.0),
        "infohash": hex(&keys.infohash(0).0),
        "infohash_of_day_20000": hex(&keys.infohash(20_000).0),
    })
}

/// BC-04.01, BC-04.02, BC-04.03
#[test]
fn channel_keys() {
    let chan = core::array::from_fn(|at| u8::try_from(at).expect("small"));
    let public = ChannelKeys::public_key(ChannelId(chan)).0;
    let cases = [
        case([0x11; 32], chan, [0; 32]),
        case([0x11; 32], chan, [0x22; 32]),
        case(public, chan, [0; 32]),
    ];
    let document = json!({
        "keys": cases,
        "public": [{ "chan": hex(&chan), "key": hex(&public) }],
    });
    common::check("keys", &document);
    let document = common::load("keys");
    for vector in document["keys"].as_array().expect("cases") {
        let made = case(array(&vector["key"]), array(&vector["chan"]), array(&vector["epoch"]));
        assert_eq!(&made, vector);
    }
    for vector in document["public"].as_array().expect("cases") {
        let key = ChannelKeys::public_key(ChannelId(array(&vector["chan"])));
        assert_eq!(hex(&key.0), vector["key"].as_str().expect("hex"));
    }
}

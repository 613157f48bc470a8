//! Vectors of chapter 6: packet protection and packet numbers.

mod common;

use bitchat_core::base::ids::ConnectionId;
use bitchat_core::crypto::packet_key::{MaskKey, PacketError, PacketKey};
use bitchat_core::crypto::suite::{Secret, Suite};
use bitchat_core::wire::packet::{Header, KeyPhase, expand_pn, pn_len};
use common::{hex, unhex};
use serde_json::{Value, json};

fn secret(value: &Value) -> Secret {
    Secret(unhex(value).try_into().expect("32 bytes"))
}

fn keys(suite: Suite, vector: &Value) -> (MaskKey, PacketKey) {
    (
        MaskKey::new(&secret(&vector["mask_key"])),
        PacketKey::new(suite, &secret(&vector["packet_key"])),
    )
}

fn seal(suite: Suite, vector: &Value) -> Vec<u8> {
    let cid = ConnectionId(unhex(&vector["connection_id"]).try_into().expect("8 bytes"));
    let phase = KeyPhase::of_epoch(vector["rekey"].as_u64().expect("a rekey number"));
    let pn = vector["number"].as_u64().expect("a number");
    let header = Header::new(cid, phase, pn, vector["largest_acked"].as_u64());
    let payload = unhex(&vector["payload"]);
    let mut packet = vec![0; header.overhead() + payload.len()];
    packet[header.len()..][..payload.len()].copy_from_slice(&payload);
    let (mask, key) = keys(suite, vector);
    key.seal(&mask, &header, &mut packet).expect("a payload");
    packet
}

fn open(suite: Suite, vector: &Value) -> Result<(Header, Vec<u8>), PacketError> {
    let (mask, key) = keys(suite, vector);
    let mut packet = unhex(&vector["packet"]);
    let header = mask.unmask(&mut packet, vector["largest_received"].as_u64())?;
    let payload = key.open(&header, &mut packet)?;
    Ok((header, packet[payload].to_vec()))
}

fn inputs(rekey: u64, number: u64, acked: Option<u64>, payload: &[u8]) -> Value {
    json!({
        "mask_key": hex(&[0x66; 32]),
        "packet_key": hex(&[0x77; 32]),
        "connection_id": hex(&[0xc1; 8]),
        "rekey": rekey,
        "number": number,
        "largest_acked": acked,
        "largest_received": number.checked_sub(1),
        "payload": hex(payload),
    })
}

fn valid(suite: Suite) -> Vec<Value> {
    [
        inputs(0, 0, None, b"\x01"),
        inputs(1, 200, Some(10), b"frames"),
        inputs(6, 100_000, Some(1), &[0; 20]),
        inputs(3, 1 << 40, Some((1 << 40) - (1 << 24)), b"frames"),
    ]
    .into_iter()
    .map(|mut vector| {
        vector["packet"] = hex(&seal(suite, &vector)).into();
        vector
    })
    .collect()
}

fn invalid(suite: Suite, vector: &Value) -> Vec<Value> {
    let packet = unhex(&vector["packet"]);
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let (mut packet, mut vector) = (packet.clone(), vector.clone());
        change(&mut packet);
        vector["packet"] = hex(&packet).into();
        vector["error"] = format!("{:?}", open(suite, &vector).expect_err("changed")).into();
        vector
    };
    vec![
        with(&|packet| packet.truncate(26)),
        with(&|packet| packet[0] ^= 1),
        with(&|packet| packet[8] ^= 0x80),
        with(&|packet| packet[8] ^= 0x04),
        with(&|packet| packet[10] ^= 1),
        with(&|packet| *packet.last_mut().expect("a tag") ^= 1),
    ]
}

fn numbers() -> Vec<Value> {
    [
        (0xa82f_9b32, 2, Some(0xa82f_30ea)),
        (5, 1, None),
        (0x1_00, 1, Some(0xff)),
        (0xff, 1, Some(0x180)),
        (0x1_0000_0000, 4, Some(0xffff_fff0)),
    ]
    .into_iter()
    .map(|(full, len, received): (u64, usize, Option<u64>)| {
        let truncated = full & ((1 << (8 * len)) - 1);
        json!({
            "truncated": truncated,
            "bytes": len,
            "largest_received": received,
            "number": expand_pn(truncated, len, received),
        })
    })
    .collect()
}

/// BC-06.01, BC-06.02, BC-06.05, BC-06.06, BC-06.07, BC-06.08, BC-06.09
#[test]
fn packets() {
    for &suite in Suite::ALL {
        let valid = valid(suite);
        let invalid = invalid(suite, &valid[1]);
        let document = json!({ "valid": valid, "invalid": invalid, "numbers": numbers() });
        common::check("packet", &document);
        let document = common::load("packet");
        for vector in document["valid"].as_array().expect("cases") {
            assert_eq!(hex(&seal(suite, vector)), vector["packet"].as_str().expect("hex"));
            let (header, payload) = open(suite, vector).expect("valid");
            assert_eq!(payload, unhex(&vector["payload"]));
            assert_eq!(Some(header.pn), vector["number"].as_u64());
            let acked = vector["largest_acked"].as_u64();
            assert_eq!(header.len(), 9 + pn_len(header.pn, acked));
        }
        for vector in document["invalid"].as_array().expect("cases") {
            let error = open(suite, vector).expect_err("invalid");
            assert_eq!(format!("{error:?}"), vector["error"].as_str().expect("a name"));
        }
        for vector in document["numbers"].as_array().expect("cases") {
            let number = |name: &str| vector[name].as_u64();
            let len = usize::try_from(number("bytes").expect("a length")).expect("small");
            let full =
                expand_pn(number("truncated").expect("a number"), len, number("largest_received"));
            assert_eq!(Some(full), number("number"));
        }
    }
}

//! Vectors of chapter 8: slot tokens, control messages, and two rekeys of one session's keys.

mod common;

use bitchat_core::base::ids::ChannelId;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::crypto::noise::Role;
use bitchat_core::crypto::suite::{DhSecret, KEM_PUBLIC_LEN, KemSecret, Secret, Suite};
use bitchat_core::link::Lane;
use bitchat_core::link::control::{Control, Opening, StreamHeader};
use bitchat_core::link::session::rekey::{NewKeys, Rekey, RekeyError};
use bitchat_core::link::slots::{ChannelEpoch, Slots, token};
use common::{hex, unhex};
use serde_json::{Value, json};

const HANDSHAKE_HASH: [u8; 32] = [0x33; 32];

fn chan(number: u8) -> ChannelEpoch {
    ChannelEpoch::first(ChannelId([number; 20]))
}

fn secret(value: &Value) -> Secret {
    Secret(unhex(value).try_into().expect("32 bytes"))
}

fn tokens() -> Vec<Value> {
    [(Role::Initiator, 0), (Role::Responder, 1)]
        .map(|(role, number)| {
            let mac = Secret([0x44; 32]);
            json!({
                "mac_key": hex(&mac.0),
                "handshake_hash": hex(&HANDSHAKE_HASH),
                "role": number,
                "token": hex(&token(&mac, &HANDSHAKE_HASH, role)),
            })
        })
        .to_vec()
}

/// What each side shows of two channels, and the slots that these so have.
fn lists() -> Vec<Value> {
    let channels = [(chan(1), Secret([0x44; 32])), (chan(2), Secret([0x45; 32]))];
    let shown: Vec<_> = channels.iter().map(|(chan, mac)| (*chan, mac)).collect();
    [(Role::Initiator, 0), (Role::Responder, 1)]
        .map(|(role, number)| {
            let mut slots = Slots::new(role, HANDSHAKE_HASH);
            let mut random = Rng::new(&Seed([number; 32])).public;
            let message = slots.offer(&shown, &mut random).expect("room for them");
            let of = |chan| slots.ours(chan).expect("shown");
            json!({
                "handshake_hash": hex(&HANDSHAKE_HASH),
                "role": number,
                "mac_keys": shown.iter().map(|(_, mac)| hex(&mac.0)).collect::<Vec<_>>(),
                "slots": shown.iter().map(|(chan, _)| of(*chan)).collect::<Vec<_>>(),
                "message": hex(&message),
            })
        })
        .to_vec()
}

/// Finds the channels of a list as the other side does.
fn read_list(vector: &Value) {
    let other = if vector["role"] == 0 { Role::Responder } else { Role::Initiator };
    let mut slots = Slots::new(other, secret(&vector["handshake_hash"]).0);
    let message = unhex(&vector["message"]);
    let Ok(Control::SlotTokens { base, tokens }) = Control::decode(&message) else {
        panic!("a list of tokens")
    };
    slots.on_tokens(base, tokens).expect("the first list");
    for (at, mac) in vector["mac_keys"].as_array().expect("keys").iter().enumerate() {
        let chan = chan(u8::try_from(at).expect("few"));
        assert!(slots.match_channel(chan, &secret(mac)), "it is shown");
        let slot = vector["slots"][at].as_u64().expect("a slot");
        assert_eq!(slots.channel_of(slot), Some(chan));
    }
}

fn messages() -> Value {
    let list: Vec<[u8; 16]> = (0..16).map(|byte| [byte; 16]).collect();
    let named = |name: &str, control: &Control<'_>| json!({ "name": name, "message": hex(&control.encode()) });
    let headers = Lane::ALL.map(|lane| {
        json!({ "slot": 300, "lane": lane as u8, "message": hex(&StreamHeader { slot: 300, lane }.encode()) })
    });
    json!({
        "valid": [
            named("REKEY_ASK", &Control::RekeyAsk),
            named("SLOT_TOKENS", &Control::SlotTokens { base: 16, tokens: &list }),
            named("SLOT_CLOSE", &Control::SlotClose { slot: 300 }),
            named("MAX_DATAGRAM", &Control::MaxDatagram(65_507)),
        ],
        "skipped": ["c8", "07010203"],
        "malformed": ["", "06", "0644af", "0644b000", "0300", "0410", "04000102", "05", "050000", &format!("0400{}", "00".repeat(15 * 16))],
        "stream_headers": headers,
        "malformed_stream_headers": ["", "00", "0000", "000003", "00000000", "010078"],
        "byte_stream": { "slot": 300, "name": "files", "message": hex(&Opening::Bytes { slot: 300, name: "files" }.encode()) },
        "malformed_byte_streams": ["01", "0100", "0100ff", &format!("0100{}", "78".repeat(129))],
        "unknown_protocols": ["02", "3f00", "40ff"],
    })
}

fn new_keys(keys: &NewKeys) -> Value {
    json!({
        "number": keys.number,
        "i2r": hex(&keys.i2r.0),
        "r2i": hex(&keys.r2i.0),
        "resumption": keys.resumption.as_ref().map(|secret| hex(&secret.0)),
    })
}

/// The two machines of the session that `vector` describes.
fn machines(suite: Suite, vector: &Value) -> (Rekey, Rekey) {
    let key = |name: &str| DhSecret::from_bytes(suite, &secret(&vector[name]));
    let (i, r) = (key("initiator_static"), key("responder_static"));
    let hash = secret(&vector["handshake_hash"]).0;
    let exporter = secret(&vector["exporter"]);
    let initiator = Rekey::new(Role::Initiator, i.clone(), r.public(), hash, exporter.clone());
    (initiator, Rekey::new(Role::Responder, r, i.public(), hash, exporter))
}

/// Two rekeys, the first with ML-KEM, from fixed randomness; what was drawn is in the vector.
fn rekeys(suite: Suite) -> Value {
    let mut vector = json!({
        "initiator_static": hex(&[0x11; 32]),
        "responder_static": hex(&[0x22; 32]),
        "handshake_hash": hex(&HANDSHAKE_HASH),
        "exporter": hex(&[0x55; 32]),
    });
    let (mut initiator, mut responder) = machines(suite, &vector);
    let stream = |seed: u8| Rng::new(&Seed([seed; 32])).secret;
    let (mut of_i, mut of_r, mut drawn_i, mut drawn_r) =
        (stream(1), stream(2), stream(1), stream(2));
    let steps = [true, false].map(|with_kem| {
        let init = initiator.start(with_kem, &mut of_i).expect("its turn");
        let (response, keys) = responder.on_init(&init, &mut of_r).expect("genuine");
        let same = initiator.on_response(&response).expect("genuine");
        assert_eq!(
            (&same.i2r, &same.r2i, &same.resumption),
            (&keys.i2r, &keys.r2i, &keys.resumption)
        );
        let kem_seed = with_kem.then(|| drawn_i.bytes::<64>());
        let kem_message = with_kem.then(|| drawn_r.bytes::<32>());
        let ephemerals = [drawn_i.bytes::<32>(), drawn_r.bytes::<32>()];
        for (message, ephemeral) in [&init, &response].into_iter().zip(&ephemerals) {
            let public = DhSecret::from_bytes(suite, &Secret(*ephemeral)).public();
            assert_eq!(message[2..34], public.0, "what the vector says was drawn");
        }
        if let Some(seed) = &kem_seed {
            assert_eq!(init[init.len() - KEM_PUBLIC_LEN..], KemSecret::from_seed(suite, seed).1);
        }
        json!({
            "kem_seed": kem_seed.map(|seed| hex(&seed)),
            "initiator_ephemeral": hex(&ephemerals[0]),
            "rekey_init": hex(&Control::RekeyInit(&init).encode()),
            "kem_message": kem_message.map(|message| hex(&message)),
            "responder_ephemeral": hex(&ephemerals[1]),
            "rekey_resp": hex(&Control::RekeyResponse(&response).encode()),
            "keys": new_keys(&keys),
        })
    });
    vector["rekeys"] = steps.to_vec().into();
    vector
}

/// A responder at the second rekey, and the body of the INIT that it awaits.
fn at_second_rekey(suite: Suite, vector: &Value) -> (Rekey, Vec<u8>) {
    let (_, mut responder) = machines(suite, vector);
    let body = |at: usize| unhex(&vector["rekeys"][at]["rekey_init"])[1..].to_vec();
    let mut stream = Rng::new(&Seed([2; 32])).secret;
    responder.on_init(&body(0), &mut stream).expect("the first rekey");
    (responder, body(1))
}

/// BC-08.03, BC-08.10, BC-08.11
#[test]
fn tokens_and_control_messages() {
    for &suite in Suite::ALL {
        let document = json!({ "tokens": tokens(), "lists": lists(), "control": messages(), "rekey": rekeys(suite) });
        common::check("link", &document);
        let document = common::load("link");
        for vector in document["tokens"].as_array().expect("cases") {
            let mac = secret(&vector["mac_key"]);
            let hash = secret(&vector["handshake_hash"]).0;
            let (shown_by, seen_by) = match vector["role"].as_u64() {
                Some(0) => (Role::Initiator, Role::Responder),
                _ => (Role::Responder, Role::Initiator),
            };
            assert_eq!(hex(&token(&mac, &hash, shown_by)), vector["token"].as_str().expect("hex"));
            let mut list = [[0; 16]; 16];
            list[5] = unhex(&vector["token"]).try_into().expect("16 bytes");
            for (role, found) in [(seen_by, true), (shown_by, false)] {
                let mut slots = Slots::new(role, hash);
                slots.on_tokens(0, &list).expect("a list");
                assert_eq!(slots.match_channel(chan(1), &mac), found);
            }
        }
        document["lists"].as_array().expect("cases").iter().for_each(read_list);
        let control = &document["control"];
        let cases = |name: &str| control[name].as_array().expect("cases").clone();
        for vector in cases("valid") {
            let bytes = unhex(&vector["message"]);
            let decoded = Control::decode(&bytes).expect("valid");
            assert_ne!(decoded, Control::Unknown);
            assert_eq!(decoded.encode(), bytes);
        }
        for message in cases("skipped") {
            assert_eq!(Control::decode(&unhex(&message)), Ok(Control::Unknown));
        }
        for message in cases("malformed") {
            assert!(Control::decode(&unhex(&message)).is_err(), "{message}");
        }
        for vector in cases("stream_headers") {
            let header = StreamHeader::decode(&unhex(&vector["message"])).expect("valid");
            assert_eq!(
                (Some(header.slot), Some(header.lane as u64)),
                (vector["slot"].as_u64(), vector["lane"].as_u64())
            );
        }
        for message in cases("malformed_stream_headers") {
            assert!(StreamHeader::decode(&unhex(&message)).is_err(), "{message}");
        }
        let vector = &document["control"]["byte_stream"];
        let message = unhex(&vector["message"]);
        let Ok(Opening::Bytes { slot, name }) = Opening::decode(&message) else {
            panic!("{vector}")
        };
        assert_eq!((Some(slot), Some(name)), (vector["slot"].as_u64(), vector["name"].as_str()));
        for message in cases("malformed_byte_streams") {
            assert!(Opening::decode(&unhex(&message)).is_err(), "{message}");
        }
        for message in cases("unknown_protocols") {
            let message = unhex(&message);
            assert!(matches!(Opening::decode(&message), Ok(Opening::Unknown(_))), "{message:?}");
        }
    }
}

/// BC-08.04, BC-08.07, BC-08.08
#[test]
fn a_responder_reads_the_rekeys_and_refuses_what_was_changed() {
    for &suite in Suite::ALL {
        let document = common::load("link");
        let vector = &document["rekey"];
        let (_, mut responder) = machines(suite, vector);
        let mut stream = Rng::new(&Seed([2; 32])).secret;
        for step in vector["rekeys"].as_array().expect("cases") {
            let init = unhex(&step["rekey_init"]);
            let Ok(Control::RekeyInit(body)) = Control::decode(&init) else {
                panic!("not an INIT")
            };
            let (response, keys) = responder.on_init(body, &mut stream).expect("genuine");
            assert_eq!(Control::RekeyResponse(&response).encode(), unhex(&step["rekey_resp"]));
            assert_eq!(new_keys(&keys), step["keys"]);
        }
        let (_, init) = at_second_rekey(suite, vector);
        for (at, expected) in [(0, "OutOfTurn"), (1, "Malformed"), (2, "Noise"), (49, "Noise")] {
            let (mut responder, mut init) = (at_second_rekey(suite, vector).0, init.clone());
            init[at] ^= 2;
            let error = responder.on_init(&init, &mut stream).expect_err("changed");
            let name = match error {
                RekeyError::OutOfTurn => "OutOfTurn",
                RekeyError::Malformed(_) => "Malformed",
                RekeyError::Noise(_) => "Noise",
                _ => "another",
            };
            assert_eq!(name, expected, "byte {at}");
        }
    }
}

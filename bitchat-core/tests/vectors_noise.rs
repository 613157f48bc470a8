//! Noise vectors: ours (`noise.json`) and published ones (`noise_published.json`), in one format.

mod common;

use bitchat_core::crypto::noise::{CipherState, HandshakeState, NoiseError, Params, Pattern, Role};
use bitchat_core::crypto::suite::{DhPublic, DhSecret, Secret, Suite};
use common::{hex, unhex};
use serde_json::{Value, json};

/// Both ends of the handshake that a vector describes.
struct Ends {
    initiator: HandshakeState,
    responder: HandshakeState,
    initiator_ephemeral: Option<DhSecret>,
    responder_ephemeral: Option<DhSecret>,
    initiator_wrote: bool,
}

impl Ends {
    fn of(suite: Suite, vector: &Value) -> Self {
        Self {
            initiator: end(suite, vector, Role::Initiator),
            responder: end(suite, vector, Role::Responder),
            initiator_ephemeral: secret(suite, vector.get("init_ephemeral")),
            responder_ephemeral: secret(suite, vector.get("resp_ephemeral")),
            initiator_wrote: false,
        }
    }

    /// The next message, with whatever ephemeral it needs.
    fn write(&mut self, payload: &[u8]) -> Vec<u8> {
        self.initiator_wrote = self.initiator.is_our_turn();
        let (writer, ephemeral) = if self.initiator_wrote {
            (&mut self.initiator, &mut self.initiator_ephemeral)
        } else {
            (&mut self.responder, &mut self.responder_ephemeral)
        };
        let mut message = Vec::new();
        writer.write_message(ephemeral.take(), payload, &mut message).expect("a valid vector");
        message
    }

    /// Gives `message` to the one who did not write last.
    fn read(&mut self, message: &[u8]) -> Result<Vec<u8>, NoiseError> {
        let reader = if self.initiator_wrote { &mut self.responder } else { &mut self.initiator };
        let mut payload = Vec::new();
        reader.read_message(message, &mut payload).map(|()| payload)
    }

    fn is_finished(&self) -> bool {
        self.initiator.is_finished() && self.responder.is_finished()
    }
}

fn secret(suite: Suite, value: Option<&Value>) -> Option<DhSecret> {
    let bytes = unhex(value?).try_into().expect("32 bytes");
    Some(DhSecret::from_bytes(suite, &Secret(bytes)))
}

/// `Noise_XXpsk0+psk3_…` as pattern and psk positions.
fn parse_name(vector: &Value) -> (Pattern, Vec<u8>) {
    let name = vector["protocol_name"].as_str().expect("a name");
    let middle = name.strip_prefix("Noise_").expect("a Noise name");
    let middle = middle.strip_suffix("_25519_ChaChaPoly_BLAKE2s").expect("our suite");
    let (pattern, modifiers) = middle.split_at(middle.find("psk").unwrap_or(middle.len()));
    let pattern = match pattern {
        "XX" => Pattern::Xx,
        "KK" => Pattern::Kk,
        "X" => Pattern::X,
        other => panic!("unknown pattern {other}"),
    };
    let position = |modifier: &str| modifier.strip_prefix("psk")?.parse().ok();
    (pattern, modifiers.split('+').filter_map(position).collect())
}

fn end(suite: Suite, vector: &Value, role: Role) -> HandshakeState {
    let (pattern, positions) = parse_name(vector);
    let prefix = if role == Role::Initiator { "init" } else { "resp" };
    let field = |name: &str| vector.get(format!("{prefix}_{name}"));
    let mut state = HandshakeState::new(Params {
        pattern,
        psks: &positions,
        role,
        prologue: &field("prologue").map(unhex).unwrap_or_default(),
        local_static: secret(suite, field("static")),
        remote_static: field("remote_static")
            .map(|key| DhPublic(unhex(key).try_into().expect("32 bytes"))),
    })
    .expect("a valid vector");
    let psks = field("psks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    assert_eq!(psks.len(), positions.len());
    for (position, psk) in positions.iter().zip(psks) {
        let psk = Secret(unhex(psk).try_into().expect("32 bytes"));
        state.set_psk(*position, psk).expect("a valid position");
    }
    state
}

/// Runs a vector from its inputs and compares every output that it names.
fn replay(suite: Suite, vector: &Value) {
    let name = &vector["protocol_name"];
    let mut ends = Ends::of(suite, vector);
    let messages = vector["messages"].as_array().expect("messages");
    let one_way = parse_name(vector).0 == Pattern::X;
    let mut transport: Option<(CipherState, CipherState)> = None;
    for (number, message) in messages.iter().enumerate() {
        let (payload, expected) = (unhex(&message["payload"]), unhex(&message["ciphertext"]));
        if let Some((forth, back)) = &mut transport {
            let key = if one_way || number % 2 == 0 { forth } else { back };
            let (mut reader, mut sealed, mut opened) = (key.clone(), Vec::new(), Vec::new());
            key.seal(&[], &payload, &mut sealed).expect("short");
            assert_eq!(hex(&sealed), hex(&expected), "{name}: message {number}");
            reader.open(&[], &sealed, &mut opened).expect("just sealed");
            assert_eq!(opened, payload);
            continue;
        }
        let written = ends.write(&payload);
        assert_eq!(hex(&written), hex(&expected), "{name}: message {number}");
        assert_eq!(ends.read(&written).expect("a valid vector"), payload);
        if ends.is_finished() {
            let (forth, back) = ends.initiator.split().expect("finished");
            assert_eq!(ends.responder.split(), Ok((forth.clone(), back.clone())));
            transport = Some((CipherState::new(suite, &forth), CipherState::new(suite, &back)));
        }
    }
    assert!(ends.is_finished(), "{name}: messages are missing");
    let hash = ends.initiator.handshake_hash();
    assert_eq!(hash, ends.responder.handshake_hash());
    if let Some(expected) = vector.get("handshake_hash") {
        assert_eq!(hex(&hash), expected.as_str().expect("hex"), "{name}");
    }
}

/// BC-05.01: one of the names (X) is padded, the others are hashed.
#[test]
fn published_vectors() {
    for &suite in Suite::ALL {
        let document = common::load("noise_published");
        let vectors = document["vectors"].as_array().expect("vectors");
        assert_eq!(vectors.len(), 15, "7 of cacophony, 8 of snow");
        vectors.iter().for_each(|vector| replay(suite, vector));
    }
}

const KEY: fn(u8) -> String = |byte| hex(&[byte; 32]);

/// The inputs of our vectors: every key is one byte repeated.
fn inputs(suite: Suite, protocol_name: &str) -> Value {
    let mut inputs = json!({
        "protocol_name": protocol_name,
        "init_prologue": hex(b"bitchat prologue"),
        "resp_prologue": hex(b"bitchat prologue"),
        "init_psks": [KEY(0x50), KEY(0x53)],
        "resp_psks": [KEY(0x50), KEY(0x53)],
        "init_static": KEY(0x11),
        "resp_static": KEY(0x22),
        "init_ephemeral": KEY(0x33),
        "resp_ephemeral": KEY(0x44),
    });
    if protocol_name.contains("_KK") {
        let public = |byte| hex(&DhSecret::from_bytes(suite, &Secret([byte; 32])).public().0);
        inputs["init_remote_static"] = public(0x22).into();
        inputs["resp_remote_static"] = public(0x11).into();
    }
    inputs
}

/// Runs the handshake of `inputs` and adds its outputs.
fn complete(suite: Suite, mut vector: Value) -> Value {
    let mut ends = Ends::of(suite, &vector);
    let mut messages = Vec::new();
    while !ends.is_finished() {
        let payload = format!("payload {}", messages.len() + 1).into_bytes();
        let message = ends.write(&payload);
        ends.read(&message).expect("valid");
        messages.push(json!({ "payload": hex(&payload), "ciphertext": hex(&message) }));
    }
    let (forth, back) = ends.initiator.split().expect("finished");
    let export = |label: &str| hex(&ends.initiator.export(label.as_bytes()).expect("finished").0);
    vector["messages"] = messages.into();
    vector["handshake_hash"] = hex(&ends.initiator.handshake_hash()).into();
    vector["key_initiator_to_responder"] = hex(&forth.0).into();
    vector["key_responder_to_initiator"] = hex(&back.0).into();
    vector["exports"] = json!({ "": export(""), "example": export("example") });
    vector["invalid"] = invalid(&vector);
    vector
}

/// Messages to be refused in place of number `instead_of` (from 0), each with its error.
fn invalid(vector: &Value) -> Value {
    let message = |number: usize| unhex(&vector["messages"][number]["ciphertext"]);
    let with = |number: usize, change: fn(&mut Vec<u8>)| {
        let mut message = message(number);
        change(&mut message);
        hex(&message)
    };
    json!([
        { "why": "ends inside the ephemeral key", "instead_of": 0,
          "message": with(0, |m| m.truncate(31)), "error": "TooShort" },
        { "why": "ends inside the tag", "instead_of": 0,
          "message": with(0, |m| m.truncate(47)), "error": "TooShort" },
        { "why": "changed ephemeral key", "instead_of": 0,
          "message": with(0, |m| m[0] ^= 1), "error": "Auth" },
        { "why": "changed tag", "instead_of": 1,
          "message": with(1, |m| *m.last_mut().expect("a tag") ^= 0x80), "error": "Auth" },
        { "why": "a byte too many", "instead_of": 1,
          "message": with(1, |m| m.push(0)), "error": "Auth" },
        { "why": "ephemeral key of small order", "instead_of": 1,
          "message": with(1, |m| m[..32].fill(0)), "error": "WeakKey" },
        { "why": "longer than a Noise message may be: this prefix, then zeros up to 65536 bytes",
          "instead_of": 1, "pad_to": 65_536, "message": with(1, |_| {}), "error": "TooLong" },
    ])
}

#[test]
fn our_vectors_are_what_the_code_produces() {
    for &suite in Suite::ALL {
        let vectors: Vec<Value> = [
            "Noise_XXpsk0+psk3_25519_ChaChaPoly_BLAKE2s",
            "Noise_KKpsk0+psk2_25519_ChaChaPoly_BLAKE2s",
        ]
        .map(|name| complete(suite, inputs(suite, name)))
        .into();
        let about = "Handshakes of spec 05 with fixed keys; all values are hex. psks are listed by \
                 ascending position. Each entry of `invalid` is refused in place of that message.";
        common::check("noise", &json!({ "about": about, "vectors": vectors }));
    }
}

#[test]
fn our_vectors_replay() {
    for &suite in Suite::ALL {
        let document = common::load("noise");
        let vectors = document["vectors"].as_array().expect("vectors");
        assert_eq!(vectors.len(), 2);
        for vector in vectors {
            replay(suite, vector);
            let mut ends = Ends::of(suite, vector);
            for message in vector["messages"].as_array().expect("messages") {
                ends.write(&unhex(&message["payload"]));
                ends.read(&unhex(&message["ciphertext"])).expect("valid");
            }
            for state in [&ends.initiator, &ends.responder] {
                let (forth, back) = state.split().expect("finished");
                assert_eq!(vector["key_initiator_to_responder"], hex(&forth.0));
                assert_eq!(vector["key_responder_to_initiator"], hex(&back.0));
                for (label, expected) in vector["exports"].as_object().expect("exports") {
                    assert_eq!(
                        *expected,
                        hex(&state.export(label.as_bytes()).expect("finished").0)
                    );
                }
            }
        }
    }
}

/// BC-05.06, BC-05.07, BC-05.08: bad messages are refused and the true ones still work.
#[test]
fn our_invalid_messages_are_refused() {
    for &suite in Suite::ALL {
        let document = common::load("noise");
        for vector in document["vectors"].as_array().expect("vectors") {
            let mut ends = Ends::of(suite, vector);
            let invalid = vector["invalid"].as_array().expect("invalid messages");
            assert_eq!(invalid.len(), 7);
            for (number, message) in
                vector["messages"].as_array().expect("messages").iter().enumerate()
            {
                ends.write(&unhex(&message["payload"]));
                for case in invalid.iter().filter(|case| case["instead_of"] == number) {
                    let mut bad = unhex(&case["message"]);
                    if let Some(len) = case.get("pad_to").and_then(Value::as_u64) {
                        bad.resize(usize::try_from(len).expect("small"), 0);
                    }
                    let error = ends.read(&bad).expect_err("an invalid message");
                    assert_eq!(format!("{error:?}"), case["error"].as_str().expect("a name"));
                }
                ends.read(&unhex(&message["ciphertext"])).expect("the true message still works");
            }
            assert_eq!(vector["handshake_hash"], hex(&ends.responder.handshake_hash()));
        }
    }
}

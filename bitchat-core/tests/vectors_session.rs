//! One session in bytes, from the `.chat` file to "stored by 1 of 1": the vector of chapter 17.
//!
//! Two nodes meet in a world without chance. What they send is opened with nothing but what a
//! reader of the specification has: the file, the key log (spec 13), and the layers of chapters 04
//! to 09.

mod common;
mod session;

use bitchat_core::crypto::suite::Suite;
use common::{hex, unhex};
use serde_json::{Value, json};
use session::layers::{Capture, Reading};
use session::world::{ALICE, BOB, WALL, World};
use session::{listing, secrets};

/// The run: a meeting, a text in each direction, and the end.
fn run(suite: Suite) -> Value {
    let mut world = World::new();
    world.join_and_introduce();
    world.run_until(2_000);
    world.say(ALICE, "hello");
    world.run_until(4_000);
    world.say(BOB, "hi, Alice");
    world.run_until(6_000);
    world.shut_down(ALICE);
    world.run_until(6_500);
    let file = world.file();
    let lines = world.key_log();
    let mut reading = Reading::new(suite, &file, &lines);
    let captured: Vec<Capture> = world.sent.iter().map(|sent| reading.take(sent)).collect();
    let secrets = secrets::of(suite, &world, &captured);
    json!({
        "file": hex(&file.encode()),
        "wall": WALL.0,
        "channel": secrets::channel(&file),
        "alice": secrets.alice,
        "bob": secrets.bob,
        "handshake": secrets.handshake,
        "rekey": secrets.rekey,
        "slots": secrets.slots,
        "datagrams": captured.iter().map(|capture| &capture.json).collect::<Vec<_>>(),
    })
}

/// What a stranger looks for first: each stage is there, in its order.
fn stages(vector: &Value) -> Vec<String> {
    let mut stages = Vec::<String>::new();
    for datagram in vector["datagrams"].as_array().expect("datagrams") {
        let mut note = |name: &str| {
            let name = format!("{} {name}", datagram["from"].as_str().expect("a side"));
            if !stages.contains(&name) {
                stages.push(name);
            }
        };
        if let Some(kind) = datagram["envelope"]["kind"].as_str() {
            note(kind);
        }
        for message in datagram["packet"]["messages"].as_array().into_iter().flatten() {
            note(message["message"].as_str().expect("a name"));
        }
        for frame in datagram["packet"]["frames"].as_array().into_iter().flatten() {
            if frame["frame"] == "CLOSE" {
                note("CLOSE");
            }
        }
    }
    stages
}

/// Where `wanted` stands, which must be somewhere.
fn place(stages: &[String], wanted: &str) -> usize {
    stages
        .iter()
        .position(|stage| stage == wanted)
        .unwrap_or_else(|| panic!("{wanted}: {stages:?}"))
}

/// BC-04.11, BC-04.12, BC-05.20, BC-05.22, BC-05.23, BC-05.30, BC-06.01, BC-08.05, BC-08.10,
/// BC-09.14, BC-09.16
#[test]
fn a_session_from_the_file_to_stored_by_one_of_one() {
    for &suite in Suite::ALL {
        let vector = run(suite);
        common::check("session", &vector);
        listing::check(&vector);
        let stages = stages(&vector);
        let order = [
            "alice probe",
            "bob probe-ack",
            "alice hs1",
            "bob hs2",
            "alice hs3",
            "alice REKEY_INIT",
            "bob REKEY_RESP",
            "alice SLOT_TOKENS",
            "alice DIGEST",
            "alice ENTRIES",
            "bob HEADS",
            "alice CLOSE",
        ];
        let places = order.map(|stage| place(&stages, stage));
        assert!(places.is_sorted(), "{stages:?}");
    }
}

/// Nothing of a channel under the keys of the handshake (BC-08.05), a binding and a text from each,
/// and a head of each that says that the other's were stored (BC-09.17).
#[test]
fn the_vector_says_what_the_chapter_tells() {
    let vector = common::load("session");
    let datagrams = vector["datagrams"].as_array().expect("datagrams");
    let mut entries = Vec::new();
    let mut receipts = Vec::new();
    for datagram in datagrams {
        let from = datagram["from"].as_str().expect("a side");
        let packet = &datagram["packet"];
        for frame in packet["frames"].as_array().into_iter().flatten() {
            let early = packet["rekey"] == 0 && frame["frame"] == "STREAM";
            assert!(!early || frame["stream"] == 0, "{frame}");
        }
        for message in packet["messages"].as_array().into_iter().flatten() {
            for entry in message["entries"].as_array().into_iter().flatten() {
                entries.push((from, entry["author"].clone(), entry["seq"].clone()));
            }
            for head in message["heads"].as_array().into_iter().flatten() {
                receipts.push((from, head["author"].clone(), head["seq"].clone()));
            }
        }
    }
    let author = |name: &str| vector[name]["author"].clone();
    for (writer, reader) in [("alice", "bob"), ("bob", "alice")] {
        for seq in [0, 1] {
            let entry = (writer, author(writer), json!(seq));
            assert_eq!(entries.iter().filter(|written| **written == entry).count(), 1, "{entry:?}");
        }
        assert!(receipts.contains(&(reader, author(writer), json!(1))), "{reader}: {receipts:?}");
    }
    assert!(datagrams.iter().all(|datagram| !unhex(&datagram["bytes"]).is_empty()));
}

//! The node as a process that speaks JSON-RPC over its standard input and output.

#![allow(clippy::unwrap_used)]

mod common;

use common::process::Process;
use common::story::{Place, quits};
use serde_json::{Value, json};
use std::path::Path;

fn start(directory: &Path, who: &str) -> Process {
    Process::start(directory, &["rpc", "--dir", who, "--local"])
}

/// Asks something and gives the answer.
fn ask(process: &mut Process, id: &str, method: &str, params: &Value) -> Value {
    process.types(
        &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string(),
    );
    let answer = process.prints(&format!("\"id\":\"{id}\""));
    serde_json::from_str(&answer).unwrap()
}

fn joined(process: &mut Process) -> u64 {
    let answer = ask(process, "join", "join", &json!({"path": "talk.chat"}));
    process.prints("\"kind\":\"ready\"");
    answer["result"]["channel"].as_u64().unwrap()
}

#[test]
fn two_of_them_and_a_line_chat_talk() {
    let place = Place::new("127.0.0.1:0", "http://");
    let mut ada = start(place.path(), "ada");
    let mut ben = start(place.path(), "ben");
    let mut eve = place.join("eve");
    let (channel, other) = (joined(&mut ada), joined(&mut ben));
    ada.prints("\"kind\":\"member_up\"");
    eve.prints("is here");

    let sent =
        ask(&mut ada, "one", "send_text", &json!({"channel": channel, "text": "hello \"all\""}));
    let id = sent["result"]["id"].as_str().unwrap().to_owned();
    let heard: Value = serde_json::from_str(&ben.prints("hello")).unwrap();
    assert_eq!(heard["method"], "event");
    assert_eq!(heard["params"]["area"], "channel");
    let message = &heard["params"]["message"];
    assert_eq!((&message["id"], &message["text"]), (&json!(id), &json!("hello \"all\"")));
    eve.prints("hello \"all\"");
    eve.types("hello to you");
    ada.prints("hello to you");
    ada.prints("\"kind\":\"delivered\"");

    let page = ask(
        &mut ben,
        "page",
        "messages",
        &json!({"channel": other, "limit": 1, "before": message["id"]}),
    );
    assert_eq!(page["result"], json!([]), "nothing is before the first");
    let devices = ask(&mut ada, "who", "delivered", &json!({"channel": channel, "id": id}));
    assert!(!devices["result"].as_array().unwrap().is_empty());
    let links = ask(&mut ada, "links", "links", &json!({}));
    assert!(links["result"][0]["link"].is_string(), "64-bit numbers are strings: {links}");

    // The end of the input is a clean leave; `shutdown` is one, too.
    ada.hang_up();
    assert!(ada.ends().0.success());
    ben.prints("\"kind\":\"member_down\"");
    ask(&mut ben, "end", "shutdown", &json!({}));
    assert!(ben.ends().0.success());
    quits(eve);
}

#[test]
fn what_is_wrong_is_answered_and_the_next_line_works() {
    let directory = tempfile::tempdir().unwrap();
    let mut one = start(directory.path(), "one");
    let code = |process: &mut Process, line: &[u8], code: i64| {
        process.types_bytes(line);
        process.types_bytes(b"\n");
        process.prints(&format!("\"code\":{code}"));
    };
    code(&mut one, b"not json", -32_700);
    code(&mut one, b"\xff\xfe", -32_700);
    code(&mut one, br#"["jsonrpc"]"#, -32_600);
    code(&mut one, br#"{"jsonrpc":"2.0","id":1,"method":"dance"}"#, -32_601);
    code(&mut one, br#"{"jsonrpc":"2.0","id":2,"method":"links","params":{"x":1}}"#, -32_602);
    code(
        &mut one,
        br#"{"jsonrpc":"2.0","id":3,"method":"leave","params":{"channel":77}}"#,
        -32_000,
    );
    code(&mut one, &vec![b'x'; (1 << 20) + 1], -32_001);
    let version = ask(&mut one, "v", "version", &json!({}));
    assert_eq!(version["result"]["protocol"], 1);
}

//! The listing of chapter 17: a line for each datagram of the vector.

use serde_json::Value;
use std::path::PathBuf;

const BEGIN: &str = "<!-- begin: written by bitchat-core/tests/vectors_session.rs -->\n```\n";
const END: &str = "```\n<!-- end -->";

/// Compares the listing of `vector` with the one in the chapter; with `BITCHAT_BLESS=1` in the
/// environment writes it there instead.
pub(crate) fn check(vector: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec/17-session.md");
    let text = std::fs::read_to_string(&path).expect("chapter 17");
    let (before, rest) = text.split_once(BEGIN).expect("the beginning of the listing");
    let (committed, behind) = rest.split_once(END).expect("the end of the listing");
    let datagrams = vector["datagrams"].as_array().expect("datagrams");
    let listing: String =
        datagrams.iter().enumerate().map(|(at, datagram)| line(at + 1, datagram)).collect();
    if std::env::var_os("BITCHAT_BLESS").is_some() {
        let text = format!("{before}{BEGIN}{listing}{END}{behind}");
        return std::fs::write(path, text).expect("the chapter is writable");
    }
    assert!(committed == listing, "the listing of spec/17-session.md is not that of the vector");
}

fn line(number: usize, datagram: &Value) -> String {
    let micros = datagram["at_us"].as_u64().expect("a time");
    let from = datagram["from"].as_str().expect("a side");
    let len = datagram["bytes"].as_str().expect("hex").len() / 2;
    let head = format!("{number:3} {:5}.{:03}  {from:5} {len:5}  ", micros / 1_000, micros % 1_000);
    if let Some(kind) = datagram["envelope"]["kind"].as_str() {
        return format!("{head}{kind}, tail of {}\n", datagram["envelope"]["tail_bytes"]);
    }
    let packet = &datagram["packet"];
    let list = |name: &str| packet[name].as_array().into_iter().flatten();
    let frames: Vec<_> = list("frames").map(frame).collect();
    let messages: Vec<_> =
        list("messages").map(|message| message["message"].as_str().expect("a name")).collect();
    let mut line = format!(
        "{head}packet {} keys {}: {}\n",
        packet["number"],
        packet["rekey"],
        frames.join(" ")
    );
    if !messages.is_empty() {
        line.push_str(&format!("{:27}completes {}\n", "", messages.join(", ")));
    }
    line
}

fn frame(frame: &Value) -> String {
    let name = frame["frame"].as_str().expect("a name");
    match name {
        "STREAM" => {
            let fin = if frame["fin"] == true { " FIN" } else { "" };
            format!("STREAM({} @{} +{}{fin})", frame["stream"], frame["offset"], frame["bytes"])
        }
        "ACK" => {
            let ranges = frame["ranges"].as_array().into_iter().flatten();
            let ranges: Vec<_> =
                ranges.map(|range| format!("{}..{}", range[0], range[1])).collect();
            format!("ACK({})", ranges.join(" "))
        }
        "MAX_STREAM_DATA" => format!("MAX_STREAM_DATA({})", frame["stream"]),
        "NEW_CONNECTION_ID" => format!("NEW_CONNECTION_ID({})", frame["sequence"]),
        "CLOSE" => format!("CLOSE({})", frame["code"]),
        other => other.to_owned(),
    }
}

//! What trackers say, and trackers that are of no use, as the user sees them.

#![allow(clippy::unwrap_used)]

mod common;

use common::fail;
use common::process::Process;
use common::story::{Place, quits};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// An HTTP tracker that gives every announce this response; its address and how often it was asked.
fn tracker(response: String) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::<AtomicUsize>::default();
    let count = asked.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            count.fetch_add(1, Ordering::SeqCst);
            let mut request = Vec::new();
            let mut bytes = [0; 4_096];
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut bytes) {
                    Ok(len @ 1..) => request.extend_from_slice(&bytes[..len]),
                    _ => break,
                }
            }
            let _ = stream.write_all(response.as_bytes());
        }
    });
    (address, asked)
}

fn response(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn a_warning_is_shown() {
    let body = "d8:intervali60e5:peers0:15:warning message16:moving on Sundaye";
    let (address, _) = tracker(response("200 OK", body));
    let place = Place::with_tracker(&format!("http://{address}/announce"));
    let member = place.join("ada");
    let line = member.complains("peers;");
    assert!(line.ends_with("; it says: moving on Sunday"), "{line}");
    quits(member);
}

#[test]
fn a_refusal_is_shown_in_its_own_words_and_heeded() {
    let body = "d14:failure reason14:not registered8:intervali7200ee";
    let (address, asked) = tracker(response("403 Forbidden", body));
    let place = Place::with_tracker(&format!("http://{address}/announce"));
    let member = place.join("ada");
    let line = member.complains("tried again in ");
    assert!(line.contains("not registered; tried again in 7"), "{line}");
    // The first retry of a tracker that names no wait comes after 12 to 18 seconds.
    std::thread::sleep(Duration::from_secs(19));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    quits(member);
}

#[test]
fn a_tracker_that_is_of_no_use_costs_a_word() {
    let directory = tempfile::tempdir().unwrap();
    let link = "magnet:?xt=urn:btih:6e917635f15177e644f8b02f8df99ba33b86549e\
                &tr=udp%3A%2F%2F127.0.0.1%3A9&tr=wss%3A%2F%2Fu%3Ap%40t.example%2Fkey";
    let units: Vec<u8> =
        format!("\u{feff}<{link}>\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(directory.path().join("link.txt"), units).unwrap();
    for named in [link, "link.txt"] {
        let arguments = ["join", "--local", "--dir", "ada", named];
        let mut member = Process::start(directory.path(), &arguments);
        let line = member.complains("is left out");
        assert!(line.starts_with("the tracker `wss://t.example` is left out: "), "{line}");
        member.hang_up();
        let (status, transcript) = member.ends();
        assert!(status.success(), "{transcript}");
    }
    let local = fail(directory.path(), &["join", "--dir", "ada", link]);
    assert!(local.contains("not on the public Internet"), "{local}");
}

use super::*;
use crate::base::ids::InfoHash;
use crate::tracker::profile::{ClientId, PROFILES};
use proptest::prelude::*;

fn url(text: &str) -> TrackerUrl {
    TrackerUrl::parse(text).expect("valid")
}

/// Reads `bytes` in pieces of every size, which must not matter.
fn read(bytes: &[u8]) -> Result<Response, HttpError> {
    let whole = read_in(bytes, usize::MAX);
    for size in [1, 2, 3, 7, 100] {
        assert_eq!(read_in(bytes, size), whole, "in pieces of {size}");
    }
    whole
}

fn read_in(bytes: &[u8], size: usize) -> Result<Response, HttpError> {
    let mut reader = ResponseReader::new(url("http://t.example:81/a?b=c"), 1_000);
    for piece in bytes.chunks(size) {
        if let Some(response) = reader.push(piece)? {
            return Ok(response);
        }
    }
    reader.finish()
}

fn body(text: &str) -> Result<Response, HttpError> {
    Ok(Response::Body(text.into()))
}

#[test]
fn the_bytes_that_qbittorrent_and_deluge_sent() {
    // BC-10.03, BC-10.04: captured from qBittorrent 4.5.2 and Deluge 2.2.0.
    let infohash = InfoHash([
        0xea, 0xaa, 0xaf, 0xe4, 0xb5, 0x8e, 0xeb, 0xd7, 0xf8, 0xde, 0xb7, 0x67, 0xef, 0x01, 0xbd,
        0xe2, 0x20, 0x78, 0x4c, 0xa3,
    ]);
    let (port, left, event, tracker_id) = (22_710, 20_000, Event::Started, &b""[..]);
    let client = ClientId { peer_id: *b"-qB4520-FhVI8JgMH-ip", key: 0x5861_3115 };
    let announce = Announce { infohash, client: &client, port, left, event, tracker_id };
    let tracker = url("http://127.0.0.1:7001/announce");
    let started = announce_request(&tracker, &PROFILES[1], &announce);
    assert_eq!(
        String::from_utf8(started).expect("text"),
        "GET /announce?info_hash=%ea%aa%af%e4%b5%8e%eb%d7%f8%de%b7g%ef%01%bd%e2%20xL%a3\
         &peer_id=-qB4520-FhVI8JgMH-ip&port=22710&uploaded=0&downloaded=0&left=20000&corrupt=0\
         &key=58613115&event=started&numwant=200&compact=1&no_peer_id=1&supportcrypto=1\
         &redundant=0 HTTP/1.1\r\nHost: 127.0.0.1:7001\r\nUser-Agent: qBittorrent/4.5.2\r\n\
         Accept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    );
    let client = ClientId { peer_id: *b"-DE220s-ZzYj)M_Lnju3", key: 0xd4d9_7731 };
    let announce = Announce { client: &client, port: 60_066, ..announce };
    let started = announce_request(&url("http://127.0.0.1:7004/announce"), &PROFILES[2], &announce);
    let text = String::from_utf8(started).expect("text");
    assert!(text.contains("&peer_id=-DE220s-ZzYj)M_Lnju3&port=60066&"));
    assert!(text.contains("&key=D4D97731&event=started&"));
    assert!(text.contains("\r\nUser-Agent: Deluge/2.2.0 libtorrent/2.1.1.0\r\n"));
}

#[test]
fn the_rest_of_the_request() {
    // BC-10.03, BC-10.05
    let client = ClientId { peer_id: [0xff; 20], key: 0xf };
    let mut announce = Announce {
        infohash: InfoHash([b'~'; 20]),
        client: &client,
        port: 1,
        left: 0,
        event: Event::Stopped,
        tracker_id: b"a b",
    };
    let request = |announce: &Announce<'_>| {
        let bytes = announce_request(&url("https://T.example/x?key=1"), &PROFILES[0], announce);
        String::from_utf8(bytes).expect("text")
    };
    let text = request(&announce);
    assert!(text.starts_with("GET /x?key=1&info_hash=~~~~~~~~~~~~~~~~~~~~&peer_id=%ff%ff"));
    assert!(text.contains("&left=1&corrupt=0&key=0000000F&event=stopped&numwant=0&compact=1"));
    assert!(text.contains("&redundant=0&trackerid=a%20b HTTP/1.1\r\nHost: t.example\r\n"));
    announce.event = Event::None;
    assert!(request(&announce).contains("&key=0000000F&numwant=200&"));
    announce.event = Event::Completed;
    assert!(request(&announce).contains("&event=completed&"));
}

#[test]
fn bodies_by_length_by_close_and_in_chunks() {
    // BC-10.12
    assert_eq!(read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nde"), body("de"));
    assert_eq!(read(b"HTTP/1.0 200 OK\nContent-Length:  0002 \n\ndejunk"), body("de"));
    assert_eq!(read(b"HTTP/1.1 200 OK\r\n\r\nde"), body("de"));
    assert_eq!(read(b"HTTP/1.1 200 OK\r\n\r\n"), body(""));
    assert_eq!(read(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), body(""));
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 9\r\n\r\n";
    for (chunks, result) in [
        ("2\r\nde\r\n0\r\n\r\n", body("de")),
        ("1;a=b\r\nd\r\n01\r\ne\r\n0\r\nX: y\r\n\r\n", body("de")),
        ("1\nd\n1 \ne\n0\n\n", body("de")),
        ("0\r\n\r\n", body("")),
        ("2\r\nde\r\n0\r\n", Err(HttpError::Truncated)),
        ("2\r\nde", Err(HttpError::Truncated)),
        ("2\r\ndex\r\n", Err(HttpError::Chunk)),
        ("\r\n", Err(HttpError::Chunk)),
        ("x\r\n", Err(HttpError::Chunk)),
        ("-1\r\n", Err(HttpError::Chunk)),
        ("+1\r\n", Err(HttpError::Chunk)),
        ("ffffffffffffffffff\r\n", Err(HttpError::TooLarge(1_000))),
        ("3e9\r\n", Err(HttpError::TooLarge(1_000))),
    ] {
        assert_eq!(read(&[&chunked[..], chunks.as_bytes()].concat()), result, "{chunks:?}");
    }
    let many = "64\r\n".to_owned() + &"x".repeat(100) + "\r\n";
    let many = [&chunked[..], many.repeat(11).as_bytes()].concat();
    assert_eq!(read(&many), Err(HttpError::TooLarge(1_000)));
    let line = [&chunked[..], "0".repeat(300).as_bytes()].concat();
    assert_eq!(read(&line), Err(HttpError::Chunk));
    let trailers = [&chunked[..], b"0\r\n", "a: b\r\n".repeat(40).as_bytes()].concat();
    assert_eq!(read(&trailers), Err(HttpError::Chunk));
}

#[test]
fn heads_that_are_refused() {
    // BC-10.12
    for (head, error) in [
        ("\r\n\r\n", HttpError::Head),
        ("SSH-2.0-x\r\n\r\n", HttpError::Head),
        ("HTTP/1.1 200 OK\r\nbad header\r\n\r\n", HttpError::Head),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nde", HttpError::Truncated),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", HttpError::Framing),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", HttpError::Framing),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", HttpError::TooLarge(1_000)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", HttpError::Framing),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", HttpError::Coding),
        ("HTTP/1.1 200 OK\r\n", HttpError::Truncated),
        ("", HttpError::Truncated),
    ] {
        assert_eq!(read(head.as_bytes()), Err(error), "{head:?}");
    }
    let headers = "a: b\r\n".repeat(MAX_HEADERS + 1);
    assert_eq!(read(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").as_bytes()), Err(HttpError::Head));
    let endless = "HTTP/1.1 200 OK\r\nX: ".to_owned() + &"y".repeat(20_000);
    assert_eq!(read(endless.as_bytes()), Err(HttpError::Head));
    let close = "HTTP/1.1 200 OK\r\n\r\n".to_owned() + &"y".repeat(1_001);
    assert_eq!(read(close.as_bytes()), Err(HttpError::TooLarge(1_000)));
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
    let real = "HTTP/1.1 200 OK\r\n\r\nde";
    assert_eq!(read(format!("{interim}{interim}{real}").as_bytes()), body("de"));
    let endless = read(format!("{interim}{interim}{interim}{real}").as_bytes());
    assert_eq!(endless, Err(HttpError::Head));
}

fn refused(status: u16, body: &str, wait: Option<u64>) -> Response {
    Response::Refused { status, body: body.into(), wait: wait.map(Duration::from_secs) }
}

#[test]
fn other_statuses_keep_what_was_said_with_them() {
    // BC-10.65
    for (text, result) in [
        ("HTTP/1.1 404 Not Found\r\n\r\n", refused(404, "", None)),
        ("HTTP/1.1 204 No Content\r\n\r\n", refused(204, "", None)),
        ("HTTP/1.1 101 Switching\r\n\r\n", refused(101, "", None)),
        ("HTTP/1.1 400 x\r\nContent-Length: 2\r\n\r\nde", refused(400, "de", None)),
        ("HTTP/1.1 503 x\r\nRetry-After: 900\r\n\r\nde", refused(503, "de", Some(900))),
        ("HTTP/1.1 503 x\r\nRetry-After: soon\r\n\r\n", refused(503, "", None)),
        ("HTTP/1.1 403 x\r\nContent-Encoding: br\r\n\r\nde", refused(403, "", None)),
        ("HTTP/1.1 403 x\r\nContent-Length: 9\r\n\r\nde", refused(403, "", None)),
        ("HTTP/1.1 403 x\r\nContent-Length: 9999\r\n\r\nde", refused(403, "", None)),
        ("HTTP/1.1 403 x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", refused(403, "", None)),
    ] {
        assert_eq!(read(text.as_bytes()), Ok(result), "{text:?}");
    }
}

#[test]
fn gzip_bodies() {
    // BC-10.13; made with `gzip -9n`.
    let packed = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b, 0xb1, 0xb0, 0xca, 0xcc,
        0x2b, 0x49, 0x2d, 0x2a, 0x4b, 0xcc, 0xc9, 0x34, 0xb4, 0x30, 0x30, 0x48, 0x35, 0xb5, 0x2a,
        0x48, 0x4d, 0x2d, 0x2a, 0x36, 0xb0, 0x4a, 0x05, 0x00, 0xab, 0xd9, 0x98, 0x92, 0x1b, 0x00,
        0x00, 0x00,
    ];
    let mut response = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n".to_vec();
    response.extend(packed);
    assert_eq!(read(&response), body("d8:intervali1800e5:peers0:e"));
    let at = response.len() - 5;
    response[at] ^= 1;
    assert_eq!(read(&response), Err(HttpError::Gzip(GzipError::Checksum)));
    let plain = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nde";
    assert_eq!(read(plain), Err(HttpError::Gzip(GzipError::Header)));
}

#[test]
fn where_redirects_lead() {
    // BC-10.11
    let to = |from: &str, location: &str| redirect(&url(from), location.as_bytes()).ok();
    let from = "http://t.example:81/a?b=c";
    assert_eq!(to(from, "http://u.example/x?y"), Some(url("http://u.example/x?y")));
    assert_eq!(to(from, "https://u.example/x"), Some(url("https://u.example/x")));
    assert_eq!(to(from, "/x?y"), Some(url("http://t.example:81/x?y")));
    assert_eq!(to(from, "//u.example/x"), Some(url("http://u.example/x")));
    assert_eq!(to("https://t.example/", "http://t.example/"), None, "no way back to clear text");
    for bad in ["udp://u.example:1/", "file:///etc/passwd", "http://a@b/", "http://\u{ff}", "a b"] {
        assert_eq!(to(from, bad), None, "{bad}");
    }
    let response =
        |status: u16| read(format!("HTTP/1.1 {status} x\r\nLocation: /n\r\n\r\n").as_bytes());
    for status in [301, 302, 303, 307, 308] {
        assert_eq!(response(status), Ok(Response::Redirect(url("http://t.example:81/n"))));
    }
    assert_eq!(response(300), Ok(refused(300, "", None)));
    assert_eq!(read(b"HTTP/1.1 302 x\r\n\r\n"), Err(HttpError::Redirect));
}

proptest! {
    #[test]
    fn junk_never_panics_nor_grows(
        head in "(HTTP/1\\.1 200 OK\r\n(Transfer-Encoding: chunked\r\n|Content-Length: [0-9]{1,3}\r\n|Content-Encoding: gzip\r\n){0,2}\r\n)?",
        rest in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        if let Ok(Response::Body(body)) = read(&[head.as_bytes(), &rest].concat()) {
            prop_assert!(body.len() <= 1_000);
        }
    }

    #[test]
    fn chunks_never_lose_a_byte(parts in proptest::collection::vec("[a-z\r\n]{1,40}", 0..20)) {
        let mut bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for part in &parts {
            bytes.extend(format!("{:X}\r\n{part}\r\n", part.len()).into_bytes());
        }
        bytes.extend(b"0\r\n\r\n");
        prop_assert_eq!(read(&bytes), body(&parts.concat()));
    }
}

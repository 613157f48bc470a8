//! Files, links and answers of strangers.

use crate::{Attack, Job};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::target::TargetPolicy;
use bitchat_core::chatfile::{ChatFile, Draft, JoinLink};
use bitchat_core::tracker::http::ResponseReader;
use bitchat_core::tracker::{gzip, reply};
use bitchat_core::wire::bencode;
use bitchat_core::wire::url::TrackerUrl;
use std::fmt::Write as _;
use std::hint::black_box;

/// Above it a body is refused.
const BODY: usize = 256 << 10;

const fn attack(name: &'static str, prepare: fn(usize) -> Job) -> Attack {
    // Eight bytes for each byte that may be read: a field of one byte has a place in a list.
    Attack { name, units: 400, memory: 8 * BODY as u64, prepare }
}

/// A bencoded value is checked and forgotten.
fn bencoded(text: Vec<u8>) -> Job {
    Box::new(move || drop(black_box(bencode::check(&text, BODY))))
}

/// What trackers send may be in any order.
fn foreign(text: Vec<u8>) -> Job {
    Box::new(move || drop(black_box(bencode::check_foreign(&text, BODY))))
}

fn text(units: usize, before: &str, unit: impl Fn(usize) -> String, behind: &str) -> Vec<u8> {
    let mut out = before.to_owned();
    (0..units).for_each(|at| out += &unit(at));
    (out + behind).into_bytes()
}

/// A file whose part outside of `info` is this.
fn file(fields: &[u8], behind_info: &str) -> Job {
    let mut rng = Rng::new(&Seed([9; 32]));
    let draft = Draft { name: "growth".to_owned(), ..Draft::default() };
    let file = draft.create(None, &mut rng.secret, &Limits::default()).expect("it is valid");
    let mut bytes = [b"d".as_slice(), fields, b"4:info", file.raw_info()].concat();
    bytes.extend(behind_info.as_bytes());
    bytes.push(b'e');
    Box::new(move || {
        // Long ones are refused unseen, if nobody asks for more.
        let mut limits = Limits::default();
        limits.file.chat_file_bytes = BODY;
        drop(black_box(ChatFile::parse(&bytes, &limits, TargetPolicy::default())));
    })
}

fn link(text: String) -> Job {
    Box::new(move || {
        drop(black_box(JoinLink::parse(&text, &Limits::default(), TargetPolicy::default())));
    })
}

fn answer(body: Vec<u8>) -> Job {
    Box::new(move || drop(black_box(reply::parse(&body, 200))))
}

/// A response that arrives in pieces of so many bytes.
fn response(bytes: Vec<u8>, piece: usize) -> Job {
    let url = TrackerUrl::parse("http://tracker.example/announce").expect("a URL");
    let mut reader = ResponseReader::new(url, BODY);
    Box::new(move || {
        for piece in bytes.chunks(piece) {
            if !matches!(black_box(reader.push(piece)), Ok(None)) {
                return;
            }
        }
    })
}

/// A gzip member of one stored block after the other.
fn stored(units: usize, unit: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for at in 0..units {
        let len = u16::try_from(unit.len()).expect("short");
        out.push(u8::from(at + 1 == units));
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend(unit);
    }
    out.extend([0; 8]);
    out
}

pub(crate) const ATTACKS: &[Attack] = &[
    attack("lists in lists", |units| bencoded([vec![b'l'; units], vec![b'e'; units]].concat())),
    attack("dictionaries in dictionaries", |units| {
        bencoded(text(units, "", |_| "d1:a".to_owned(), &("1:x".to_owned() + &"e".repeat(units))))
    }),
    attack("numbers in a list", |units| {
        bencoded(text(units, "l", |at| format!("i{}e", 10_000 + at), "e"))
    }),
    attack("strings in a list", |units| bencoded(text(units, "l", |_| "1:x".to_owned(), "e"))),
    attack("keys in order", |units| bencoded(text(units, "d", |at| format!("8:{at:08}0:"), "e"))),
    attack("keys in no order", |units| {
        foreign(text(units, "d", |at| format!("8:{:08}0:", at * 7_919 % 10_007), "e"))
    }),
    attack("one key again and again", |units| {
        foreign(text(units, "d", |_| "5:peersi1e".to_owned(), "e"))
    }),
    attack("keys that grow", |units| {
        // Each has the one before it as its beginning.
        let units = units / 20;
        bencoded(text(units, "d", |at| format!("{}:{}0:", at + 1, "k".repeat(at + 1)), "e"))
    }),
    attack("a length of many digits", |units| bencoded(vec![b'1'; units])),
    attack("a number of many digits", |units| bencoded(text(units, "i", |_| "1".to_owned(), "e"))),
    attack("a file with many trackers", |units| {
        let tracker = |at| {
            let url = format!("udp://t{at:04}.example:1");
            format!("l{}:{url}e", url.len())
        };
        file(&text(units, "13:announce-listl", tracker, "e"), "")
    }),
    attack("a file with empty tiers", |units| {
        file(&text(units, "13:announce-listl", |_| "le".to_owned(), "e"), "")
    }),
    attack("a file with many nodes", |units| {
        let nodes = text(units, "5:nodesl", |at| format!("l9:192.0.2.1i{}ee", at + 1), "e");
        file(&[], &String::from_utf8(nodes).expect("ASCII"))
    }),
    attack("a file with fields that nobody knows", |units| {
        file(&text(units, "", |at| format!("8:0{at:07}0:"), ""), "")
    }),
    Attack {
        units: 20,
        ..attack("a link with many trackers", |units| {
            let mut link = format!("magnet:?xt=urn:btih:{}", "a".repeat(40));
            for at in 0..units {
                let _ = write!(link, "&tr=udp%3A%2F%2Ft{at:04}.example%3A1");
            }
            self::link(link)
        })
    },
    Attack {
        units: 700,
        ..attack("a long link", |units| link("dotchat:join/".to_owned() + &"A".repeat(units)))
    },
    attack("an answer with many peers", |units| {
        let mut body = format!("d5:peers{}:", 6 * units).into_bytes();
        (0..u32::try_from(units).expect("few")).for_each(|at| {
            body.extend((0x0808_0000 + at).to_be_bytes());
            body.extend([9, 9]);
        });
        body.push(b'e');
        answer(body)
    }),
    attack("an answer with one peer many times", |units| {
        let mut body = format!("d5:peers{}:", 6 * units).into_bytes();
        (0..units).for_each(|_| body.extend([8, 8, 8, 8, 9, 9]));
        body.push(b'e');
        answer(body)
    }),
    attack("an answer with a list of peers", |units| {
        let peer = |at| format!("d2:ip7:8.8.8.{}4:porti{}ee", at % 10, at + 1);
        answer(text(units, "d5:peersl", peer, "ee"))
    }),
    attack("an answer with fields that nobody knows", |units| {
        answer(text(units, "d", |at| format!("8:0{at:07}0:"), "e"))
    }),
    attack("a body in chunks of a byte", |units| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        response(text(units, head, |_| "1\r\nx\r\n".to_owned(), "0\r\n\r\n"), 6)
    }),
    attack("a body in segments of a byte", |units| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {units}\r\n\r\n");
        response(text(units, &head, |_| "x".to_owned(), ""), 1)
    }),
    attack("a head of many lines", |units| {
        response(text(units / 8, "HTTP/1.1 200 OK\r\n", |_| "a: b\r\n".to_owned(), "\r\n"), 1)
    }),
    attack("a head of empty words", |units| {
        response(text(units, "HTTP/1.1 200 OK\n", |_| " \n".to_owned(), "\n"), 7)
    }),
    attack("compressed blocks of a byte", |units| {
        let bytes = stored(units, b"x");
        Box::new(move || drop(black_box(gzip::unpack(&bytes, BODY))))
    }),
    attack("empty compressed blocks", |units| {
        let bytes = stored(units, b"");
        Box::new(move || drop(black_box(gzip::unpack(&bytes, BODY))))
    }),
];

//! `spec/vectors/chatfile.json`: `.chat` files and links, sound ones and refused ones (spec 02).

mod common;

use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::target::TargetPolicy;
use bitchat_core::base::time::UnixMillis;
use bitchat_core::chatfile::{
    Access, ChatFile, Draft, History, InfoError, JoinLink, Mode, Node, Outside, PeerHint,
};
use bitchat_core::crypto::identity::Identity;
use bitchat_core::crypto::suite::{Secret, hash};
use bitchat_core::wire::base32;
use bitchat_core::wire::bencode::{self, Encoded};
use bitchat_core::wire::url::{Host, TrackerUrl};
use common::{hex, unhex};
use core::fmt::Debug;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const HOUR: u64 = 3_600_000;
const NOON: u64 = 1_767_268_800_000;

fn outside() -> Outside {
    let url = |text| TrackerUrl::parse(text).expect("a URL");
    Outside {
        trackers: vec![
            vec![url("http://a.example/announce")],
            vec![url("udp://b.example:6969/announce")],
        ],
        nodes: vec![Node { host: Host::Name("dht.example".into()), port: 6881 }],
        peers: vec![PeerHint { addr: "1.2.3.4:6881".parse().expect("an address"), peer: None }],
        ..Outside::default()
    }
}

fn owner() -> Identity {
    Identity::from_bytes(&Secret([9; 32]))
}

fn create(draft: &Draft, owner: Option<&Identity>) -> ChatFile {
    let mut rng = Rng::new(&Seed([1; 32]));
    draft.create(owner, &mut rng.secret, &Limits::default()).expect("a sound draft")
}

fn parse(bytes: &[u8]) -> Result<ChatFile, String> {
    ChatFile::parse(bytes, &Limits::default(), TargetPolicy::PublicOnly).map_err(|e| kind(&e))
}

fn parse_link(text: &str) -> Result<JoinLink, String> {
    JoinLink::parse(text, &Limits::default(), TargetPolicy::PublicOnly).map_err(|e| kind(&e))
}

/// The names of an error's variants, as in `Text/info.name` or `Bencode/KeyOrder`.
fn kind(error: &dyn Debug) -> String {
    let text = format!("{error:?}");
    let name =
        |text: &str| -> String { text.chars().take_while(char::is_ascii_alphanumeric).collect() };
    let after = |label: &str| text.split_once(label).map(|(_, rest)| rest);
    let quoted = text.split('"').nth(1);
    let detail = match after("fault: ") {
        Some(fault) if text.starts_with("Bencode") => Some(name(fault)),
        _ => quoted.map(str::to_owned),
    };
    detail.map_or_else(|| name(&text), |detail| format!("{}/{detail}", name(&text)))
}

fn valid() -> Value {
    let draft = |name: &str| Draft { name: name.into(), outside: outside(), ..Draft::default() };
    let bare = Draft { name: "Bare".into(), ..Draft::default() };
    let public = Draft { access: Access::Public, ..draft("Public square") };
    let rotating = Draft { rotate: true, history: History::Days(30), ..draft("Rotating") };
    let invite = Draft { access: Access::InviteOnly, ..draft("Invited") };
    let later = Encoded::dict([("z", Encoded::list([Encoded::int(-1), Encoded::bytes(b"\0")]))]);
    let unknown = changed(&create(&bare, None), "info", "zz later", Some(later.clone()));
    let unknown = parse(&changed(&parse(&unknown).expect("sound"), "", "azureus", Some(later)));
    let mut cases = vec![
        ("a bare keyed channel", create(&bare, None)),
        ("a keyed channel with an owner", create(&draft("Grüße 👋"), Some(&owner()))),
        ("a public channel", create(&public, None)),
        ("an invite-only channel", create(&invite, Some(&owner()))),
        ("unknown keys, outside and in info", unknown.expect("sound")),
        ("a rotating channel", create(&rotating, None)),
    ];
    let cases = cases.drain(..).map(|(name, file)| {
        let clocks = if file.info().rotate { 6 } else { 1 };
        let times = (0..clocks).map(|step| Some(NOON + step * 4 * HOUR));
        let answers = [None].into_iter().chain(times).map(|time| {
            let hashes = file.infohashes(time.map(UnixMillis)).ok();
            let hashes = hashes.map(|all| all.iter().map(|one| hex(&one.0)).collect::<Vec<_>>());
            json!({ "at": time, "announced": hashes })
        });
        let answers: Value = answers.collect();
        json!({
            "name": name,
            "file": hex(&file.encode()),
            "chan": hex(&file.channel_id().0),
            "infohashes": answers,
            "link": JoinLink::from(&file).to_text(),
            "bare": hex(&file.encode_bare()),
        })
    });
    cases.collect()
}

/// The file with one value replaced or removed, in `info` or outside.
fn changed(file: &ChatFile, place: &str, key: &str, value: Option<Encoded>) -> Vec<u8> {
    let entries = |bytes: &[u8]| -> BTreeMap<Vec<u8>, Encoded> {
        let dict = bencode::check(bytes, 1 << 16).expect("canonical").as_dict().expect("a dict");
        dict.into_iter().map(|(key, value)| (key.to_vec(), value.into())).collect()
    };
    let mut outer = entries(&file.encode());
    let mut info = entries(file.raw_info());
    let map = if place == "info" { &mut info } else { &mut outer };
    map.remove(key.as_bytes());
    map.extend(value.map(|value| (key.as_bytes().to_vec(), value)));
    outer.insert(b"info".to_vec(), Encoded::dict(info));
    Encoded::dict(outer).into_vec()
}

fn invalid() -> Value {
    let bare = Draft { name: "Bare".into(), ..Draft::default() };
    let keyed = create(&bare, None);
    let owned = create(&bare, Some(&owner()));
    let invite = Draft { access: Access::InviteOnly, ..bare };
    let invite = create(&invite, Some(&owner()));
    let bytes = |text: &str| Some(Encoded::bytes(text.as_bytes()));
    let int = |number| Some(Encoded::int(number));
    let list = |items: Vec<Encoded>| Some(Encoded::list(items));
    let loopback = list(vec![Encoded::bytes(&[127, 0, 0, 1, 0, 80])]);
    let mut cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", vec![]),
        ("an integer", b"i1e".to_vec()),
        ("8,000 lists inside one another", vec![b'l'; 8_000]),
        ("a string of 1 GB", b"d4:info1000000000:".to_vec()),
        ("bytes behind the end", [keyed.encode(), b"\n".to_vec()].concat()),
        ("keys not sorted", b"d4:infode3:abci1ee".to_vec()),
        ("a key twice", b"d4:infode4:infodee".to_vec()),
        ("a negative zero", b"d4:infod7:versioni-0eee".to_vec()),
        ("a leading zero", b"d4:infod7:versioni01eee".to_vec()),
        ("an integer above 63 bits", b"d4:infod7:versioni9223372036854775808eee".to_vec()),
        ("a length with a leading zero", b"d04:infodee".to_vec()),
        ("info is missing", b"de".to_vec()),
    ];
    let altered = |(name, file, place, key, value): (_, &ChatFile, _, _, _)| {
        (name, changed(file, place, key, value))
    };
    cases.extend(
        [
            ("a later version", &keyed, "info", "version", int(2)),
            ("no name", &keyed, "info", "name", None),
            ("a name that turns text around", &keyed, "info", "name", bytes("a\u{202e}b")),
            ("a key of 31 bytes", &keyed, "info", "key", Some(Encoded::bytes(&[1; 31]))),
            ("a mode that is not known", &keyed, "info", "mode", bytes("secret")),
            ("invite-only without an owner", &keyed, "info", "mode", bytes("invite")),
            ("invite-only without a key", &invite, "info", "key", None),
            ("a history that is not known", &keyed, "info", "history", int(5)),
            ("info changed under the signature", &owned, "info", "name", bytes("Trap")),
            ("not signed", &owned, "", "signature", None),
            ("signed without an owner", &keyed, "", "signature", Some(Encoded::bytes(&[1; 64]))),
            ("a tracker on loopback", &keyed, "", "announce", bytes("http://127.0.0.1/")),
            ("a peer on loopback", &keyed, "", "peers", loopback),
            ("a peer of 7 bytes", &keyed, "", "peers", list(vec![Encoded::bytes(&[1; 7])])),
            ("a comment with an escape", &keyed, "", "comment", bytes("\u{1b}[2J")),
        ]
        .map(altered),
    );
    let cases = cases.iter().map(|(name, file)| {
        let error = parse(file).expect_err(name);
        json!({ "name": name, "file": hex(file), "error": error })
    });
    cases.collect()
}

/// Sound files with a tracker that cannot be used, and what is left.
fn unusable() -> Value {
    let keyed = create(&Draft { name: "Bare".into(), ..Draft::default() }, None);
    let cases = [
        ("a tracker in disguise", "http://0x7f000001/"),
        ("a tracker of another scheme", "wss://a.example/"),
        ("a UDP tracker without a port", "udp://a.example/"),
        ("a user name", "http://u:p@a.example/"),
        ("an empty text", ""),
        ("a blank and a line end", " udp://a.example:6969\r\n"),
        ("a dot behind the name", "http://a.example./announce"),
    ];
    let cases = cases.map(|(name, url)| {
        let bytes = changed(&keyed, "", "announce", Some(Encoded::bytes(url.as_bytes())));
        json!({ "name": name, "file": hex(&bytes), "trackers": trackers(&bytes) })
    });
    cases.into_iter().collect()
}

fn trackers(file: &[u8]) -> Vec<String> {
    let file = parse(file).expect("sound");
    file.outside().trackers.iter().flatten().map(ToString::to_string).collect()
}

// BC-02.53
#[test]
fn trackers_that_cannot_be_used_are_left_out() {
    for case in cases("unusable") {
        assert_eq!(json!(trackers(&unhex(&case["file"]))), case["trackers"], "{}", case["name"]);
    }
}

fn invalid_links() -> Value {
    let keyed = create(&Draft { name: "Bare".into(), ..Draft::default() }, None);
    let link = JoinLink::from(&keyed).to_text();
    let digits = "0123456789abcdef0123456789abcdef01234567";
    let cases = [
        ("another scheme", format!("https://example.org/{digits}")),
        ("no topic", "magnet:?dn=a".into()),
        ("a topic of 39 digits", format!("magnet:?xt=urn:btih:{}", &digits[1..])),
        ("a bad escape", format!("magnet:?xt=urn:btih:{digits}&dn=%4")),
        ("a tracker on loopback", format!("magnet:?xt=urn:btih:{digits}&tr=http://[::1]/")),
        ("a wrong letter", link.replacen("join/a", "join/b", 1)),
        ("a missing letter", link[..link.len() - 1].to_owned()),
        ("a foreign letter", format!("{link}1")),
        ("a name that is not UTF-8", format!("magnet:?xt=urn:btih:{digits}&dn=%ff")),
        (
            "topics that differ",
            format!("magnet:?xt=urn:btih:{digits}&xt=urn:btih:{}", "0".repeat(40)),
        ),
        ("an HTTP tracker without a path", with_tracker("http://t.example")),
        ("a tracker with its default port", with_tracker("https://t.example:443/")),
        ("an IPv6 address in another form", with_tracker("http://[2a02:26f0:0:0:0::1]/")),
        ("a tracker in capitals", with_tracker("udp://T.example:6969")),
    ];
    let cases = cases.iter().map(|(name, link)| {
        let error = parse_link(link).expect_err(name);
        json!({ "name": name, "link": link, "error": error })
    });
    cases.collect()
}

/// A join link of a bare channel with one tracker, however it is written.
fn with_tracker(tracker: &str) -> String {
    let body = [&[1, 0][..], &[7; 20], &[8; 32], &[0, 1]].concat();
    let length = u8::try_from(tracker.len()).expect("short");
    let body = [&body[..], &[length], tracker.as_bytes(), &[0]].concat();
    let check = hash(&[b"bitchat-v1 join link", &body]);
    format!("dotchat:join/{}", base32::encode(&[&body[..], &check[..3]].concat()))
}

fn under_the_old_scheme(tracker: &str) -> String {
    with_tracker(tracker).replacen("dotchat:", "bitchat:", 1)
}

fn valid_links() -> Value {
    let topic = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567";
    let cases = [
        ("a UDP tracker without a path", with_tracker("udp://t.example:6969")),
        ("a UDP tracker with the path /", with_tracker("udp://t.example:6969/")),
        ("a tracker at an IPv6 address", with_tracker("https://[2a02:26f0::1:0:0:1]/announce")),
        ("one at a mapped IPv4 address", with_tracker("http://[::ffff:8.8.8.8]:8080/?k=v")),
        ("the scheme of the first links", under_the_old_scheme("udp://t.example:6969")),
        (
            "numbers behind names",
            format!("{topic}&tr.1=http://a.example?k&x.pe.2=8.8.8.8:1&tr.x=a"),
        ),
        ("a topic of another kind", format!("{topic}&xt=urn:btmh:1220aa")),
        ("a name that is dropped", format!("{topic}&dn=a%0Ab")),
        ("an unknown parameter that is no text", format!("{topic}&ws=%ff")),
    ];
    let cases = cases.iter().map(|(name, link)| {
        let read = parse_link(link).expect(name);
        json!({ "name": name, "link": link, "read": link_value(&read) })
    });
    cases.collect()
}

fn link_value(link: &JoinLink) -> Value {
    let texts = |all: Vec<String>| -> Value { all.into() };
    json!({
        "chan": hex(&link.chan.0),
        "key": link.key.as_ref().map(|key| hex(&key.0)),
        "name": link.name,
        "trackers": texts(link.trackers.iter().map(ToString::to_string).collect()),
        "peers": texts(link.peers.iter().map(|hint| hint.addr.to_string()).collect()),
    })
}

// BC-02.22, BC-02.50, BC-02.52
#[test]
fn the_sound_links_are_read() {
    for case in cases("valid_links") {
        let text = case["link"].as_str().expect("text");
        let read = parse_link(text).expect("sound");
        assert_eq!(link_value(&read), case["read"], "{}", case["name"]);
        if read.key.is_some() {
            let present = text.replacen("bitchat:", "dotchat:", 1);
            assert_eq!(read.to_text(), present, "one form alone");
        }
    }
}

#[test]
fn the_code_produces_the_vectors() {
    let value = json!({
        "valid": valid(),
        "invalid": invalid(),
        "unusable": unusable(),
        "valid_links": valid_links(),
        "invalid_links": invalid_links(),
    });
    common::check("chatfile", &value);
}

fn cases(name: &str) -> Vec<Value> {
    common::load("chatfile")[name].as_array().expect("a list").clone()
}

// BC-02.01, BC-02.04, BC-02.11, BC-02.12, BC-02.13, BC-02.14, BC-02.15
#[test]
fn the_sound_files_are_read() {
    for case in cases("valid") {
        let bytes = unhex(&case["file"]);
        let file = parse(&bytes).expect("sound");
        assert_eq!(file.encode(), bytes);
        assert_eq!(hex(&file.channel_id().0), case["chan"]);
        for answer in case["infohashes"].as_array().expect("a list") {
            let hashes = file.infohashes(answer["at"].as_u64().map(UnixMillis)).ok();
            let hashes = hashes.map(|all| all.iter().map(|one| hex(&one.0)).collect::<Vec<_>>());
            assert_eq!(json!(hashes), answer["announced"]);
        }
        let link = case["link"].as_str().expect("text");
        let read = parse_link(link).expect("sound");
        assert_eq!((read.chan, &read.key), (file.channel_id(), &file.info().key));
        assert_eq!(read.to_text(), link);
        let bare = unhex(&case["bare"]);
        assert_eq!(file.encode_bare(), bare);
        let completed = read.complete(&bare, &Limits::default());
        if file.info().mode == Mode::Invite {
            assert_eq!(completed, Err(InfoError::InviteOnly));
        } else {
            assert_eq!(completed.expect("sound").raw_info(), file.raw_info());
        }
    }
}

// BC-01.06, BC-01.07, BC-01.08, BC-01.09, BC-01.10, BC-01.11
#[test]
fn the_bad_files_are_refused_for_the_right_reason() {
    for case in cases("invalid") {
        let found = parse(&unhex(&case["file"])).expect_err("bad");
        assert_eq!(found, case["error"], "{}", case["name"]);
    }
}

#[test]
fn the_bad_links_are_refused_for_the_right_reason() {
    for case in cases("invalid_links") {
        let found = parse_link(case["link"].as_str().expect("text")).expect_err("bad");
        assert_eq!(found, case["error"], "{}", case["name"]);
    }
}

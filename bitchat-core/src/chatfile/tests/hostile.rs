//! What a hostile `.chat` file may try.

use super::*;
use proptest::prelude::*;

fn keyed() -> ChatFile {
    create(&draft(Access::Keyed), None).expect("a sound draft")
}

fn string(text: &str) -> Encoded {
    Encoded::bytes(text.as_bytes())
}

// BC-02.17, BC-02.18, BC-02.19
#[test]
fn trackers_cannot_point_at_the_reader_s_own_network() {
    let file = keyed();
    for text in [
        "http://127.0.0.1/announce",
        "http://[::1]/announce",
        "http://[::ffff:127.0.0.1]/announce",
        "http://[2002:7f00:1::]/announce",
        "udp://192.168.1.1:53",
        "http://10.0.0.1:8080/admin?reset=1",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "udp://239.255.255.250:1900",
        "http://0.0.0.0/",
        "http://localhost/",
        "http://router.lan/",
    ] {
        for key in ["announce", "announce-list"] {
            let value = match key {
                "announce" => string(text),
                _ => Encoded::list([Encoded::list([string(text)])]),
            };
            let bytes = with_outer(&file, key, Some(value));
            let found = parse(&bytes);
            assert!(
                matches!(found, Err(ChatFileError::Target { field, .. }) if field == key),
                "{text}: {found:?}"
            );
            let never = text.contains("239.") || text.contains("0.0.0.0/");
            let allowed =
                ChatFile::parse(&bytes, &Limits::default(), TargetPolicy::AllowLocal).is_ok();
            assert_eq!(allowed, !never, "{text}");
        }
    }
    for text in
        ["file:///etc/passwd", "gopher://a/", "wss://a/", "http://u:p@a/", "http://127.1/", ""]
    {
        // BC-02.53: it costs itself, and what is said of it holds no password.
        let found = parse(&with_outer(&file, "announce", Some(string(text)))).expect(text);
        let outside = found.outside();
        assert_eq!(outside.trackers, file.outside().trackers, "{text}");
        assert_eq!(outside.unusable.len(), usize::from(!text.is_empty()), "{text}");
        assert!(outside.unusable.iter().all(|one| !one.to_string().contains("u:p")), "{text}");
    }
    let good = "udp://a.example:1/x";
    let texts =
        ["wss://b.example/key", " udp://a.example:1/x\r\n", "", "i2p://c", "wss://b.example/other"];
    let tiers =
        Encoded::list([Encoded::list(texts.map(string)), Encoded::list([string("ftp://d/")])]);
    let found = parse(&with_outer(&file, "announce-list", Some(tiers))).expect("sound");
    assert_eq!(found.outside().trackers, [[TrackerUrl::parse(good).expect("a URL")]]);
    let said: Vec<String> = found.outside().unusable.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].starts_with("the tracker `wss://b.example` is left out: "), "{said:?}");
}

#[test]
fn nodes_and_peers_cannot_either() {
    let file = keyed();
    let node =
        |host: &str, port| Some(Encoded::list([Encoded::list([string(host), Encoded::int(port)])]));
    for (host, port, error) in [
        ("10.0.0.1", 1, "Target"),
        ("::1", 1, "Target"),
        ("localhost", 1, "Target"),
        ("a b", 1, "Url"),
        ("1.2.3.4", 0, "Shape"),
        ("1.2.3.4", 65_536, "Shape"),
        ("1.2.3.4", -1, "Shape"),
    ] {
        let found = parse(&with_outer(&file, "nodes", node(host, port))).expect_err(host);
        assert!(format!("{found:?}").starts_with(error), "{host}: {found:?}");
    }
    let three = Encoded::list([Encoded::list([string("a"), Encoded::int(1), Encoded::int(1)])]);
    assert!(parse(&with_outer(&file, "nodes", Some(three))).is_err());
    for (bytes, error) in [
        (&[127, 0, 0, 1, 0, 80][..], "Target"),
        (&[1, 2, 3, 4, 0, 0], "Shape"),
        (&[1, 2, 3, 4, 0], "Shape"),
        (&[1; 40], "Shape"),
        (&[], "Shape"),
    ] {
        let peers = Encoded::list([Encoded::bytes(bytes)]);
        let found = parse(&with_outer(&file, "peers", Some(peers))).expect_err("bad");
        assert!(format!("{found:?}").starts_with(error), "{bytes:?}: {found:?}");
    }
}

// BC-02.16
#[test]
fn every_list_and_text_has_a_limit() {
    let file = keyed();
    let limits = Limits::default();
    let urls = |count| Encoded::list((0..count).map(|_| string("http://a.example/")));
    let peers = |count| Encoded::list((0..count).map(|_| Encoded::bytes(&[1, 2, 3, 4, 5, 6])));
    let node = || Encoded::list([string("a.example"), Encoded::int(1)]);
    let nodes = |count| Encoded::list((0..count).map(|_| node()));
    let tiers = |count| Encoded::list((0..count).map(|_| urls(0)));
    for (key, at_limit, above) in [
        (
            "announce-list",
            Encoded::list([urls(limits.file.trackers)]),
            Encoded::list([urls(limits.file.trackers + 1)]),
        ),
        ("announce-list", tiers(limits.file.trackers), tiers(limits.file.trackers + 1)),
        ("nodes", nodes(limits.file.nodes), nodes(limits.file.nodes + 1)),
        ("peers", peers(limits.file.file_peers), peers(limits.file.file_peers + 1)),
    ] {
        assert!(parse(&with_outer(&file, key, Some(at_limit))).is_ok(), "{key}");
        let found = parse(&with_outer(&file, key, Some(above)));
        assert!(matches!(found, Err(ChatFileError::TooMany { field, .. }) if field == key));
    }
    for (key, limit) in
        [("comment", limits.file.comment_bytes), ("created by", limits.file.name_bytes)]
    {
        let text = |len| Some(string(&"x".repeat(len)));
        assert!(parse(&with_outer(&file, key, text(limit))).is_ok());
        let found = parse(&with_outer(&file, key, text(limit + 1)));
        assert!(matches!(found, Err(ChatFileError::Text { field, .. }) if field == key));
        let control = parse(&with_outer(&file, key, Some(string("a\u{1b}[2J"))));
        assert!(matches!(control, Err(ChatFileError::Text { field, .. }) if field == key));
    }
    let big = with_outer(&file, "x", Some(Encoded::bytes(&vec![0; limits.file.chat_file_bytes])));
    assert!(matches!(parse(&big), Err(ChatFileError::Bencode(_))));
    for seconds in [-1, i64::MAX] {
        let found = parse(&with_outer(&file, "creation date", Some(Encoded::int(seconds))));
        assert!(matches!(found, Err(ChatFileError::Shape { field: "creation date", .. })));
    }
}

#[test]
fn what_is_no_chat_file_says_so() {
    for (bytes, error) in [
        (&b""[..], "not a .chat file, or a damaged one: at byte 0"),
        (b"hello", "not a .chat file, or a damaged one: at byte 0"),
        (b"i1e", "not a .chat file: the file must be a dictionary"),
        (b"de", "the field `info` is missing"),
        (b"d4:infoi1ee", "not a .chat file: `info` must be a dictionary"),
        (b"d4:infod4:name1:aee", "the field `info.version` is missing"),
    ] {
        let found = parse(bytes).expect_err("no file").to_string();
        assert!(found.starts_with(error), "{found}");
    }
}

/// Runs `work` on a thread with a stack of 64 KiB, as small devices have.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(64 * 1024);
    thread.spawn(work).expect("a thread").join().expect("no panic, no overflow");
}

#[test]
fn any_input_returns_on_a_small_stack() {
    let sound = create(&draft(Access::InviteOnly), Some(&owner())).expect("a sound draft").encode();
    let mut inputs: Vec<Vec<u8>> =
        ["l", "d", "d0:", "ld0:", "i", "1", "0:", "le", "i1e", "1:", "99:", "d1:ad"]
            .iter()
            .map(|piece| piece.repeat(65_536 / piece.len()).into_bytes())
            .collect();
    inputs.extend(["1000000000:", "l1000000000:", "d1000000000:x"].map(Into::into));
    inputs.push(format!("l{}e", "le".repeat(32_767)).into_bytes());
    inputs.push(format!("d13:announce-listl{}ee", "le".repeat(32_000)).into_bytes());
    inputs.push(format!("d13:announce-listl{}ee", "l0:e".repeat(16_000)).into_bytes());
    let mut stream = rng().public;
    inputs.extend((0..64).map(|_| {
        let mut noise = vec![0; 65_536];
        stream.fill(&mut noise);
        noise
    }));
    on_a_small_stack(move || {
        assert!(parse(&sound).is_ok(), "a sound file fits the stack, signature and all");
        assert!(inputs.iter().all(|input| parse(input).is_err()));
    });
}

proptest! {
    #[test]
    fn a_changed_byte_is_refused_or_kept(at: prop::sample::Index, byte: u8) {
        let mut bytes = keyed().encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(file) = parse(&bytes) {
            prop_assert_eq!(file.encode(), bytes);
        }
    }

    #[test]
    fn a_signed_info_cannot_be_changed(at: prop::sample::Index, flip in 1_u8..) {
        let file = create(&draft(Access::InviteOnly), Some(&owner())).expect("a sound draft");
        let (mut bytes, info) = (file.encode(), file.raw_info());
        let start = bytes.windows(info.len()).position(|part| part == info).expect("info is there");
        bytes[start + at.index(info.len())] ^= flip;
        prop_assert!(parse(&bytes).is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        if let Ok(file) = parse(&bytes) {
            prop_assert_eq!(file.encode(), bytes);
        }
    }
}

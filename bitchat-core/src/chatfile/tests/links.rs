use super::*;
use crate::wire::base32;
use proptest::prelude::*;

fn read(text: &str) -> Result<JoinLink, LinkError> {
    JoinLink::parse(text, &Limits::default(), TargetPolicy::PublicOnly)
}

// BC-02.21, BC-02.22
#[test]
fn a_public_channel_is_a_magnet_link() {
    let file = create(&draft(Access::Public), None).expect("a sound draft");
    let link = JoinLink::from(&file);
    let text = link.to_text();
    assert!(text.starts_with(&format!("magnet:?xt=urn:btih:{}&dn=Tea%20%26%20cake", link.chan)));
    assert_eq!(read(&text), Ok(link.clone()));
    assert_eq!(link.infohashes(None), file.infohashes(None));
    assert_eq!(
        link.trackers,
        [url("http://a.example/announce"), url("https://c.example/announce?key=1")]
    );
    let short = format!("MAGNET:?xt=urn:btih:{}", base32::encode(&link.chan.0).to_uppercase());
    assert_eq!(read(&short).expect("base 32 is as good").chan, link.chan);
}

// BC-02.23, BC-02.24, BC-02.25, BC-02.52
#[test]
fn a_keyed_channel_is_a_short_link() {
    for rotate in [false, true] {
        let draft = Draft { rotate, ..draft(Access::Keyed) };
        let file = create(&draft, None).expect("a sound draft");
        let link = JoinLink::from(&file);
        let text = link.to_text();
        assert_eq!(read(&text), Ok(link.clone()));
        assert_eq!(read(&text.to_uppercase()), Ok(link.clone()), "as a QR code has it");
        assert_eq!(read(&format!(" {text}\n")), Ok(link.clone()), "as it is pasted");
        let old = text.replacen("dotchat:join/", "bitchat:join/", 1);
        assert_ne!(old, text, "written under the present scheme only");
        assert_eq!(read(&old), Ok(link.clone()), "as it was written at first");
        assert_eq!(read(&old.to_uppercase()), Ok(link.clone()));
        assert!(text.len() <= 300, "{} characters", text.len());
        let now = Some(UnixMillis(1_700_000_000_000));
        assert_eq!(link.infohashes(now), file.infohashes(now));
        assert_eq!(link.infohashes(None).is_err(), rotate);
    }
}

#[test]
fn magnet_links_of_other_programs_are_understood() {
    let hash = "0123456789abcdef0123456789ABCDEF01234567";
    let link = read(&format!(
        "magnet:?dn=A+b%C3%BC&xl=10&xt.1=urn:btih:{hash}&tr.1=http%3A%2F%2Fa.example%2Fannounce\
         &x.pe=1.2.3.4:5&x.pe=name.example:5&xt.2=urn:btih:{hash}&foo"
    ))
    .expect("readable");
    assert_eq!(link.name.as_deref(), Some("A bü"));
    assert_eq!((link.trackers.len(), link.peers.len()), (1, 1));
    assert_eq!(link.chan.to_string(), hash.to_lowercase());
    let trap = read(&format!("magnet:?xt=urn:btih:{hash}&dn=a%0Ab")).expect("readable");
    assert_eq!(trap.name, None);
}

/// BC-02.22: what other programs write beside what we read.
#[test]
fn numbers_behind_names_and_other_topics_are_passed_over() {
    let hash = "0123456789abcdef0123456789abcdef01234567";
    let text = format!(
        "magnet:?xt=urn:btmh:1220ff&xt.1=urn:btih:{hash}&x.pe.7=8.8.8.8:1&tr.0=udp://t.example:1"
    );
    let link = read(&text).expect("readable");
    assert_eq!((link.trackers.len(), link.peers.len()), (1, 1));
    let link =
        read(&format!("magnet:?xt=urn:btih:{hash}&tr.one=udp://t.example:1&x.pe.=8.8.8.8:1"));
    let link = link.expect("readable");
    assert_eq!((link.trackers.len(), link.peers.len()), (0, 0), "names that we do not know");
}

/// BC-02.51
#[test]
fn bad_links_are_refused_by_name() {
    let hash = "0123456789abcdef0123456789abcdef01234567";
    let other = "1123456789abcdef0123456789abcdef01234567";
    let many = "&tr=http://a.example/".repeat(33);
    for (text, error) in [
        (String::new(), "Scheme"),
        ("http://example.org".into(), "Scheme"),
        ("bitchat:peer/aaaa".into(), "Scheme"),
        ("dotchat:peer/aaaa".into(), "Scheme"),
        ("dotchat:join".into(), "Scheme"),
        ("magnet:?dn=a".into(), "Topic"),
        (format!("magnet:?xt=urn:sha1:{hash}"), "Topic"),
        (format!("magnet:?xt=urn:btih:{}", &hash[1..]), "Topic"),
        (format!("magnet:?xt=urn:btih:{}g", &hash[1..]), "Topic"),
        (format!("magnet:?xt=urn:btih:{hash}&xt=urn:btih:{other}"), "Topic"),
        (format!("magnet:?xt=urn:btih:{hash}&dn=%"), "Escape(\"dn\")"),
        (format!("magnet:?xt=urn:btih:{hash}&dn=%zz"), "Escape(\"dn\")"),
        (format!("magnet:?xt=urn:btih:{hash}&dn=%+1"), "Escape(\"dn\")"),
        (format!("magnet:?xt=urn:btih:{hash}&dn=%ff"), "Escape(\"dn\")"),
        (format!("magnet:?xt=urn:btih:{hash}&tr=http://127.0.0.1/"), "Field(Target"),
        (format!("magnet:?xt=urn:btih:{hash}&x.pe=10.0.0.1:5"), "Field(Target"),
        (format!("magnet:?xt=urn:btih:{hash}&x.pe=1.2.3.4:0"), "Malformed(\"x.pe\")"),
        (format!("magnet:?xt=urn:btih:{hash}{many}"), "Field(TooMany"),
        ("dotchat:join/".into(), "Typing"),
        ("dotchat:join/0".into(), "Typing"),
        ("bitchat:join/0".into(), "Typing"),
        ("dotchat:join/mzxw6ytboi".into(), "Typing"),
        ("x".repeat(9_000), "TooLong"),
    ] {
        let found = format!("{:?}", read(&text).expect_err(&text));
        assert!(found.starts_with(error), "{text}: {found}");
    }
}

#[test]
fn one_tracker_that_cannot_be_used_costs_itself_only() {
    // BC-02.53, BC-02.54
    let hash = "0123456789abcdef0123456789abcdef01234567";
    let good = "tr=udp%3A%2F%2F192.0.2.1%3A9";
    for (bad, usable, words) in [
        ("wss%3A%2F%2Ftracker.example", 1, "`wss://tracker.example`"),
        ("file:///etc/passwd", 1, "`file://`"),
        ("", 1, ""),
        ("udp%3A%2F%2F192.0.2.2%3A9%20", 2, ""),
        ("udp%3A%2F%2F192.0.2.2%3A9%0A", 2, ""),
        ("http%3A%2F%2Ftracker.example.%2Fannounce", 2, ""),
        ("i2p%3A%2F%2Fabc", 1, "`i2p://abc`"),
        ("http%3A%2F%2Fu%3Ap%40t.example%2F", 1, "`http://t.example`"),
    ] {
        let link = format!("magnet:?xt=urn:btih:{hash}&{good}&tr={bad}");
        let link = JoinLink::parse(&link, &Limits::default(), TargetPolicy::AllowLocal).expect(bad);
        assert_eq!(link.trackers.len(), usable, "{bad}");
        let said: String = link.unusable.iter().map(ToString::to_string).collect();
        assert!(said.contains(words) && said.is_empty() == words.is_empty(), "{bad}: {said}");
    }
    for text in [
        format!("<magnet:?XT=urn:btih:{hash}&Dn=a>"),
        format!("\u{feff} magnet:?xt.1=URN:BTIH:{hash}&DN=a\r\n"),
        format!(" <magnet:?xt=urn:btih:{hash}&dn=a >\n"),
    ] {
        let link = read(&text).expect(&text);
        assert_eq!(link.name.as_deref(), Some("a"), "{text}");
    }
}

/// A `dotchat:join/` link with these bytes and a right checksum.
fn sealed(body: &[u8]) -> String {
    let check = crate::crypto::suite::hash(&[b"bitchat-v1 join link", body]);
    format!("dotchat:join/{}", base32::encode(&[body, &check[..3]].concat()))
}

#[test]
fn a_join_link_has_one_exact_form() {
    let start = |version: u8, flags: u8| [&[version, flags][..], &[1; 52]].concat();
    let with = |tail: &[u8]| sealed(&[&start(1, 0), tail].concat());
    assert!(read(&with(&[0, 0, 0])).is_ok());
    for (text, error) in [
        (sealed(&[]), LinkError::Malformed("version")),
        (sealed(&start(2, 0)), LinkError::Version(2)),
        (sealed(&start(1, 2)), LinkError::Malformed("flags")),
        (sealed(&start(1, 0)[..20]), LinkError::Malformed("channel")),
        (sealed(&start(1, 0)[..53]), LinkError::Malformed("key")),
        (with(&[]), LinkError::Malformed("name")),
        (with(&[9, b'a']), LinkError::Malformed("name")),
        (with(&[1, 0xff]), LinkError::Malformed("name")),
        (with(&[1, b'\n', 0, 0]), LinkError::Malformed("name")),
        (with(&[0]), LinkError::Malformed("trackers")),
        (with(b"\0\x01\x0dHTTP://a.com/\0"), LinkError::Malformed("trackers")),
        (with(&[0, 0]), LinkError::Malformed("peers")),
        (with(&[0, 0, 1, 3, 1, 2, 3]), LinkError::Malformed("peers")),
        (with(&[0, 0, 1, 6, 1, 2, 3, 4, 0, 0]), LinkError::Malformed("peers")),
        (with(&[0, 0, 0, 0]), LinkError::Malformed("end")),
    ] {
        assert_eq!(read(&text), Err(error), "{text}");
    }
    let local = read(&with(&[0, 0, 1, 6, 127, 0, 0, 1, 0, 80]));
    assert!(matches!(local, Err(LinkError::Field(ChatFileError::Target { field: "peers", .. }))));
}

#[test]
fn one_wrong_letter_is_noticed() {
    let file = create(&draft(Access::Keyed), None).expect("a sound draft");
    let text = JoinLink::from(&file).to_text();
    let start = "dotchat:join/".len();
    for at in start..text.len() {
        let mut wrong = text.clone().into_bytes();
        wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
        let wrong = String::from_utf8(wrong).expect("ASCII");
        assert_eq!(read(&wrong), Err(LinkError::Typing), "{at}");
    }
}

prop_compose! {
    fn any_link()(
        chan: [u8; 20],
        key: Option<[u8; 32]>,
        rotate: bool,
        name in prop::option::of("[a-zä👋]([a-z &%+]{0,10}[a-z])?"),
        ports in prop::collection::vec(1_u16.., 0..4),
        addrs in prop::collection::vec((0x0b00_0000_u32..0x6400_0000, 1_u16..), 0..4),
    ) -> JoinLink {
        let trackers = ports.iter().map(|port| url(&format!("udp://t.example:{port}/x?a=b&c")));
        let addr = |&(ip, port): &(u32, u16)| (core::net::Ipv4Addr::from(ip), port).into();
        JoinLink {
            chan: ChannelId(chan),
            rotate: rotate && key.is_some(),
            key: key.map(Secret),
            name,
            trackers: trackers.collect(),
            unusable: Vec::new(),
            peers: addrs.iter().map(|pair| PeerHint { addr: addr(pair), peer: None }).collect(),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(link in any_link()) {
        prop_assert_eq!(read(&link.to_text()), Ok(link));
    }

    #[test]
    fn a_join_link_that_is_read_is_written_the_same(tail in prop::collection::vec(0_u8..8, 0..12)) {
        let text = sealed(&[&[1, 1][..], &[1; 52], &tail].concat());
        if let Ok(link) = read(&text) {
            prop_assert_eq!(link.to_text(), text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(magnet:\\?|dotchat:join/|bitchat:join/)?(xt=urn:btih:)?\\PC{0,60}") {
        if let Ok(link) = read(&text) {
            prop_assert_eq!(read(&link.to_text()), Ok(link));
        }
    }
}

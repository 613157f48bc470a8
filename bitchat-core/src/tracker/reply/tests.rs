use super::*;
use proptest::prelude::*;

fn read(body: &[u8]) -> Result<Answer, ReplyError> {
    parse(body, 200)
}

fn addrs(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().expect("address")).collect()
}

#[test]
fn every_field_that_matters() {
    // BC-10.14
    let body = b"d8:completei3e11:external ip4:\x01\x02\x03\x0410:incompletei1e8:intervali1800e\
        12:min intervali900e5:peers12:\x0a\0\0\x01\x1a\xe1\x0a\0\0\x02\0\x506:peers618:\
        \x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe110:tracker id3:abc\
        15:warning message5:h\x1b[0!e";
    let answer = read(body).expect("valid");
    assert_eq!(answer.peers, addrs(&["10.0.0.1:6881", "10.0.0.2:80", "[2001:db8::1]:6881"]));
    assert_eq!(answer.interval, Some(Duration::from_secs(1_800)));
    assert_eq!(answer.min_interval, Some(Duration::from_secs(900)));
    assert_eq!(answer.tracker_id.as_deref(), Some(&b"abc"[..]));
    assert_eq!(answer.external_ip, Some(IpAddr::from([1, 2, 3, 4])));
    assert_eq!(answer.warning.as_deref(), Some("h [0!"), "BC-10.16: no escape sequences");
}

#[test]
fn peers_as_dictionaries() {
    // BC-10.15
    let body = b"d5:peersld2:ip9:127.0.0.17:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti80eed2:ip3:::1\
        4:porti81eed2:ip11:example.org4:porti82eed2:ip7:1.1.1.14:porti0eed4:porti1eei5eee";
    assert_eq!(read(body).expect("valid").peers, addrs(&["127.0.0.1:80", "[::1]:81"]));
}

#[test]
fn peers_that_cannot_be_peers_are_dropped() {
    // BC-10.15
    let body = b"d5:peers32:\0\0\0\0\0\x01\xe0\0\0\x01\0\x01\xff\xff\xff\xff\0\x01\
        \x0a\0\0\x01\0\0\x0a\0\0\x01\0\x01\x0a\x006:peers619:\
        \0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x01\0\x01\0e";
    assert_eq!(read(body).expect("valid").peers, addrs(&["10.0.0.1:1"]));
}

#[test]
fn many_peers_are_cut() {
    let compact: Vec<u8> =
        (0..500_u16).flat_map(|i| [&[10, 0][..], &i.to_be_bytes(), &[1, 1]].concat()).collect();
    let body = [b"d5:peers3000:", &compact[..], b"e"].concat();
    assert_eq!(parse(&body, 7).expect("valid").peers.len(), 7);
}

#[test]
fn refusals_and_when_to_retry() {
    let refused = |body: &[u8]| match read(body) {
        Err(ReplyError::Refused { reason, retry }) => (reason, retry),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(b"d14:failure reason2:noe"), ("no".into(), None));
    let minutes = Some(Retry::After(Duration::from_secs(300)));
    assert_eq!(refused(b"d14:failure reason2:no8:retry ini5ee"), ("no".into(), minutes));
    let never = Some(Retry::Never);
    assert_eq!(refused(b"d14:failure reason2:no8:retry in5:nevere"), ("no".into(), never));
    assert_eq!(refused(b"d14:failure reason2:no8:retry in4:soone"), ("no".into(), None));
    // BC-10.65: what stands beside the reason holds, too, the longest wait of all.
    let wait = |seconds| Some(Retry::After(Duration::from_secs(seconds)));
    let intervals = b"d14:failure reason5:no \0\08:intervali7200e12:min intervali900ee";
    assert_eq!(
        refused(intervals),
        ("no".into(), wait(7_200)),
        "BC-10.16: no NULs behind the words"
    );
    let both = b"d14:failure reason2:no8:intervali60e8:retry ini5ee";
    assert_eq!(refused(both).1, wait(300));
    let never = b"d14:failure reason2:no8:intervali60e8:retry in5:nevere";
    assert_eq!(refused(never).1, Some(Retry::Never));
    let long = format!("d14:failure reason5000:{}e", "x".repeat(5_000));
    assert_eq!(refused(long.as_bytes()).0.len(), 256);
}

#[test]
fn what_is_forgiven_and_what_is_not() {
    // BC-10.14
    assert!(read(b"d5:peers0:8:intervali60ee").is_ok(), "unsorted keys");
    assert!(read(b"d8:intervali60ee\r\n").is_ok(), "white space at the end");
    assert!(read(b"de").is_ok());
    assert_eq!(read(b"d8:intervali-5ee").expect("valid").interval, None);
    assert_eq!(read(b"d8:interval2:605:peersi3ee").expect("valid").interval, None);
    assert_eq!(read(b"d8:intervali1e8:intervali2ee"), Err(ReplyError::Duplicate));
    for bad in [
        &b""[..],
        b"d",
        b"e",
        b"i1e",
        b"le",
        b"4:abcd",
        b"dex",
        b"d8:interval",
        b"d8:intervale",
        b"d8:intervali1e",
        b"d8:intervali01ee",
        b"d8:intervali-0ee",
        b"d8:intervali+1ee",
        b"d8:intervali99999999999999999999ee",
        b"di1ei2ee",
        b"dli1eei2ee",
        b"d08:intervali1ee",
        b"d5:peers9999999:e",
        b"d5:peers-1:e",
        b"d1:a1:be1:c",
        b"d14:failure reasoni1ee",
    ] {
        assert_eq!(read(bad), Err(ReplyError::Malformed), "{}", String::from_utf8_lossy(bad));
    }
    let nested =
        |depth: usize| [b"d1:a", &b"l".repeat(depth)[..], &b"e".repeat(depth), b"e"].concat();
    assert!(read(&nested(MAX_DEPTH - 1)).is_ok());
    assert!(read(&nested(MAX_DEPTH)).is_err());
    assert!(read(&b"d1:a".repeat(10_000)).is_err());
}

proptest! {
    #[test]
    fn junk_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&body);
    }

    #[test]
    fn bencode_like_junk_never_panics(body in "d([0-9]{1,2}:|i|-|e|l|d|peers|interval|[0-9a-z]){0,60}") {
        if let Ok(answer) = parse(body.as_bytes(), 5) {
            prop_assert!(answer.peers.len() <= 5);
        }
    }
}

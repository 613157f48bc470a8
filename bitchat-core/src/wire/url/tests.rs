use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Result<TrackerUrl, UrlError> {
    TrackerUrl::parse(text)
}

#[test]
fn the_usual_forms() {
    let url = parse("http://Tracker.Example.ORG/announce?key=1").expect("valid");
    assert_eq!(url.host, Host::Name("tracker.example.org".into()));
    assert_eq!((url.scheme, url.port, url.path.as_str()), (Scheme::Http, 80, "/announce?key=1"));
    assert_eq!(url.authority(), "tracker.example.org");

    let url = parse("HTTPS://[2001:DB8::1]:8443").expect("valid");
    assert_eq!(url.to_string(), "https://[2001:db8::1]:8443/");

    let url = parse("udp://1.2.3.4:6969").expect("valid");
    assert_eq!(url.host, Host::Ip(IpAddr::from([1, 2, 3, 4])));
    assert_eq!((url.port, url.path.as_str()), (6969, ""));
    assert_eq!(parse("http://a?b").expect("valid").path, "/?b");
    assert_eq!(parse("http://a:80/x"), parse("http://a/x"));
}

#[test]
fn what_is_refused_and_why() {
    for (text, error) in [
        ("", UrlError::Scheme),
        ("ftp://a/", UrlError::Scheme),
        ("wss://a/", UrlError::Scheme),
        ("file:///etc/passwd", UrlError::Scheme),
        ("http:/a/", UrlError::Scheme),
        ("http://", UrlError::Host),
        ("http:///announce", UrlError::Host),
        ("http://:80/", UrlError::Host),
        ("http://user:pass@a/", UrlError::UserInfo),
        ("http://a#b", UrlError::Fragment),
        ("http://a/b#c", UrlError::Fragment),
        ("http://a:0/", UrlError::Port),
        ("http://a:65536/", UrlError::Port),
        ("http://a:+80/", UrlError::Port),
        ("http://a:/", UrlError::Port),
        ("http://a:b/", UrlError::Port),
        ("udp://a/announce", UrlError::MissingPort),
        ("http://[::1/", UrlError::Host),
        ("http://[::1]x/", UrlError::Host),
        ("http://[fe80::1%25eth0]/", UrlError::Host),
        ("http://::1/", UrlError::Port),
        ("http://127.1/", UrlError::Host),
        ("http://0x7f000001/", UrlError::Host),
        ("http://2130706433/", UrlError::Host),
        ("http://0177.0.0.1/", UrlError::Host),
        ("http://a..b/", UrlError::Host),
        ("http://a.example../", UrlError::Host),
        ("http://./", UrlError::Host),
        ("http://127.1./", UrlError::Host),
        ("http://-a/", UrlError::Host),
        ("http://a b/", UrlError::Character(8)),
        ("http://a/\r\nX: y", UrlError::Character(9)),
        ("http://a/\u{e4}", UrlError::Character(9)),
        ("http://a\\@b/", UrlError::Character(8)),
    ] {
        assert_eq!(parse(text), Err(error), "{text}");
    }
    let long = format!("http://a/{}", "x".repeat(MAX_URL_LEN));
    assert_eq!(parse(&long), Err(UrlError::TooLong(long.len())));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_the_normal_form_is_stable(text in "(http|udp|https)://\\PC{0,40}") {
        if let Ok(url) = parse(&text) {
            prop_assert_eq!(parse(&url.to_string()), Ok(url));
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        text in "(http|udp|https)://([a-z][a-z0-9]{0,9}\\.){0,3}[a-z]{2,5}:[1-9][0-9]{0,3}(/[a-z0-9?&=%.]{0,20})?",
    ) {
        let url = parse(&text).expect("valid");
        prop_assert_eq!(parse(&url.to_string()), Ok(url));
    }
}

#[test]
fn references_lead_where_rfc_3986_says() {
    // BC-10.11; the base and the pairs of RFC 3986 §5.4, as far as a tracker's URL can be written so.
    let base = parse("http://a/b/c/d;p?q").expect("a URL");
    for (reference, target) in [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q"),
        ("g#s", "http://a/b/c/g"),
        ("g?y#s", "http://a/b/c/g?y"),
        (";x", "http://a/b/c/;x"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("https://b/", "https://b/"),
    ] {
        assert_eq!(base.join(reference), parse(target), "{reference}");
    }
    for bad in ["mailto:a", "http:g", "g h", "//a@b/"] {
        assert!(base.join(bad).is_err(), "{bad}");
    }
}

#[test]
fn one_tracker_in_several_spellings() {
    // BC-10.66
    let same = |a: &str, b: &str| parse(a).expect(a).identity() == parse(b).expect(b).identity();
    assert!(same("http://A.example/announce", "HTTP://a.example.:80/%61nnounce"));
    assert!(same("http://a/x%2fy%", "http://a/x%2Fy%"));
    assert!(same("udp://a:1", "udp://a:1/announce"));
    assert!(same("udp://a:1/", "udp://A.:1"));
    for (a, b) in [
        ("udp://a:1", "udp://a:1/key/announce"),
        ("udp://a:1", "udp://a:2"),
        ("http://a/", "http://a/announce"),
        ("http://a/x", "https://a/x"),
        ("http://a/x%2Fy", "http://a/x/y"),
    ] {
        assert!(!same(a, b), "{a} {b}");
    }
}

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
        ("http://a.example./", UrlError::Host),
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

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn public_addresses_pass() {
    for text in [
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.17.1.1",
        "198.20.1.1",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00::1",
        "2001:200::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ] {
        assert!(is_public_target(ip(text)), "{text}");
        assert!(TargetPolicy::AllowLocal.allows(ip(text)), "{text}");
    }
}

#[test]
fn special_addresses_are_refused() {
    for text in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "127.0.0.1",
        "127.255.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::808:808",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2001:10::1",
        "2002:7f00:1::1",
        "2002:a00:1::",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(!is_public_target(ip(text)), "{text}");
    }
}

#[test]
fn local_addresses_pass_where_the_user_allows_them_but_never_nobody_or_everybody() {
    for text in ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.1.1", "::1", "fe80::1", "fd00::1"]
    {
        assert!(TargetPolicy::AllowLocal.allows(ip(text)), "{text}");
        assert!(!TargetPolicy::default().allows(ip(text)), "{text}");
    }
    for text in ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "::ffff:224.0.0.1"] {
        assert!(!TargetPolicy::AllowLocal.allows(ip(text)), "{text}");
    }
}

#[test]
fn local_names_need_the_permission_too() {
    for name in
        ["localhost", "LOCALHOST", "a.localhost", "printer.local", "metadata.google.internal"]
    {
        assert!(!TargetPolicy::PublicOnly.allows_name(name), "{name}");
        assert!(TargetPolicy::AllowLocal.allows_name(name), "{name}");
    }
    assert!(TargetPolicy::PublicOnly.allows_name("tracker.example.org"));
}

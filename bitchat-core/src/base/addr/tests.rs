use super::*;

fn socket(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn ipv4_in_ipv6_form_is_ipv4() {
    assert_eq!(canonical(socket("[::ffff:192.0.2.1]:9")), socket("192.0.2.1:9"));
    assert_eq!(canonical(socket("[2001:db8::1]:9")), socket("[2001:db8::1]:9"));
    assert!(is_same(socket("[::ffff:192.0.2.1]:9"), socket("192.0.2.1:9")));
    assert!(!is_same(socket("192.0.2.1:8"), socket("192.0.2.1:9")));
    assert!(is_loopback(ip("::ffff:127.0.0.1")) && is_loopback(ip("::1")));
}

#[test]
fn bytes_hold_either_family() {
    for text in ["192.0.2.1", "2001:db8::1"] {
        assert_eq!(from_bytes(to_bytes(ip(text))), ip(text));
    }
    assert_eq!(to_bytes(ip("192.0.2.1"))[10..], [255, 255, 192, 0, 2, 1]);
}

#[test]
fn a_network_is_one_owners() {
    assert_eq!(network(ip("2001:db8::1")), network(ip("2001:db8::2:0:0:1")));
    assert_ne!(network(ip("2001:db8::1")), network(ip("2001:db8:0:1::1")));
    assert_ne!(network(ip("192.0.2.1")), network(ip("192.0.2.2")));
    assert_eq!(network(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
}

#[test]
fn nobody_is_at_port_zero_or_at_an_address_of_many() {
    for usable in ["192.0.2.1:1", "[2001:db8::1]:1", "127.0.0.1:1"] {
        assert!(is_usable(socket(usable)), "{usable}");
    }
    let never = [
        "192.0.2.1:0",
        "0.0.0.0:1",
        "224.0.0.1:1",
        "255.255.255.255:1",
        "[::]:1",
        "[ff02::1]:1",
        "[::ffff:0.0.0.0]:1",
        "[::ffff:224.0.0.1]:1",
    ];
    for never in never {
        assert!(!is_usable(socket(never)), "{never}");
    }
}

use super::*;

#[test]
fn one_member_alone_cannot_tell_us_where_we_are() {
    let mut sockets = OwnAddresses::default();
    let now = Timestamp::ZERO;
    let ip = |last: u8| IpAddr::from([192, 0, 2, last]);
    let ours: SocketAddr = "198.51.100.1:5000".parse().unwrap();
    let victim: SocketAddr = "198.51.100.9:5000".parse().unwrap();
    for _ in 0..3 {
        assert!(!sockets.on_observed(now, ip(1), victim));
    }
    assert!(sockets.addresses().is_empty());
    assert!(!sockets.on_observed(now, ip(2), ours) && sockets.on_observed(now, ip(3), ours));
    assert_eq!(sockets.addresses(), [ours]);
    let moved: SocketAddr = "203.0.113.1:5000".parse().unwrap();
    sockets.on_observed(now, ip(2), moved);
    assert!(sockets.on_observed(now, ip(3), moved));
    assert_eq!(sockets.addresses(), [moved], "the old place is forgotten");
    for last in 10..200 {
        sockets.on_observed(now, ip(last), victim);
    }
    assert!(sockets.reports.len() <= MAX_REPORTS);
    assert!(!sockets.is_own(&victim), "whoever says so: a member may be there (BC-08.83)");
}

#[test]
fn what_others_saw_grows_old_and_is_gone_after_a_move() {
    let mut sockets = OwnAddresses::default();
    let ip = |last: u8| IpAddr::from([192, 0, 2, last]);
    let ours: SocketAddr = "198.51.100.1:5000".parse().unwrap();
    let now = Timestamp::ZERO;
    assert!(!sockets.on_observed(now, ip(1), ours) && sockets.on_observed(now, ip(2), ours));
    assert!(!sockets.set_interfaces(&[]) && sockets.addresses() == [ours]);
    assert!(sockets.set_interfaces(&[ip(200)]));
    assert!(sockets.addresses().is_empty(), "there is no socket yet on the interface");
    assert!(!sockets.on_observed(now, ip(1), ours));
    assert!(!sockets.on_observed(now + REPORT_AGE, ip(2), ours), "the other report is too old");
    let v6: SocketAddr = "[2001:db8::1]:5000".parse().unwrap();
    for last in 10..14 {
        assert!(!sockets.on_observed(now, ip(last), v6), "of another family than the path");
    }
}

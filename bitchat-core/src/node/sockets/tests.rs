use super::*;

#[test]
fn one_member_alone_cannot_tell_us_where_we_are() {
    let mut sockets = Sockets::new(1);
    let ip = |last: u8| IpAddr::from([192, 0, 2, last]);
    let ours: SocketAddr = "198.51.100.1:5000".parse().unwrap();
    let victim: SocketAddr = "198.51.100.9:5000".parse().unwrap();
    for _ in 0..3 {
        assert!(!sockets.on_observed(ip(1), victim));
    }
    assert!(!sockets.is_own(&victim) && sockets.addresses().is_empty());
    assert!(!sockets.on_observed(ip(2), ours) && sockets.on_observed(ip(3), ours));
    assert!(sockets.is_own(&ours));
    assert_eq!(sockets.addresses(), [ours]);
    let moved: SocketAddr = "203.0.113.1:5000".parse().unwrap();
    sockets.on_observed(ip(2), moved);
    assert!(sockets.on_observed(ip(3), moved));
    assert_eq!(sockets.addresses(), [moved], "the old place is forgotten");
    for last in 10..200 {
        sockets.on_observed(ip(last), victim);
    }
    assert!(sockets.reports.len() <= MAX_REPORTS);
}

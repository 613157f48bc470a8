use super::*;

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("address")
}

fn http(tracker: &mut Tracker, now: u64, from: &str, query: &str) -> String {
    let request = format!("GET /announce?{query} HTTP/1.1\r\nHost: x\r\n\r\n");
    let response = tracker.http(now, addr(from), request.as_bytes());
    let text = String::from_utf8_lossy(&response).into_owned();
    text.split_once("\r\n\r\n").expect("a head").1.to_owned()
}

const HASH: &str = "info_hash=%aa%41AAAAAAAAAAAAAAAAAA";

fn udp_announce(tracker: &mut Tracker, from: &str, port: u16, event: u8) -> Vec<u8> {
    let connect = [&PROTOCOL_ID[..], &[0, 0, 0, 0], b"tran"].concat();
    let reply = tracker.udp(0, addr(from), &connect).expect("an answer");
    assert_eq!(reply[..8], *b"\0\0\0\0tran");
    let mut announce = [&reply[8..], &[0, 0, 0, 1], b"anno", &[0xaa], &[b'A'; 19]].concat();
    announce.resize(ANNOUNCE_LEN, 0);
    announce[83] = event;
    announce[92..96].fill(0xff);
    announce[96..].copy_from_slice(&port.to_be_bytes());
    tracker.udp(0, addr(from), &announce).expect("an answer")
}

#[test]
fn two_peers_find_each_other_over_either_protocol() {
    let mut tracker = Tracker::new(Options::default());
    let empty = "d8:intervali300e5:peers0:6:peers60:e";
    let first = http(&mut tracker, 0, "10.0.0.1:5", &format!("{HASH}&port=80&event=started"));
    assert_eq!(first, empty);
    let reply = udp_announce(&mut tracker, "10.0.0.2:9", 81, 2);
    assert_eq!(
        reply,
        [&b"\0\0\0\x01anno\0\0\x01\x2c\0\0\0\x01\0\0\0\0"[..], &[10, 0, 0, 1, 0, 80]].concat()
    );
    let again = http(&mut tracker, 1, "10.0.0.1:6", &format!("{HASH}&port=80"));
    assert_eq!(again, "d8:intervali300e5:peers6:\u{a}\0\0\u{2}\0Q6:peers60:e");
    // IPv6 sees IPv4 over HTTP, and only its own kind over UDP.
    let six = http(&mut tracker, 1, "[::1]:6", &format!("{HASH}&port=82&numwant=1"));
    assert!(six.contains("5:peers6:"), "{six}");
    assert_eq!(udp_announce(&mut tracker, "[::1]:7", 83, 0).len(), 20 + 18);
    // Who leaves is gone.
    udp_announce(&mut tracker, "10.0.0.2:9", 81, 3);
    http(&mut tracker, 1, "[::1]:6", &format!("{HASH}&port=82&event=stopped"));
    http(&mut tracker, 1, "[::1]:6", &format!("{HASH}&port=83&event=stopped"));
    let alone = http(&mut tracker, 1, "10.0.0.1:6", &format!("{HASH}&port=80&event=stopped"));
    assert_eq!(alone, empty);
    assert!(tracker.swarms.is_empty());
}

#[test]
fn peers_are_forgotten_and_memory_is_bounded() {
    let options = Options { max_swarms: 2, max_swarm_peers: 3, ..Options::default() };
    let mut tracker = Tracker::new(options);
    for port in 1..10 {
        http(&mut tracker, 0, "10.0.0.1:5", &format!("{HASH}&port={port}"));
    }
    assert_eq!(tracker.swarms.values().map(BTreeMap::len).sum::<usize>(), 3);
    let other = |last: char| format!("info_hash=AAAAAAAAAAAAAAAAAAA{last}&port=1");
    assert!(http(&mut tracker, 1, "10.0.0.1:5", &other('a')).contains("interval"));
    assert!(http(&mut tracker, 1, "10.0.0.1:5", &other('b')).contains("full"));
    assert!(http(&mut tracker, 600, "10.0.0.1:5", &other('b')).contains("interval"), "old ones go");
    assert!(http(&mut tracker, 600, "10.0.0.2:5", &format!("{HASH}&port=1")).contains("full"));
}

#[test]
fn what_is_not_a_valid_request() {
    let mut tracker = Tracker::new(Options::default());
    for query in [
        "port=1",
        "info_hash=short&port=1",
        HASH,
        &format!("{HASH}&port=0"),
        &format!("{HASH}&port=65536"),
        &format!("{HASH}&port=1&event=x"),
        &format!("{HASH}&port=1&numwant=x"),
        "info_hash=%a&port=1",
        "info_hash=%zzAAAAAAAAAAAAAAAAAAA&port=1",
    ] {
        let reply = http(&mut tracker, 0, "10.0.0.1:5", query);
        assert!(reply.starts_with("d14:failure reason"), "{query}: {reply}");
    }
    for request in
        ["", "POST /announce?x HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET /announce"]
    {
        let response = tracker.http(0, addr("10.0.0.1:5"), request.as_bytes());
        assert!(response.starts_with(b"HTTP/1.1 404 "), "{request}");
    }
    assert!(tracker.swarms.is_empty());
}

#[test]
fn datagrams_need_a_connection() {
    let mut tracker = Tracker::new(Options::default());
    let from = addr("10.0.0.1:5");
    assert_eq!(tracker.udp(0, from, &[0; 15]), None);
    assert_eq!(tracker.udp(0, from, &[0; 16]), None, "not the protocol's id");
    let mut announce = vec![0; ANNOUNCE_LEN];
    announce[11] = 1;
    let refused = tracker.udp(0, from, &announce).expect("an answer");
    assert!(refused.starts_with(&[0, 0, 0, 3]) && refused.len() < announce.len());

    let id = tracker.connection(30, from);
    assert!(tracker.is_connected(119, from, id), "good for at least a minute");
    assert!(!tracker.is_connected(120, from, id));
    assert!(!tracker.is_connected(30, addr("10.0.0.2:5"), id), "not for another address");
    announce[..8].copy_from_slice(&id);
    let short = tracker.udp(30, from, &announce[..97]).expect("an answer");
    assert!(short.ends_with(b"too short"));
    announce[97] = 1;
    assert_eq!(tracker.udp(30, from, &announce).expect("an answer").len(), 20);
}

/// The addresses in a reply over UDP to an IPv4 client.
fn named(reply: &[u8]) -> Vec<Vec<u8>> {
    reply[20..].chunks(6).map(<[u8]>::to_vec).collect()
}

#[test]
fn in_a_large_swarm_everybody_is_named_and_nobody_to_all() {
    let mut tracker = Tracker::new(Options::default());
    // One host with the lowest addresses fills a reply by itself.
    for port in 1..=50 {
        udp_announce(&mut tracker, "1.1.1.1:9", port, 2);
    }
    for host in 1..=150 {
        udp_announce(&mut tracker, &format!("10.0.0.{host}:9"), 80, 2);
    }
    let mut times = BTreeMap::new();
    for _ in 0..100 {
        let peers = named(&udp_announce(&mut tracker, "10.0.1.1:9", 80, 0));
        assert_eq!(peers.len(), 50);
        let before = times.len();
        peers.into_iter().for_each(|peer| *times.entry(peer).or_insert(0) += 1);
        assert!(before > 0 || times.len() == 50, "nobody twice");
    }
    assert_eq!(times.len(), 200);
    assert!(times.values().all(|&times| times < 60), "{times:?}");
}

#[test]
fn who_asks_over_udp_gets_peers_of_its_family() {
    let mut tracker = Tracker::new(Options::default());
    for port in 1..=60 {
        udp_announce(&mut tracker, "10.0.0.1:9", port, 2);
        udp_announce(&mut tracker, "[::1]:9", port, 2);
    }
    assert_eq!(udp_announce(&mut tracker, "[::2]:9", 1, 2).len(), 20 + 50 * 18);
    assert_eq!(udp_announce(&mut tracker, "10.0.0.2:9", 1, 2).len(), 20 + 50 * 6);
}

use super::*;

fn tracker() -> Tracker {
    Tracker::new(Dice::new(9))
}

fn client(last: u8) -> SocketAddr {
    SocketAddr::from(([80, 0, 0, last], 6_881))
}

fn udp_announce(tracker: &mut Tracker, from: SocketAddr, event: u8) -> Vec<u8> {
    let connect = [&0x0417_2710_1980u64.to_be_bytes()[..], &[0; 4], &[1, 2, 3, 4]].concat();
    let answer = tracker.on_datagram(Timestamp::ZERO, from, &connect).unwrap();
    assert_eq!(answer[..8], [0, 0, 0, 0, 1, 2, 3, 4]);
    let mut request = [&answer[8..16], &[0, 0, 0, 1], &[5, 6, 7, 8], &[b'h'; 20]].concat();
    request.extend([b'p'; 20]);
    request.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
    request.extend([0, 0, 0, event, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
    request.extend(from.port().to_be_bytes());
    assert_eq!(request.len(), 98);
    tracker.on_datagram(Timestamp::ZERO, from, &request).unwrap()
}

fn http_announce(tracker: &mut Tracker, query: &str) -> String {
    tracker.on_accepted(StreamId(1), client(7));
    let request = format!("GET /announce?{query} HTTP/1.1\r\nHost: t\r\n\r\n");
    let (first, rest) = request.as_bytes().split_at(30);
    assert_eq!(tracker.on_readable(Timestamp::ZERO, StreamId(1), first), None);
    let pieces = tracker.on_readable(Timestamp::ZERO, StreamId(1), rest).unwrap();
    String::from_utf8_lossy(&pieces.concat()).into_owned()
}

const GOOD: &str = "info_hash=hhhhhhhhhhhhhhhhhhh%68&peer_id=pppppppppppppppppppp&port=6881\
                    &uploaded=0&downloaded=0&left=9&compact=1&event=started";

#[test]
fn clients_of_both_protocols_find_each_other() {
    let mut tracker = tracker();
    let first = udp_announce(&mut tracker, client(1), 2);
    assert_eq!(first[..8], [0, 0, 0, 1, 5, 6, 7, 8]);
    assert_eq!(first[20..], [80, 0, 0, 1, 0x1a, 0xe1]);
    let answer = http_announce(&mut tracker, GOOD);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let both = udp_announce(&mut tracker, client(1), 0);
    assert_eq!(both[20..], [80, 0, 0, 1, 0x1a, 0xe1, 80, 0, 0, 7, 0x1a, 0xe1]);
    udp_announce(&mut tracker, client(1), 3);
    assert_eq!((tracker.peers(), tracker.announces()), (1, 4));
    assert!(tracker.violations().is_empty(), "{:?}", tracker.violations());
}

#[test]
fn bad_requests_are_violations() {
    for (bad, what) in [
        ("compact=1", "compact=0"),
        ("port=6881", "port=0"),
        ("peer_id=p", "peer_id="),
        ("left=9", "left=-1"),
        ("started", "begun"),
        ("%68", "%6"),
        ("&uploaded=0", ""),
    ] {
        let mut tracker = tracker();
        let answer = http_announce(&mut tracker, &GOOD.replace(bad, what));
        assert!(answer.starts_with("HTTP/1.1 400"), "{what}: {answer}");
        assert_eq!(tracker.violations().len(), 1, "{what}");
    }
    let mut tracker = tracker();
    assert_eq!(tracker.on_datagram(Timestamp::ZERO, client(1), &[0; 15]), None);
    assert_eq!(tracker.on_datagram(Timestamp::ZERO, client(1), &[0; 16]), None);
    assert_eq!(tracker.violations().len(), 2);
}

#[test]
fn moods_show() {
    let mut tracker = tracker();
    tracker.mood = Mood::Failing("go away".into());
    assert_eq!(udp_announce(&mut tracker, client(1), 2)[8..], *b"go away");
    assert!(http_announce(&mut tracker, GOOD).contains("14:failure reason"));
    tracker.mood = Mood::Silent;
    assert_eq!(tracker.on_datagram(Timestamp::ZERO, client(1), &[0; 16]), None);
    tracker.mood = Mood::Garbage;
    assert!(tracker.on_datagram(Timestamp::ZERO, client(1), &[0; 16]).is_some());
    assert!(tracker.violations().is_empty());
}

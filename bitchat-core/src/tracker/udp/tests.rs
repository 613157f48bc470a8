use super::*;
use crate::base::ids::InfoHash;
use crate::tracker::profile::{ClientId, PROFILES};
use proptest::prelude::*;

/// What a reply to transaction `tid` looks like.
fn packet(action: u32, tid: u32, rest: &[u8]) -> Vec<u8> {
    [&action.to_be_bytes()[..], &tid.to_be_bytes(), rest].concat()
}

const V4: Expect = Expect::Announce { ipv6: false };
const V6: Expect = Expect::Announce { ipv6: true };

#[test]
fn the_bytes_that_qbittorrent_sent() {
    // BC-10.06, BC-10.07: captured from qBittorrent 4.5.2.
    let captured = "112233445566778800000001f8d61b82eaaaafe4b58eebd7f8deb767ef01bde220784ca3\
        2d7142343532302d46685649384a674d482d697000000000000000000000000000004e20\
        0000000000000000000000020000000058613115000000c858b602092f616e6e6f756e6365";
    let client = ClientId { peer_id: *b"-qB4520-FhVI8JgMH-ip", key: 0x5861_3115 };
    let mut announce = Announce {
        infohash: InfoHash([
            0xea, 0xaa, 0xaf, 0xe4, 0xb5, 0x8e, 0xeb, 0xd7, 0xf8, 0xde, 0xb7, 0x67, 0xef, 0x01,
            0xbd, 0xe2, 0x20, 0x78, 0x4c, 0xa3,
        ]),
        client: &client,
        port: 22_710,
        left: 20_000,
        event: Event::Started,
        tracker_id: b"",
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let id = 0x1122_3344_5566_7788;
    let ours = announce_request(id, 0xf8d6_1b82, &PROFILES[1], &announce, "/announce");
    assert_eq!(hex(&ours), captured);
    assert_eq!(hex(&connect_request(0x9c1c_4f1e)), "0000041727101980000000009c1c4f1e");

    announce.event = Event::Stopped;
    announce.left = 0;
    let ours = announce_request(id, 1, &PROFILES[1], &announce, "");
    assert_eq!(ours.len(), 98, "no option without a path");
    assert_eq!(ours[64..72], 1_u64.to_be_bytes(), "BC-10.05: never a seed");
    assert_eq!(ours[92..96], [0; 4], "who leaves wants nobody");
    let long = announce_request(id, 1, &PROFILES[1], &announce, &"/x".repeat(400));
    assert_eq!((long.len(), long[99]), (98 + 2 + 255, 255));
}

#[test]
fn replies_and_what_they_mean() {
    let id = packet(CONNECT, 7, &[0, 0, 0, 0, 0, 0, 0, 5]);
    assert_eq!(transaction(&id), Some(7));
    assert_eq!(parse(&id, Expect::Connect, 9), Ok(Reply::Connected(5)));
    assert_eq!(parse(&id[..15], Expect::Connect, 9), Err(UdpError::Short));
    assert_eq!(parse(&id, V4, 9), Err(UdpError::Short));

    let peers =
        [&[0, 0, 7, 8, 0, 0, 0, 1, 0, 0, 0, 2][..], &[10, 0, 0, 1, 0, 80], &[1; 5]].concat();
    let Ok(Reply::Announced(answer)) = parse(&packet(ANNOUNCE, 7, &peers), V4, 9) else {
        panic!("valid")
    };
    assert_eq!(answer.interval, Some(Duration::from_secs(1_800)));
    assert_eq!(answer.peers, ["10.0.0.1:80".parse().expect("address")]);
    let six = [&[0; 12][..], &[0x20; 16], &[0, 80]].concat();
    let Ok(Reply::Announced(answer)) = parse(&packet(ANNOUNCE, 7, &six), V6, 9) else {
        panic!("valid")
    };
    assert_eq!(answer.peers.len(), 1);
    assert!(answer.peers[0].is_ipv6());
    assert_eq!(
        parse(&packet(ANNOUNCE, 7, &[0; 12]), Expect::Connect, 9),
        Err(UdpError::Unexpected)
    );
    assert_eq!(parse(&packet(2, 7, &[0; 12]), V4, 9), Err(UdpError::Unexpected));
}

#[test]
fn refusals_of_all_lengths() {
    let text = |error| match error {
        Err(UdpError::Refused(text)) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(text(parse(&packet(ERROR, 7, b"no\x07\xff"), V4, 9)), "no \u{fffd}");
    assert_eq!(text(parse(&packet(ERROR, 7, b""), Expect::Connect, 9)), "");
    assert_eq!(text(parse(&packet(ERROR, 7, &[b'x'; 60_000]), V4, 9)).len(), 256);
    // opentracker answers eight bytes for an infohash that it does not serve.
    assert_eq!(parse(&packet(ANNOUNCE, 7, b""), V4, 9), Err(UdpError::Short));
    for len in 0..8 {
        assert_eq!(transaction(&[0; 8][..len]), None);
        assert_eq!(parse(&[0; 8][..len], V4, 9), Err(UdpError::Short));
    }
    assert_eq!(transaction(&packet(4, 7, b"")), None);
    assert_eq!(transaction(&packet(0x0100_0001, 7, b"")), None);
}

proptest! {
    #[test]
    fn junk_never_panics(data in proptest::collection::vec(any::<u8>(), 0..200), action in 0..5_u32) {
        let _ = transaction(&data);
        for expect in [Expect::Connect, V4, V6] {
            if let Ok(Reply::Announced(answer)) = parse(&packet(action, 1, &data), expect, 4) {
                prop_assert!(answer.peers.len() <= 4);
            }
        }
    }
}

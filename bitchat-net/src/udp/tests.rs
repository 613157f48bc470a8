use super::*;
use std::future::poll_fn;

/// Every datagram goes out with a mark and must come in with it.
async fn send(from: &Udp, to: SocketAddr, data: &[u8], segment: Option<usize>) {
    while !from.send(to, Some(Ecn::Ect0), data, segment) {
        poll_fn(|cx| from.poll_writable(cx)).await.unwrap();
    }
}

/// Everything that arrives until `count` datagrams are there, with their sender.
async fn receive(at: &Udp, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
    receive_marked(at, count).await.0
}

async fn receive_marked(at: &Udp, count: usize) -> (Vec<(SocketAddr, Vec<u8>)>, Vec<Ecn>) {
    let mut marks = Vec::new();
    let mut buffers = ReceiveBuffers::new();
    let mut datagrams = Vec::new();
    while datagrams.len() < count {
        poll_fn(|cx| at.poll_readable(cx)).await.unwrap();
        let filled = at.receive(&mut buffers);
        for (from, ecn, stride, data) in buffers.batches(filled) {
            // The mark of the sender, where the system shows marks.
            assert!(ecn.is_none_or(|ecn| ecn == Ecn::Ect0));
            marks.extend(ecn);
            datagrams.extend(data.chunks(stride).map(|datagram| (from, datagram.to_vec())));
        }
    }
    (datagrams, marks)
}

fn loopback(socket: &Udp) -> SocketAddr {
    let ip = if socket.local().is_ipv4() {
        Ipv4Addr::LOCALHOST.into()
    } else {
        std::net::IpAddr::from(Ipv6Addr::LOCALHOST)
    };
    (ip, socket.local().port()).into()
}

#[tokio::test]
async fn datagrams_arrive_whole_over_both_families() {
    for family in [Family::V4, Family::V6] {
        let (a, b) = (Udp::bind(family, 0).unwrap(), Udp::bind(family, 0).unwrap());
        assert_eq!(Family::of(&a.local()), family);
        for len in [1, 1_200, 1_452, 20_000, 65_487] {
            let data: Vec<u8> = (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect();
            send(&a, loopback(&b), &data, None).await;
            assert_eq!(receive(&b, 1).await, [(loopback(&a), data)]);
        }
    }
}

/// BC-11.60
#[tokio::test]
#[cfg(target_os = "linux")]
async fn marks_arrive_and_nothing_is_cut() {
    for family in [Family::V4, Family::V6] {
        let (a, b) = (Udp::bind(family, 0).unwrap(), Udp::bind(family, 0).unwrap());
        send(&a, loopback(&b), b"marked", None).await;
        assert_eq!(receive_marked(&b, 1).await.1, [Ecn::Ect0]);
        assert!(!a.may_fragment(), "path MTU discovery needs datagrams in one piece");
    }
}

/// BC-11.10
#[tokio::test]
async fn a_batch_arrives_as_its_datagrams() {
    for family in [Family::V4, Family::V6] {
        let (a, b) = (Udp::bind(family, 0).unwrap(), Udp::bind(family, 0).unwrap());
        let segments = a.max_segments().min(10);
        let mut data = Vec::new();
        for n in 0..segments {
            data.extend(std::iter::repeat_n(u8::try_from(n).unwrap(), 1_200));
        }
        data.truncate(data.len() - 500);
        let segment = (segments > 1).then_some(1_200);
        send(&a, loopback(&b), &data, segment).await;
        let received = receive(&b, segments).await;
        let expected: Vec<_> =
            data.chunks(1_200).map(|datagram| (loopback(&a), datagram.to_vec())).collect();
        assert_eq!(received, expected);
    }
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = Udp::bind(Family::V4, 0).unwrap();
    let port = first.local().port();
    let error = Udp::bind(Family::V4, port).unwrap_err();
    assert!(matches!(error, BindError::InUse { .. }));
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    assert!(error.to_string().contains("choose another port"), "{error}");
}

/// BC-11.18
#[tokio::test]
async fn the_families_share_a_port_number() {
    let first = Udp::bind(Family::V6, 0).unwrap();
    Udp::bind(Family::V4, first.local().port()).expect("IPv6 sockets leave IPv4 alone");
}

#[tokio::test]
async fn what_cannot_be_sent_is_lost_and_no_more() {
    let (a, b) = (Udp::bind(Family::V4, 0).unwrap(), Udp::bind(Family::V4, 0).unwrap());
    send(&a, loopback(&b), &[0; 65_535], None).await;
    send(&a, "[::1]:9".parse().unwrap(), b"wrong family", None).await;
    send(&a, loopback(&b), b"still alive", None).await;
    assert_eq!(receive(&b, 1).await, [(loopback(&a), b"still alive".to_vec())]);
}

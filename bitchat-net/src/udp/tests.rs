use super::*;
use bitchat_core::base::ids::SocketId;
use std::future::poll_fn;

/// Every datagram goes out with a mark and must come in with it.
async fn send(from: &mut Udp, to: SocketAddr, data: &[u8], segment: Option<usize>) {
    send_as(from, None, to, data, segment).await;
}

async fn send_as(
    from: &mut Udp,
    local: Option<IpAddr>,
    to: SocketAddr,
    data: &[u8],
    segment_size: Option<usize>,
) {
    let (socket, len, ecn) = (SocketId(0), data.len(), Some(Ecn::Ect0));
    let transmit = Transmit { socket, to, len, segment_size, ecn, local };
    while !from.send(&transmit, data) {
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
        for Batch { from, ecn, stride, data, .. } in buffers.batches(filled) {
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
        IpAddr::from(Ipv6Addr::LOCALHOST)
    };
    (ip, socket.local().port()).into()
}

#[tokio::test]
async fn datagrams_arrive_whole_over_both_families() {
    for family in [Family::V4, Family::V6] {
        let (mut a, b) = (Udp::bind(family, 0).unwrap(), Udp::bind(family, 0).unwrap());
        assert_eq!(Family::of(&a.local()), family);
        for len in [1, 1_200, 1_452, 20_000, 65_487] {
            let data: Vec<u8> = (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect();
            send(&mut a, loopback(&b), &data, None).await;
            assert_eq!(receive(&b, 1).await, [(loopback(&a), data)]);
        }
    }
}

/// BC-11.60
#[tokio::test]
#[cfg(target_os = "linux")]
async fn marks_arrive_and_nothing_is_cut() {
    for family in [Family::V4, Family::V6] {
        let (mut a, b) = (Udp::bind(family, 0).unwrap(), Udp::bind(family, 0).unwrap());
        send(&mut a, loopback(&b), b"marked", None).await;
        assert_eq!(receive_marked(&b, 1).await.1, [Ecn::Ect0]);
        assert!(!a.may_fragment(), "path MTU discovery needs datagrams in one piece");
    }
}

/// BC-11.10
#[tokio::test]
async fn a_batch_arrives_as_its_datagrams() {
    for family in [Family::V4, Family::V6] {
        let (mut a, b) = (Udp::bind(family, 0).unwrap(), Udp::bind(family, 0).unwrap());
        let segments = a.max_segments().min(10);
        let mut data = Vec::new();
        for n in 0..segments {
            data.extend(std::iter::repeat_n(u8::try_from(n).unwrap(), 1_200));
        }
        data.truncate(data.len() - 500);
        let segment = (segments > 1).then_some(1_200);
        send(&mut a, loopback(&b), &data, segment).await;
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
    let (mut a, b) = (Udp::bind(Family::V4, 0).unwrap(), Udp::bind(Family::V4, 0).unwrap());
    send(&mut a, loopback(&b), &[0; 65_535], None).await;
    send(&mut a, "[::1]:9".parse().unwrap(), b"wrong family", None).await;
    send(&mut a, loopback(&b), b"still alive", None).await;
    assert_eq!(receive(&b, 1).await, [(loopback(&a), b"still alive".to_vec())]);
}

/// BC-11.51
#[tokio::test]
async fn nobody_is_at_port_0() {
    for family in [Family::V4, Family::V6] {
        let (mut a, b) = (Udp::bind(family, 0).unwrap(), Udp::bind(family, 0).unwrap());
        let segments = a.max_segments();
        let nowhere = SocketAddr::new(loopback(&b).ip(), 0);
        send(&mut a, nowhere, b"answer", None).await;
        send(&mut a, nowhere, &[0; 2_400], Some(1_200)).await;
        is_as_before(&mut a, &b, segments).await;
    }
    let mut buffers = ReceiveBuffers::new();
    let senders = [9, 0, 10].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    for (meta, addr) in buffers.meta.iter_mut().zip(senders) {
        (meta.addr, meta.len, meta.stride) = (addr, 1, 1);
    }
    let from: Vec<_> = buffers.batches(3).map(|batch| batch.from).collect();
    assert_eq!(from, [senders[0], senders[2]]);
}

/// Batches leave as long as before, and marks are still made.
async fn is_as_before(from: &mut Udp, to: &Udp, segments: usize) {
    assert_eq!(from.max_segments(), segments);
    send(from, loopback(to), b"marked", None).await;
    let marks = receive_marked(to, 1).await.1;
    if cfg!(target_os = "linux") {
        assert_eq!(marks, [Ecn::Ect0]);
    }
}

/// More segments than any kernel cuts: the batch fails, its datagrams do not.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_interface_that_cuts_no_batches_gets_single_datagrams() {
    for family in [Family::V4, Family::V6] {
        let (mut a, b) = (Udp::bind(family, 0).unwrap(), Udp::bind(family, 0).unwrap());
        let segments = a.max_segments();
        send(&mut a, loopback(&b), &[7; 200], Some(1)).await;
        assert_eq!(receive(&b, 200).await.len(), 200, "nothing is lost");
        is_as_before(&mut a, &b, 1).await;
        a.on_new_routes();
        assert_eq!(a.max_segments(), segments, "another interface may");
    }
}

/// A route that leads nowhere refuses with the error that quinn-udp takes for a system without GSO and
/// marks. Any peer may name an address there. (BC-11.56)
#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_address_that_is_refused_changes_nothing_for_others() {
    const INSIDE: &str = "BITCHAT_TEST_BLACK_HOLE";
    if std::env::var_os(INSIDE).is_none() {
        // The same test again, where it may set routes.
        let script = "ip link set lo up && ip route add blackhole 192.0.2.0/24 &&
            ip -6 route add blackhole 2001:db8::/32 || exit 77
            exec \"$0\" --exact udp::tests::an_address_that_is_refused_changes_nothing_for_others";
        let program = std::env::current_exe().unwrap();
        let mut command = std::process::Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", "sh", "-c", script]).arg(program);
        match command.env(INSIDE, "1").output() {
            Ok(output) if output.status.success() => {}
            Ok(output) if output.status.code() == Some(101) => panic!("{output:?}"),
            other => eprintln!("not tested: no network namespace with routes here ({other:?})"),
        }
        return;
    }
    for (family, hole) in [(Family::V4, "192.0.2.1:9"), (Family::V6, "[2001:db8::1]:9")] {
        let (mut a, b) = (Udp::bind(family, 0).unwrap(), Udp::bind(family, 0).unwrap());
        let segments = a.max_segments();
        assert!(segments > 1);
        let hole = hole.parse().unwrap();
        for segment in [None, Some(1_200)] {
            send(&mut a, hole, &[0; 2_400], segment).await;
            is_as_before(&mut a, &b, segments).await;
        }
    }
}

#[cfg(unix)]
impl Udp {
    /// A socket that takes nothing until somebody reads from the other end: no UDP socket of this host
    /// can be filled for long.
    pub(crate) fn full() -> (Self, std::os::unix::net::UnixDatagram) {
        use std::os::{fd::OwnedFd, unix::net::UnixDatagram};
        let udp = Self::bind(Family::V4, 0).unwrap();
        let (near, far) = UnixDatagram::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        while near.send(&[0; 1_000]).is_ok() {}
        let io = UdpSocket::from_std(OwnedFd::from(near).into()).unwrap();
        (Self { io, ..udp }, far)
    }
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn answers_leave_from_the_address_that_was_asked() {
    let (mut one, mut other) =
        (Udp::bind(Family::V4, 0).unwrap(), Udp::bind(Family::V4, 0).unwrap());
    let second = IpAddr::from([127, 0, 0, 2]);
    let asked = SocketAddr::new(second, other.local().port());
    send(&mut one, asked, b"question", None).await;
    let mut buffers = ReceiveBuffers::new();
    poll_fn(|cx| other.poll_readable(cx)).await.unwrap();
    let filled = other.receive(&mut buffers);
    let (from, local) =
        buffers.batches(filled).map(|batch| (batch.from, batch.local)).next().unwrap();
    assert_eq!(local, Some(second));
    send_as(&mut other, local, from, b"answer", None).await;
    assert_eq!(receive(&one, 1).await, [(asked, b"answer".to_vec())]);
    // An address that this host does not have loses nothing.
    let gone = IpAddr::from([192, 0, 2, 77]);
    send_as(&mut other, Some(gone), from, b"anyway", None).await;
    assert_eq!(receive(&one, 1).await[0].1, b"anyway");
}

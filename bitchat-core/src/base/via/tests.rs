use super::*;

fn remote(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn udp(socket: u32, port: u16) -> Via {
    Via::Udp { socket: SocketId(socket), remote: remote(port) }
}

#[test]
fn another_port_of_a_host_is_the_same_host_by_the_same_socket_only() {
    assert!(udp(0, 1).same_host(udp(0, 2)));
    assert!(!udp(0, 1).same_host(udp(1, 1)));
    let tcp = |stream| Via::Tcp { stream: StreamId(stream), remote: remote(1) };
    assert!(tcp(1).same_host(tcp(1)) && !tcp(1).same_host(tcp(2)) && !tcp(1).same_host(udp(0, 1)));
    let relay = |flow| Via::Relay { by: LinkId(7), flow };
    assert!(relay(1).same_host(relay(1)) && !relay(1).same_host(relay(2)));
}

#[test]
fn a_relayed_peer_has_no_address() {
    let relay = Via::Relay { by: LinkId(7), flow: 1 };
    assert_eq!((relay.remote(), relay.route()), (None, None));
    assert_eq!(relay.network(), Network::Link(LinkId(7)));
    assert!(!relay.is_reliable());
    let tcp = Via::Tcp { stream: StreamId(3), remote: remote(1) };
    assert_eq!(tcp.network(), Network::Stream(StreamId(3)));
    assert_eq!(tcp.route().and_then(Route::address), tcp.remote());
    assert!(tcp.is_reliable());
    assert_eq!(udp(0, 1).route(), Some(Route::Udp(remote(1))));
}

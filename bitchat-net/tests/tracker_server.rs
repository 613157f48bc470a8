//! The announcer of the core against the tracker of this crate, over real sockets.

mod tracker_host;

use bitchat_core::base::ids::InfoHash;
use bitchat_net::tracker_server::{Options, serve};
use tracker_host::meet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announcers_meet_over_http_and_udp_and_both_families() {
    let addresses = ["127.0.0.1:0", "[::1]:0"].map(|text| text.parse().expect("address"));
    let server = serve(&addresses, Options::default()).await.expect("the loopback can be bound");
    let port = server.addrs[0].port();
    assert_eq!(server.addrs[1].port(), port, "one port for all");
    let meetings = [
        format!("http://127.0.0.1:{port}/announce"),
        format!("udp://127.0.0.1:{port}/announce"),
        format!("http://[::1]:{port}/announce"),
        format!("udp://[::1]:{port}"),
        format!("http://localhost:{port}/announce"),
    ];
    let meetings = meetings.into_iter().zip(1_u8..).map(|(url, index)| {
        tokio::task::spawn_blocking(move || meet(&url, InfoHash([0xf0 + index; 20]), None))
    });
    for meeting in meetings.collect::<Vec<_>>() {
        meeting.await.expect("they met");
    }
    drop(server);
    let again = tokio::net::TcpListener::bind(("127.0.0.1", port)).await;
    // The port is free again as soon as the tasks have been dropped.
    if again.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the server is gone");
    }
}

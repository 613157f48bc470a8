//! quinn on tokio, as it is by default but for larger windows.

use super::{BULK, PIECE, rate};
use crate::cpu::quinn_peer::{Aead, NAME, Quinn, Setup};
use quinn::{Endpoint, ServerConfig};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Moves the bytes of a round.
pub async fn transfer(aead: Aead) -> f64 {
    let configs = Quinn::new(Setup { wide: true, ..Setup::of(aead) });
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = ServerConfig::clone(&configs.server);
    let server = Endpoint::server(server, any).expect("a socket");
    let client = Endpoint::client(any).expect("a socket");
    let address = server.local_addr().expect("bound");
    let dialled = client.connect_with(configs.client, address, NAME).expect("dialled");
    let incoming = async { server.accept().await.expect("open").accept().expect("accepted").await };
    let (one, other) = tokio::join!(dialled, incoming);
    let (one, other) = (one.expect("connected"), other.expect("connected"));
    let (one, other) = (Arc::new(one), Arc::new(other));
    let sending = async {
        let mut stream = one.open_uni().await.expect("a stream");
        let piece = [7; PIECE];
        for _ in 0..BULK.div_ceil(PIECE as u64) {
            stream.write_all(&piece).await.expect("written");
        }
        stream.finish().expect("written");
    };
    let taking = async {
        let mut stream = other.accept_uni().await.expect("a stream");
        let mut received = 0;
        while let Some(chunk) = stream.read_chunk(usize::MAX, true).await.expect("read") {
            received += chunk.bytes.len() as u64;
        }
        assert!(received >= BULK);
    };
    rate(async {
        tokio::join!(sending, taking);
    })
    .await
}

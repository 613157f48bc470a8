//! librqbit-utp on tokio, as it is by default.

use super::{BULK, PIECE, rate};
use librqbit_utp::UtpSocket;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Moves the bytes of a round.
pub async fn transfer() -> f64 {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let client = UtpSocket::new_udp(any).await.expect("a socket");
    let server = UtpSocket::new_udp(any).await.expect("a socket");
    let (one, other) = tokio::join!(client.connect(server.bind_addr()), server.accept());
    let ((_reader, mut writer), (mut reader, _writer)) =
        (one.expect("connected").split(), other.expect("accepted").split());
    let sending = async {
        let piece = [7; PIECE];
        for _ in 0..BULK.div_ceil(PIECE as u64) {
            writer.write_all(&piece).await.expect("written");
        }
        writer.flush().await.expect("written");
    };
    let taking = async {
        let (mut received, mut room) = (0, vec![0; 4 * PIECE]);
        while received < BULK {
            received += reader.read(&mut room).await.expect("read") as u64;
        }
    };
    rate(async {
        tokio::join!(sending, taking);
    })
    .await
}

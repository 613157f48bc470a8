use super::*;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::net::Ipv4Addr;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const REQUEST: RequestId = RequestId(7);

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn opened(streams: &mut Streams) -> StreamId {
    match streams.next().await {
        StreamNews::Opened { request: REQUEST, stream } => stream,
        other => panic!("{other:?}"),
    }
}

async fn read_all(streams: &mut Streams, stream: StreamId) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        match streams.next().await {
            StreamNews::Readable { stream: from, data } if from == stream => bytes.extend(data),
            StreamNews::Closed { stream: from } if from == stream => return bytes,
            other => panic!("{other:?}"),
        }
    }
}

/// Answers what it reads up to the first newline with the same, `times` over, and hangs up.
async fn echo(mut socket: impl Socket, times: usize) {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        line.push(socket.read_u8().await.unwrap());
    }
    socket.write_all(&line.repeat(times)).await.unwrap();
    socket.shutdown().await.unwrap();
}

#[tokio::test]
async fn bytes_go_both_ways_and_the_end_is_told() {
    let (listener, address) = listener().await;
    let server =
        tokio::spawn(async move { echo(listener.accept().await.unwrap().0, 50_000).await });
    let mut streams = Streams::new(Tls::platform());
    streams.open(REQUEST, address, None);
    let stream = opened(&mut streams).await;
    streams.write(stream, Bytes::from_static(b"hello "));
    streams.write(stream, Bytes::from_static(b"there\n"));
    assert_eq!(read_all(&mut streams, stream).await, b"hello there\n".repeat(50_000));
    server.await.unwrap();
}

/// BC-11.22
#[tokio::test]
async fn what_was_written_before_closing_arrives() {
    let (listener, address) = listener().await;
    let mut streams = Streams::new(Tls::platform());
    streams.open(REQUEST, address, None);
    let stream = opened(&mut streams).await;
    streams.write(stream, Bytes::from(vec![b'x'; 300_000]));
    streams.close(stream);
    let mut bytes = Vec::new();
    let (mut socket, _) = listener.accept().await.unwrap();
    // Nothing is told of a stream that the node closed itself: the two run side by side.
    tokio::select! {
        read = socket.read_to_end(&mut bytes) => assert_eq!(read.unwrap(), 300_000),
        news = streams.next() => panic!("{news:?}"),
    }
}

#[tokio::test]
async fn a_refused_connection_is_a_failure() {
    let (listener, address) = listener().await;
    drop(listener);
    let mut streams = Streams::new(Tls::platform());
    streams.open(REQUEST, address, None);
    let StreamNews::Failed { request: REQUEST, reason, .. } = streams.next().await else {
        panic!("a failure");
    };
    assert!(reason.contains(&address.to_string()) && reason.contains("refused"), "{reason}");
}

#[tokio::test]
async fn a_peer_that_reads_nothing_is_closed() {
    let (listener, address) = listener().await;
    let mut streams = Streams::new(Tls::platform());
    streams.open(REQUEST, address, None);
    let stream = opened(&mut streams).await;
    let _silent = listener.accept().await.unwrap();
    for _ in 0..=WRITE_QUEUE {
        streams.write(stream, Bytes::from(vec![0; 1024 * 1024]));
    }
    tokio::time::pause();
    assert!(matches!(streams.next().await, StreamNews::Closed { .. }));
}

/// BC-11.21
#[tokio::test]
async fn a_silent_tls_server_times_out() {
    let (listener, address) = listener().await;
    let mut streams = Streams::new(client_trusting(&[]));
    streams.open(REQUEST, address, Some("tracker.example".into()));
    let _silent = listener.accept().await.unwrap();
    tokio::time::pause();
    assert!(matches!(streams.next().await, StreamNews::Failed { .. }));
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn client_trusting(roots: &[&rcgen::Certificate]) -> Tls {
    let mut store = rustls::RootCertStore::empty();
    for root in roots {
        store.add(root.der().clone()).unwrap();
    }
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    Tls::custom(Arc::new(builder.with_root_certificates(store).with_no_client_auth()))
}

fn server(name: &str) -> (rcgen::Certificate, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    (made.cert, TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn tls_carries_bytes() {
    let (certificate, acceptor) = server("tracker.example");
    let (listener, address) = listener().await;
    let task = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        echo(acceptor.accept(socket).await.unwrap(), 1).await;
    });
    let mut streams = Streams::new(client_trusting(&[&certificate]));
    streams.open(REQUEST, address, Some("tracker.example".into()));
    let stream = opened(&mut streams).await;
    streams.write(stream, Bytes::from_static(b"GET /announce\n"));
    assert_eq!(read_all(&mut streams, stream).await, b"GET /announce\n");
    task.await.unwrap();
}

/// BC-11.23
#[tokio::test]
async fn tls_refuses_who_cannot_prove_its_name() {
    let (certificate, _) = server("tracker.example");
    let (_, wrong_key) = server("tracker.example");
    let (other, wrong_name) = server("other.example");
    let cases =
        [(wrong_key, client_trusting(&[&certificate])), (wrong_name, client_trusting(&[&other]))];
    for (acceptor, client) in cases {
        let (listener, address) = listener().await;
        let task = tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            assert!(acceptor.accept(socket).await.is_err());
        });
        let mut streams = Streams::new(client);
        streams.open(REQUEST, address, Some("tracker.example".into()));
        let StreamNews::Failed { reason, .. } = streams.next().await else { panic!("a failure") };
        assert!(reason.contains("certificate"), "{reason}");
        task.await.unwrap();
    }
}

#[tokio::test]
async fn the_platforms_authorities_do_not_know_us() {
    let (_, acceptor) = server("tracker.example");
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let _ = acceptor.accept(socket).await;
    });
    let mut streams = Streams::new(Tls::platform());
    streams.open(REQUEST, address, Some("tracker.example".into()));
    assert!(matches!(streams.next().await, StreamNews::Failed { .. }));
}

//! quinn-proto: two connections of one handshake, on the same virtual network.

mod same_aead;

use super::pair::{ONE_WAY, Pair};
use bytes::BytesMut;
use quinn_proto::congestion::BbrConfig;
use quinn_proto::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn_proto::{
    ClientConfig, Connection, ConnectionHandle, DatagramEvent, Dir, Endpoint, EndpointConfig,
    Event, ServerConfig, StreamEvent, StreamId, TransportConfig, WriteError,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, SupportedCipherSuite, Tls13CipherSuite};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Datagrams in one `Transmit`, as quinn asks for on Linux.
const SEGMENTS: usize = 10;
/// Bytes of a wide window.
const WIDE: u32 = 8 * 1024 * 1024;
/// The name in its certificate.
pub const NAME: &str = "bench.example";

/// Which AEAD protects its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aead {
    Ring,
    /// One of the implementations that Bit Chat uses, here for everything.
    AwsLc,
    /// The other one.
    RustCrypto,
}

/// How it is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub aead: Aead,
    /// Packets of this size throughout, instead of the default: begin with 1,200 and look for more.
    pub mtu: Option<u16>,
    /// The client shows a certificate too, as both sides of a Bit Chat handshake do.
    pub mutual: bool,
    /// How it finds its rate.
    pub congestion: Congestion,
    /// Windows of 8 MiB, so that flow control limits nothing. By default a stream may have 1.25 MB
    /// in flight.
    pub wide: bool,
}

impl Setup {
    /// As it is by default, with certificates of both.
    pub const fn of(aead: Aead) -> Self {
        Self { aead, mtu: None, mutual: true, congestion: Congestion::Cubic, wide: false }
    }
}

/// Its ways to find the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Congestion {
    Cubic,
    Bbr,
}

/// Configurations, made once.
pub struct Quinn {
    pub client: ClientConfig,
    pub server: Arc<ServerConfig>,
    pub endpoint: Arc<EndpointConfig>,
}

fn suite(aead: Aead) -> &'static Tls13CipherSuite {
    match aead {
        Aead::RustCrypto => same_aead::suite(),
        Aead::AwsLc => tls13(aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256),
        Aead::Ring => tls13(ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256),
    }
}

fn tls13(suite: SupportedCipherSuite) -> &'static Tls13CipherSuite {
    suite.tls13().expect("a suite of TLS 1.3")
}

/// A self-signed Ed25519 certificate, as small as ours.
fn credentials() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key pair");
    let params = rcgen::CertificateParams::new(vec![NAME.to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("signed");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("PKCS #8");
    (certificate.der().clone(), key)
}

fn trust(certificate: &CertificateDer<'static>) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a certificate");
    Arc::new(roots)
}

impl Quinn {
    pub fn new(setup: Setup) -> Self {
        let suite = suite(setup.aead);
        let cipher_suites = vec![SupportedCipherSuite::Tls13(suite)];
        let provider = Arc::new(match setup.aead {
            Aead::AwsLc => CryptoProvider {
                cipher_suites,
                kx_groups: vec![aws_lc_rs::kx_group::X25519],
                ..aws_lc_rs::default_provider()
            },
            Aead::Ring | Aead::RustCrypto => CryptoProvider {
                cipher_suites,
                kx_groups: vec![ring::kx_group::X25519],
                ..ring::default_provider()
            },
        });
        let initial = tls13(ring::cipher_suite::TLS13_AES_128_GCM_SHA256);
        let initial = initial.quic_suite().expect("ring's suites know QUIC");
        let ((server_cert, server_key), (client_cert, client_key)) = (credentials(), credentials());

        let versions = &[&rustls::version::TLS13];
        let server = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .expect("TLS 1.3");
        let server = if setup.mutual {
            let roots = trust(&client_cert);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
            server.with_client_cert_verifier(verifier.build().expect("roots"))
        } else {
            server.with_no_client_auth()
        };
        let mut server =
            server.with_single_cert(vec![server_cert.clone()], server_key).expect("a key");
        // Resumption is not part of what is compared.
        server.send_tls13_tickets = 0;

        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("TLS 1.3")
            .with_root_certificates(trust(&server_cert));
        let client = if setup.mutual {
            client.with_client_auth_cert(vec![client_cert], client_key).expect("a key")
        } else {
            client.with_no_client_auth()
        };

        let mut transport = TransportConfig::default();
        if let Some(mtu) = setup.mtu {
            transport.initial_mtu(mtu).mtu_discovery_config(None);
        }
        if setup.congestion == Congestion::Bbr {
            transport.congestion_controller_factory(Arc::new(BbrConfig::default()));
        }
        if setup.wide {
            transport.stream_receive_window(WIDE.into()).send_window(u64::from(WIDE) * 2);
        }
        let transport = Arc::new(transport);
        let server = QuicServerConfig::with_initial(Arc::new(server), initial).expect("AES-128");
        let mut server = ServerConfig::with_crypto(Arc::new(server));
        server.transport_config(transport.clone());
        let client = QuicClientConfig::with_initial(Arc::new(client), initial).expect("AES-128");
        let mut client = ClientConfig::new(Arc::new(client));
        client.transport_config(transport);
        Self { client, server: Arc::new(server), endpoint: Arc::new(EndpointConfig::default()) }
    }

    /// Both ends, from the first packet until both are connected.
    pub fn connect(&self) -> Connections {
        let mut connections = Connections::dial(self);
        while connections.connected < 2 {
            if connections.round() == 0 {
                connections.sleep();
            }
        }
        connections
    }
}

/// Where an end is.
pub fn address(of: usize) -> SocketAddr {
    let last = if of == 0 { 1 } else { 2 };
    SocketAddr::from(([192, 0, 2, last], 1_000))
}

struct End {
    endpoint: Endpoint,
    connection: Option<(ConnectionHandle, Box<Connection>)>,
}

/// Both ends of one connection.
pub struct Connections {
    now: Instant,
    ends: [End; 2],
    server: Arc<ServerConfig>,
    buffer: Vec<u8>,
    /// In flight: datagrams one behind the other, and their size.
    wire: Vec<(BytesMut, usize)>,
    stream: Option<StreamId>,
    /// Bytes of the latest message that are still to be written.
    rest: Vec<u8>,
    received: u64,
    connected: usize,
}

impl Connections {
    fn dial(quinn: &Quinn) -> Self {
        let now = Instant::now();
        let end = |server, seed| {
            let endpoint = Endpoint::new(quinn.endpoint.clone(), server, true, Some([seed; 32]));
            End { endpoint, connection: None }
        };
        let mut ends = [end(None, 1), end(Some(quinn.server.clone()), 2)];
        let (handle, connection) =
            ends[0].endpoint.connect(now, quinn.client.clone(), address(1), NAME).expect("dialled");
        ends[0].connection = Some((handle, Box::new(connection)));
        Self {
            now,
            ends,
            server: quinn.server.clone(),
            buffer: Vec::new(),
            wire: Vec::new(),
            stream: None,
            rest: Vec::new(),
            received: 0,
            connected: 0,
        }
    }

    /// Lets go of one end; its endpoint stays.
    pub fn drop_end(&mut self) {
        self.ends[1].connection = None;
    }

    /// Passes time without traffic.
    pub fn idle(&mut self, time: Duration) {
        let end = self.now + time;
        while self.next().is_some_and(|at| at <= end) {
            self.sleep();
            while self.round() > 0 {}
        }
    }

    fn next(&mut self) -> Option<Instant> {
        let connections = self.ends.iter_mut().filter_map(|end| end.connection.as_mut());
        connections.filter_map(|(_, connection)| connection.poll_timeout()).min()
    }

    fn deliver(&mut self, to: usize, mut data: BytesMut, size: usize) {
        while !data.is_empty() {
            let datagram = data.split_to(size.min(data.len()));
            let end = &mut self.ends[to];
            self.buffer.clear();
            let from = address(1 - to);
            let event = end.endpoint.handle(self.now, from, None, None, datagram, &mut self.buffer);
            match event {
                Some(DatagramEvent::ConnectionEvent(_, event)) => {
                    let (_, connection) = end.connection.as_mut().expect("the end is there");
                    connection.handle_event(event);
                }
                Some(DatagramEvent::NewConnection(incoming)) => {
                    let server = Some(self.server.clone());
                    let accepted =
                        end.endpoint.accept(incoming, self.now, &mut self.buffer, server);
                    let Ok((handle, connection)) = accepted else { panic!("accepted") };
                    end.connection = Some((handle, Box::new(connection)));
                }
                Some(DatagramEvent::Response(_)) | None => panic!("a datagram without its place"),
            }
        }
    }

    /// Timers and events of one end.
    fn process(&mut self, of: usize) {
        let Self { now, ends, .. } = self;
        let End { endpoint, connection: Some((handle, connection)) } = &mut ends[of] else {
            return;
        };
        if connection.poll_timeout().is_some_and(|at| at <= *now) {
            connection.handle_timeout(*now);
        }
        while let Some(event) = connection.poll_endpoint_events() {
            if let Some(event) = endpoint.handle_event(*handle, event) {
                connection.handle_event(event);
            }
        }
        let mut readable = false;
        while let Some(event) = connection.poll() {
            match event {
                Event::Connected => self.connected += 1,
                Event::ConnectionLost { reason } => panic!("lost without faults: {reason}"),
                Event::Stream(StreamEvent::Opened { dir }) => {
                    self.stream = connection.streams().accept(dir).or(self.stream);
                    readable = true;
                }
                Event::Stream(StreamEvent::Readable { .. }) => readable = true,
                _ => {}
            }
        }
        if let (true, Some(id), 1) = (readable, self.stream, of) {
            let mut stream = connection.recv_stream(id);
            let mut chunks = stream.read(true).expect("readable");
            while let Ok(Some(chunk)) = chunks.next(usize::MAX) {
                self.received += chunk.bytes.len() as u64;
            }
            let _ = chunks.finalize();
        }
    }
}

impl Connections {
    /// Writes what the stream takes; how many bytes that were.
    fn write(&mut self, data: &[u8]) -> usize {
        let (_, connection) = self.ends[0].connection.as_mut().expect("the end is there");
        let id = *self
            .stream
            .get_or_insert_with(|| connection.streams().open(Dir::Uni).expect("a stream"));
        match connection.send_stream(id).write(data) {
            Ok(taken) => taken,
            Err(WriteError::Blocked) => 0,
            Err(error) => panic!("writing without faults: {error}"),
        }
    }

    /// Goes on with a message that was taken in part; whether it is done.
    fn write_rest(&mut self) -> bool {
        let mut rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            rest.drain(..self.write(&rest));
        }
        self.rest = rest;
        self.rest.is_empty()
    }
}

impl Pair for Connections {
    fn send(&mut self, message: &[u8]) -> bool {
        if !self.write_rest() {
            return false;
        }
        let taken = self.write(message);
        if taken > 0 {
            self.rest.extend_from_slice(&message[taken..]);
        }
        taken > 0
    }

    fn flush(&mut self, from: usize) -> u64 {
        let mut packets = 0;
        if from == 0 {
            self.write_rest();
        }
        if let Some((_, connection)) = &mut self.ends[from].connection {
            loop {
                self.buffer.clear();
                let Some(sent) = connection.poll_transmit(self.now, SEGMENTS, &mut self.buffer)
                else {
                    break;
                };
                let size = sent.segment_size.unwrap_or(sent.size);
                packets += sent.size.div_ceil(size) as u64;
                self.wire.push((BytesMut::from(&self.buffer[..sent.size]), size));
            }
        }
        self.now += ONE_WAY;
        let mut wire = std::mem::take(&mut self.wire);
        for (data, size) in wire.drain(..) {
            self.deliver(1 - from, data, size);
        }
        self.wire = wire;
        self.process(0);
        self.process(1);
        packets
    }

    fn sleep(&mut self) {
        let next = self.next().expect("a connection has a deadline");
        self.now = self.now.max(next);
        self.process(0);
        self.process(1);
    }

    fn received(&self) -> u64 {
        self.received
    }
}

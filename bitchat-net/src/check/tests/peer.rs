//! A node of ours on loopback whose datagrams pass a liar: the deliberately wrong peer.

use bitchat_core::base::ids::{ConnectionId, SocketId};
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::Now;
use bitchat_core::chatfile::ChatFile;
use bitchat_core::crypto::channel_keys::{ChannelKeys, Epoch};
use bitchat_core::crypto::gate::{Envelope, Kind, seal, start};
use bitchat_core::crypto::identity::Identity;
use bitchat_core::crypto::packet_key::{MaskKey, PacketKey};
use bitchat_core::crypto::suite::{Backend, Secret, Suite};
use bitchat_core::node::{Action, Config, Input, Node, TransmitPoll};
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::super::wire::Clock;

/// How the peer differs from a true node.
#[derive(Clone, Copy)]
pub(super) enum Lie {
    None,
    /// Answers what comes in an envelope of the channel itself, beside the node.
    AnswerBody(fn(&mut Seal, &[u8]) -> Option<Vec<u8>>),
    /// Answers what proves no keys with a byte.
    AnswerAnything,
    /// Replaces what the node sends in an envelope with this body.
    Envelope(fn(&mut Seal, &[u8]) -> Option<Vec<u8>>),
    /// Changes the plaintext of the node's packets.
    Packet(fn(&mut [u8])),
}

/// What a liar needs to make envelopes.
pub(super) struct Seal {
    keys: ChannelKeys,
    rng: Rng,
    count: u32,
    nonces: Vec<Vec<u8>>,
}

impl Seal {
    pub(super) fn seal(&mut self, body: &[u8]) -> Vec<u8> {
        let mut datagram = start(body.len());
        datagram.extend_from_slice(body);
        seal(&self.keys, Clock::wall().day(), &mut self.rng.public, &mut datagram);
        datagram
    }

    /// An ack of the probe with this body.
    pub(super) fn ack(&mut self, probe: &[u8]) -> Vec<u8> {
        let nonce = probe.get(1..13).unwrap_or(&[0; 12]);
        self.seal(&[&[Kind::ProbeAck.byte()][..], nonce, &[7; 34]].concat())
    }

    /// Whether a probe with this nonce came before.
    pub(super) fn knows(&mut self, probe: &[u8]) -> bool {
        let nonce = probe[1..13].to_vec();
        let known = self.nonces.contains(&nonce);
        self.nonces.push(nonce);
        known
    }

    /// True at the `wanted`-th call of this kind.
    pub(super) fn counts_to(&mut self, wanted: u32) -> bool {
        self.count += 1;
        self.count == wanted
    }

    fn body(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        let mut datagram = datagram.to_vec();
        let envelope = Envelope::new(&mut datagram)?;
        envelope
            .proves(&self.keys, Clock::wall().day())
            .then(|| envelope.unmask(&self.keys).to_vec())
    }
}

/// The keys of one direction of a session, by the node's key log.
#[derive(Default)]
struct Keys {
    mask: Option<MaskKey>,
    packet: Vec<PacketKey>,
    largest: Option<u64>,
}

/// A peer in a thread of its own; it ends when it is dropped.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    pub(super) fn start(file: &ChatFile, lie: Lie) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let ends = Arc::new(AtomicBool::new(false));
        let (file, until) = (file.clone(), Arc::clone(&ends));
        let thread = std::thread::spawn(move || Liar::new(socket, &file, lie).run(&until));
        Self { address, ends, thread: Some(thread) }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // A panic of the peer has been printed; the test fails for its silence.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Liar {
    socket: UdpSocket,
    clock: Clock,
    node: Node,
    lie: Lie,
    seal: Seal,
    suite: Suite,
    /// By the first connection id in packets of the direction.
    keys: BTreeMap<[u8; 8], Keys>,
    /// Further ids, and the first one of their direction.
    further: BTreeMap<[u8; 8], [u8; 8]>,
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    core::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
}

impl Liar {
    fn new(socket: UdpSocket, file: &ChatFile, lie: Lie) -> Self {
        let clock = Clock::start();
        let mut config = Config::default();
        config.families.v6 = false;
        config.insecure_key_log = true;
        let identity = Identity::from_bytes(&Secret([3; 32]));
        let now = Now::new(clock.now(), Clock::wall());
        let mut node = Node::new(config, identity, Seed([4; 32]), now).unwrap();
        node.join(now, file).unwrap();
        let keys = file.keys(Epoch::default());
        let seal = Seal { keys, rng: Rng::new(&Seed([5; 32])), count: 0, nonces: Vec::new() };
        let suite = Backend::fastest().suite().unwrap();
        let (keys, further) = (BTreeMap::new(), BTreeMap::new());
        Self { socket, clock, node, lie, seal, suite, keys, further }
    }

    fn now(&self) -> Now {
        Now::new(self.clock.now(), Clock::wall())
    }

    fn run(mut self, ends: &AtomicBool) {
        let mut buffer = vec![0; 65_536];
        self.drain();
        while !ends.load(Ordering::Relaxed) {
            let due = self.node.poll_timeout().map(|deadline| deadline.at);
            let wait = due.map_or(Duration::MAX, |at| at.saturating_since(self.clock.now()));
            let wait = wait.clamp(Duration::from_millis(1), Duration::from_millis(20));
            self.socket.set_read_timeout(Some(wait)).unwrap();
            if let Ok((len, from)) = self.socket.recv_from(&mut buffer) {
                let data = &mut buffer[..len];
                self.answer(from, data);
                let (now, stride, ecn, socket) = (self.now(), len, None, SocketId(0));
                self.node.handle_input(
                    now,
                    Input::Datagram { socket, from, local: None, ecn, stride, data },
                );
            }
            let now = self.now();
            if self.node.poll_timeout().is_some_and(|deadline| deadline.at <= now.mono) {
                self.node.handle_timeout(now);
            }
            self.drain();
        }
    }

    /// Lies to who sends something.
    fn answer(&mut self, from: SocketAddr, datagram: &[u8]) {
        let body = self.seal.body(datagram);
        let answer = match (self.lie, body) {
            (Lie::AnswerBody(lie), Some(body)) => lie(&mut self.seal, &body),
            (Lie::AnswerAnything, None) => Some(vec![1]),
            _ => None,
        };
        if let Some(answer) = answer {
            self.socket.send_to(&answer, from).unwrap();
        }
    }

    fn drain(&mut self) {
        let mut buf = vec![0; 65_536];
        loop {
            let mut idle = true;
            while let TransmitPoll::Ready(sent) = self.node.poll_transmit(self.now(), 1, &mut buf) {
                idle = false;
                self.read_key_log();
                let datagram = self.twist(buf[..sent.len].to_vec());
                // Who was checking may have gone.
                let _ = self.socket.send_to(&datagram, sent.to);
            }
            while let Some(action) = self.node.poll_action() {
                idle = false;
                self.carry_out(action);
            }
            while self.node.poll_event().is_some() {
                idle = false;
            }
            if idle {
                return;
            }
        }
    }

    fn carry_out(&mut self, action: Action) {
        let answer = match action {
            Action::BindUdp { request, .. } => {
                let local = self.socket.local_addr().unwrap();
                Input::Bound { request, socket: SocketId(0), local }
            }
            Action::Persist { request, .. } => Input::Persisted { request },
            Action::Load { request, .. } => {
                Input::Loaded { request, records: Vec::new(), more: false }
            }
            other => panic!("not asked for here: {other:?}"),
        };
        let now = self.now();
        self.node.handle_input(now, answer);
    }

    fn read_key_log(&mut self) {
        while let Some(line) = self.node.poll_key_log() {
            let fields: Vec<&str> = line.as_str().split(' ').collect();
            let secret = || Secret(bytes(fields[fields.len() - 1]));
            match fields[0] {
                "BITCHAT1_MASK" => {
                    let keys = self.keys.entry(bytes(fields[1])).or_default();
                    keys.mask = Some(MaskKey::new(&secret()));
                }
                "BITCHAT1_PACKET" => {
                    let keys = self.keys.entry(bytes(fields[1])).or_default();
                    keys.packet.push(PacketKey::new(self.suite, &secret()));
                }
                "BITCHAT1_CONNECTION_ID" => {
                    self.further.insert(bytes(fields[3]), bytes(fields[1]));
                }
                _ => {}
            }
        }
    }

    /// What leaves in place of a datagram of the node.
    fn twist(&mut self, datagram: Vec<u8>) -> Vec<u8> {
        let twisted = match self.lie {
            Lie::Envelope(lie) => {
                self.seal.body(&datagram).and_then(|body| lie(&mut self.seal, &body))
            }
            Lie::Packet(lie) => self.twist_packet(&datagram, lie),
            Lie::None | Lie::AnswerBody(_) | Lie::AnswerAnything => None,
        };
        twisted.unwrap_or(datagram)
    }

    /// The same packet with another plaintext of the same length.
    fn twist_packet(&mut self, datagram: &[u8], lie: fn(&mut [u8])) -> Option<Vec<u8>> {
        let id = *datagram.first_chunk::<8>()?;
        let first = self.further.get(&id).copied().unwrap_or(id);
        let keys = self.keys.get_mut(&first)?;
        let mask = keys.mask.as_ref()?;
        let mut packet = datagram.to_vec();
        let header = mask.unmask(&mut packet, keys.largest).ok()?;
        assert_eq!(header.cid, ConnectionId(id));
        let phase = usize::from(header.phase.value());
        let of_phase = keys.packet.iter().enumerate().rev().filter(|(at, _)| at % 4 == phase);
        for (_, key) in of_phase {
            let mut copy = packet.clone();
            let Ok(payload) = key.open(&header, &mut copy) else { continue };
            keys.largest = keys.largest.max(Some(header.pn));
            lie(&mut copy[payload]);
            key.seal(mask, &header, &mut copy).unwrap();
            return Some(copy);
        }
        None
    }
}

//! boringtun: WireGuard's handshake and its data path. A tunnel of IP packets: nothing is
//! acknowledged, repeated or put in order, and there are no streams.

use super::pair::Pair;
use boringtun::noise::{Tunn, TunnResult};
use boringtun::x25519::{PublicKey, StaticSecret};

/// Bytes that WireGuard adds to a packet.
const OVERHEAD: usize = 32;
/// Bytes of an IPv4 header.
const IPV4: usize = 20;
/// Room for the largest packet and the longest handshake message.
const ROOM: usize = 2_048;

/// Two parties that meet again and again.
pub struct Meeting {
    secrets: [StaticSecret; 2],
}

impl Meeting {
    pub fn new() -> Self {
        Self { secrets: [[1; 32], [2; 32]].map(StaticSecret::from) }
    }

    /// A whole handshake: two messages, and the packet that confirms them.
    pub fn meet(&self) -> [Tunn; 2] {
        let tunnel = |of: usize| {
            let peer = PublicKey::from(&self.secrets[1 - of]);
            Tunn::new(self.secrets[of].clone(), peer, None, None, of as u32, None)
        };
        let (mut one, mut other) = (tunnel(0), tunnel(1));
        let (mut there, mut back, mut last) = ([0; ROOM], [0; ROOM], [0; ROOM]);
        let first = sent(one.format_handshake_initiation(&mut there, false));
        let second = sent(other.decapsulate(None, first, &mut back));
        let third = sent(one.decapsulate(None, second, &mut last));
        let mut rest = [0; ROOM];
        assert!(matches!(other.decapsulate(None, third, &mut rest), TunnResult::Done));
        [one, other]
    }
}

fn sent<'a>(result: TunnResult<'a>) -> &'a [u8] {
    match result {
        TunnResult::WriteToNetwork(data) => data,
        _ => panic!("a handshake without faults"),
    }
}

/// Both ends of a tunnel.
pub struct Tunnel {
    ends: [Tunn; 2],
    /// Bytes of payload in a packet.
    segment: usize,
    packet: Vec<u8>,
    /// Packets in flight, [`ROOM`] bytes apart, and their lengths.
    wire: Vec<u8>,
    lens: Vec<usize>,
    plain: Vec<u8>,
    received: u64,
}

impl Tunnel {
    /// A tunnel in datagrams of `mtu` bytes.
    pub fn new(meeting: &Meeting, mtu: usize) -> Self {
        Self {
            ends: meeting.meet(),
            segment: mtu - OVERHEAD - IPV4,
            packet: Vec::new(),
            wire: Vec::new(),
            lens: Vec::new(),
            plain: vec![0; ROOM],
            received: 0,
        }
    }

    fn put(&mut self, payload: &[u8]) {
        let len = (IPV4 + payload.len()) as u16;
        let mut header = [0; IPV4];
        header[0] = 0x45;
        header[2..4].copy_from_slice(&len.to_be_bytes());
        self.packet.clear();
        self.packet.extend_from_slice(&header);
        self.packet.extend_from_slice(payload);
        let at = self.lens.len() * ROOM;
        if self.wire.len() < at + ROOM {
            self.wire.resize(at + 16 * ROOM, 0);
        }
        let wire = &mut self.wire[at..at + ROOM];
        self.lens.push(sent(self.ends[0].encapsulate(&self.packet, wire)).len());
    }
}

impl Pair for Tunnel {
    fn send(&mut self, message: &[u8]) -> bool {
        // About as much as a window.
        if self.lens.len() > 256 {
            return false;
        }
        message.chunks(self.segment).for_each(|payload| self.put(payload));
        true
    }

    fn flush(&mut self, from: usize) -> u64 {
        if from == 1 {
            return 0;
        }
        for (packet, len) in self.wire.chunks(ROOM).zip(&self.lens) {
            match self.ends[1].decapsulate(None, &packet[..*len], &mut self.plain) {
                TunnResult::WriteToTunnelV4(plain, _) => {
                    self.received += (plain.len() - IPV4) as u64;
                }
                _ => panic!("a tunnel without faults"),
            }
        }
        let packets = self.lens.len() as u64;
        self.lens.clear();
        packets
    }

    /// Nothing ever waits.
    fn sleep(&mut self) {}

    fn received(&self) -> u64 {
        self.received
    }
}

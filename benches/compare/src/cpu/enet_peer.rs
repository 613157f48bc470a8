//! ENet (its translation to Rust): reliable packets on one channel. No encryption.

use super::pair::{ONE_WAY, Pair};
use rusty_enet::{EventNoRef, Host, HostSettings, MTU_MAX, Packet, PacketReceived, PeerID, Socket};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// Bytes that may wait to be sent; it takes any number.
const AHEAD: usize = 256 * 1024;

type Queue = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// One end of the wire between two hosts.
struct Wire {
    out: Queue,
    arrived: VecDeque<Vec<u8>>,
}

impl Socket for Wire {
    type Address = ();
    type Error = io::Error;

    fn send(&mut self, (): (), buffer: &[u8]) -> io::Result<usize> {
        self.out.borrow_mut().push_back(buffer.to_vec());
        Ok(buffer.len())
    }

    fn receive(&mut self, buffer: &mut [u8; MTU_MAX]) -> io::Result<Option<((), PacketReceived)>> {
        let Some(data) = self.arrived.pop_front() else { return Ok(None) };
        buffer[..data.len()].copy_from_slice(&data);
        Ok(Some(((), PacketReceived::Complete(data.len()))))
    }
}

/// Both ends.
pub struct Hosts {
    now: Rc<Cell<Duration>>,
    hosts: [Host<Wire>; 2],
    outs: [Queue; 2],
    peer: PeerID,
    /// Bytes sent and not yet arrived.
    waiting: usize,
    received: u64,
    connected: u32,
}

impl Hosts {
    /// Connected hosts with datagrams of `mtu` bytes.
    pub fn new(mtu: u16) -> Self {
        let now = Rc::new(Cell::new(Duration::from_secs(1)));
        let outs = [Queue::default(), Queue::default()];
        let mut hosts = [0, 1].map(|of: usize| {
            let clock = Rc::clone(&now);
            let settings = HostSettings {
                peer_limit: 1,
                channel_limit: 1,
                time: Box::new(move || clock.get()),
                seed: Some(of as u32),
                ..HostSettings::default()
            };
            let wire = Wire { out: Rc::clone(&outs[of]), arrived: VecDeque::new() };
            let mut host = Host::new(wire, settings).expect("settings that it can use");
            host.set_mtu(mtu).expect("a size that it can use");
            host
        });
        let peer = hosts[0].connect((), 1, 0).expect("room for a peer").id();
        let mut hosts = Self { now, hosts, outs, peer, waiting: 0, received: 0, connected: 0 };
        while hosts.connected < 2 {
            if hosts.round() == 0 {
                hosts.sleep();
            }
        }
        hosts
    }

    fn service(&mut self, of: usize) {
        while let Ok(Some(event)) = self.hosts[of].service().map(|e| e.map(|e| e.no_ref())) {
            match event {
                EventNoRef::Connect { .. } => self.connected += 1,
                EventNoRef::Disconnect { .. } => panic!("a connection without faults ended"),
                EventNoRef::Receive { packet, .. } => {
                    self.received += packet.data().len() as u64;
                    self.waiting -= packet.data().len();
                }
            }
        }
    }
}

impl Pair for Hosts {
    fn send(&mut self, message: &[u8]) -> bool {
        if self.waiting >= AHEAD {
            return false;
        }
        self.waiting += message.len();
        let peer = self.hosts[0].peer_mut(self.peer);
        peer.send(0, &Packet::reliable(message)).expect("it is connected");
        true
    }

    fn flush(&mut self, from: usize) -> u64 {
        self.hosts[from].flush();
        self.now.set(self.now.get() + ONE_WAY);
        let mut out = self.outs[from].borrow_mut();
        let packets = out.len() as u64;
        self.hosts[1 - from].socket_mut().arrived.append(&mut out);
        drop(out);
        self.service(1 - from);
        packets
    }

    fn sleep(&mut self) {
        self.now.set(self.now.get() + Duration::from_millis(1));
        self.service(0);
        self.service(1);
    }

    fn received(&self) -> u64 {
        self.received
    }
}

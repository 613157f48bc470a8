//! ENet: reliable packets of 16 KiB on one channel. Its hosts take turns, so that neither waits.

use super::{BULK, PIECE};
use crate::measure::process_cpu;
use rusty_enet::{EventNoRef, Host, HostSettings, Packet};
use std::net::{Ipv4Addr, UdpSocket};

/// Bytes that may wait to be sent; it takes any number.
const AHEAD: u64 = 256 * 1024;

fn host() -> Host<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let settings = HostSettings { peer_limit: 1, channel_limit: 1, ..HostSettings::default() };
    let mut host = Host::new(socket, settings).expect("settings that it can use");
    host.set_mtu(1_452).expect("a size that it can use");
    host
}

/// Moves the bytes of a round.
pub fn transfer() -> f64 {
    let mut hosts = [host(), host()];
    let address = hosts[1].socket().local_addr().expect("bound");
    let peer = hosts[0].connect(address, 1, 0).expect("room for a peer").id();
    let (mut connected, mut sent, mut received) = (0, 0, 0);
    let mut before = process_cpu();
    let piece = [7; PIECE];
    while received < BULK {
        while connected == 2 && sent < BULK && sent < received + AHEAD {
            let packet = Packet::reliable(&piece[..]);
            hosts[0].peer_mut(peer).send(0, &packet).expect("it is connected");
            sent += PIECE as u64;
        }
        for host in &mut hosts {
            while let Some(event) = host.service().expect("a socket") {
                match event.no_ref() {
                    EventNoRef::Connect { .. } => {
                        connected += 1;
                        before = process_cpu();
                    }
                    EventNoRef::Receive { packet, .. } => received += packet.data().len() as u64,
                    EventNoRef::Disconnect { .. } => panic!("a connection without faults ended"),
                }
            }
        }
    }
    BULK as f64 / (process_cpu() - before).as_secs_f64() / 1e6
}

//! Sockets alone: datagrams of 1,452 bytes, with or without segmentation offload. Nothing is lost,
//! because each batch is taken in before the next one leaves.

use super::BULK;
use crate::measure::process_cpu;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::io::IoSliceMut;
use std::net::{Ipv4Addr, UdpSocket};

const DATAGRAM: usize = 1_452;
/// Datagrams of a batch.
const BATCH: usize = 44;
const SLOTS: usize = 32;

/// Moves the bytes of a round.
pub fn transfer(gso: bool) -> f64 {
    let ends = [(); 2].map(|()| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let state = UdpSocketState::new((&socket).into()).expect("options");
        let _ = state.set_recv_buffer_size((&socket).into(), 2 * 1024 * 1024);
        (socket, state)
    });
    let [(out, sender), (into, receiver)] = &ends;
    let destination = into.local_addr().expect("bound");
    let data = vec![7; BATCH * DATAGRAM];
    let mut buffers = vec![0; SLOTS * 65_536];
    let mut meta = [RecvMeta::default(); SLOTS];
    let (mut sent, mut received) = (0, 0);
    let before = process_cpu();
    while received < BULK {
        let transmit = |contents, segment_size| Transmit {
            destination,
            ecn: None,
            contents,
            segment_size,
            src_ip: None,
        };
        if gso && sender.max_gso_segments() > 1 {
            let batch = transmit(&data, Some(DATAGRAM));
            sender.try_send(out.into(), &batch).expect("sent");
        } else {
            for datagram in data.chunks(DATAGRAM) {
                sender.try_send(out.into(), &transmit(datagram, None)).expect("sent");
            }
        }
        sent += data.len() as u64;
        while received < sent {
            let mut slots = buffers.chunks_exact_mut(65_536);
            let mut slots: [IoSliceMut<'_>; SLOTS] =
                std::array::from_fn(|_| IoSliceMut::new(slots.next().expect("one each")));
            let filled = receiver.recv(into.into(), &mut slots, &mut meta).expect("received");
            received += meta.iter().take(filled).map(|meta| meta.len as u64).sum::<u64>();
        }
    }
    BULK as f64 / (process_cpu() - before).as_secs_f64() / 1e6
}

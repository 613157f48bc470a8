//! Bit Chat: a link at each end, driven as `bitchat-net` drives a node: batches with segmentation
//! offload, one timer, tokio.

use super::{BULK, PIECE, rate};
use crate::cpu::ours::{self, CHANNEL, Meeting};
use bitchat_core::base::ids::SocketId;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::{Now, Timestamp};
use bitchat_core::crypto::suite::Suite;
use bitchat_core::link::{Lane, Link, LinkEvent, Via};
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::io::{ErrorKind, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until};

/// Bytes of one receive buffer, and how many there are.
const SLOT: usize = 65_536;
const SLOTS: usize = 8;
/// Datagrams in one batch at most.
const SEGMENTS: usize = 44;
/// Batches before the other end gets its turn.
const TURN: usize = 16;
const SOCKET_BUFFER: usize = 2 * 1024 * 1024;

struct End {
    link: Link,
    rng: Rng,
    events: Vec<LinkEvent>,
    epoch: Instant,
    socket: UdpSocket,
    state: UdpSocketState,
    peer: SocketAddr,
    out: Vec<u8>,
    /// Length and segment size of a batch in `out` that the socket did not take.
    unsent: Option<(usize, usize)>,
    buffers: Vec<u8>,
    meta: [RecvMeta; SLOTS],
    bulk: bool,
    up: bool,
    received: u64,
}

fn ends(suite: Suite, mtu: usize) -> [End; 2] {
    let mut meeting = Meeting::new(suite);
    let sessions = meeting.meet();
    let epoch = Instant::now();
    let sockets = [(); 2].map(|()| {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let state = UdpSocketState::new((&socket).into()).expect("options");
        let _ = state.set_recv_buffer_size((&socket).into(), SOCKET_BUFFER);
        let _ = state.set_send_buffer_size((&socket).into(), SOCKET_BUFFER);
        (UdpSocket::from_std(socket).expect("a socket of tokio"), state)
    });
    let addresses = [0, 1].map(|of: usize| sockets[of].0.local_addr().expect("bound"));
    let mut of = 0;
    sockets.map(|(socket, state)| {
        let mut rng = Rng::new(&Seed([of as u8; 32]));
        let mut events = Vec::new();
        let link = meeting.link(of, Timestamp::ZERO, &sessions[of], mtu, &mut rng, &mut events);
        let peer = addresses[1 - of];
        of += 1;
        End {
            link,
            rng,
            events,
            epoch,
            socket,
            state,
            peer,
            out: vec![0; ours::largest()],
            unsent: None,
            buffers: vec![0; SLOT * SLOTS],
            meta: [RecvMeta::default(); SLOTS],
            bulk: false,
            up: false,
            received: 0,
        }
    })
}

fn hear(events: &mut Vec<LinkEvent>, received: &mut u64, up: &mut bool) {
    for event in events.drain(..) {
        match event {
            LinkEvent::Message { data, .. } => *received += data.len() as u64,
            LinkEvent::ChannelUp(_) => *up = true,
            LinkEvent::Closed(why) => panic!("a link without faults ended: {why:?}"),
            _ => {}
        }
    }
}

impl End {
    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.epoch.elapsed()
    }

    /// A batch of packets of one size, only the last of which may be shorter.
    fn batch(&mut self) -> Option<(usize, usize)> {
        let now = self.now();
        let room = self.state.max_gso_segments().clamp(1, SEGMENTS);
        let first = self.link.poll_packet(now, &mut self.out)?;
        let (len, _) = self.link.poll_batch(now, &first, room, &mut self.out);
        Some((len, first.len))
    }

    /// Sends what may leave; whether there may be more at once.
    fn transmit(&mut self) -> bool {
        for _ in 0..TURN {
            while self.bulk && self.link.send(CHANNEL, Lane::History, &[7; PIECE]) {}
            let Some((len, size)) = self.unsent.take().or_else(|| self.batch()) else {
                return false;
            };
            let transmit = Transmit {
                destination: self.peer,
                ecn: None,
                contents: &self.out[..len],
                segment_size: (len > size).then_some(size),
                src_ip: None,
            };
            let sent = self.socket.try_io(Interest::WRITABLE, || {
                self.state.try_send((&self.socket).into(), &transmit)
            });
            match sent {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.unsent = Some((len, size));
                    return false;
                }
                // Anything else is a lost batch.
                Ok(()) | Err(_) => {}
            }
        }
        true
    }

    fn receive(&mut self) {
        let (via, peer) = (SocketId(0), self.peer);
        for _ in 0..TURN {
            let mut slots = self.buffers.chunks_exact_mut(SLOT);
            let mut slots: [IoSliceMut<'_>; SLOTS] =
                std::array::from_fn(|_| IoSliceMut::new(slots.next().expect("one each")));
            let filled = self.socket.try_io(Interest::READABLE, || {
                self.state.recv((&self.socket).into(), &mut slots, &mut self.meta)
            });
            let Ok(filled) = filled else { return };
            let now = self.now();
            let via = Via::Udp { socket: via, remote: peer };
            for (slot, meta) in self.buffers.chunks_exact_mut(SLOT).zip(&self.meta).take(filled) {
                for datagram in slot[..meta.len].chunks_mut(meta.stride.max(1)) {
                    let (rng, events) = (&mut self.rng, &mut self.events);
                    let _ = ours::take(&mut self.link, now, via, datagram, rng, events);
                    // As a node does: what happened is acted on before the next datagram.
                    hear(events, &mut self.received, &mut self.up);
                }
            }
            if self.transmit() {
                return;
            }
        }
    }

    /// One turn: waits for something to do, and does it.
    async fn turn(&mut self, more: bool) -> bool {
        let deadline = self.link.poll_timeout().map(|(at, _)| at.saturating_since(Timestamp::ZERO));
        let deadline = self.epoch + deadline.unwrap_or(Duration::from_secs(60));
        tokio::select! {
            ready = self.socket.readable() => {
                ready.expect("a socket");
                self.receive();
            }
            ready = self.socket.writable(), if self.unsent.is_some() => ready.expect("a socket"),
            () = tokio::task::yield_now(), if more => {}
            () = sleep_until(deadline) => {
                let now = Now { mono: self.now(), wall: None };
                self.link.handle_timeout(now, &mut self.rng, &mut self.events);
                hear(&mut self.events, &mut self.received, &mut self.up);
            }
        }
        self.transmit()
    }
}

async fn until(ends: &mut [End; 2], done: impl Fn(&[End; 2]) -> bool) {
    let mut more = ends.each_mut().map(End::transmit);
    while !done(ends) {
        let [one, other] = ends.each_mut();
        tokio::select! {
            again = one.turn(more[0]) => more[0] = again,
            again = other.turn(more[1]) => more[1] = again,
        }
    }
}

/// Moves the bytes of a round.
pub async fn transfer(suite: Suite, mtu: usize) -> f64 {
    let mut ends = ends(suite, mtu);
    until(&mut ends, |ends| ends.iter().all(|end| end.up)).await;
    ends[0].bulk = true;
    rate(until(&mut ends, |ends| ends[1].received >= BULK)).await
}

//! quinn-proto: an endpoint with one connection at each end. Bulk data has a stream of its own, and
//! so has each message, ahead of the bulk data: nothing waits for another message.

use super::{End, MESSAGE, PIECE, Taken, message};
use crate::cpu::quinn_peer::{Aead, Congestion, NAME, Quinn, Setup, address};
use bitchat_core::base::time::Timestamp;
use bytes::BytesMut;
use quinn_proto::{
    Connection, ConnectionHandle, DatagramEvent, Dir, Endpoint, Event, ReadError, StreamEvent,
    StreamId,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Proto {
    of: usize,
    /// The instant of timestamp 0.
    epoch: Instant,
    endpoint: Endpoint,
    connection: Option<(ConnectionHandle, Connection)>,
    connected: bool,
    dead: bool,
    /// Our stream of bulk data, or the peer's.
    bulk: Option<StreamId>,
    /// The peer's other streams: what has come of their messages.
    messages: BTreeMap<StreamId, Vec<u8>>,
    waiting: VecDeque<[u8; MESSAGE]>,
    taken: Taken,
    piece: Vec<u8>,
    buffer: Vec<u8>,
    /// Answers of the endpoint that belong to no connection.
    replies: VecDeque<Vec<u8>>,
}

/// Both ends; the first one dials.
pub fn ends(seed: u64, now: Timestamp, bbr: bool) -> [Box<dyn End>; 2] {
    let congestion = if bbr { Congestion::Bbr } else { Congestion::Cubic };
    let setup = Setup { congestion, wide: true, ..Setup::of(Aead::Ring) };
    let quinn = Quinn::new(setup);
    let epoch = Instant::now();
    [0, 1].map(|of| {
        let mut key = [of as u8; 32];
        key[8..16].copy_from_slice(&seed.to_le_bytes());
        let server = (of == 1).then(|| quinn.server.clone());
        let mut endpoint = Endpoint::new(Arc::clone(&quinn.endpoint), server, true, Some(key));
        let connection = (of == 0).then(|| {
            let at = epoch + Duration::from_nanos(now.as_nanos());
            endpoint.connect(at, quinn.client.clone(), address(1), NAME).expect("dialled")
        });
        let end: Box<dyn End> = Box::new(Proto {
            of,
            epoch,
            endpoint,
            connection,
            connected: false,
            dead: false,
            bulk: None,
            messages: BTreeMap::new(),
            waiting: VecDeque::new(),
            taken: Taken::default(),
            piece: vec![7; PIECE],
            buffer: Vec::new(),
            replies: VecDeque::new(),
        });
        end
    })
}

impl Proto {
    fn instant(&self, now: Timestamp) -> Instant {
        self.epoch + Duration::from_nanos(now.as_nanos())
    }

    fn events(&mut self) {
        let Some((handle, connection)) = &mut self.connection else { return };
        while let Some(event) = connection.poll_endpoint_events() {
            if let Some(event) = self.endpoint.handle_event(*handle, event) {
                connection.handle_event(event);
            }
        }
        let mut readable = Vec::new();
        while let Some(event) = connection.poll() {
            match event {
                Event::Connected => self.connected = true,
                Event::ConnectionLost { .. } => self.dead = true,
                Event::Stream(StreamEvent::Opened { dir }) => {
                    while let Some(id) = connection.streams().accept(dir) {
                        // The first stream is for bulk data, also if another one arrives first.
                        if id.index() > 0 {
                            self.messages.insert(id, Vec::new());
                        }
                        readable.push(id);
                    }
                }
                Event::Stream(StreamEvent::Readable { id }) => readable.push(id),
                _ => {}
            }
        }
        for id in readable {
            self.read(id);
        }
    }

    fn read(&mut self, id: StreamId) {
        let Some((_, connection)) = &mut self.connection else { return };
        let mut stream = connection.recv_stream(id);
        let Ok(mut chunks) = stream.read(true) else { return };
        loop {
            match chunks.next(usize::MAX) {
                Ok(Some(chunk)) => match self.messages.get_mut(&id) {
                    Some(message) => message.extend_from_slice(&chunk.bytes),
                    None => self.taken.bulk += chunk.bytes.len() as u64,
                },
                Ok(None) => {
                    if let Some(message) = self.messages.remove(&id) {
                        self.taken.message(&message);
                    }
                    break;
                }
                Err(ReadError::Blocked) => break,
                Err(ReadError::Reset(_)) => panic!("nobody resets a stream"),
            }
        }
        let _ = chunks.finalize();
    }

    fn bulk(&mut self) -> Option<StreamId> {
        let (_, connection) = self.connection.as_mut()?;
        if self.bulk.is_none() {
            self.bulk = connection.streams().open(Dir::Uni);
        }
        self.bulk
    }

    fn send_waiting(&mut self) {
        if self.waiting.is_empty() || self.bulk().is_none() {
            return;
        }
        let Some((_, connection)) = &mut self.connection else { return };
        while let Some(message) = self.waiting.front() {
            let Some(id) = connection.streams().open(Dir::Uni) else { return };
            let mut stream = connection.send_stream(id);
            let _ = stream.set_priority(1);
            let taken = stream.write(message);
            assert_eq!(taken, Ok(MESSAGE), "a new stream has room for a message");
            let _ = stream.finish();
            self.waiting.pop_front();
        }
    }
}

impl End for Proto {
    fn poll_transmit(&mut self, now: Timestamp) -> Option<Vec<u8>> {
        if let Some(reply) = self.replies.pop_front() {
            return Some(reply);
        }
        self.send_waiting();
        let now = self.instant(now);
        let (_, connection) = self.connection.as_mut()?;
        self.buffer.clear();
        let sent = connection.poll_transmit(now, 1, &mut self.buffer)?;
        Some(self.buffer[..sent.size].to_vec())
    }

    fn handle_datagram(&mut self, now: Timestamp, data: Vec<u8>) {
        let now = self.instant(now);
        self.buffer.clear();
        let from = address(1 - self.of);
        let data = BytesMut::from(&data[..]);
        match self.endpoint.handle(now, from, None, None, data, &mut self.buffer) {
            Some(DatagramEvent::ConnectionEvent(_, event)) => {
                if let Some((_, connection)) = &mut self.connection {
                    connection.handle_event(event);
                }
            }
            Some(DatagramEvent::NewConnection(incoming)) => {
                let accepted = self.endpoint.accept(incoming, now, &mut self.buffer, None);
                let Ok(accepted) = accepted else { panic!("accepted") };
                self.connection = Some(accepted);
            }
            Some(DatagramEvent::Response(sent)) => {
                self.replies.push_back(self.buffer[..sent.size].to_vec());
            }
            None => {}
        }
        self.events();
    }

    fn poll_timeout(&mut self) -> Option<Timestamp> {
        let (_, connection) = self.connection.as_mut()?;
        let at = connection.poll_timeout()?.saturating_duration_since(self.epoch);
        Some(Timestamp::ZERO + at)
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        let now = self.instant(now);
        if let Some((_, connection)) = &mut self.connection {
            connection.handle_timeout(now);
        }
        self.events();
    }

    fn is_ready(&self) -> bool {
        self.connected
    }

    fn fill(&mut self, _: Timestamp) {
        let Some(id) = self.bulk() else { return };
        let Some((_, connection)) = &mut self.connection else { return };
        while connection.send_stream(id).write(&self.piece).is_ok_and(|taken| taken > 0) {}
    }

    fn send(&mut self, now: Timestamp) {
        self.waiting.push_back(message(now));
    }

    fn take(&mut self, taken: &mut Taken) {
        taken.bulk += std::mem::take(&mut self.taken.bulk);
        taken.messages.append(&mut self.taken.messages);
    }

    fn is_dead(&self) -> bool {
        self.dead
    }
}

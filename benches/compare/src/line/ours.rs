//! Bit Chat: two links with the settings that a node gives them.

use super::{End, MESSAGE, PIECE, Taken, message};
use crate::cpu::ours::{self, CHANNEL, Meeting, via};
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::{Now, Timestamp};
use bitchat_core::crypto::suite::Suite;
use bitchat_core::link::{Lane, Link, LinkEvent};
use bitchat_core::transport::PathMemory;
use std::collections::VecDeque;

struct Ours {
    of: usize,
    link: Link,
    rng: Rng,
    events: Vec<LinkEvent>,
    taken: Taken,
    /// Messages for which the link had no room yet.
    waiting: VecDeque<[u8; MESSAGE]>,
    piece: Vec<u8>,
    ready: bool,
    dead: bool,
    buffer: Vec<u8>,
}

/// Both ends, fresh from a handshake.
pub fn ends(seed: u64, now: Timestamp) -> [Box<dyn End>; 2] {
    let mut meeting = Meeting::new(Suite::default());
    let sessions = meeting.meet();
    [0, 1].map(|of| {
        let mut key = [of as u8; 32];
        key[8..16].copy_from_slice(&seed.to_le_bytes());
        let mut rng = Rng::new(&Seed(key));
        let mut events = Vec::new();
        let link = meeting.link(of, now, &sessions[of], ours::largest(), &mut rng, &mut events);
        let end: Box<dyn End> = Box::new(Ours {
            of,
            link,
            rng,
            events,
            taken: Taken::default(),
            waiting: VecDeque::new(),
            piece: vec![7; PIECE],
            ready: false,
            dead: false,
            buffer: vec![0; ours::largest()],
        });
        end
    })
}

impl Ours {
    fn hear(&mut self) {
        for event in self.events.drain(..) {
            match event {
                LinkEvent::Message { data, .. } if data.len() == MESSAGE => {
                    self.taken.message(&data);
                }
                LinkEvent::Message { data, .. } => self.taken.bulk += data.len() as u64,
                LinkEvent::ChannelUp(_) => self.ready = true,
                LinkEvent::Closed(_) => self.dead = true,
                _ => {}
            }
        }
    }

    fn send_waiting(&mut self) {
        while let Some(message) = self.waiting.front() {
            if !self.link.send(CHANNEL, Lane::Chat, message) {
                return;
            }
            self.waiting.pop_front();
        }
    }
}

impl End for Ours {
    fn poll_transmit(&mut self, now: Timestamp) -> Option<Vec<u8>> {
        self.send_waiting();
        let len = ours::poll(&mut self.link, now, &mut self.buffer)?;
        Some(self.buffer[..len].to_vec())
    }

    fn handle_datagram(&mut self, now: Timestamp, mut data: Vec<u8>) {
        let (via, rng, events) = (via(self.of), &mut self.rng, &mut self.events);
        let _ = ours::take(&mut self.link, now, via, &mut data, rng, events);
        self.hear();
    }

    fn poll_timeout(&mut self) -> Option<Timestamp> {
        self.link.poll_timeout().map(|(at, _)| at)
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        let now = Now { mono: now, wall: None };
        self.link.handle_timeout(now, &mut self.rng, &mut self.events);
        self.hear();
    }

    fn is_ready(&self) -> bool {
        self.ready
    }

    fn fill(&mut self, _: Timestamp) {
        while self.link.send(CHANNEL, Lane::History, &self.piece) {}
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

    fn memory(&self) -> Option<PathMemory> {
        self.link.path_memory()
    }

    fn resume(&mut self, memory: PathMemory) {
        self.link.resume(memory);
    }
}

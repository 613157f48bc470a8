//! Where the peer is, and how it is believed (spec 08 §Two addresses).

use crate::base::ids::SocketId;
use crate::base::rng::Stream;
use crate::base::time::Timestamp;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;

/// Answers to challenges that wait to be sent; more are dropped, the peer asks again.
const MAX_RESPONSES: usize = 4;
/// How often a challenge is sent before the address is given up.
const MAX_CHALLENGES: u32 = 5;
/// The first wait for an answer; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// One of our sockets and an address of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via {
    /// Ours.
    pub socket: SocketId,
    /// The peer's.
    pub remote: SocketAddr,
}

/// What a packet of its own on a certain path carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathFrame {
    Challenge([u8; 8]),
    Response([u8; 8]),
}

/// An address that the peer may have moved to.
#[derive(Debug)]
struct Trial {
    via: Via,
    token: [u8; 8],
    sent: u32,
    next: Timestamp,
    /// Bytes that came from there, and that went there: never more than thrice as many go.
    received: u64,
    spent: u64,
}

/// The path in use and the one on trial.
#[derive(Debug)]
pub(crate) struct Paths {
    current: Via,
    trial: Option<Trial>,
    responses: VecDeque<(Via, [u8; 8])>,
}

impl Paths {
    pub(crate) const fn new(current: Via) -> Self {
        Self { current, trial: None, responses: VecDeque::new() }
    }

    /// Where packets go.
    pub(crate) const fn current(&self) -> Via {
        self.current
    }

    /// An authentic packet of `len` bytes came by `via`. `newest`: no later one came before it.
    pub(crate) fn on_packet(
        &mut self,
        now: Timestamp,
        via: Via,
        len: usize,
        newest: bool,
        public: &mut Stream,
    ) {
        if via == self.current {
            return;
        }
        match &mut self.trial {
            Some(trial) if trial.via == via => trial.received += len as u64,
            _ if newest => {
                self.trial = Some(Trial {
                    via,
                    token: public.bytes(),
                    sent: 0,
                    next: now,
                    received: len as u64,
                    spent: 0,
                });
            }
            _ => {}
        }
    }

    /// The peer challenges the path that its packet came by.
    pub(crate) fn on_challenge(&mut self, via: Via, token: [u8; 8]) {
        if self.responses.len() < MAX_RESPONSES {
            self.responses.push_back((via, token));
        }
    }

    /// The peer answers a challenge. True if the link moved (BC-08.14).
    pub(crate) fn on_response(&mut self, token: [u8; 8]) -> bool {
        match self.trial.take_if(|trial| trial.token == token) {
            Some(trial) => {
                self.current = trial.via;
                true
            }
            None => false,
        }
    }

    /// A frame that is due on some path; the packet with it has `len` bytes.
    pub(crate) fn poll(&mut self, now: Timestamp, len: usize) -> Option<(Via, PathFrame)> {
        if let Some((via, token)) = self.responses.pop_front() {
            return Some((via, PathFrame::Response(token)));
        }
        let trial = self.trial.as_mut().filter(|trial| trial.next <= now)?;
        if trial.sent >= MAX_CHALLENGES {
            self.trial = None;
            return None;
        }
        trial.next = now + FIRST_WAIT * (1 << trial.sent);
        trial.sent += 1;
        if trial.spent + len as u64 > trial.received * 3 {
            return None;
        }
        trial.spent += len as u64;
        Some((trial.via, PathFrame::Challenge(trial.token)))
    }

    /// When [`Self::poll`] has something; in the past if it has now.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        if self.responses.is_empty() {
            self.trial.as_ref().map(|trial| trial.next)
        } else {
            Some(Timestamp::ZERO)
        }
    }
}

#[cfg(test)]
mod tests;

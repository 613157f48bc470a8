//! What goes out: datagrams are pulled, actions and events are handed over.

use super::Node;
use super::api::{Action, Event, Transmit, TransmitPoll};
use crate::base::time::Now;
use crate::link::{Link, PACKET_LEN, Via};

impl Node {
    /// Fills `buf` with the next datagram, or with up to `max_segments` of equal length (the last
    /// may be shorter) for one destination. Call it until it says [`TransmitPoll::Pending`].
    ///
    /// `buf` needs room for one datagram of 1,200 bytes; with less nothing happens but
    /// [`TransmitPoll::NeedSpace`], whether or not there is something to send.
    pub fn poll_transmit(&mut self, now: Now, max_segments: usize, buf: &mut [u8]) -> TransmitPoll {
        let now = self.advance(now);
        if buf.len() < PACKET_LEN {
            return TransmitPoll::NeedSpace(PACKET_LEN);
        }
        while let Some((socket, to, datagram)) = self.sockets.pop() {
            // Nothing that long is ever queued; if it were, it would be lost as datagrams may be.
            let Some(room) = buf.get_mut(..datagram.len()) else { continue };
            room.copy_from_slice(&datagram);
            self.stats.datagrams_out += 1;
            return TransmitPoll::Ready(Transmit {
                socket,
                to,
                len: room.len(),
                segment_size: None,
            });
        }
        while let Some(id) = self.dirty.first().copied() {
            if let Some(link) = self.links.get_mut(&id)
                && let Some(transmit) = fill(link, now, max_segments, buf)
            {
                let segments = transmit.segment_size.map_or(1, |size| transmit.len.div_ceil(size));
                self.stats.datagrams_out += segments as u64;
                return TransmitPoll::Ready(transmit);
            }
            self.dirty.remove(&id);
        }
        TransmitPoll::Pending
    }

    /// The next thing that the node asks of the world.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next thing that the application is told.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        // What waited for room goes on with the next call, which is due at once.
        self.wake |= self.paused && !self.ledger.is_full();
        event
    }
}

/// Packets of one link, as many as fit and belong together.
fn fill(link: &mut Link, now: Now, max_segments: usize, buf: &mut [u8]) -> Option<Transmit> {
    let (Via { socket, remote: to }, first) = link.poll_packet(now.mono, buf)?;
    let mut len = first;
    let mut segments = 1;
    // Only full packets are followed by others: behind a shorter one GSO allows none.
    while len == segments * PACKET_LEN && segments < max_segments && buf.len() - len >= PACKET_LEN {
        let Some((_, next)) = buf.get_mut(len..).and_then(|rest| link.poll_packet(now.mono, rest))
        else {
            break;
        };
        len += next;
        segments += 1;
    }
    Some(Transmit { socket, to, len, segment_size: (segments > 1).then_some(first) })
}

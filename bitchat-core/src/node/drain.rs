//! What goes out: datagrams are pulled, actions and events are handed over.

use super::Node;
use super::api::{Action, Event, Transmit, TransmitPoll};
use crate::base::time::Now;
use crate::link::{Link, Via};
use crate::transport::Ecn;

impl Node {
    /// Fills `buf` with the next datagram, or with up to `max_segments` of equal length (the last
    /// may be shorter) for one destination. Call it until it says [`TransmitPoll::Pending`].
    ///
    /// `buf` needs room for the largest datagram,
    /// [`LinkLimits::datagram_bytes`](crate::base::limits::LinkLimits::datagram_bytes); with less nothing
    /// happens but [`TransmitPoll::NeedSpace`], whether or not there is something to send.
    pub fn poll_transmit(&mut self, now: Now, max_segments: usize, buf: &mut [u8]) -> TransmitPoll {
        let now = self.advance(now);
        let needed = self.config.limits.link.datagram_bytes;
        if buf.len() < needed {
            return TransmitPoll::NeedSpace(needed);
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
                ecn: None,
            });
        }
        while let Some(id) = self.links.dirty() {
            if let Some(link) = self.links.get_mut(id)
                && let Some((transmit, packets)) =
                    self.growth.watch(link, |link| fill(link, now, max_segments, buf))
            {
                self.stats.datagrams_out += packets as u64;
                return TransmitPoll::Ready(transmit);
            }
            self.links.settle(id);
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

/// Packets of one link, as many as fit and belong together, and how many they are.
fn fill(link: &mut Link, now: Now, max: usize, buf: &mut [u8]) -> Option<(Transmit, usize)> {
    let first = link.poll_packet(now.mono, buf)?;
    let (len, packets) = link.poll_batch(now.mono, &first, max, buf);
    let Via { socket, remote: to } = first.via;
    let segment_size = (packets > 1).then_some(first.len);
    let ecn = first.ect.then_some(Ecn::Ect0);
    Some((Transmit { socket, to, len, segment_size, ecn }, packets))
}

//! What goes out: datagrams are pulled, actions and events are handed over.

use super::Node;
use super::api::{Action, Event, Transmit, TransmitPoll};
use super::log::LogRecord;
use super::outbox::Datagram;
use crate::base::time::Now;
use crate::crypto::key_log::KeyLogLine;
#[cfg(feature = "qlog")]
use crate::link::QlogRecord;
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
        let needed = self.fx.config.limits.link.datagram_bytes;
        if buf.len() < needed {
            return TransmitPoll::NeedSpace(needed);
        }
        while let Some(datagram) = self.fx.outbox.pop_datagram() {
            let Datagram { socket, to, local, data } = datagram;
            // Nothing that long is ever queued; if it were, it would be lost as datagrams may be.
            let Some(room) = buf.get_mut(..data.len()) else { continue };
            room.copy_from_slice(&data);
            self.fx.outbox.stats.datagrams_out += 1;
            return TransmitPoll::Ready(Transmit {
                socket,
                to,
                len: room.len(),
                segment_size: None,
                ecn: None,
                local,
            });
        }
        let filled = self.sessions.fill(|link| fill(link, now, max_segments, buf));
        let Some((transmit, packets)) = filled else { return TransmitPoll::Pending };
        self.fx.outbox.stats.datagrams_out += packets as u64;
        TransmitPoll::Ready(transmit)
    }

    /// The next thing that the node asks of the world.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.fx.outbox.actions.pop_front()
    }

    /// The next thing that the application is told.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.fx.outbox.pop_event();
        // What waited for room goes on with the next call, which is due at once.
        self.wake |= self.sessions.is_paused() && !self.store.is_full();
        event
    }

    /// The next thing that the node says of its work, oldest first: nothing unless
    /// [`Config::log`](super::Config::log) asks for it. Whoever does not poll loses the oldest
    /// records, and no more: [`LogRecord::lost`] counts them.
    pub fn poll_log(&mut self) -> Option<LogRecord> {
        self.fx.outbox.log.poll()
    }

    /// The next line of the key log; `None` unless
    /// [`Config::insecure_key_log`](super::Config::insecure_key_log) is set.
    ///
    /// To be polled before [`poll_transmit`](Self::poll_transmit): so a live analyser has the keys
    /// before the packets. A line holds a secret: write it where nobody else can read it, with a
    /// line feed, and drop it. At most 1,024 lines wait, then the oldest are lost.
    pub fn poll_key_log(&mut self) -> Option<KeyLogLine> {
        self.fx.outbox.pop_key_log()
    }

    /// The next record of a trace, in order for each link; `None` unless
    /// [`Config::qlog`](super::Config::qlog) is set. Whoever does not poll loses records, and no
    /// more: at most 4 MiB wait for each link, and as many for those that are gone.
    ///
    /// Records show who talks to whom, when, how much and from where. They hold no key and nothing
    /// that anybody said.
    #[cfg(feature = "qlog")]
    pub fn poll_qlog(&mut self) -> Option<QlogRecord> {
        if self.fx.config.qlog { self.sessions.poll_trace() } else { None }
    }
}

/// Packets of one link, as many as fit and belong together, and how many they are.
fn fill(link: &mut Link, now: Now, max: usize, buf: &mut [u8]) -> Option<(Transmit, usize)> {
    let first = link.poll_packet(now.mono, buf)?;
    let (len, packets) = link.poll_batch(now.mono, &first, max, buf);
    // A transmit is a datagram: what goes by a stream or a relay leaves otherwise.
    let Via::Udp { socket, remote: to } = first.via else { return None };
    let segment_size = (packets > 1).then_some(first.len);
    let ecn = first.ect.then_some(Ecn::Ect0);
    let local = link.local(first.via);
    Some((Transmit { socket, to, len, segment_size, ecn, local }, packets))
}

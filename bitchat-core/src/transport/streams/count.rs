//! How many streams each side opened, and may open (MAX_STREAMS).

use crate::transport::config::{INITIAL_MAX_STREAMS, Side};
use crate::transport::error::TransportError;
use crate::transport::stream_id::TransportStreamId;

/// The streams that both sides opened, in numbers.
#[derive(Debug)]
pub(super) struct StreamCount {
    side: Side,
    /// Streams that this side, and that the peer, ever opened.
    opened: u64,
    peer_opened: u64,
    /// Streams of the peer's that are over.
    peer_closed: u64,
    /// How many this side, and the peer, may ever open.
    open_limit: u64,
    peer_open_limit: u64,
    /// Streams of the peer's that may be open at once.
    max_open: u64,
    /// MAX_STREAMS is to be sent.
    pub(super) due: bool,
    /// Opening a stream was refused since the peer last raised the limit.
    opener_waits: bool,
}

impl StreamCount {
    /// The initiator has opened stream 0; of the peer's streams `max_open` may be open at once.
    pub(super) fn new(side: Side, max_open: u64) -> Self {
        let ours = u64::from(side == Side::Initiator);
        Self {
            side,
            opened: ours,
            peer_opened: 1 - ours,
            peer_closed: 0,
            open_limit: INITIAL_MAX_STREAMS,
            peer_open_limit: INITIAL_MAX_STREAMS,
            max_open,
            due: false,
            opener_waits: false,
        }
    }

    /// The next stream of this side, if the peer allows one more.
    pub(super) fn open(&mut self) -> Option<TransportStreamId> {
        if self.opened >= self.open_limit {
            self.opener_waits = true;
            return None;
        }
        let id = TransportStreamId::new(self.side, self.opened);
        self.opened += 1;
        Some(id)
    }

    /// The stream is open, or was and is over.
    pub(super) fn was_opened(&self, id: TransportStreamId) -> bool {
        let opened = if id.opener() == self.side { self.opened } else { self.peer_opened };
        id.index() < opened
    }

    /// Whether the peer may name the stream (BC-07.18, BC-07.19).
    pub(super) fn check(&self, id: TransportStreamId) -> Result<(), TransportError> {
        if id.opener() == self.side {
            if id.index() >= self.opened {
                return Err(TransportError::StreamState);
            }
        } else if id.index() >= self.peer_open_limit {
            return Err(TransportError::StreamLimit);
        }
        Ok(())
    }

    /// The peer named `id`: the next stream that it opens by that. A stream opens all of its
    /// opener's before it (BC-07.25).
    pub(super) fn next_opened_by_peer(
        &mut self,
        id: TransportStreamId,
    ) -> Option<TransportStreamId> {
        if id.opener() == self.side || self.peer_opened > id.index() {
            return None;
        }
        let opened = TransportStreamId::new(id.opener(), self.peer_opened);
        self.peer_opened += 1;
        self.grant_if_due();
        Some(opened)
    }

    /// The stream is over in both directions.
    pub(super) fn on_over(&mut self, id: TransportStreamId) {
        if id.opener() != self.side {
            self.peer_closed += 1;
            self.grant_if_due();
        }
    }

    /// The peer is told of a higher limit once that is worth a frame: the first time as soon as it
    /// opens a stream, since at the start it was granted only what every peer grants.
    fn grant_if_due(&mut self) {
        let allowed = self.peer_closed + self.max_open;
        self.due |= allowed >= self.peer_open_limit + (self.max_open / 8).max(1);
    }

    /// The limit to announce.
    pub(super) fn grant(&mut self) -> u64 {
        self.peer_open_limit = self.peer_closed + self.max_open;
        self.peer_open_limit
    }

    /// The peer lets this side open `limit` streams. True if the application waits for that.
    pub(super) fn raise_limit(&mut self, limit: u64) -> bool {
        if limit <= self.open_limit {
            return false;
        }
        self.open_limit = limit;
        core::mem::take(&mut self.opener_waits)
    }
}

#[cfg(test)]
mod tests;

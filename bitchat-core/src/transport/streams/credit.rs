//! The credit that the streams of a link share, in both directions.

use super::flow::{Growth, ReceiveCredit};
use crate::base::time::Timestamp;
use crate::transport::config::{INITIAL_MAX_DATA, TransportConfig};
use crate::transport::error::TransportError;
use crate::transport::stream_id::TransportStreamId;
use core::time::Duration;

/// The link's credit, for all streams but the control stream, which it does not limit (BC-07.26).
#[derive(Debug)]
pub(super) struct LinkCredit {
    /// Bytes sent for the first time, and how many the peer allows (MAX_DATA).
    sent: u64,
    limit: u64,
    /// What the peer may send.
    receive: ReceiveCredit,
    /// MAX_DATA is to be sent.
    pub(super) due: bool,
    /// The window that a stream begins with.
    pub(super) stream_window: u64,
    /// The link's window at the start, and the gaps of a stream that go with it.
    least_window: u64,
    max_gaps: usize,
}

impl LinkCredit {
    pub(super) const fn new(config: &TransportConfig) -> Self {
        Self {
            sent: 0,
            limit: INITIAL_MAX_DATA,
            receive: ReceiveCredit::new(INITIAL_MAX_DATA, config.receive_window),
            due: false,
            stream_window: config.stream_window,
            least_window: config.receive_window,
            max_gaps: config.reassembly_gaps,
        }
    }

    /// Bytes that stream `id` may send for the first time.
    pub(super) const fn sendable(&self, id: TransportStreamId) -> u64 {
        if id.is_control() { u64::MAX } else { self.limit - self.sent }
    }

    /// Stream `id` sent `bytes` for the first time.
    pub(super) const fn on_sent(&mut self, id: TransportStreamId, bytes: u64) {
        if !id.is_control() {
            self.sent += bytes;
        }
    }

    /// The peer allows `limit` bytes. False if that is no more than before: credit is never taken
    /// back (BC-07.27).
    pub(super) const fn raise_limit(&mut self, limit: u64) -> bool {
        let raised = limit > self.limit;
        if raised {
            self.limit = limit;
        }
        raised
    }

    /// The largest offset of stream `id` grew by `bytes`.
    pub(super) fn on_received(
        &mut self,
        id: TransportStreamId,
        bytes: u64,
    ) -> Result<(), TransportError> {
        if id.is_control() {
            return Ok(());
        }
        self.receive.on_received(bytes).map_err(|_| TransportError::FlowControl)
    }

    /// Bytes of stream `id` left the receive buffer.
    pub(super) fn on_consumed(&mut self, id: TransportStreamId, bytes: u64) {
        if !id.is_control() {
            self.due |= self.receive.on_consumed(bytes);
        }
    }

    /// The limit to announce, once the window has grown by what it should and `growth` gives.
    pub(super) fn grant(
        &mut self,
        now: Timestamp,
        round_trip: Option<Duration>,
        growth: &mut Growth,
    ) -> u64 {
        let wanted = self.receive.wanted_growth(now, round_trip);
        self.receive.widen(self.receive.window() + growth.take(wanted));
        self.receive.grant()
    }

    /// The window that a stream has at least, now that the link's has its present size.
    pub(super) const fn window_of_streams(&self) -> u64 {
        self.receive.window() / 2
    }

    /// Gaps that one stream may have, `max_gaps` at the window of the start: a node for each costs
    /// less than the data between them (BC-07.82).
    pub(super) fn gaps_allowed(&self) -> usize {
        let times = self.receive.window() / self.least_window.max(1);
        self.max_gaps.saturating_mul(usize::try_from(times).unwrap_or(usize::MAX).max(1))
    }

    /// Makes the window as small as at the start if the peer was granted no more. Returns by how
    /// much it shrank.
    pub(super) fn narrow(&mut self) -> u64 {
        self.receive.narrow(self.least_window)
    }

    /// Bytes received and not consumed.
    pub(super) const fn unread(&self) -> u64 {
        self.receive.unread()
    }
}

#[cfg(test)]
mod tests;

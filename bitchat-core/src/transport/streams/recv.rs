//! The receiving half of a stream: putting pieces in order.

use super::flow::ReceiveCredit;
use crate::base::rangeset::RangeSet;
use crate::transport::config::INITIAL_MAX_STREAM_DATA;
use crate::transport::error::TransportError;
use bytes::{Bytes, BytesMut};
use core::ops::Range;
use std::collections::BTreeMap;

/// Neighbouring pieces are joined up to this size, so that a peer that sends single bytes makes us
/// hold few allocations. It bounds the bytes copied per frame, too.
const JOIN: usize = 1_024;

/// What reading a stream gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The next bytes, in order.
    Data(Bytes),
    /// Nothing yet.
    Pending,
    /// The peer finished the stream and everything was read.
    Finished,
    /// The peer reset the stream with this code; what was not read is gone.
    Reset(u64),
}

/// What a STREAM frame did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// By how much the largest offset grew: what flow control counts.
    pub(super) grown: u64,
    /// The next read gives something that it would not have given before.
    pub(super) readable: bool,
    /// Nothing was taken: the stream has as many gaps as it may, and this would be another. The
    /// packet is not acknowledged, and the peer sends the data again (BC-07.22).
    pub(super) refused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Reset(u64),
    /// The end or the reset was read, or the application wants no more.
    Over,
}

#[derive(Debug)]
pub(super) struct RecvHalf {
    pieces: BTreeMap<u64, Bytes>,
    received: RangeSet,
    read: u64,
    pub(super) credit: ReceiveCredit,
    final_size: Option<u64>,
    state: State,
    /// The application wants no more: data is counted and dropped.
    stopped: bool,
}

impl RecvHalf {
    pub(super) const fn new(window: u64) -> Self {
        Self {
            pieces: BTreeMap::new(),
            received: RangeSet::new(),
            read: 0,
            credit: ReceiveCredit::new(INITIAL_MAX_STREAM_DATA, window),
            final_size: None,
            state: State::Open,
            stopped: false,
        }
    }

    /// The largest offset received.
    const fn highest(&self) -> u64 {
        self.credit.received()
    }

    /// Nothing more will come: the end was read, or the peer reset the stream.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// The size of the stream is not known yet: the peer may send more.
    pub(super) fn is_growing(&self) -> bool {
        self.state == State::Open && self.final_size.is_none()
    }

    /// The peer may send more, and the application wants it.
    pub(super) fn wants_credit(&self) -> bool {
        self.is_growing() && !self.stopped
    }

    fn is_complete(&self) -> bool {
        self.final_size == Some(self.read)
    }

    /// Checks an offset that the peer used, and the end of the stream if this is it.
    fn check_size(&mut self, end: u64, fin: bool) -> Result<u64, TransportError> {
        let highest = self.highest();
        let changed = match self.final_size {
            Some(size) => end > size || fin && end != size,
            None => fin && end < highest,
        };
        if changed {
            return Err(TransportError::FinalSize);
        }
        let grown = end.saturating_sub(highest);
        self.credit.on_received(grown).map_err(|_| TransportError::FlowControl)?;
        if fin {
            self.final_size = Some(end);
        }
        Ok(grown)
    }

    /// A piece arrived; `offset` plus its length is at most 2^62 - 1.
    pub(super) fn on_data(
        &mut self,
        offset: u64,
        data: &[u8],
        fin: bool,
        max_gaps: usize,
    ) -> Result<Received, TransportError> {
        let end = offset + data.len() as u64;
        if self.state == State::Open && !self.stopped && self.would_add_gap(offset..end, max_gaps) {
            return Ok(Received { refused: true, ..Received::default() });
        }
        let before = self.is_readable();
        let grown = self.check_size(end, fin)?;
        if self.state != State::Open {
            return Ok(Received { grown, ..Received::default() });
        }
        if self.stopped {
            self.read = self.highest();
            self.finish_stopped();
            return Ok(Received { grown, ..Received::default() });
        }
        self.insert(offset, data);
        Ok(Received { grown, readable: !before && self.is_readable(), refused: false })
    }

    /// Whether taking `range` would exceed `max_gaps`.
    fn would_add_gap(&self, range: Range<u64>, max_gaps: usize) -> bool {
        if self.received.ranges() < max_gaps || range.start <= self.read || range.is_empty() {
            return false;
        }
        // It touches nothing that is there, so it would be an island.
        let around = range.start - 1..range.end + 1;
        self.received.gaps(around.clone()).next() == Some(around)
    }

    fn insert(&mut self, offset: u64, data: &[u8]) {
        let end = offset + data.len() as u64;
        let start = offset.max(self.read);
        if start >= end {
            return;
        }
        let missing = |received: &RangeSet, from| received.gaps(from..end).next();
        let mut from = start;
        while let Some(gap) = missing(&self.received, from) {
            from = gap.end;
            let slice = |at: u64| usize::try_from(at - offset).unwrap_or(usize::MAX);
            if let Some(piece) = data.get(slice(gap.start)..slice(gap.end)) {
                self.add_piece(gap.start, piece);
            }
            self.received.insert(gap);
        }
    }

    /// Stores a piece that overlaps none, joined with small neighbours.
    fn add_piece(&mut self, start: u64, data: &[u8]) {
        let end = start + data.len() as u64;
        let before = self.pieces.range(..start).next_back().and_then(|(&at, piece)| {
            let adjacent = at + piece.len() as u64 == start;
            (adjacent && piece.len() + data.len() <= JOIN).then_some(at)
        });
        let joined = before.map_or(0, |at| self.pieces.get(&at).map_or(0, Bytes::len)) + data.len();
        let after =
            self.pieces.get(&end).is_some_and(|piece| piece.len() + joined <= JOIN).then_some(end);
        if before.is_none() && after.is_none() {
            self.pieces.insert(start, Bytes::copy_from_slice(data));
            return;
        }
        let mut all = BytesMut::with_capacity(JOIN.min(joined + JOIN / 2));
        let before_piece = before.and_then(|at| self.pieces.remove(&at));
        let after_piece = after.and_then(|at| self.pieces.remove(&at));
        all.extend_from_slice(before_piece.as_deref().unwrap_or_default());
        all.extend_from_slice(data);
        all.extend_from_slice(after_piece.as_deref().unwrap_or_default());
        self.pieces.insert(before.unwrap_or(start), all.freeze());
    }

    /// Whether reading gives anything but [`Read::Pending`].
    pub(super) fn is_readable(&self) -> bool {
        match self.state {
            State::Open => {
                !self.stopped && (self.is_complete() || self.pieces.contains_key(&self.read))
            }
            State::Reset(_) => true,
            State::Over => false,
        }
    }

    /// The peer gave up; what is left unread of `final_size` is consumed. Says by how much the
    /// largest offset grew, and whether there is something to tell the application.
    pub(super) fn on_reset(
        &mut self,
        code: u64,
        final_size: u64,
    ) -> Result<Received, TransportError> {
        let grown = self.check_size(final_size, true)?;
        let mut received = Received { grown, ..Received::default() };
        if self.state == State::Open {
            self.pieces.clear();
            self.received = RangeSet::new();
            self.read = final_size;
            self.state = if self.stopped { State::Over } else { State::Reset(code) };
            received.readable = !self.stopped;
        }
        Ok(received)
    }

    /// The next bytes, or what became of the stream.
    pub(super) fn read(&mut self) -> Read {
        if let State::Reset(code) = self.state {
            self.state = State::Over;
            return Read::Reset(code);
        }
        if let Some(data) = self.pieces.remove(&self.read) {
            self.read += data.len() as u64;
            return Read::Data(data);
        }
        if self.state == State::Over || self.is_complete() {
            self.state = State::Over;
            return Read::Finished;
        }
        Read::Pending
    }

    /// Forgets what was received: the application wants no more.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.pieces.clear();
        self.received = RangeSet::new();
        self.read = self.highest();
        if let State::Reset(_) = self.state {
            self.state = State::Over;
        }
        self.finish_stopped();
    }

    /// A stopped stream is over once its size is known: all of it has been counted.
    fn finish_stopped(&mut self) {
        if self.final_size.is_some() {
            self.state = State::Over;
        }
    }

    /// The offset up to which everything was read or dropped.
    pub(super) const fn position(&self) -> u64 {
        self.read
    }

    /// Pieces held.
    #[cfg(test)]
    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }
}

#[cfg(test)]
mod tests;

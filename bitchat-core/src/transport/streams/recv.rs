//! The receiving half of a stream: putting pieces in order.

use super::blocks::{Blocks, Pool};
use super::flow::ReceiveCredit;
use crate::base::rangeset::RangeSet;
use crate::transport::config::INITIAL_MAX_STREAM_DATA;
use crate::transport::error::TransportError;
use bytes::Bytes;
use core::ops::Range;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Reset(u64),
    /// The end or the reset was read, or the application wants no more.
    Over,
}

#[derive(Debug)]
pub(super) struct RecvHalf {
    /// What was received and not read.
    blocks: Blocks,
    /// Everything below was read.
    read: u64,
    /// Everything below was received.
    ready: u64,
    /// What was received behind a gap.
    islands: RangeSet,
    pub(super) credit: ReceiveCredit,
    final_size: Option<u64>,
    state: State,
    /// The application wants no more: data is counted and dropped.
    stopped: bool,
}

impl RecvHalf {
    pub(super) const fn new(window: u64) -> Self {
        Self {
            blocks: Blocks::new(),
            read: 0,
            ready: 0,
            islands: RangeSet::new(),
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

    /// Checks an offset that the peer used, and the end of the stream if this is it. Says by how
    /// much the largest offset grew, which is what flow control counts.
    pub(super) fn check_size(&mut self, end: u64, fin: bool) -> Result<u64, TransportError> {
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

    /// Whether taking `range` would open one gap more than `max_gaps` (BC-07.22).
    #[inline]
    pub(super) fn refuses(&self, range: &Range<u64>, max_gaps: impl FnOnce() -> usize) -> bool {
        if range.start <= self.ready || range.is_empty() {
            return false;
        }
        if self.islands.ranges() < max_gaps() || self.state != State::Open || self.stopped {
            return false;
        }
        // It touches nothing that is there, so it would be an island.
        let around = range.start - 1..range.end + 1;
        self.islands.gaps(around.clone()).next() == Some(around)
    }

    /// A piece arrived whose place was [checked](Self::check_size). What is in order goes to
    /// `take`, which says whether it takes it; what it does not take is kept for
    /// [`read`](Self::read). Returns how many bytes need not be kept.
    pub(super) fn on_data(
        &mut self,
        offset: u64,
        data: &[u8],
        pool: &mut Pool,
        mut take: impl FnMut(&[u8]) -> bool,
    ) -> u64 {
        if self.state != State::Open {
            return 0;
        }
        let read = self.read;
        let end = offset + data.len() as u64;
        if self.stopped {
            self.read = self.highest();
            self.finish_stopped();
        } else if offset > self.ready {
            self.blocks.write(offset, data, pool);
            self.islands.insert(offset..end);
        } else if end > self.ready {
            let known = usize::try_from(self.ready - offset).unwrap_or(usize::MAX);
            let fresh = data.get(known..).unwrap_or_default();
            if self.read == self.ready && take(fresh) {
                self.read = end;
            } else {
                self.blocks.write(self.ready, fresh, pool);
            }
            self.ready = end;
            if !self.islands.is_empty() {
                self.close_gap(pool, take);
            }
        }
        self.read - read
    }

    /// What lay behind a gap that is closed now is in order.
    fn close_gap(&mut self, pool: &mut Pool, mut take: impl FnMut(&[u8]) -> bool) {
        while let Some(next) = self.islands.first().filter(|next| next.start <= self.ready) {
            self.ready = self.ready.max(next.end);
            self.islands.pop_first();
        }
        while self.read < self.ready {
            let piece = self.blocks.piece(self.read..self.ready);
            if piece.is_empty() || !take(piece) {
                break;
            }
            self.read += piece.len() as u64;
        }
        self.release(pool);
    }

    /// Gives back the blocks of what was read.
    fn release(&mut self, pool: &mut Pool) {
        if self.read == self.ready && self.islands.is_empty() {
            self.blocks.clear(pool);
        } else {
            self.blocks.release(self.read, pool);
        }
    }

    /// Whether reading gives anything but [`Read::Pending`].
    pub(super) fn is_readable(&self) -> bool {
        match self.state {
            State::Open => !self.stopped && (self.is_complete() || self.read < self.ready),
            State::Reset(_) => true,
            State::Over => false,
        }
    }

    /// The peer gave up; what is left unread of `final_size`, which was
    /// [checked](Self::check_size), is consumed: how many bytes. `None` if the stream was over.
    pub(super) fn on_reset(&mut self, code: u64, final_size: u64, pool: &mut Pool) -> Option<u64> {
        if self.state != State::Open {
            return None;
        }
        let consumed = final_size.saturating_sub(self.read);
        self.forget(final_size, pool);
        self.state = if self.stopped { State::Over } else { State::Reset(code) };
        Some(consumed)
    }

    /// Drops what was not read; the stream is read up to `position`.
    fn forget(&mut self, position: u64, pool: &mut Pool) {
        self.blocks.clear(pool);
        self.islands = RangeSet::new();
        self.read = position;
        self.ready = position;
    }

    /// The next bytes, or what became of the stream.
    pub(super) fn read(&mut self, pool: &mut Pool) -> Read {
        if let State::Reset(code) = self.state {
            self.state = State::Over;
            return Read::Reset(code);
        }
        if self.read < self.ready {
            let data = Bytes::copy_from_slice(self.blocks.piece(self.read..self.ready));
            self.read += data.len() as u64;
            self.release(pool);
            return Read::Data(data);
        }
        if self.state == State::Over || self.is_complete() {
            self.state = State::Over;
            return Read::Finished;
        }
        Read::Pending
    }

    /// Forgets what was received: the application wants no more.
    pub(super) fn stop(&mut self, pool: &mut Pool) {
        self.stopped = true;
        self.forget(self.highest(), pool);
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

    /// Gives back what an empty buffer holds.
    pub(super) fn shrink(&mut self) {
        self.blocks.shrink();
    }
}

#[cfg(test)]
mod tests;

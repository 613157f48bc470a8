//! The sending half of a stream: what was written and what became of it.

use super::blocks::{Blocks, Pool};
use crate::base::rangeset::RangeSet;
use crate::transport::config::INITIAL_MAX_STREAM_DATA;
use core::ops::Range;

/// How far a single event (the end, a reset) has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Not wanted.
    None,
    /// To be sent, or sent and lost.
    Pending,
    Sent,
    Acked,
}

/// A piece to put into a STREAM frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) range: Range<u64>,
    pub(super) fin: bool,
    /// Bytes of it that were never sent before: what flow control counts.
    pub(super) fresh: u64,
}

#[derive(Debug)]
pub(super) struct SendHalf {
    /// What was written and not acknowledged.
    blocks: Blocks,
    /// Everything below was acknowledged.
    base: u64,
    written: u64,
    sent: u64,
    acked: RangeSet,
    lost: RangeSet,
    /// The offset that the peer lets us reach.
    limit: u64,
    fin: Step,
    reset: Option<(u64, Step)>,
    pub(super) stopped: Option<u64>,
}

impl SendHalf {
    pub(super) const fn new() -> Self {
        Self {
            blocks: Blocks::new(),
            base: 0,
            written: 0,
            sent: 0,
            acked: RangeSet::new(),
            lost: RangeSet::new(),
            limit: INITIAL_MAX_STREAM_DATA,
            fin: Step::None,
            reset: None,
            stopped: None,
        }
    }

    /// The application may still write.
    pub(super) fn is_open(&self) -> bool {
        self.fin == Step::None && self.reset.is_none()
    }

    /// The peer has everything, or knows that it gets no more.
    pub(super) fn is_over(&self) -> bool {
        match self.reset {
            Some((_, step)) => step == Step::Acked,
            None => self.fin == Step::Acked && self.base == self.written,
        }
    }

    /// Bytes written and not acknowledged.
    pub(super) fn buffered(&self) -> usize {
        usize::try_from(self.written - self.base).unwrap_or(usize::MAX)
    }

    pub(super) fn write(&mut self, data: &[u8], pool: &mut Pool) {
        self.blocks.write(self.written, data, pool);
        self.written += data.len() as u64;
    }

    pub(super) fn finish(&mut self) {
        if self.fin == Step::None {
            self.fin = Step::Pending;
        }
    }

    /// Drops what was not acknowledged; returns how many bytes that frees.
    pub(super) fn reset(&mut self, code: u64, pool: &mut Pool) -> usize {
        let freed = self.buffered();
        if self.reset.is_none() {
            self.reset = Some((code, Step::Pending));
            self.blocks.clear(pool);
            self.lost = RangeSet::new();
            self.acked = RangeSet::new();
            self.written = self.sent;
            self.base = self.sent;
        }
        freed
    }

    /// A reset to be sent: its code and the final size.
    pub(super) const fn reset_pending(&self) -> Option<(u64, u64)> {
        match self.reset {
            Some((code, Step::Pending)) => Some((code, self.sent)),
            _ => None,
        }
    }

    pub(super) fn on_reset(&mut self, step: Step) {
        if let Some((_, state)) = &mut self.reset
            && *state != Step::Acked
        {
            *state = step;
        }
    }

    /// The peer raised the limit; true if it did.
    pub(super) fn raise_limit(&mut self, limit: u64) -> bool {
        let raised = limit > self.limit;
        self.limit = self.limit.max(limit);
        raised
    }

    /// Whether there is something to send if the link grants `credit` fresh bytes.
    pub(super) fn has_work(&self, credit: u64) -> bool {
        if self.reset.is_some() {
            return false;
        }
        let fresh = self.written.min(self.limit) > self.sent && credit > 0;
        !self.lost.is_empty() || fresh || self.fin == Step::Pending && self.sent == self.written
    }

    /// Fresh data waits for nothing but the link's credit.
    pub(super) fn waits_for_link(&self) -> bool {
        self.reset.is_none() && self.written.min(self.limit) > self.sent
    }

    /// The next piece, lost data first; `room(start)` says how many bytes fit at that offset.
    pub(super) fn next_piece(
        &self,
        credit: u64,
        room: impl Fn(u64) -> Option<u64>,
    ) -> Option<Piece> {
        if !self.has_work(credit) {
            return None;
        }
        let (start, available_end) = match self.lost.first() {
            Some(lost) => (lost.start, lost.end),
            None => {
                let end = self.written.min(self.limit).min(self.sent.saturating_add(credit));
                (self.sent, end.max(self.sent))
            }
        };
        let room = room(start)?;
        let end = available_end.min(start.saturating_add(room));
        let fresh = end.saturating_sub(self.sent.max(start));
        let fin = end == self.written && matches!(self.fin, Step::Pending | Step::Sent);
        (end > start || fin).then_some(Piece { range: start..end, fin, fresh })
    }

    /// `piece` was put into a packet.
    pub(super) fn on_piece_sent(&mut self, piece: &Piece) {
        self.lost.remove(piece.range.clone());
        self.sent = self.sent.max(piece.range.end);
        if piece.fin {
            self.fin = Step::Sent;
        }
    }

    /// Copies the bytes from `offset` on to all of `out`.
    pub(super) fn copy(&self, offset: u64, out: &mut [u8]) {
        self.blocks.read(offset, out);
    }

    /// The peer has `range` (and the end); returns how many bytes of the buffer that frees.
    pub(super) fn on_acked(&mut self, range: Range<u64>, fin: bool, pool: &mut Pool) -> usize {
        if self.reset.is_some() {
            return 0;
        }
        if fin {
            self.fin = Step::Acked;
        }
        self.lost.remove(range.clone());
        let before = self.buffered();
        if range.start > self.base {
            self.acked.insert(range);
            return 0;
        }
        self.base = self.base.max(range.end);
        while let Some(next) = self.acked.first().filter(|next| next.start <= self.base) {
            self.base = self.base.max(next.end);
            self.acked.pop_first();
        }
        if self.base == self.written {
            self.blocks.clear(pool);
        } else {
            self.blocks.release(self.base, pool);
        }
        before - self.buffered()
    }

    /// A packet with `range` (and the end) was lost: it is sent again until acknowledged
    /// (BC-07.14).
    pub(super) fn on_lost(&mut self, range: Range<u64>, fin: bool) {
        if self.reset.is_some() {
            return;
        }
        if fin && self.fin == Step::Sent {
            self.fin = Step::Pending;
        }
        let range = range.start.max(self.base)..range.end;
        let Self { acked, lost, .. } = self;
        acked.gaps(range).for_each(|gap| {
            lost.insert(gap);
        });
    }

    /// Gives back what an empty buffer holds.
    pub(super) fn shrink(&mut self) {
        self.blocks.shrink();
    }
}

#[cfg(test)]
mod tests;

//! Bytes of a stream by their offset, in blocks of one size that are used again.
//!
//! What waits for an acknowledgement and what waits for a gap to close are both a window over a
//! stream that moves forward. Its bytes lie where their offset says, so nothing is searched, joined
//! or moved, and the memory is that of the window, however it was cut into frames.

use core::ops::Range;
use std::collections::VecDeque;

/// Bytes of a block.
pub(super) const BLOCK: usize = 4_096;

type Block = Box<[u8]>;

/// Blocks that nobody uses at the moment, for all streams of a link.
#[derive(Debug, Default)]
pub(super) struct Pool {
    spare: Vec<Block>,
}

impl Pool {
    fn take(&mut self) -> Block {
        self.spare.pop().unwrap_or_else(|| vec![0; BLOCK].into())
    }

    /// Gives the memory back that lies idle.
    pub(super) fn shrink(&mut self) {
        self.spare = Vec::new();
    }
}

/// A part of a stream, perhaps with holes.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// Blocks from number `first` on; those that hold nothing are missing.
    blocks: VecDeque<Option<Block>>,
    first: u64,
}

/// The block that holds the byte at `offset`.
const fn number(offset: u64) -> u64 {
    offset / BLOCK as u64
}

/// Where in its block the byte at `offset` is.
fn within(offset: u64) -> usize {
    usize::try_from(offset % BLOCK as u64).unwrap_or_default()
}

impl Blocks {
    pub(super) const fn new() -> Self {
        Self { blocks: VecDeque::new(), first: 0 }
    }

    /// The place of block `number`, made if need be.
    fn place(&mut self, number: u64) -> Option<&mut Option<Block>> {
        if self.blocks.is_empty() {
            self.first = number;
        }
        while number < self.first {
            self.blocks.push_front(None);
            self.first -= 1;
        }
        let at = usize::try_from(number - self.first).ok()?;
        if at >= self.blocks.len() {
            self.blocks.resize_with(at + 1, || None);
        }
        self.blocks.get_mut(at)
    }

    fn get(&self, number: u64) -> Option<&[u8]> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.blocks.get(at)?.as_deref()
    }

    /// Puts `data` at `offset`.
    pub(super) fn write(&mut self, mut offset: u64, mut data: &[u8], pool: &mut Pool) {
        while !data.is_empty() {
            let from = within(offset);
            let (head, tail) = data.split_at(data.len().min(BLOCK - from));
            let Some(place) = self.place(number(offset)) else { return };
            let block = place.get_or_insert_with(|| pool.take());
            if let Some(room) = block.get_mut(from..from + head.len()) {
                room.copy_from_slice(head);
            }
            offset += head.len() as u64;
            data = tail;
        }
    }

    /// The bytes of `range`, which were written, as far as they lie in one block.
    pub(super) fn piece(&self, range: Range<u64>) -> &[u8] {
        let from = within(range.start);
        let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let block = self.get(number(range.start)).unwrap_or_default();
        block.get(from..block.len().min(from.saturating_add(len))).unwrap_or_default()
    }

    /// Copies the bytes from `offset` on to all of `out`.
    pub(super) fn read(&self, mut offset: u64, mut out: &mut [u8]) {
        while !out.is_empty() {
            let piece = self.piece(offset..offset + out.len() as u64);
            let Some((head, tail)) = out.split_at_mut_checked(piece.len()) else { return };
            if head.is_empty() {
                return;
            }
            head.copy_from_slice(piece);
            offset += piece.len() as u64;
            out = tail;
        }
    }

    /// Nothing below `offset` is needed any more.
    pub(super) fn release(&mut self, offset: u64, pool: &mut Pool) {
        while self.first < number(offset)
            && let Some(block) = self.blocks.pop_front()
        {
            self.first += 1;
            pool.spare.extend(block);
        }
    }

    /// Nothing is needed any more.
    pub(super) fn clear(&mut self, pool: &mut Pool) {
        pool.spare.extend(self.blocks.drain(..).flatten());
    }

    /// Gives back what an empty window holds.
    pub(super) fn shrink(&mut self) {
        if self.blocks.is_empty() {
            self.blocks = VecDeque::new();
        }
    }

    /// Blocks held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.blocks.iter().flatten().count()
    }
}

#[cfg(test)]
mod tests;

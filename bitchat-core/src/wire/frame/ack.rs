//! The ACK frame: which packets arrived, newest first.

use super::{FrameError, code};
use crate::base::rangeset::RangeSet;
use crate::wire::reader::{DecodeError, Reader};
use crate::wire::varint;
use crate::wire::writer::Put;
use bytes::BufMut;
use core::ops::Range;
use core::time::Duration;

/// Most ranges of an ACK frame (BC-07.04).
pub const MAX_ACK_RANGES: usize = 64;

/// Packets received with each ECN mark since the session began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EcnCounts {
    /// Marked ECT(0).
    pub ect0: u64,
    /// Marked ECT(1).
    pub ect1: u64,
    /// Marked "congestion experienced".
    pub ce: u64,
}

/// A checked ACK frame whose ranges are still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The largest packet number acknowledged.
    pub largest: u64,
    /// How long the receiver held the packet `largest` before it sent this, in microseconds.
    pub delay_micros: u64,
    /// Counts of ECN marks, if the receiver sees them.
    pub ecn: Option<EcnCounts>,
    pub(super) first: u64,
    pub(super) ranges: &'a [u8],
    pub(super) count: usize,
}

impl<'a> Ack<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>, with_ecn: bool) -> Result<Self, FrameError> {
        let kind = if with_ecn { code::ACK_ECN } else { code::ACK };
        let malformed = |error| FrameError::Malformed { kind, error };
        let largest = reader.varint().map_err(malformed)?;
        let delay_micros = reader.varint().map_err(malformed)?;
        let more = reader.varint().map_err(malformed)?;
        let limit = MAX_ACK_RANGES - 1;
        let count = usize::try_from(more)
            .ok()
            .filter(|&count| count <= limit)
            .ok_or(malformed(DecodeError::TooLong { found: more, limit: limit as u64 }))?;
        let first = reader.varint().map_err(malformed)?;
        let mut start = largest.checked_sub(first).ok_or(FrameError::AckUnderflow)?;
        let mut rest = reader.clone();
        for _ in 0..count {
            let gap = rest.varint().map_err(malformed)?;
            let len = rest.varint().map_err(malformed)?;
            // Both are below 2^62, so the sum does not overflow.
            start = start.checked_sub(gap + len + 2).ok_or(FrameError::AckUnderflow)?;
        }
        let ranges = reader.bytes(reader.remaining() - rest.remaining()).map_err(malformed)?;
        let ecn = with_ecn.then(|| decode_ecn(reader)).transpose().map_err(malformed)?;
        Ok(Self { largest, delay_micros, ecn, first, ranges, count })
    }

    /// The acknowledged packet numbers as half-open ranges, newest first.
    #[must_use]
    pub const fn ranges(&self) -> AckRanges<'a> {
        AckRanges {
            next: Some((self.largest, self.first)),
            rest: Reader::new(self.ranges),
            left: self.count,
        }
    }

    /// The delay that the receiver states.
    #[must_use]
    pub const fn delay(&self) -> Duration {
        Duration::from_micros(self.delay_micros)
    }
}

fn decode_ecn(reader: &mut Reader<'_>) -> Result<EcnCounts, DecodeError> {
    Ok(EcnCounts { ect0: reader.varint()?, ect1: reader.varint()?, ce: reader.varint()? })
}

/// The ranges of an ACK frame, newest first.
#[derive(Clone, Debug)]
pub struct AckRanges<'a> {
    /// Largest number of the next range and how many numbers precede it there.
    next: Option<(u64, u64)>,
    rest: Reader<'a>,
    left: usize,
}

impl AckRanges<'_> {
    fn following(&mut self, start: u64) -> Option<(u64, u64)> {
        self.left = self.left.checked_sub(1)?;
        let gap = self.rest.varint().ok()?;
        let len = self.rest.varint().ok()?;
        Some((start.checked_sub(gap + 2)?, len))
    }
}

impl Iterator for AckRanges<'_> {
    type Item = Range<u64>;

    fn next(&mut self) -> Option<Range<u64>> {
        let (largest, before) = self.next.take()?;
        let start = largest.checked_sub(before)?;
        self.next = self.following(start);
        Some(start..largest + 1)
    }
}

/// Appends an ACK frame with as many of the newest ranges of `received` as fit into `room` bytes and
/// into [`MAX_ACK_RANGES`]. False, and nothing is written, if not even the newest does.
pub fn encode_ack(
    out: &mut impl BufMut,
    room: usize,
    delay: Duration,
    received: &RangeSet,
    ecn: Option<EcnCounts>,
) -> bool {
    let Some(newest) = received.last() else { return false };
    let (largest, first) = (newest.end - 1, newest.end - 1 - newest.start);
    let delay = u64::try_from(delay.as_micros()).unwrap_or(varint::MAX).min(varint::MAX);
    let ecn_values = || ecn.into_iter().flat_map(|ecn| [ecn.ect0, ecn.ect1, ecn.ce]);
    // The type and the count take a byte each: the count is below 64.
    let fixed = 2 + varint::len(largest) + varint::len(delay) + varint::len(first);
    let mut len = fixed + ecn_values().map(varint::len).sum::<usize>();
    if len > room {
        return false;
    }
    // A gap and a length for each further range, in the form of the wire.
    let older = || {
        let mut start = newest.start;
        received.iter().rev().skip(1).take(MAX_ACK_RANGES - 1).map(move |range| {
            let gap = start - range.end - 1;
            start = range.start;
            (gap, range.end - 1 - range.start)
        })
    };
    let fits = |&(gap, range): &(u64, u64)| {
        len += varint::len(gap) + varint::len(range);
        len <= room
    };
    let count = older().take_while(fits).count();
    out.put_u8(if ecn.is_some() { code::ACK_ECN } else { code::ACK });
    [largest, delay, count as u64, first].into_iter().for_each(|value| out.put_varint(value));
    for (gap, range) in older().take(count) {
        out.put_varint(gap);
        out.put_varint(range);
    }
    ecn_values().for_each(|value| out.put_varint(value));
    true
}

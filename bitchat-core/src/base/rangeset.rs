//! Sets of 64-bit numbers as sorted, disjoint ranges.

use core::ops::Range;
use std::collections::BTreeMap;

/// A set of numbers kept as half-open ranges that neither touch nor overlap.
///
/// Work is logarithmic in the number of ranges (plus the ranges that an operation swallows), so that
/// it is in proportion to what arrives, in whatever order (BC-12.61). The
/// highest range lies beside the others: what arrives in order only moves its end, without a search
/// and without memory of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeSet {
    /// All ranges but the highest.
    below: BTreeMap<u64, u64>,
    /// The highest; an empty range if there is none.
    top: (u64, u64),
}

impl RangeSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { below: BTreeMap::new(), top: (0, 0) }
    }

    /// Adds `range`; true if it held at least one number that was not there. An empty range adds
    /// nothing.
    pub fn insert(&mut self, range: Range<u64>) -> bool {
        if range.is_empty() {
            return false;
        }
        let Range { start, end } = range;
        let (top, top_end) = self.top;
        if start > top_end || self.is_empty() {
            if !self.is_empty() {
                self.below.insert(top, top_end);
            }
            self.top = (start, end);
            return true;
        }
        if start >= top {
            self.top.1 = top_end.max(end);
            return end > top_end;
        }
        if end < top {
            return self.insert_below(start, end);
        }
        self.top = (start, top_end.max(end));
        while let Some(last) = self.below.last_entry()
            && *last.get() >= start
        {
            self.top.0 = start.min(*last.key());
            last.remove();
        }
        true
    }

    /// Adds a range that does not reach the highest one.
    fn insert_below(&mut self, mut start: u64, mut end: u64) -> bool {
        if let Some((&before, &before_end)) = self.below.range(..=start).next_back() {
            if before_end >= end {
                return false;
            }
            if before_end >= start {
                start = before;
            }
        }
        while let Some((&next, &next_end)) = self.below.range(start..=end).next() {
            end = end.max(next_end);
            self.below.remove(&next);
        }
        self.below.insert(start, end);
        true
    }

    /// Adds one number; true if it was not there. `u64::MAX` cannot be a member.
    pub fn insert_one(&mut self, value: u64) -> bool {
        self.insert(value..value.saturating_add(1))
    }

    /// Removes `range`; true if anything was removed.
    pub fn remove(&mut self, range: Range<u64>) -> bool {
        if range.is_empty() || self.is_empty() {
            return false;
        }
        let removed = self.remove_below(&range);
        let (top, top_end) = self.top;
        if range.start >= top_end || range.end <= top {
            return removed;
        }
        match (range.start > top, range.end < top_end) {
            (true, true) => {
                self.below.insert(top, range.start);
                self.top.0 = range.end;
            }
            (true, false) => self.top.1 = range.start,
            (false, true) => self.top.0 = range.end,
            (false, false) => self.top = self.below.pop_last().unwrap_or_default(),
        }
        true
    }

    fn remove_below(&mut self, range: &Range<u64>) -> bool {
        let mut removed = false;
        if let Some((&start, &end)) = self.below.range(..range.start).next_back()
            && end > range.start
        {
            removed = true;
            self.below.insert(start, range.start);
            if end > range.end {
                self.below.insert(range.end, end);
            }
        }
        while let Some((&start, &end)) = self.below.range(range.clone()).next() {
            removed = true;
            self.below.remove(&start);
            if end > range.end {
                self.below.insert(range.end, end);
            }
        }
        removed
    }

    /// The range that begins last at or before `value`.
    fn before(&self, value: u64) -> Option<(u64, u64)> {
        if !self.is_empty() && self.top.0 <= value {
            return Some(self.top);
        }
        self.below.range(..=value).next_back().map(|(&start, &end)| (start, end))
    }

    /// Whether `value` is a member.
    #[must_use]
    pub fn contains(&self, value: u64) -> bool {
        self.before(value).is_some_and(|(_, end)| end > value)
    }

    /// Whether all of `range`, which is not empty, are members.
    #[must_use]
    pub fn covers(&self, range: &Range<u64>) -> bool {
        self.before(range.start).is_some_and(|(_, end)| end >= range.end)
    }

    /// The numbers of `within` that are not members, as ranges, ascending.
    pub fn gaps(&self, within: Range<u64>) -> impl Iterator<Item = Range<u64>> + '_ {
        let Range { start: mut at, end } = within;
        if let Some((_, before_end)) = self.before(at) {
            at = at.max(before_end);
        }
        let top = self.highest().filter(|&(start, _)| at <= start && start < end);
        let below = self.below.range(at.min(end)..end).map(|(&start, &end)| (start, end));
        let mut members = below.chain(top);
        core::iter::from_fn(move || {
            while at < end {
                let (next, next_end) = members.next().unwrap_or((end, end));
                let gap = at..next;
                at = next_end;
                if !gap.is_empty() {
                    return Some(gap);
                }
            }
            None
        })
    }

    fn highest(&self) -> Option<(u64, u64)> {
        (!self.is_empty()).then_some(self.top)
    }

    /// The smallest member's range.
    #[must_use]
    pub fn first(&self) -> Option<Range<u64>> {
        let below = self.below.first_key_value().map(|(&start, &end)| (start, end));
        below.or(self.highest()).map(|(start, end)| start..end)
    }

    /// The largest member's range.
    #[must_use]
    pub fn last(&self) -> Option<Range<u64>> {
        self.highest().map(|(start, end)| start..end)
    }

    /// Removes and returns the range of the smallest member.
    pub fn pop_first(&mut self) -> Option<Range<u64>> {
        let first = self.below.pop_first().or_else(|| {
            let top = self.highest();
            self.top = (0, 0);
            top
        });
        first.map(|(start, end)| start..end)
    }

    /// All ranges, ascending; reverse it for the newest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Range<u64>> + '_ {
        let below = self.below.iter().map(|(&start, &end)| start..end);
        below.chain(self.last())
    }

    /// How many ranges (not numbers) the set consists of.
    #[must_use]
    pub fn ranges(&self) -> usize {
        self.below.len() + usize::from(!self.is_empty())
    }

    /// How many numbers are members.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.iter().map(|range| range.end - range.start).sum()
    }

    /// Nothing is a member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.top.0 == self.top.1
    }
}

#[cfg(test)]
mod tests;

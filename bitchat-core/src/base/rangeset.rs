//! Sets of 64-bit numbers as sorted, disjoint ranges.

use core::ops::Range;
use std::collections::BTreeMap;

/// A set of numbers kept as half-open ranges that neither touch nor overlap.
///
/// Work is logarithmic in the number of ranges (plus the ranges that an operation swallows).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeSet(BTreeMap<u64, u64>);

impl RangeSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds `range`; true if it held at least one number that was not there. An empty range adds
    /// nothing.
    pub fn insert(&mut self, range: Range<u64>) -> bool {
        if range.is_empty() {
            return false;
        }
        let Range { mut start, mut end } = range;
        if let Some((&before, &before_end)) = self.0.range(..=start).next_back() {
            if before_end >= end {
                return false;
            }
            if before_end >= start {
                start = before;
            }
        }
        while let Some((&next, &next_end)) = self.0.range(start..=end).next() {
            end = end.max(next_end);
            self.0.remove(&next);
        }
        self.0.insert(start, end);
        true
    }

    /// Adds one number; true if it was not there. `u64::MAX` cannot be a member.
    pub fn insert_one(&mut self, value: u64) -> bool {
        self.insert(value..value.saturating_add(1))
    }

    /// Removes `range`; true if anything was removed.
    pub fn remove(&mut self, range: Range<u64>) -> bool {
        if range.is_empty() {
            return false;
        }
        let mut removed = false;
        if let Some((&start, &end)) = self.0.range(..range.start).next_back()
            && end > range.start
        {
            removed = true;
            self.0.insert(start, range.start);
            if end > range.end {
                self.0.insert(range.end, end);
            }
        }
        while let Some((&start, &end)) = self.0.range(range.clone()).next() {
            removed = true;
            self.0.remove(&start);
            if end > range.end {
                self.0.insert(range.end, end);
            }
        }
        removed
    }

    /// Whether `value` is a member.
    #[must_use]
    pub fn contains(&self, value: u64) -> bool {
        self.0.range(..=value).next_back().is_some_and(|(_, &end)| end > value)
    }

    /// The numbers of `within` that are not members, as ranges, ascending.
    pub fn gaps(&self, within: Range<u64>) -> impl Iterator<Item = Range<u64>> + '_ {
        let Range { start: mut at, end } = within;
        let before = self.0.range(..=at).next_back();
        if let Some((_, &before_end)) = before {
            at = at.max(before_end);
        }
        let mut members = self.0.range(at.min(end)..end);
        core::iter::from_fn(move || {
            while at < end {
                let (next, next_end) = members.next().map_or((end, end), |(&s, &e)| (s, e));
                let gap = at..next;
                at = next_end;
                if !gap.is_empty() {
                    return Some(gap);
                }
            }
            None
        })
    }

    /// The smallest member's range.
    #[must_use]
    pub fn first(&self) -> Option<Range<u64>> {
        self.0.first_key_value().map(|(&start, &end)| start..end)
    }

    /// The largest member's range.
    #[must_use]
    pub fn last(&self) -> Option<Range<u64>> {
        self.0.last_key_value().map(|(&start, &end)| start..end)
    }

    /// Removes and returns the range of the smallest member.
    pub fn pop_first(&mut self) -> Option<Range<u64>> {
        self.0.pop_first().map(|(start, end)| start..end)
    }

    /// All ranges, ascending; reverse it for the newest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Range<u64>> + '_ {
        self.0.iter().map(|(&start, &end)| start..end)
    }

    /// How many ranges (not numbers) the set consists of.
    #[must_use]
    pub fn ranges(&self) -> usize {
        self.0.len()
    }

    /// How many numbers are members.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.iter().map(|range| range.end - range.start).sum()
    }

    /// Nothing is a member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests;

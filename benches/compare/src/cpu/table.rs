//! Figures of contenders, row by row.

use crate::measure::Column;
use crate::report::{Table, digits};
use std::collections::{BTreeMap, BTreeSet};

/// A row: what was measured, and for whom.
#[derive(Clone, Debug)]
pub struct Row {
    pub what: String,
    pub unit: &'static str,
    pub figures: BTreeMap<Column, f64>,
    /// A larger figure is better.
    pub more_is_better: bool,
}

impl Row {
    pub fn new(
        what: impl Into<String>,
        unit: &'static str,
        figures: impl IntoIterator<Item = (Column, f64)>,
    ) -> Self {
        Self {
            what: what.into(),
            unit,
            figures: figures.into_iter().collect(),
            more_is_better: false,
        }
    }

    pub fn more_is_better(mut self) -> Self {
        self.more_is_better = true;
        self
    }

    /// The figure of one contender.
    pub fn of(&self, column: Column) -> Option<f64> {
        self.figures.get(&column).copied()
    }

    /// How many times better one is than another; none where one costs nothing.
    pub fn advantage(&self, of: Column, over: Column) -> Option<f64> {
        let (ours, other) = (self.of(of)?, self.of(over)?);
        let times = if self.more_is_better { ours / other } else { other / ours };
        times.is_finite().then_some(times)
    }
}

/// What is compared: one, the other, and how that is called.
const RATIOS: [(Column, Column, &str); 3] = [
    (Column::Ours, Column::QuinnAws, "ours to quinn, both aws-lc-rs"),
    (Column::Ours, Column::Quinn, "ours to quinn with ring"),
    (Column::OursRust, Column::QuinnRust, "ours to quinn, both RustCrypto"),
];

/// Rows under the columns of those who have a figure in one of them.
pub fn table(title: &str, note: &str, rows: &[Row]) -> Table {
    let who: BTreeSet<Column> = rows.iter().flat_map(|row| row.figures.keys().copied()).collect();
    let over: Vec<_> = RATIOS
        .into_iter()
        .filter(|(of, over, _)| rows.iter().any(|row| row.advantage(*of, *over).is_some()))
        .collect();
    let mut table = Table::new(title, &["figure", "unit"]).note(note);
    table.columns.extend(who.iter().map(|column| column.title().to_owned()));
    table.columns.extend(over.iter().map(|(_, _, title)| (*title).to_owned()));
    for row in rows {
        let mut cells = vec![row.what.to_owned(), row.unit.to_owned()];
        cells.extend(who.iter().map(|column| row.of(*column).map_or_else(String::new, digits)));
        let times = |times| format!("{times:.2}×");
        cells.extend(
            over.iter()
                .map(|(of, over, _)| row.advantage(*of, *over).map_or_else(String::new, times)),
        );
        table.rows.push(cells);
    }
    table
}

//! One table of figures, as Markdown.

use crate::measure::Column;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A row: what was measured, and for whom.
#[derive(Clone, Debug)]
pub struct Row {
    pub what: &'static str,
    pub unit: &'static str,
    pub figures: BTreeMap<Column, f64>,
    /// A larger figure is better.
    pub more_is_better: bool,
}

impl Row {
    pub fn new(
        what: &'static str,
        unit: &'static str,
        figures: impl IntoIterator<Item = (Column, f64)>,
    ) -> Self {
        Self { what, unit, figures: figures.into_iter().collect(), more_is_better: false }
    }

    pub fn more_is_better(mut self) -> Self {
        self.more_is_better = true;
        self
    }

    /// How many times better ours is than another's.
    fn advantage(&self, over: Column) -> Option<f64> {
        let (ours, other) = (self.figures.get(&Column::Ours)?, self.figures.get(&over)?);
        Some(if self.more_is_better { ours / other } else { other / ours })
    }
}

/// The whole table.
pub fn render(rows: &[Row]) -> String {
    let mut out = String::from("| figure | unit |");
    for column in Column::ALL {
        let _ = write!(out, " {} |", column.title());
    }
    out.push_str(" ours to quinn | to quinn, our AEAD |\n|---|---|");
    out.push_str(&"---:|".repeat(Column::ALL.len() + 2));
    out.push('\n');
    for row in rows {
        let _ = write!(out, "| {} | {} |", row.what, row.unit);
        for column in Column::ALL {
            let _ = write!(
                out,
                " {} |",
                row.figures.get(&column).map_or(String::new(), |f| digits(*f))
            );
        }
        for over in [Column::Quinn, Column::QuinnSameAead] {
            let times = row.advantage(over).map_or(String::new(), |times| format!("{times:.2}×"));
            let _ = write!(out, " {times} |");
        }
        out.push('\n');
    }
    out
}

/// Three significant digits.
fn digits(figure: f64) -> String {
    match figure {
        f if f >= 100.0 => format!("{f:.0}"),
        f if f >= 10.0 => format!("{f:.1}"),
        f => format!("{f:.2}"),
    }
}

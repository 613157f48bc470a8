//! What a run has to say: tables, targets and plots, as Markdown and SVG.

use std::fmt::Write as _;

/// A table. The first column says what was measured.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub title: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// What a reader must know to understand it.
    pub note: String,
}

/// Something we want, and whether we have it.
#[derive(Clone, Debug)]
pub struct Target {
    pub what: String,
    pub wanted: String,
    pub measured: String,
    pub met: bool,
}

/// A picture, by the name of its file.
#[derive(Clone, Debug)]
pub struct Plot {
    pub name: &'static str,
    pub svg: String,
}

/// What a group of measurements gave.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub tables: Vec<Table>,
    pub targets: Vec<Target>,
    pub plots: Vec<Plot>,
}

impl Report {
    pub fn append(&mut self, mut other: Self) {
        self.tables.append(&mut other.tables);
        self.targets.append(&mut other.targets);
        self.plots.append(&mut other.plots);
    }

    /// Ours must be at least `wanted`.
    pub fn at_least(&mut self, what: impl Into<String>, wanted: f64, measured: f64, unit: &str) {
        let met = measured >= wanted;
        self.target(what.into(), format!("≥ {wanted}{unit}"), measured, unit, met);
    }

    /// Ours must be at most `wanted`.
    pub fn at_most(&mut self, what: impl Into<String>, wanted: f64, measured: f64, unit: &str) {
        let met = measured <= wanted;
        self.target(what.into(), format!("≤ {wanted}{unit}"), measured, unit, met);
    }

    fn target(&mut self, what: String, wanted: String, measured: f64, unit: &str, met: bool) {
        let measured = format!("{}{unit}", digits(measured));
        self.targets.push(Target { what, wanted, measured, met });
    }

    /// Everything, targets first.
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        if !self.targets.is_empty() {
            out.push_str("\n## Targets\n\n| target | wanted | measured | |\n|---|---|---|---|\n");
        }
        for Target { what, wanted, measured, met } in &self.targets {
            let verdict = if *met { "kept" } else { "**missed**" };
            let _ = writeln!(out, "| {what} | {wanted} | {measured} | {verdict} |");
        }
        for table in &self.tables {
            out.push_str(&table.markdown());
        }
        out
    }
}

impl Table {
    pub fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { title: title.into(), columns, ..Self::default() }
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn markdown(&self) -> String {
        let mut out = format!("\n## {}\n\n", self.title);
        if !self.note.is_empty() {
            let _ = writeln!(out, "{}\n", self.note);
        }
        let _ = writeln!(out, "| {} |", self.columns.join(" | "));
        let rule = "---:|".repeat(self.columns.len().saturating_sub(1));
        let _ = writeln!(out, "|---|{rule}");
        for row in &self.rows {
            let _ = writeln!(out, "| {} |", row.join(" | "));
        }
        out
    }
}

/// Three significant digits.
pub fn digits(figure: f64) -> String {
    match figure {
        f if f.is_nan() => String::new(),
        f if f >= 100.0 => format!("{f:.0}"),
        f if f >= 10.0 => format!("{f:.1}"),
        f => format!("{f:.2}"),
    }
}

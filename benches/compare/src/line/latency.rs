//! Messages: how long each takes, on an idle line and beside bulk data.

use super::{Line, Peer, Weather, World, quantile};
use crate::plot::{Chart, Series};
use crate::report::{Plot, Report, Table, digits};
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(100);
const LOSSES: [f64; 4] = [0.0, 0.01, 0.05, 0.10];
/// Time for the last messages to arrive.
const REST: Duration = Duration::from_secs(5);
/// Time for the transfer beside which messages are sent to find its rate.
const WARM: Duration = Duration::from_secs(5);

/// What became of messages.
struct Waits {
    /// Milliseconds of each, sorted; infinite for one that did not arrive.
    sorted: Vec<f64>,
}

/// `count` messages, one each [`EVERY`].
fn waits(peer: Peer, loss: f64, bulk: bool, seeds: u64, count: u32) -> Waits {
    let line = Line { rate: 10_000_000, queue: 1.0, weather: Weather::Random(loss) };
    let mut sorted = Vec::new();
    for seed in 0..seeds {
        let mut world = World::new(line, seed, &[peer]);
        if bulk {
            world.flows[0].bulk = true;
            world.run(WARM);
        }
        for _ in 0..count {
            world.send(0);
            world.run(EVERY);
        }
        world.run(REST);
        sorted.append(&mut world.flows[0].waits);
    }
    sorted.sort_by(f64::total_cmp);
    sorted.resize(count as usize * seeds as usize, f64::INFINITY);
    Waits { sorted }
}

impl Waits {
    fn at(&self, q: f64) -> f64 {
        quantile(&self.sorted, q)
    }

    fn lost(&self) -> usize {
        self.sorted.iter().filter(|wait| wait.is_infinite()).count()
    }

    fn cell(&self) -> String {
        let figure = |q| match self.at(q) {
            wait if wait.is_finite() => digits(wait),
            _ => "never".to_owned(),
        };
        let lost = match self.lost() {
            0 => String::new(),
            lost => format!(", {lost} never"),
        };
        format!("{} / {} / {}{lost}", figure(0.5), figure(0.99), figure(0.999))
    }

    /// The share that has arrived after so long.
    fn distribution(&self) -> Vec<(f64, f64)> {
        let count = self.sorted.len() as f64;
        let steps = (0..=200).map(|step| f64::from(step) * 3.0);
        let share = |ms: f64| self.sorted.partition_point(|wait| *wait <= ms) as f64 / count;
        steps.map(|ms| (ms, share(ms) * 100.0)).collect()
    }
}

/// Both kinds, all losses, all peers.
pub fn report(seeds: u64) -> Report {
    let mut report = Report::default();
    for bulk in [false, true] {
        let (seeds, count) = if bulk { (seeds, 600) } else { (seeds, 2_000) };
        part(&mut report, bulk, seeds, count);
    }
    report
}

fn part(report: &mut Report, bulk: bool, seeds: u64, count: u32) {
    let beside = if bulk { "during a bulk transfer" } else { "on an idle line" };
    let mut columns = vec!["10 Mbit/s"];
    columns.extend(Peer::ALL.map(Peer::title));
    let title = format!("Message latency {beside}: p50 / p99 / p99.9, ms");
    let mut table = Table::new(title, &columns).note(format!(
        "A message of 100 bytes each 100 ms, 50 ms one way, {} in all per figure.",
        u64::from(count) * seeds
    ));
    let mut curves: Vec<Series> = Vec::new();
    let mut worst = [0.0_f64; 3];
    for loss in LOSSES {
        let mut row = vec![Weather::Random(loss).name()];
        for peer in Peer::ALL {
            let waits = waits(peer, loss, bulk, seeds, count);
            row.push(waits.cell());
            if loss == 0.05 {
                curves.push((peer.title().to_owned(), waits.distribution()));
            }
            if peer == Peer::Ours {
                if loss <= 0.05 {
                    worst[0] = worst[0].max(waits.at(0.5));
                    worst[1] = worst[1].max(waits.at(0.99));
                } else {
                    worst[2] = waits.at(0.99);
                }
            }
        }
        table.rows.push(row);
    }
    let [p50, p99, p99_at_10] = worst;
    if bulk {
        report.at_most("message p50 during bulk, up to 5 % loss", 65.0, p50, " ms");
        report.at_most("message p99 during bulk, up to 5 % loss", 120.0, p99, " ms");
    } else {
        report.at_most("message p99, idle line, up to 5 % loss", 75.0, p99, " ms");
        report.at_most("message p99, idle line, 10 % loss", 175.0, p99_at_10, " ms");
    }
    report.tables.push(table);
    report.plots.push(Plot {
        name: if bulk { "latency-bulk" } else { "latency-idle" },
        svg: Chart {
            title: format!("Messages {beside} that loses 5 %"),
            x: "ms since it was sent",
            y: "% arrived",
            limit: (600.0, 100.0),
            series: curves,
        }
        .svg(),
    });
}

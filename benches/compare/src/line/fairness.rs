//! Two transfers through one queue.

use super::{Line, Peer, Weather, World};
use crate::plot::Chart;
use crate::report::{Plot, Report, Table};
use std::time::Duration;

const RATE: u64 = 20_000_000;
const QUEUES: [f64; 3] = [0.25, 1.0, 2.0];
const PAIRS: [[Peer; 2]; 3] = [
    [Peer::QuinnCubic, Peer::Ours],
    [Peer::Ours, Peer::Ours],
    [Peer::QuinnCubic, Peer::QuinnCubic],
];
/// The second one starts this much later.
const LATER: Duration = Duration::from_secs(2);
/// Figures count from here on.
const FROM: Duration = Duration::from_secs(20);
const TIME: Duration = Duration::from_secs(80);

/// Payload bytes of both.
fn shares(pair: [Peer; 2], queue: f64, seeds: u64) -> [f64; 2] {
    let line = Line { rate: RATE, queue, weather: Weather::Random(0.0) };
    let mut sums = [0.0; 2];
    for seed in 0..seeds {
        let mut world = World::new(line, seed, &pair);
        world.flows[0].bulk = true;
        world.run(LATER);
        world.flows[1].bulk = true;
        world.run(TIME - LATER);
        for (sum, flow) in sums.iter_mut().zip(&world.flows) {
            *sum += flow.since(FROM).0 as f64;
        }
    }
    sums.map(|sum| sum / seeds as f64)
}

/// All pairs, all queues.
pub fn report(seeds: u64) -> Report {
    let mut report = Report::default();
    let columns =
        ["first, second", "queue", "first of fair", "second of fair", "Jain", "line used"];
    let mut table = Table::new("Fairness: two transfers in one queue", &columns).note(format!(
        "{} Mbit/s, 50 ms one way, no loss but the queue's; the second starts {} s later; seconds {} \
         to {}, means of {seeds} seeds. Fair is half of what both got.",
        RATE / 1_000_000,
        LATER.as_secs(),
        FROM.as_secs(),
        TIME.as_secs()
    ));
    let mut curves = Vec::new();
    for pair in PAIRS {
        let name = format!("{}, {}", pair[0].title(), pair[1].title());
        let mut curve = Vec::new();
        for queue in QUEUES {
            let [one, other] = shares(pair, queue, seeds);
            let fair = (one + other) / 2.0;
            let jain = (one + other).powi(2) / (2.0 * (one * one + other * other));
            let used = (one + other) * 8.0 / (TIME - FROM).as_secs_f64() / RATE as f64;
            curve.push((queue, other / fair));
            table.rows.push(vec![
                name.clone(),
                format!("{queue} × volume"),
                format!("{:.2}", one / fair),
                format!("{:.2}", other / fair),
                format!("{jain:.3}"),
                format!("{used:.2}"),
            ]);
            match pair {
                [Peer::QuinnCubic, Peer::Ours] => {
                    let share = other / fair;
                    report.targets.push(crate::report::Target {
                        what: format!("share of fair beside CUBIC, queue {queue} × volume"),
                        wanted: "0.5 to 2".to_owned(),
                        measured: format!("{share:.2}"),
                        met: (0.5..=2.0).contains(&share),
                    });
                }
                [Peer::Ours, Peer::Ours] => {
                    let what = format!("Jain of two of ours, queue {queue} × volume");
                    report.at_least(what, 0.9, jain, "");
                }
                _ => {}
            }
        }
        curves.push((name, curve));
    }
    report.tables.push(table);
    report.plots.push(Plot {
        name: "fairness",
        svg: Chart {
            title: "Share of the second transfer, 1 is fair".to_owned(),
            x: "queue, as a multiple of rate × round trip",
            y: "of a fair share",
            limit: (2.0, 2.0),
            series: curves,
        }
        .svg(),
    });
    report
}

//! Bulk data: how much of the line arrives as payload, what it costs on the wire, how soon the line
//! is full.

use super::{Line, Peer, Weather, World, world};
use crate::plot::{Chart, Series};
use crate::report::{Plot, Report, Table, digits};
use std::time::Duration;

/// What start-up takes is not goodput; it has a table of its own.
const FROM: Duration = Duration::from_secs(5);
const RATES: [(u64, Duration); 2] =
    [(10_000_000, Duration::from_secs(25)), (100_000_000, Duration::from_secs(15))];
const WEATHERS: [Weather; 6] = [
    Weather::Random(0.0),
    Weather::Random(0.01),
    Weather::Random(0.05),
    Weather::Random(0.10),
    Weather::Bursts,
    Weather::Reordering,
];
/// Of the possible, at which a line counts as full.
const FULL: f64 = 0.9;
/// Bins over which that is averaged.
const SPAN: usize = 5;

/// Medians over the seeds.
#[derive(Clone, Copy, Debug)]
struct Figures {
    /// Payload bits per second.
    goodput: f64,
    /// The same as a share of rate × (1 − loss) × payload share.
    of_possible: f64,
    /// Bytes on the wire per payload byte, as a multiple of 1 / (1 − loss).
    wire: f64,
    /// Seconds until the line was full.
    start: f64,
    ended: usize,
}

fn transfer(peer: Peer, line: Line, seed: u64, time: Duration) -> World {
    let mut world = World::new(line, seed, &[peer]);
    world.flows[0].bulk = true;
    world.run(time);
    world
}

/// The payload's share of what a peer puts on a line that is so wide that nothing is lost, once its
/// rate is steady.
fn payload_share(peer: Peer) -> f64 {
    let line = Line { rate: 1_000_000_000, queue: 100.0, weather: Weather::Random(0.0) };
    let world = transfer(peer, line, 0, Duration::from_millis(2_500));
    let (payload, wire) = world.flows[0].since(Duration::from_millis(1_500));
    payload as f64 / wire as f64
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    super::quantile(&values, 0.5)
}

fn figures(peer: Peer, share: f64, line: Line, seeds: u64, time: Duration) -> Figures {
    let arrives = 1.0 - line.weather.lost();
    let possible = line.rate as f64 * arrives * share;
    let runs: Vec<World> = (0..seeds).map(|seed| transfer(peer, line, seed, time)).collect();
    let span = (time - FROM).as_secs_f64();
    let rate = |world: &World| world.flows[0].since(FROM).0 as f64 * 8.0 / span;
    let wire = |world: &World| {
        let (payload, wire) = world.flows[0].since(FROM);
        wire as f64 / payload as f64 * arrives
    };
    let goodput = median(runs.iter().map(rate));
    Figures {
        goodput,
        of_possible: goodput / possible,
        wire: median(runs.iter().map(wire)),
        start: median(runs.iter().map(|world| start(world, possible))),
        ended: runs.iter().filter(|world| world.flows[0].dead).count(),
    }
}

/// Seconds until a span of [`SPAN`] bins began in which the line was full.
fn start(world: &World, possible: f64) -> f64 {
    let wanted = possible / 8.0 * FULL * world::BIN.as_secs_f64() * SPAN as f64;
    let full = |bins: &[(u64, u64)]| bins.iter().map(|bin| bin.0).sum::<u64>() as f64 >= wanted;
    let at = world.flows[0].bins.windows(SPAN).position(full);
    at.map_or(f64::INFINITY, |at| at as f64 * world::BIN.as_secs_f64())
}

/// All lines, all peers.
pub fn report(seeds: u64) -> Report {
    let shares = Peer::ALL.map(payload_share);
    let mut columns = vec!["line"];
    columns.extend(Peer::ALL.map(Peer::title));
    let lossless: Vec<String> = Peer::ALL
        .iter()
        .zip(shares)
        .map(|(peer, share)| format!("{} {share:.3}", peer.title()))
        .collect();
    let note = format!(
        "50 ms one way, queue of one rate × round trip, loss in both directions; medians of {seeds} \
         seeds, from second {} on. Mbit/s of payload, and in brackets the share of the possible: \
         rate × (1 − loss) × the payload's share of the peer's own packets, headers of IP and UDP counted \
         ({}).",
        FROM.as_secs(),
        lossless.join(", ")
    );
    let mut goodput = Table::new("Lossy line: goodput", &columns).note(note);
    let mut wire = Table::new("Lossy line: bytes on the wire per payload byte", &columns).note(
        "As a multiple of 1 / (1 − loss): a sender that repeats exactly what was lost has the \
         inverse of its payload share, whatever is lost.",
    );
    let mut starts = Table::new("Lossy line: seconds until the line is full", &columns)
        .note("Until 500 ms begin in which 0.9 of the possible arrived.");
    let mut report = Report::default();
    for (rate, time) in RATES {
        let mut curves: Vec<Series> =
            Peer::ALL.map(|peer| (peer.title().to_owned(), Vec::new())).to_vec();
        let mut worst = (f64::INFINITY, f64::NEG_INFINITY);
        for weather in WEATHERS {
            let line = Line { rate, queue: 1.0, weather };
            let figures: Vec<Figures> = Peer::ALL
                .iter()
                .zip(shares)
                .map(|(peer, share)| figures(*peer, share, line, seeds, time))
                .collect();
            let name = format!("{} Mbit/s, {}", rate / 1_000_000, weather.name());
            let row = |cell: &dyn Fn(&Figures) -> String| {
                std::iter::once(name.clone()).chain(figures.iter().map(cell)).collect()
            };
            goodput.rows.push(row(&|f| {
                let ended =
                    if f.ended > 0 { format!(", {} ended", f.ended) } else { String::new() };
                format!("{} ({:.2}){ended}", digits(f.goodput / 1e6), f.of_possible)
            }));
            wire.rows.push(row(&|f| digits(f.wire)));
            starts.rows.push(row(&|f| match f.start.is_finite() {
                true => format!("{:.1}", f.start),
                false => "never".to_owned(),
            }));
            if let Weather::Random(share) = weather {
                for (curve, figures) in curves.iter_mut().zip(&figures) {
                    curve.1.push((share * 100.0, figures.goodput / 1e6));
                }
                worst = (worst.0.min(figures[0].of_possible), worst.1.max(figures[0].wire));
            }
        }
        let at = format!("at {} Mbit/s, worst of 0, 1, 5, 10 % loss", rate / 1_000_000);
        report.at_least(format!("lossy goodput of the possible, {at}"), 0.97, worst.0, "");
        report.at_most(
            format!("wire bytes per payload byte × (1 − loss), {at}"),
            1.08,
            worst.1,
            "",
        );
        report.plots.push(Plot {
            name: if rate > 50_000_000 { "goodput-100" } else { "goodput-10" },
            svg: Chart {
                title: format!("Goodput over loss, {} Mbit/s, 50 ms one way", rate / 1_000_000),
                x: "packets lost, %",
                y: "Mbit/s of payload",
                limit: (10.0, rate as f64 / 1e6),
                series: curves,
            }
            .svg(),
        });
    }
    report.tables = vec![goodput, wire, starts, second_links(seeds)];
    report.plots.extend(courses());
    report
}

/// How soon a second link fills a line that a first one measured.
fn second_links(seeds: u64) -> Table {
    let columns = ["line", "first link", "second link, same address"];
    let note = format!(
        "Bit Chat, as above: until 500 ms begin in which 0.9 of the possible arrived; and payload in the first \
         500 ms, in brackets, of the possible. Medians of {seeds} seeds. The first link sent for 10 s."
    );
    let mut table = Table::new("A line that is known", &columns).note(note);
    let share = payload_share(Peer::Ours);
    for (rate, _) in RATES {
        for weather in [Weather::Random(0.0), Weather::Random(0.01), Weather::Random(0.05)] {
            let line = Line { rate, queue: 1.0, weather };
            let possible = rate as f64 * (1.0 - weather.lost()) * share;
            let mut cells = vec![format!("{} Mbit/s, {}", rate / 1_000_000, weather.name())];
            let first = |seed| transfer(Peer::Ours, line, seed, Duration::from_secs(10));
            let second = |seed| {
                let mut world = World::new(line, seed + seeds, &[Peer::Ours]);
                if let Some(memory) = first(seed).memory(0) {
                    world.resume(0, memory);
                }
                world.flows[0].bulk = true;
                world.run(Duration::from_secs(10));
                world
            };
            let runs: [Vec<World>; 2] = [
                (0..seeds).map(|seed| first(seed + seeds)).collect(),
                (0..seeds).map(second).collect(),
            ];
            for worlds in runs {
                let full = median(worlds.iter().map(|world| start(world, possible)));
                let early = |world: &World| {
                    let bins = world.flows[0].bins.iter().take(SPAN);
                    bins.map(|bin| bin.0).sum::<u64>() as f64 * 8.0
                };
                let span = world::BIN.as_secs_f64() * SPAN as f64;
                let early = median(worlds.iter().map(early)) / possible / span;
                cells.push(format!("{full:.1} s ({early:.2})"));
            }
            table.rows.push(cells);
        }
    }
    table
}

/// Rate and queue over time of one run each.
fn courses() -> [Plot; 2] {
    let line = Line { rate: 10_000_000, queue: 1.0, weather: Weather::Random(0.01) };
    let (mut rates, mut queues) = (Vec::new(), Vec::new());
    for peer in Peer::ALL {
        let world = transfer(peer, line, 1, Duration::from_secs(30));
        // Three bins a point: pieces are large beside a bin.
        let bins = world.flows[0].bins.chunks(3).zip(0..);
        let span = world::BIN.as_secs_f64() * 3.0;
        let rate = bins.map(|(bins, at)| {
            let bytes: u64 = bins.iter().map(|bin| bin.0).sum();
            (f64::from(at) * span, bytes as f64 * 8.0 / 1e6 / span)
        });
        rates.push((peer.title().to_owned(), rate.collect()));
        let queue = world.queue.iter().zip(0..).step_by(3).map(|(bytes, at)| {
            (f64::from(at) * world::BIN.as_secs_f64(), *bytes as f64 * 8e3 / line.rate as f64)
        });
        queues.push((peer.title().to_owned(), queue.collect()));
    }
    let chart = |what: &str, y, limit, series| Chart {
        title: format!("{what} over time, 10 Mbit/s, 1 % loss, one run"),
        x: "seconds",
        y,
        limit: (30.0, limit),
        series,
    };
    [
        Plot { name: "rate", svg: chart("Goodput", "Mbit/s of payload", 12.0, rates).svg() },
        Plot { name: "queue", svg: chart("Queue", "ms of waiting", 110.0, queues).svg() },
    ]
}

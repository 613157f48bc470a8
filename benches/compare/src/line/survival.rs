//! Many short transfers over bad lines: does each session live, and move on?

use super::{Line, Peer, Weather, World};
use crate::report::{Report, Table};
use std::time::Duration;

const TIME: Duration = Duration::from_secs(10);
/// A session that gets nothing through in its last seconds has stalled.
const STALL: Duration = Duration::from_secs(3);
/// It is stuck if nothing comes in so much more time either: back-off is at most 10 s.
const PATIENCE: Duration = Duration::from_secs(15);
/// The first seed; the other groups use small ones.
const FIRST: u64 = 1_000;
const PEERS: [Peer; 3] = [Peer::Ours, Peer::QuinnCubic, Peer::QuinnBbr];
const WEATHERS: [Weather; 3] = [Weather::Random(0.05), Weather::Random(0.10), Weather::Bursts];

/// The seeds with which sessions ended, with which they got stuck, and with which they stalled but
/// went on.
fn casualties(peer: Peer, weather: Weather, seeds: u64) -> [Vec<u64>; 3] {
    let line = Line { rate: 10_000_000, queue: 1.0, weather };
    let mut casualties = [const { Vec::new() }; 3];
    let [ended, stuck, stalled] = &mut casualties;
    for seed in FIRST..FIRST + seeds {
        let mut world = World::new(line, seed, &[peer]);
        world.flows[0].bulk = true;
        world.run(TIME);
        let stalls = world.flows[0].since(TIME - STALL).0 == 0;
        if stalls {
            world.run(PATIENCE);
        }
        let flow = &world.flows[0];
        if flow.dead {
            ended.push(seed);
        } else if flow.since(TIME - STALL).0 == 0 {
            stuck.push(seed);
        } else if stalls {
            stalled.push(seed);
        }
    }
    casualties
}

/// All lines.
pub fn report(seeds: u64) -> Report {
    let mut report = Report::default();
    let mut columns = vec!["10 Mbit/s"];
    columns.extend(PEERS.map(Peer::title));
    let title = format!("Lossy line: sessions of {seeds} that ended, stuck or stalled");
    let mut table = Table::new(title, &columns).note(format!(
        "Transfers of {} s. Ended + stuck + stalled: nothing arrived in the last {} s, and, if stuck, \
         not in {} s more.",
        TIME.as_secs(),
        STALL.as_secs(),
        PATIENCE.as_secs()
    ));
    let mut ours = 0;
    let mut which = String::new();
    for weather in WEATHERS {
        let mut row = vec![weather.name()];
        for peer in PEERS {
            let casualties = casualties(peer, weather, seeds);
            let [ended, stuck, stalled] = casualties.each_ref().map(Vec::len);
            if peer == Peer::Ours {
                ours += ended + stuck;
                if ended + stuck + stalled > 0 {
                    which += &format!(" {}: seeds {:?}.", weather.name(), casualties.concat());
                }
            }
            row.push(format!("{ended} + {stuck} + {stalled}"));
        }
        table.rows.push(row);
    }
    report.at_most(format!("dead links in {seeds} seeds of each bad line"), 0.0, ours as f64, "");
    if !which.is_empty() {
        table.note += &format!(" Of Bit Chat:{which}");
    }
    report.tables.push(table);
    report
}

//! Many short transfers over bad lines: does each session live, and move on to the end?

use super::{Line, Peer, Weather, World};
use crate::report::{Report, Table};
use std::time::Duration;

const TIME: Duration = Duration::from_secs(10);
/// A session that gets nothing through in its last seconds is as good as dead.
const STALL: Duration = Duration::from_secs(3);
const PEERS: [Peer; 3] = [Peer::Ours, Peer::QuinnCubic, Peer::QuinnBbr];
const WEATHERS: [Weather; 3] = [Weather::Random(0.05), Weather::Random(0.10), Weather::Bursts];

/// How many sessions of `seeds` ended, and how many stalled.
fn casualties(peer: Peer, weather: Weather, seeds: u64) -> (u64, u64) {
    let line = Line { rate: 10_000_000, queue: 1.0, weather };
    let (mut ended, mut stalled) = (0, 0);
    for seed in 0..seeds {
        let mut world = World::new(line, 1_000 + seed, &[peer]);
        world.flows[0].bulk = true;
        world.run(TIME);
        let flow = &world.flows[0];
        ended += u64::from(flow.dead);
        stalled += u64::from(!flow.dead && flow.since(TIME - STALL).0 == 0);
    }
    (ended, stalled)
}

/// All lines.
pub fn report(seeds: u64) -> Report {
    let mut report = Report::default();
    let mut columns = vec!["10 Mbit/s"];
    columns.extend(PEERS.map(Peer::title));
    let title = format!("Lossy line: sessions of {seeds} that ended or stalled");
    let mut table = Table::new(title, &columns).note(format!(
        "Transfers of {} s. Ended + stalled, which is: nothing arrived in the last {} s.",
        TIME.as_secs(),
        STALL.as_secs()
    ));
    let mut ours = 0;
    for weather in WEATHERS {
        let mut row = vec![weather.name()];
        for peer in PEERS {
            let (ended, stalled) = casualties(peer, weather, seeds);
            if peer == Peer::Ours {
                ours += ended + stalled;
            }
            row.push(format!("{ended} + {stalled}"));
        }
        table.rows.push(row);
    }
    report.at_most(format!("dead links in {seeds} seeds of each bad line"), 0.0, ours as f64, "");
    report.tables.push(table);
    report
}

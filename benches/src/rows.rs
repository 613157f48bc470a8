//! What is measured: every row of the table.

use crate::alloc::live;
use crate::measure::{Column, Contender, compare, spent};
use crate::mesh::mesh;
use crate::ours::{self, Links};
use crate::pair::{self, Cost};
use crate::quinn_peer::{Aead, Connections, Quinn, Setup};
use crate::snow_peer::{self, Backend};
use crate::table::Row;
use bitchat_core::crypto::suite::{AeadKey, Secret};
use bitchat_core::link::Lane;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use std::time::Duration;

const ROUNDS: usize = 9;
/// Bytes of a bulk transfer.
const BULK: u64 = 16 * 1024 * 1024;
/// Messages of a round.
const MESSAGES: u64 = 10_000;
/// Handshakes of a round.
const HANDSHAKES: u32 = 50;
/// Bytes of payload in a full packet of 1,200 bytes.
const PAYLOAD: usize = 1_171;
/// Seals and opens of a round.
const AEADS: u64 = 10_000;

/// Measures some rows.
type Group = fn() -> Vec<Row>;

/// The groups of rows, by the names that they are asked for on the command line.
const GROUPS: [(&str, Group); 6] = [
    ("handshake", || vec![handshakes(), half_handshakes(), first_renewal()]),
    ("aead", || vec![aead(PAYLOAD), aead(116)]),
    ("bulk", || [bulk(true), bulk(false)].concat()),
    ("messages", || [messages(), vec![coalesced()]].concat()),
    ("idle", idle_bytes),
    ("mesh", || [meshes(5), meshes(16)].concat()),
];

/// The rows of the groups that are named, or of all.
pub fn measured(names: &[String]) -> Vec<Row> {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let groups = GROUPS.into_iter().filter(|(name, _)| wanted(name));
    groups.flat_map(|(_, rows)| rows()).collect()
}

fn per_handshake(mut handshake: impl FnMut()) -> f64 {
    spent(|| (0..HANDSHAKES).for_each(|_| handshake())) * 1e6 / f64::from(HANDSHAKES)
}

fn contender<'a>(column: Column, round: impl FnMut() -> f64 + 'a) -> Contender<'a> {
    Contender { column, round: Box::new(round) }
}

fn quinn(aead: Aead, fixed_mtu: bool, mutual: bool) -> Quinn {
    Quinn::new(Setup { aead, fixed_mtu, mutual })
}

fn handshakes() -> Row {
    let mut meeting = ours::Meeting::new();
    let quinn = quinn(Aead::Ring, true, true);
    let snow = [Backend::RustCrypto, Backend::Ring].map(snow_peer::Meeting::new);
    let figures = compare(
        ROUNDS,
        vec![
            contender(Column::Ours, || per_handshake(|| drop(meeting.meet()))),
            contender(Column::Quinn, || per_handshake(|| drop(quinn.connect()))),
            contender(Column::Snow, || per_handshake(|| drop(snow[0].meet()))),
            contender(Column::SnowRing, || per_handshake(|| drop(snow[1].meet()))),
        ],
    );
    Row::new("handshake, both ends; certificates of both (snow: none)", "µs", figures)
}

fn half_handshakes() -> Row {
    let quinn = quinn(Aead::Ring, true, false);
    let round = contender(Column::Quinn, || per_handshake(|| drop(quinn.connect())));
    Row::new("the same, certificate of the server only", "µs", compare(ROUNDS, vec![round]))
}

fn first_renewal() -> Row {
    let mut meeting = ours::Meeting::new();
    let round = contender(Column::Ours, || {
        let mut links: Vec<_> =
            (0..HANDSHAKES).map(|_| Links::new(&mut meeting, Lane::Chat)).collect();
        let mut next = links.iter_mut();
        per_handshake(|| next.next().expect("one for each").settle())
    });
    let what = "then the first renewal with ML-KEM-768, and the channel found, both ends";
    Row::new(what, "µs", compare(ROUNDS, vec![round]))
}

/// Gigabytes a second of sealing and opening, each counted.
fn aead(len: usize) -> Row {
    let what = if len == PAYLOAD {
        "AEAD alone, seal and open, 1,171 B (snow: its transport)"
    } else {
        "AEAD alone, seal and open, 116 B"
    };
    let core = AeadKey::new(&Secret([7; 32]));
    let ring = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &[7; 32]).expect("32 bytes"));
    let snow = [Backend::RustCrypto, Backend::Ring].map(snow_peer::Meeting::new);
    let mut ends = snow.map(|meeting| meeting.meet());
    let [plain, accelerated] = &mut ends;
    let mut data = vec![7; len];
    let mut other = vec![7; len];
    let rate = |seconds: f64| (len as u64 * AEADS) as f64 / seconds / 1e6;
    let figures = compare(
        ROUNDS,
        vec![
            contender(Column::Ours, || {
                rate(spent(|| {
                    for counter in 0..AEADS {
                        let tag = core.seal(counter, &[1; 13], &mut data);
                        core.open(counter, &[1; 13], &mut data, &tag).expect("its own");
                    }
                }))
            }),
            contender(Column::Quinn, || {
                rate(spent(|| {
                    for counter in 0..AEADS {
                        let nonce = || {
                            let mut nonce = [0; 12];
                            nonce[4..].copy_from_slice(&counter.to_le_bytes());
                            Nonce::assume_unique_for_key(nonce)
                        };
                        let aad = Aad::from([1; 13]);
                        let tag = ring.seal_in_place_separate_tag(nonce(), aad, &mut other);
                        other.extend_from_slice(tag.expect("short").as_ref());
                        ring.open_in_place(nonce(), aad, &mut other).expect("its own");
                        other.truncate(len);
                    }
                }))
            }),
            contender(Column::Snow, || {
                rate(spent(|| snow_peer::Meeting::carry(plain, len, AEADS)))
            }),
            contender(Column::SnowRing, || {
                rate(spent(|| snow_peer::Meeting::carry(accelerated, len, AEADS)))
            }),
        ],
    );
    Row::new(what, "MB/s", figures).more_is_better()
}

/// All pairs that carry data, taking turns at `work`.
fn pairs(
    fixed_mtu: bool,
    lane: Lane,
    mut work: impl FnMut(Carrier<'_>) -> Cost,
) -> Vec<(Column, Vec<Cost>)> {
    let mut links = Links::ready(&mut ours::Meeting::new(), lane);
    let connect = |aead| quinn(aead, fixed_mtu, true).connect();
    let (mut ring, mut same) = (connect(Aead::Ring), connect(Aead::RustCrypto));
    let mut costs = [Column::Ours, Column::Quinn, Column::QuinnSameAead]
        .map(|column| (column, Vec::new()))
        .to_vec();
    for turn in 0..=ROUNDS {
        let carriers =
            [Carrier::Ours(&mut links), Carrier::Quinn(&mut ring), Carrier::Quinn(&mut same)];
        for ((_, costs), carrier) in costs.iter_mut().zip(carriers) {
            let cost = work(carrier);
            // The first round warms up: windows and buffers grow in it.
            if turn > 0 {
                costs.push(cost);
            }
        }
    }
    costs
}

enum Carrier<'a> {
    Ours(&'a mut Links),
    Quinn(&'a mut Connections),
}

fn medians(costs: &[(Column, Vec<Cost>)], figure: impl Fn(&Cost) -> f64) -> Vec<(Column, f64)> {
    let median = |costs: &[Cost]| {
        let mut figures: Vec<f64> = costs.iter().map(&figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    costs.iter().map(|(column, costs)| (*column, median(costs))).collect()
}

fn allocations(cost: &Cost) -> f64 {
    cost.allocations as f64 / cost.packets as f64
}

fn bulk(fixed_mtu: bool) -> Vec<Row> {
    let costs = pairs(fixed_mtu, Lane::History, |carrier| match carrier {
        Carrier::Ours(links) => pair::bulk(links, BULK),
        Carrier::Quinn(connections) => pair::bulk(connections, BULK),
    });
    let goodput = medians(&costs, |cost| BULK as f64 / cost.seconds / 1e6);
    let what = match fixed_mtu {
        true => "bulk on one stream, packets of 1,200 B",
        false => "bulk on one stream, default packets (ours 1,200 B, quinn's 1,452 B)",
    };
    let mut rows = vec![Row::new(what, "MB/s", goodput).more_is_better()];
    if fixed_mtu {
        let allocations = medians(&costs, allocations);
        rows.push(Row::new("allocations per packet, both ends, in that", "", allocations));
    }
    rows
}

fn messages() -> Vec<Row> {
    let costs = pairs(true, Lane::Chat, |carrier| match carrier {
        Carrier::Ours(links) => pair::messages(links, MESSAGES),
        Carrier::Quinn(connections) => pair::messages(connections, MESSAGES),
    });
    let rate = medians(&costs, |cost| MESSAGES as f64 / cost.seconds / 1e6);
    let allocations = medians(&costs, allocations);
    vec![
        Row::new("messages of 100 B, one per packet", "M/s", rate).more_is_better(),
        Row::new("allocations per packet, both ends, in that", "", allocations),
    ]
}

fn coalesced() -> Row {
    let count = MESSAGES * 10;
    let costs = pairs(true, Lane::Chat, |carrier| match carrier {
        Carrier::Ours(links) => pair::coalesced(links, count),
        Carrier::Quinn(connections) => pair::coalesced(connections, count),
    });
    let rate = medians(&costs, |cost| count as f64 / cost.seconds / 1e6);
    Row::new("messages of 100 B, 100 per flush on one stream", "M/s", rate).more_is_better()
}

/// The memory of one end, once it is let go of.
fn freed(drop_end: impl FnOnce()) -> f64 {
    let before = live();
    drop_end();
    (before - live()) as f64 / 1_024.0
}

fn idle_bytes() -> Vec<Row> {
    let quinn = quinn(Aead::Ring, true, true);
    let idle = Duration::from_secs(5);
    let figures = |bytes: u64| {
        let mut links = Links::ready(&mut ours::Meeting::new(), Lane::History);
        let mut connections = quinn.connect();
        if bytes > 0 {
            pair::bulk(&mut links, bytes);
            pair::bulk(&mut connections, bytes);
        }
        links.idle(idle);
        connections.idle(idle);
        let ours = freed(|| links.drop_end());
        [(Column::Ours, ours), (Column::Quinn, freed(|| connections.drop_end()))]
    };
    vec![
        Row::new("memory of an idle end, after the handshake", "KiB", figures(0)),
        Row::new("memory of an idle end, after it took in 16 MiB", "KiB", figures(BULK)),
    ]
}

fn meshes(count: usize) -> Vec<Row> {
    let limit = Duration::from_secs(300);
    let mut meshes: Vec<_> = (0..5).filter_map(|seed| mesh(count, seed, limit)).collect();
    meshes.sort_by_key(|mesh| mesh.simulated);
    let middle = meshes.get(meshes.len() / 2);
    let of = |figure: f64| [(Column::Ours, figure)];
    let (simulated, cpu, datagrams) = match count {
        5 => (
            "5 nodes, start to full mesh, LAN, in simulated time",
            "the same, CPU of all nodes",
            "the same, datagrams of all nodes",
        ),
        _ => (
            "16 nodes, start to full mesh, LAN, in simulated time",
            "the same, CPU of all nodes",
            "the same, datagrams of all nodes",
        ),
    };
    let Some(mesh) = middle else { return vec![Row::new(simulated, "ms", of(f64::INFINITY))] };
    vec![
        Row::new(simulated, "ms", of(mesh.simulated.as_secs_f64() * 1e3)),
        Row::new(cpu, "ms", of(mesh.cpu.as_secs_f64() * 1e3)),
        Row::new(datagrams, "", of(mesh.datagrams as f64)),
    ]
}

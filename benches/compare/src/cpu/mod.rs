//! What each costs in CPU time, in memory, both ends in one thread.

mod boringtun_peer;
mod enet_peer;
mod kcp_peer;
mod mesh;
pub mod ours;
mod pair;
pub mod quinn_peer;
mod snow_peer;
pub mod table;

use crate::alloc::live;
use crate::measure::{Column, Contender, compare, spent};
use crate::report::Report;
use crate::{AWS_LC, RUST_CRYPTO};
use bitchat_core::crypto::suite::{AeadKey, Secret, Suite};
use bitchat_core::link::Lane;
use boringtun_peer::Tunnel;
use enet_peer::Hosts;
use kcp_peer::Conversation;
use mesh::mesh;
use ours::Links;
use pair::{Cost, Pair};
use quinn_peer::{Aead, Quinn, Setup};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use snow_peer::Backend;
use std::time::Duration;
use table::{Row, table};

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

/// Handshakes.
pub fn handshake() -> Report {
    let rows = [handshakes(), half_handshakes(), first_renewal()];
    let mut report = Report::default();
    if let Some(ours) = rows[0].of(Column::Ours) {
        report.at_most("handshake, both ends, aws-lc-rs", 250.0, ours, " µs");
    }
    let note = "Ours from the first probe until both ends have keys; quinn's until both are \
                connected, Ed25519 and X25519. snow runs our Noise pattern without certificates, \
                envelopes and cookies; boringtun runs WireGuard's IK without cookies.";
    report.tables.push(table("CPU: handshakes", note, &rows));
    report
}

/// Bulk data, and the AEAD that bounds it.
pub fn bulk() -> Report {
    let aeads = [aead(PAYLOAD), aead(116)];
    let rows = [transfer(1_200), transfer(1_452)].concat();
    let mut report = Report::default();
    let sizes = [(0, "1,200"), (2, "1,452")];
    for (row, size) in sizes {
        if let Some(ours) = rows[row].advantage(Column::Ours, Column::QuinnAws) {
            report.at_least(
                format!("bulk in memory, packets of {size} B, to quinn-proto"),
                1.5,
                ours,
                "×",
            );
        }
    }
    if let (Some(ours), Some(alone)) = (rows[0].of(Column::Ours), aeads[0].of(Column::Ours)) {
        report.at_least(
            "bulk in memory, packets of 1,200 B, of its AEAD alone",
            0.85,
            ours / alone,
            "",
        );
    }
    let note = "The roof: in a row of AEAD alone \"Bit Chat\" is its cipher, \"quinn, ring\" is ring, \
                and snow is its transport.";
    report.tables.push(table("CPU: AEAD alone, seal and open", note, &aeads));
    let note = "One stream of pieces of 16 KiB, 100 µs each way, no loss. boringtun neither \
                acknowledges nor repeats and has no streams; KCP and ENet do not encrypt.";
    report.tables.push(table("CPU: bulk in memory", note, &rows));
    report
}

/// Short messages.
pub fn messages() -> Report {
    let rows = [single(), vec![coalesced()]].concat();
    let mut report = Report::default();
    let targets = [(0, "one per packet", 2.5), (2, "coalesced", 3.0)];
    for (row, how, wanted) in targets {
        if let Some(ours) = rows[row].advantage(Column::Ours, Column::QuinnAws) {
            report.at_least(format!("messages {how}, to quinn-proto"), wanted, ours, "×");
        }
    }
    let note = "Flushed after each, or after each hundredth. Ours are framed and cut into messages \
                again; quinn's and KCP's are bytes of a stream that nobody cuts. boringtun sends a \
                packet for each.";
    report.tables.push(table("CPU: messages of 100 bytes", note, &rows));
    report
}

/// Memory of sessions that do nothing.
pub fn idle() -> Report {
    let rows = idle_bytes();
    let mut report = Report::default();
    if let Some(ours) = rows[0].of(Column::Ours) {
        report.at_most("memory of an idle end", 16.0, ours, " KiB");
    }
    let note = "What is given back when one end is dropped, as asked from the allocator.";
    report.tables.push(table("Memory of an idle end", note, &rows));
    report
}

/// Whole nodes.
pub fn meshing() -> Report {
    let rows = [meshes(5), meshes(16), meshes(50)].concat();
    let mut report = Report::default();
    if let Some(ours) = rows[4].of(Column::Ours) {
        report.at_most("16 nodes meshed on a LAN, simulated time", 1_000.0, ours, " ms");
    }
    let note = "Nodes in the simulator: 0.2 ms one way, one UDP tracker, all started at once, until \
                each has announced every other one. Nobody else here has such a thing.";
    report.tables.push(table("Mesh", note, &rows));
    report
}

fn per_handshake(mut handshake: impl FnMut()) -> f64 {
    spent(|| (0..HANDSHAKES).for_each(|_| handshake())) * 1e6 / f64::from(HANDSHAKES)
}

fn contender<'a>(column: Column, round: impl FnMut() -> f64 + 'a) -> Contender<'a> {
    Contender { column, round: Box::new(round) }
}

fn quinn(aead: Aead, mtu: Option<u16>, mutual: bool) -> Quinn {
    Quinn::new(Setup { mtu, mutual, ..Setup::of(aead) })
}

fn handshakes() -> Row {
    let mut meetings = [AWS_LC, RUST_CRYPTO].map(ours::Meeting::new);
    let [aws, rust] = &mut meetings;
    let quinns = [Aead::Ring, Aead::AwsLc].map(|aead| quinn(aead, Some(1_200), true));
    let snow = [Backend::RustCrypto, Backend::Ring].map(snow_peer::Meeting::new);
    let wireguard = boringtun_peer::Meeting::new();
    let figures = compare(
        ROUNDS,
        vec![
            contender(Column::Boringtun, || per_handshake(|| drop(wireguard.meet()))),
            contender(Column::Ours, || per_handshake(|| drop(aws.meet()))),
            contender(Column::OursRust, || per_handshake(|| drop(rust.meet()))),
            contender(Column::Quinn, || per_handshake(|| drop(quinns[0].connect()))),
            contender(Column::QuinnAws, || per_handshake(|| drop(quinns[1].connect()))),
            contender(Column::Snow, || per_handshake(|| drop(snow[0].meet()))),
            contender(Column::SnowRing, || per_handshake(|| drop(snow[1].meet()))),
        ],
    );
    Row::new("handshake, both ends; certificates of both (snow: none)", "µs", figures)
}

fn half_handshakes() -> Row {
    let quinns = [Aead::Ring, Aead::AwsLc].map(|aead| quinn(aead, Some(1_200), false));
    let rounds = vec![
        contender(Column::Quinn, || per_handshake(|| drop(quinns[0].connect()))),
        contender(Column::QuinnAws, || per_handshake(|| drop(quinns[1].connect()))),
    ];
    Row::new("the same, certificate of the server only", "µs", compare(ROUNDS, rounds))
}

fn first_renewal() -> Row {
    let round = |column, suite| {
        let mut meeting = ours::Meeting::new(suite);
        contender(column, move || {
            let mut links: Vec<_> =
                (0..HANDSHAKES).map(|_| Links::new(&mut meeting, Lane::Chat, 1_200)).collect();
            let mut next = links.iter_mut();
            per_handshake(|| next.next().expect("one for each").settle())
        })
    };
    let what = "then the first renewal with ML-KEM-768, and the channel found, both ends";
    let rounds = vec![round(Column::Ours, AWS_LC), round(Column::OursRust, RUST_CRYPTO)];
    Row::new(what, "µs", compare(ROUNDS, rounds))
}

/// Gigabytes a second of sealing and opening, each counted.
fn aead(len: usize) -> Row {
    let what = if len == PAYLOAD { "1,171 B" } else { "116 B" };
    let ours = |suite: Suite| {
        let core = AeadKey::new(suite, &Secret([7; 32]));
        let mut data = vec![7; len];
        move || {
            for counter in 0..AEADS {
                let tag = core.seal(counter, &[1; 13], &mut data);
                core.open(counter, &[1; 13], &mut data, &tag).expect("its own");
            }
        }
    };
    let (mut aws, mut rust) = (ours(AWS_LC), ours(RUST_CRYPTO));
    let ring = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &[7; 32]).expect("32 bytes"));
    let snow = [Backend::RustCrypto, Backend::Ring].map(snow_peer::Meeting::new);
    let mut ends = snow.map(|meeting| meeting.meet());
    let [plain, accelerated] = &mut ends;
    let mut other = vec![7; len];
    let rate = |seconds: f64| (len as u64 * AEADS) as f64 / seconds / 1e6;
    let figures = compare(
        ROUNDS,
        vec![
            contender(Column::Ours, || rate(spent(&mut aws))),
            contender(Column::OursRust, || rate(spent(&mut rust))),
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

/// All pairs that carry data in datagrams of `mtu` bytes, taking turns at `work`.
fn pairs(mtu: u16, lane: Lane, work: fn(&mut dyn Pair, u64) -> Cost, count: u64) -> Costs {
    let links = |suite| Links::ready(&mut ours::Meeting::new(suite), lane, mtu.into());
    let connect = |aead| quinn(aead, Some(mtu), true).connect();
    let wireguard = boringtun_peer::Meeting::new();
    let mut contenders: Vec<(Column, Box<dyn Pair>)> = vec![
        (Column::Ours, Box::new(links(AWS_LC))),
        (Column::OursRust, Box::new(links(RUST_CRYPTO))),
        (Column::Quinn, Box::new(connect(Aead::Ring))),
        (Column::QuinnAws, Box::new(connect(Aead::AwsLc))),
        (Column::QuinnRust, Box::new(connect(Aead::RustCrypto))),
        (Column::Boringtun, Box::new(Tunnel::new(&wireguard, mtu.into()))),
        (Column::Kcp, Box::new(Conversation::new(mtu.into()))),
        (Column::Enet, Box::new(Hosts::new(mtu))),
    ];
    let mut costs: Costs = contenders.iter().map(|(column, _)| (*column, Vec::new())).collect();
    for turn in 0..=ROUNDS {
        for ((_, costs), (_, pair)) in costs.iter_mut().zip(&mut contenders) {
            let cost = work(pair.as_mut(), count);
            // The first round warms up: windows and buffers grow in it.
            if turn > 0 {
                costs.push(cost);
            }
        }
    }
    costs
}

/// What each round cost each.
type Costs = Vec<(Column, Vec<Cost>)>;

fn medians(costs: &Costs, figure: impl Fn(&Cost) -> f64) -> Vec<(Column, f64)> {
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

fn transfer(mtu: u16) -> Vec<Row> {
    let costs = pairs(mtu, Lane::History, pair::bulk, BULK);
    let goodput = medians(&costs, |cost| BULK as f64 / cost.seconds / 1e6);
    let what = match mtu {
        1_200 => ["packets of 1,200 B", "allocations per packet in that"],
        _ => ["packets of 1,452 B", "allocations per packet in that"],
    };
    vec![
        Row::new(what[0], "MB/s", goodput).more_is_better(),
        Row::new(what[1], "", medians(&costs, allocations)),
    ]
}

fn single() -> Vec<Row> {
    let costs = pairs(1_200, Lane::Chat, pair::messages, MESSAGES);
    let rate = medians(&costs, |cost| MESSAGES as f64 / cost.seconds / 1e6);
    vec![
        Row::new("one per packet", "M/s", rate).more_is_better(),
        Row::new("allocations per packet in that", "", medians(&costs, allocations)),
    ]
}

fn coalesced() -> Row {
    let count = MESSAGES * 10;
    let costs = pairs(1_200, Lane::Chat, pair::coalesced, count);
    let rate = medians(&costs, |cost| count as f64 / cost.seconds / 1e6);
    Row::new("100 per flush", "M/s", rate).more_is_better()
}

/// The memory of one end, once it is let go of.
fn freed(drop_end: impl FnOnce()) -> f64 {
    let before = live();
    drop_end();
    (before - live()) as f64 / 1_024.0
}

fn idle_bytes() -> Vec<Row> {
    let quinn = quinn(Aead::Ring, Some(1_200), true);
    let idle = Duration::from_secs(5);
    let figures = |bytes: u64| {
        let mut links =
            Links::ready(&mut ours::Meeting::new(Suite::default()), Lane::History, 1_200);
        let mut connections = quinn.connect();
        let mut conversation = Conversation::new(1_200);
        if bytes > 0 {
            pair::bulk(&mut links, bytes);
            pair::bulk(&mut connections, bytes);
            pair::bulk(&mut conversation, bytes);
        }
        links.idle(idle);
        connections.idle(idle);
        let ours = freed(|| links.drop_end());
        let wireguard = boringtun_peer::Meeting::new().meet().map(Box::new);
        let wireguard = wireguard.into_iter().next();
        [
            (Column::Ours, ours),
            (Column::Quinn, freed(|| connections.drop_end())),
            (Column::Boringtun, freed(|| drop(wireguard))),
            (Column::Kcp, freed(|| conversation.drop_end())),
        ]
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
    let simulated = format!("{count} nodes, start to full mesh, LAN, in simulated time");
    let Some(mesh) = middle else { return vec![Row::new(simulated, "ms", of(f64::INFINITY))] };
    vec![
        Row::new(simulated, "ms", of(mesh.simulated.as_secs_f64() * 1e3)),
        Row::new("the same, CPU of all nodes", "ms", of(mesh.cpu.as_secs_f64() * 1e3)),
        Row::new("the same, datagrams of all nodes", "", of(mesh.datagrams as f64)),
        Row::new(
            "then a wake-up of one node while nothing is due",
            "ns",
            of(mesh.wake_up.as_secs_f64() * 1e9),
        ),
    ]
}

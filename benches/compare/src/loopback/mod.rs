//! Real sockets on the loopback interface: bytes per second of CPU time of both ends and the kernel
//! beneath them. Both ends live in one thread.

mod enet;
mod ours;
mod quinn;
mod raw;
mod utp;

use crate::cpu;
use crate::cpu::quinn_peer::Aead;
use crate::cpu::table::{Row, table};
use crate::measure::{Column, Contender, compare, process_cpu};
use crate::report::Report;
use crate::{AWS_LC, RUST_CRYPTO};
use std::future::Future;

/// Payload bytes of a round.
const BULK: u64 = 64 * 1024 * 1024;
const ROUNDS: usize = 5;
/// Bytes of a piece of bulk data.
const PIECE: usize = 16 * 1024;

/// CPU time of one call in all threads, as millions of payload bytes a second.
async fn rate(work: impl Future<Output = ()>) -> f64 {
    let before = process_cpu();
    work.await;
    BULK as f64 / (process_cpu() - before).as_secs_f64() / 1e6
}

/// Runs everything of a contender in this thread.
fn run(work: impl Future<Output = f64>) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

/// All contenders.
pub fn report() -> Report {
    let contender = |column, round: fn() -> f64| Contender { column, round: Box::new(round) };
    let figures = compare(
        ROUNDS,
        vec![
            contender(Column::Ours, || run(ours::transfer(AWS_LC, 1_452))),
            contender(Column::OursRust, || run(ours::transfer(RUST_CRYPTO, 1_452))),
            contender(Column::Quinn, || run(quinn::transfer(Aead::Ring))),
            contender(Column::QuinnAws, || run(quinn::transfer(Aead::AwsLc))),
            contender(Column::Utp, || run(utp::transfer())),
            contender(Column::Enet, enet::transfer),
            contender(Column::RawGso, || raw::transfer(true)),
            contender(Column::RawBatch, || raw::transfer(false)),
        ],
    );
    let row = Row::new("datagrams of 1,452 B at most", "MB/s", figures).more_is_better();
    let figures = compare(
        ROUNDS,
        vec![
            contender(Column::Ours, || run(ours::transfer(AWS_LC, cpu::ours::largest()))),
            contender(Column::OursRust, || run(ours::transfer(RUST_CRYPTO, cpu::ours::largest()))),
        ],
    );
    let found = Row::new("what ours finds by itself there", "MB/s", figures).more_is_better();
    let mut report = Report::default();
    if let Some(ours) = row.advantage(Column::Ours, Column::QuinnAws) {
        report.at_least("loopback per CPU second, datagrams of 1,452 B, to quinn", 2.0, ours, "×");
    }
    let note = "One stream, MB per second of CPU time. Ours and quinn use segmentation offload, uTP and \
                ENet (neither encrypts) a system call for each datagram. quinn looks for datagrams of \
                up to 1,452 B by default, ours for all that a path carries: 65,487 B here, which says \
                nothing of other paths. Ours is a link on sockets as \
                the driver for Rust uses them, without a node. The sockets alone are the roof.";
    report.tables.push(table("CPU: loopback", note, &[row, found]));
    report
}

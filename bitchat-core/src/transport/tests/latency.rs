//! How long a message takes, alone and beside bulk.

use super::{Lane, Pair, contents};
use crate::transport::Class;
use core::time::Duration;
use std::collections::VecDeque;

/// Milliseconds after which so many of a thousand messages had arrived.
#[derive(Debug)]
struct Latency {
    p50: u128,
    p99: u128,
    p999: u128,
}

/// Sends `count` messages of 100 bytes, one every 100 ms, over 10 Mbit/s and 50 ms one way, with a
/// transfer beside them if `bulk`. They count when they can be read, in order.
fn measure(seed: u64, loss: u64, count: usize, bulk: bool) -> Latency {
    let lane = Lane { delay: Duration::from_millis(50), loss, ..Lane::CLEAN };
    let mut pair = Pair::new(seed, lane);
    let chat = pair.ends[0].transport.open_stream(Class::Chat).expect("a stream");
    let file = pair.ends[0].transport.open_stream(Class::File).expect("a stream");
    let (mut written, mut arrived) = (0u64, 0);
    let mut waiting = VecDeque::new();
    let mut latencies = Vec::new();
    let mut step = |pair: &mut Pair, waiting: &mut VecDeque<_>| {
        if bulk {
            let data = contents(file, written..written + 16_384);
            written += pair.ends[0].transport.write(file, data).expect("open") as u64;
        }
        pair.ends[1].read_reported();
        pair.ends[1].received.remove(&file);
        arrived += pair.ends[1].received.remove(&chat).map_or(0, |data| data.len());
        while arrived >= 100 * (latencies.len() + 1) {
            let start = waiting.pop_front().expect("sent before");
            latencies.push(pair.now.saturating_since(start).as_millis());
        }
        latencies.len() == count
    };
    pair.run(Duration::from_secs(if bulk { 3 } else { 0 }), |pair| step(pair, &mut waiting));
    for message in 0..count as u64 {
        let start = pair.now;
        let data = contents(chat, message * 100..(message + 1) * 100);
        pair.ends[0].transport.write(chat, data).expect("room");
        waiting.push_back(start);
        pair.run_until(start + Duration::from_millis(100), |pair| step(pair, &mut waiting));
    }
    assert!(pair.run(Duration::from_secs(60), |pair| step(pair, &mut waiting)), "all arrive");
    latencies.sort_unstable();
    let of = |thousandths: usize| latencies[(count * thousandths / 1_000).min(count - 1)];
    Latency { p50: of(500), p99: of(990), p999: of(999) }
}

/// BC-07.31
#[test]
fn messages_on_a_quiet_link_hardly_feel_losses() {
    for (seed, loss, most) in [(14, 0, 51), (15, 10, 75), (16, 50, 75), (17, 100, 175)] {
        let latency = measure(seed, loss, 2_000, false);
        println!("alone, {loss} ‰ lost: {latency:?}");
        assert!(latency.p50 <= 51 && latency.p99 <= most, "{loss}: {latency:?}");
        // Two of two thousand: whose copies were all lost wait for a probe timeout or two.
        assert!(latency.p999 <= 500, "{loss}: {latency:?}");
    }
}

/// BC-07.31, BC-07.08
#[test]
fn messages_beside_a_transfer_hardly_wait() {
    for (seed, loss) in [(18, 0), (19, 10), (20, 50)] {
        let latency = measure(seed, loss, 500, true);
        println!("beside bulk, {loss} ‰ lost: {latency:?}");
        assert!(latency.p50 <= 65 && latency.p99 <= 120, "{loss}: {latency:?}");
    }
}

/// BC-07.43: the acknowledgement of a lone message comes before its copy would leave.
#[test]
fn on_a_short_path_a_message_rides_once() {
    let mut pair = Pair::new(21, Lane { delay: Duration::from_millis(1), ..Lane::CLEAN });
    let chat = pair.ends[0].transport.open_stream(Class::Chat).expect("a stream");
    let mut send = |message: u64| {
        let data = contents(chat, message * 100..(message + 1) * 100);
        pair.ends[0].transport.write(chat, data).expect("room");
        let end = pair.now + Duration::from_millis(100);
        pair.run_until(end, |pair| {
            pair.ends[1].read_reported();
            false
        });
        pair.ends.each_ref().map(|end| end.transport.stats().packets_sent)
    };
    // The first copy is acknowledged at once, which shows how short the path is.
    let before = (0..3).map(&mut send).last().expect("three");
    let after = (3..103).map(&mut send).last().expect("a hundred");
    assert_eq!(after[0] - before[0], 100, "messages");
    assert_eq!(after[1] - before[1], 100, "acknowledgements");
}

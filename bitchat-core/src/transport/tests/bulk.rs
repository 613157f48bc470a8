//! Moving much data.

use super::{Lane, Pair, contents};
use crate::transport::{Class, Read, TransportStreamId};
use core::time::Duration;

/// Writes `total` bytes on a new stream of end 0 and runs until end 1 has all of them; returns how
/// long that took.
fn transfer(pair: &mut Pair, total: u64) -> Duration {
    let id = pair.ends[0].transport.open_stream(Class::File).expect("a stream");
    let start = pair.now;
    let mut written = 0;
    let done = pair.run(Duration::from_secs(600), |pair| {
        feed(pair, id, &mut written, total);
        pair.ends[1].read_reported();
        pair.ends[1].ended.contains_key(&id)
    });
    assert!(done, "the transfer did not finish: {:#?}", pair.ends);
    assert_eq!(pair.ends[1].ended[&id], Read::Finished);
    assert!(pair.ends[1].received[&id] == contents(id, 0..total), "the bytes differ");
    pair.now.saturating_since(start)
}

fn feed(pair: &mut Pair, id: TransportStreamId, written: &mut u64, total: u64) {
    let transport = &mut pair.ends[0].transport;
    if *written == total {
        return;
    }
    let end = total.min(*written + 65_536);
    *written += transport.write(id, contents(id, *written..end)).expect("open") as u64;
    if *written == total {
        transport.finish(id).expect("open");
    }
}

#[test]
fn a_megabyte_uses_a_clean_link_well() {
    let lane = Lane { delay: Duration::from_millis(25), ..Lane::CLEAN };
    let mut pair = Pair::new(1, lane);
    let took = transfer(&mut pair, 1_000_000);
    // 10 Mbit/s would carry it in 0.8 s; slow start costs a few round trips of 50 ms.
    assert!(took < Duration::from_millis(1_300), "took {took:?}");
    assert_eq!(pair.ends[0].transport.stats().probe_timeouts, 0);
    pair.settle();
}

/// BC-07.14: credit that is lost is granted again, else this would stop at 128 KiB.
#[test]
fn a_transfer_beyond_the_first_credit_survives_losses() {
    let lane = Lane { loss: 250, rate: 12_500_000, queue: 1_000_000, ..Lane::CLEAN };
    for seed in 0..4 {
        let mut pair = Pair::new(seed, lane);
        transfer(&mut pair, 700_000);
        pair.settle();
    }
}

/// How long end 1 took for the second half of `total` bytes.
fn second_half(pair: &mut Pair, total: u64) -> Duration {
    let id = pair.ends[0].transport.open_stream(Class::File).expect("a stream");
    let (mut written, mut half) = (0, None);
    let done = pair.run(Duration::from_secs(600), |pair| {
        feed(pair, id, &mut written, total);
        pair.ends[1].read_reported();
        let received = pair.ends[1].received.get(&id).map_or(0, Vec::len) as u64;
        if received >= total / 2 {
            half.get_or_insert(pair.now);
        }
        received == total
    });
    assert!(done, "the transfer did not finish");
    pair.now.saturating_since(half.expect("there is a half"))
}

/// BC-07.80, BC-07.81: with the settings of every node, a long fast path is filled, by the least
/// urgent class, too.
#[test]
fn windows_grow_to_what_the_path_carries() {
    let lane = Lane {
        delay: Duration::from_millis(50),
        rate: 12_500_000,
        queue: 1_250_000,
        ..Lane::CLEAN
    };
    let mut pair = Pair::new(3, lane);
    let took = second_half(&mut pair, 40_000_000);
    let rate = 20_000_000.0 / took.as_secs_f64();
    assert!(rate > 0.8 * 12_500_000.0, "{rate} bytes a second of 12,500,000");
    let grown = [0, 1].map(|of: usize| pair.ends[of].transport.growth());
    assert!(grown.iter().all(|&grown| grown > 0 && grown <= 16 << 20), "{grown:?}");
    pair.settle();
    pair.ends.iter_mut().for_each(|end| end.transport.shrink());
    assert_eq!(pair.ends[0].transport.growth(), 0, "an empty send buffer is small again");
}

/// BC-07.80: what nothing is left for does not grow.
#[test]
fn windows_grow_no_further_than_allowed() {
    let lane = Lane {
        delay: Duration::from_millis(50),
        rate: 12_500_000,
        queue: 1_250_000,
        ..Lane::CLEAN
    };
    let mut pair = Pair::new(4, lane);
    pair.ends.iter_mut().for_each(|end| end.transport.allow_growth(100_000));
    second_half(&mut pair, 6_000_000);
    assert!(pair.ends.iter().all(|end| end.transport.growth() <= 100_000));
}

/// BC-07.82: one packet in ten is lost on such a path, and none is refused for the gaps.
#[test]
fn gaps_of_a_lossy_fast_path_are_taken() {
    let lane = Lane {
        delay: Duration::from_millis(50),
        rate: 12_500_000,
        queue: 1_250_000,
        loss: 100,
        ..Lane::CLEAN
    };
    let mut pair = Pair::new(5, lane);
    second_half(&mut pair, 20_000_000);
    assert_eq!(pair.ends[1].transport.stats().packets_refused, 0);
}

/// BC-07.83, BC-07.84: what was lost is repeated up to three times, and neither window nor buffer
/// keeps the rest from flowing meanwhile.
#[test]
fn a_lossy_fast_path_is_filled() {
    let lane = Lane {
        delay: Duration::from_millis(50),
        rate: 12_500_000,
        queue: 1_250_000,
        loss: 100,
        ..Lane::CLEAN
    };
    let mut pair = Pair::new(6, lane);
    let took = second_half(&mut pair, 100_000_000);
    let rate = 50_000_000.0 / took.as_secs_f64();
    assert!(rate > 0.92 * 0.9 * 12_500_000.0, "{rate} bytes a second of 11,250,000");
    assert!(pair.ends.iter().all(|end| end.transport.growth() <= 16 << 20));
}

use super::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A packet a millisecond, acknowledged 50 ms later each: a megabyte a second.
#[test]
fn a_steady_flow_has_its_rate() {
    let mut sampler = RateSampler::new(Timestamp::ZERO);
    let stamps: Vec<_> = (0..50).map(|ms| sampler.on_sent(at(ms), ms * 1_000, 1_000)).collect();
    for ms in 50..100 {
        let sent = usize::try_from(ms - 50).expect("small");
        let sample = sampler.on_acked(at(ms), 1_000, at(ms - 50), &stamps[sent], Duration::ZERO);
        assert_eq!(sample.rtt, Duration::from_millis(50));
        assert_eq!(sample.delivered, (ms - 49) * 1_000);
        // From the start of the flight until now.
        assert_eq!(sample.interval, Duration::from_millis(ms));
    }
    let stamp = sampler.on_sent(at(100), 1_000, 1_000);
    let sample = sampler.on_acked(at(150), 1_000, at(100), &stamp, Duration::ZERO);
    assert_eq!((sample.delivered, sample.interval), (1_000, Duration::from_millis(51)));
    assert_eq!((sample.prior_delivered, sample.total_delivered), (50_000, 51_000));
}

/// Bunched ACKs do not look like a fast path: the time it took to send counts.
#[test]
fn bunched_acks_do_not_exaggerate() {
    let mut sampler = RateSampler::new(Timestamp::ZERO);
    let first = sampler.on_sent(at(0), 0, 1_000);
    sampler.on_acked(at(50), 1_000, at(0), &first, Duration::ZERO);
    let stamps: Vec<_> = (1..=20).map(|n| sampler.on_sent(at(50 + n), 500, 1_000)).collect();
    let sample = sampler.on_acked(at(80), 20_000, at(70), &stamps[19], Duration::ZERO);
    assert_eq!((sample.delivered, sample.interval), (20_000, Duration::from_millis(70)));
}

#[test]
fn an_interval_below_the_round_trip_has_no_rate() {
    let mut sampler = RateSampler::new(Timestamp::ZERO);
    let stamp = sampler.on_sent(at(10), 0, 1_000);
    let sample = sampler.on_acked(at(15), 1_000, at(10), &stamp, Duration::from_millis(6));
    assert_eq!(sample.interval, Duration::ZERO);
}

#[test]
fn samples_are_limited_until_the_flight_has_arrived() {
    let mut sampler = RateSampler::new(Timestamp::ZERO);
    let full = sampler.on_sent(at(0), 0, 1_000);
    sampler.on_app_limited(1_000);
    let limited = sampler.on_sent(at(1), 1_000, 1_000);
    assert!(!full.app_limited && limited.app_limited);
    sampler.on_acked(at(50), 1_000, at(0), &full, Duration::ZERO);
    assert!(sampler.on_sent(at(50), 1_000, 1_000).app_limited, "not before all has arrived");
    assert!(sampler.on_acked(at(51), 1_000, at(1), &limited, Duration::ZERO).app_limited);
    assert!(!sampler.on_sent(at(52), 1_000, 1_000).app_limited);
}

#[test]
fn losses_are_counted_from_when_a_packet_left() {
    let mut sampler = RateSampler::new(Timestamp::ZERO);
    sampler.on_lost(3_000);
    let stamp = sampler.on_sent(at(0), 7_000, 1_000);
    sampler.on_lost(2_000);
    assert_eq!(sampler.lost_since(&stamp), 2_000);
    let sample = sampler.on_acked(at(50), 1_000, at(0), &stamp, Duration::ZERO);
    assert_eq!((sample.lost, sample.in_flight_at_send), (2_000, 8_000));
}

use super::*;

#[test]
fn a_burst_then_the_rate() {
    let now = Timestamp::from_millis(1);
    let mut pacer = Pacer::new(now, 1_000);
    for _ in 0..10 {
        assert_eq!(pacer.wait(now, 1_000, 100_000), None);
        pacer.on_sent(1_000);
    }
    let at = pacer.wait(now, 1_000, 100_000).expect("the burst is used up");
    assert_eq!(at, now + Duration::from_millis(10));
    assert!(pacer.wait(at - Duration::from_micros(1), 1_000, 100_000).is_some());
    assert_eq!(pacer.wait(at, 1_000, 100_000), None);
}

#[test]
fn the_announced_time_always_suffices() {
    for rate in [1, 7, 999, 123_457, 1 << 40, u64::MAX] {
        let mut now = Timestamp::from_nanos(12_345);
        let mut pacer = Pacer::new(now, 1_200);
        let mut sent = 0u64;
        while sent < 30 {
            match pacer.wait(now, 1_200, rate) {
                None => {
                    pacer.on_sent(1_200);
                    sent += 1;
                }
                Some(at) => {
                    assert!(at > now);
                    now = at;
                    assert_eq!(pacer.wait(now, 1_200, rate), None, "rate {rate}");
                }
            }
        }
    }
}

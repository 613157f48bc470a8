use super::*;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Silences one after the other; `outlives` says which of them the mapping outlives.
fn silences(keepalive: &mut Keepalive, count: usize, outlives: Duration) -> Vec<u64> {
    let mut now = Timestamp::from_millis(1_000);
    let mut seen = Vec::new();
    for _ in 0..count {
        let interval = keepalive.interval();
        seen.push(interval.as_secs());
        now += interval;
        keepalive.on_ping(now);
        if interval > outlives {
            keepalive.on_rebound();
        }
        now += Duration::from_millis(50);
        keepalive.on_heard(now, false);
    }
    seen
}

fn keepalive() -> Keepalive {
    Keepalive::new(secs(15), secs(60))
}

#[test]
fn silences_grow_to_25_seconds_behind_a_nat_and_to_45_without() {
    // BC-08.50, BC-08.51
    let mut nat = keepalive();
    assert_eq!(silences(&mut nat, 5, secs(99)), [15, 20, 25, 25, 25]);
    let mut open = keepalive();
    open.set_not_natted(true);
    assert_eq!(silences(&mut open, 8, secs(99)), [15, 20, 25, 30, 35, 40, 45, 45]);
    open.set_not_natted(false);
    assert_eq!(open.interval(), secs(25));
}

#[test]
fn a_mapping_that_died_makes_silences_short_and_is_remembered() {
    // BC-08.52
    let mut nat = keepalive();
    assert_eq!(silences(&mut nat, 7, secs(21)), [15, 20, 25, 15, 20, 20, 20]);
    nat.on_moved();
    assert_eq!(silences(&mut nat, 3, secs(99)), [15, 20, 25]);
}

#[test]
fn a_ping_that_had_to_be_repeated_counts_as_a_mapping_that_died() {
    let mut nat = keepalive();
    silences(&mut nat, 2, secs(99));
    nat.on_ping(Timestamp::from_millis(100_000));
    nat.on_heard(Timestamp::from_millis(101_000), true);
    assert_eq!(nat.interval(), secs(15));
    assert_eq!(silences(&mut nat, 3, secs(99)), [15, 20, 20]);
}

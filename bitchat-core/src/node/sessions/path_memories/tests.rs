use super::*;

fn memory(rate: u64) -> PathMemory {
    PathMemory::new(Duration::from_millis(100), rate, 0, 1_200).expect("worth remembering")
}

fn remote(number: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], number))
}

/// BC-07.85
#[test]
fn a_path_is_remembered_for_ten_minutes_and_the_newest_measurement_counts() {
    let mut paths = PathMemories::default();
    let start = Timestamp::from_millis(5);
    paths.remember(start, remote(1), memory(1_000_000));
    paths.remember(start + Duration::from_secs(1), remote(1), memory(2_000_000));
    assert_eq!(paths.recall(start + LIFETIME, &remote(1)), Some(memory(2_000_000)));
    assert_eq!(paths.recall(start + LIFETIME, &remote(2)), None);
    assert_eq!(paths.recall(start + Duration::from_secs(1) + LIFETIME, &remote(1)), None);
    paths.forget(&remote(1));
    assert_eq!(paths.recall(start, &remote(1)), None);
}

/// BC-07.85: however many peers there were.
#[test]
fn paths_are_bounded_and_the_oldest_goes() {
    let mut paths = PathMemories::default();
    let at = |number: u16| Timestamp::from_millis(u64::from(number));
    for number in 0..=256 {
        paths.remember(at(number), remote(number), memory(1_000_000));
    }
    assert_eq!(paths.paths.len(), MAX_PATHS);
    assert_eq!(paths.recall(at(256), &remote(0)), None);
    assert!(paths.recall(at(256), &remote(1)).is_some());
    paths.forget_all();
    assert_eq!(paths.paths.len(), 0);
}

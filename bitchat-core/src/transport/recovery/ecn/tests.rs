use super::*;

fn counts(ect0: u64, ect1: u64, ce: u64) -> Option<EcnCounts> {
    Some(EcnCounts { ect0, ect1, ce })
}

/// BC-07.29
#[test]
fn a_new_mark_is_congestion_once() {
    let mut ecn = EcnState::default();
    assert!(!ecn.on_ack(counts(2, 0, 0), 2, true));
    assert!(ecn.on_ack(counts(3, 0, 1), 2, true));
    assert!(!ecn.on_ack(counts(4, 0, 1), 1, true));
    assert!(ecn.mark());
}

/// BC-07.29
#[test]
fn a_path_that_loses_or_invents_marks_gets_none() {
    for report in [None, counts(0, 0, 0), counts(1, 0, 0), counts(2, 1, 0)] {
        let mut ecn = EcnState::default();
        assert!(ecn.mark());
        assert!(!ecn.on_ack(report, 2, true));
        assert!(!ecn.mark(), "{report:?}");
    }
}

#[test]
fn an_overtaken_report_proves_nothing() {
    let mut ecn = EcnState::default();
    assert!(!ecn.on_ack(counts(9, 0, 0), 4, true));
    assert!(!ecn.on_ack(counts(5, 0, 0), 1, true));
    assert!(ecn.mark());
}

#[test]
fn marks_stop_if_marked_packets_vanish() {
    let mut ecn = EcnState::default();
    (0..10).for_each(|_| ecn.on_sent());
    assert!(!ecn.mark());
    assert!(!ecn.on_ack(counts(1, 0, 0), 1, true));
    assert!(ecn.mark(), "one arrived after all");
}

/// BC-07.67
#[test]
fn another_path_begins_with_the_counts_of_the_session() {
    let mut ecn = EcnState::default();
    assert!(!ecn.on_ack(counts(90, 0, 0), 90, true));
    assert!(ecn.on_ack(counts(90, 0, 10), 10, true));
    ecn = ecn.next_path();
    assert!(!ecn.on_ack(counts(92, 0, 10), 2, true), "old marks");
    assert!(ecn.on_ack(counts(93, 0, 11), 2, true), "a new one");
    assert!(!ecn.on_ack(counts(93, 0, 15), 5, false), "some of them left on the old path");
    assert!(!ecn.on_ack(counts(94, 0, 15), 1, true), "old marks by now");
    // On this path marks are bleached, and what was counted before does not hide it.
    ecn = ecn.next_path();
    assert!(!ecn.on_ack(counts(94, 0, 15), 2, true));
    assert!(!ecn.mark());
    // On the next they are not; ECT(1) of an earlier one says nothing of it.
    ecn = ecn.next_path();
    assert!(!ecn.on_ack(counts(96, 1, 15), 2, false));
    assert!(!ecn.on_ack(counts(98, 1, 15), 2, true));
    assert!(ecn.mark());
}

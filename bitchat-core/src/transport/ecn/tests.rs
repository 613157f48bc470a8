use super::*;

fn counts(ect0: u64, ect1: u64, ce: u64) -> Option<EcnCounts> {
    Some(EcnCounts { ect0, ect1, ce })
}

/// BC-07.29
#[test]
fn a_new_mark_is_congestion_once() {
    let mut ecn = EcnState::default();
    assert!(!ecn.on_ack(counts(2, 0, 0), 2));
    assert!(ecn.on_ack(counts(3, 0, 1), 2));
    assert!(!ecn.on_ack(counts(4, 0, 1), 1));
    assert!(ecn.mark());
}

/// BC-07.29
#[test]
fn a_path_that_loses_or_invents_marks_gets_none() {
    for report in [None, counts(0, 0, 0), counts(1, 0, 0), counts(2, 1, 0)] {
        let mut ecn = EcnState::default();
        assert!(ecn.mark());
        assert!(!ecn.on_ack(report, 2));
        assert!(!ecn.mark(), "{report:?}");
    }
}

#[test]
fn an_overtaken_report_proves_nothing() {
    let mut ecn = EcnState::default();
    assert!(!ecn.on_ack(counts(9, 0, 0), 4));
    assert!(!ecn.on_ack(counts(5, 0, 0), 1));
    assert!(ecn.mark());
}

#[test]
fn marks_stop_if_marked_packets_vanish() {
    let mut ecn = EcnState::default();
    (0..10).for_each(|_| ecn.on_sent());
    assert!(!ecn.mark());
    assert!(!ecn.on_ack(counts(1, 0, 0), 1));
    assert!(ecn.mark(), "one arrived after all");
}

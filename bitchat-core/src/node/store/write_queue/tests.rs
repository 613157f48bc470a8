use super::*;
use crate::node::api::Record;
use bytes::Bytes;

fn put(key: u8) -> Change {
    Change::Put(Record {
        key: vec![key],
        value: Bytes::from_static(b"v"),
        secret: false,
        expires: None,
    })
}

fn keys(action: Option<Action>) -> Vec<u8> {
    let Some(Action::Persist { changes, .. }) = action else { return Vec::new() };
    changes
        .iter()
        .map(|change| match change {
            Change::Put(record) => record.key[0],
            Change::Delete(key) => key[0],
        })
        .collect()
}

#[test]
fn one_batch_at_a_time_and_what_comes_meanwhile_goes_together() {
    // BC-11.13
    let mut ledger = WriteQueue::new(true, 1_000);
    let now = Timestamp::ZERO;
    ledger.add(put(1), Some("one"));
    assert_eq!(keys(ledger.poll(now, || RequestId(1))), [1]);
    ledger.add(put(2), Some("two"));
    ledger.add(put(3), None);
    assert_eq!(ledger.poll(now, || RequestId(2)), None);
    assert_eq!(ledger.on_answer(now, RequestId(9), Ok(())), None, "an answer to nothing");
    let stored = Outcome::Stored(vec!["one"]);
    assert_eq!(ledger.on_answer(now, RequestId(1), Ok(())), Some(stored));
    assert_eq!(keys(ledger.poll(now, || RequestId(2))), [2, 3]);
    ledger.on_answer(now, RequestId(2), Ok(()));
    assert!(ledger.is_idle());
}

#[test]
fn a_refused_batch_is_kept_and_tried_again_ever_more_slowly() {
    // BC-11.16
    let mut ledger = WriteQueue::new(true, 1_000);
    let mut now = Timestamp::ZERO;
    ledger.add(put(1), Some(()));
    assert_eq!(keys(ledger.poll(now, || RequestId(0))), [1]);
    let full = || Err(Failure::Other("disk full".into()));
    let mut waits = Vec::new();
    for try_no in 0..8 {
        let outcome = ledger.on_answer(now, RequestId(try_no), full()).unwrap();
        assert!(matches!(outcome, Outcome::Refused(_)) && ledger.is_failing());
        assert_eq!(ledger.poll(now, || RequestId(99)), None, "not before its time");
        let at = ledger.poll_timeout().unwrap();
        waits.push(at.saturating_since(now).as_secs());
        now = at;
        assert_eq!(keys(ledger.poll(now, || RequestId(try_no + 1))), [1]);
        assert_eq!(ledger.poll_timeout(), None, "no deadline while the answer is out");
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    let stored = Outcome::Stored(vec![()]);
    assert_eq!(ledger.on_answer(now, RequestId(8), Ok(())), Some(stored));
    assert!(!ledger.is_failing());
}

#[test]
fn it_says_when_it_is_full_and_without_a_store_everything_counts_as_stored() {
    let mut ledger = WriteQueue::new(true, 200);
    for key in 0..4 {
        ledger.add(put(key), Some(key));
    }
    assert!(ledger.is_full());
    let mut none = WriteQueue::new(false, 200);
    none.add(put(1), Some(1));
    assert_eq!(none.take_unstored(), [1]);
    assert!(none.is_idle() && none.poll(Timestamp::ZERO, || RequestId(0)).is_none());
}

#[test]
fn a_store_that_turns_out_not_to_be_there_has_stored_everything_in_its_order() {
    // BC-11.61
    let mut ledger = WriteQueue::new(true, 1_000);
    let now = Timestamp::ZERO;
    ledger.add(put(1), Some(1));
    ledger.poll(now, || RequestId(1));
    ledger.add(put(2), Some(2));
    let answer = ledger.on_answer(now, RequestId(1), Err(Failure::Unsupported));
    assert_eq!(answer, Some(Outcome::Stored(vec![1, 2])));
    assert!(ledger.is_idle() && !ledger.is_full() && !ledger.is_failing());
    ledger.add(put(3), Some(3));
    assert_eq!(ledger.poll(now, || RequestId(2)), None);
    assert_eq!(ledger.take_unstored(), [3]);
}

#[test]
fn a_store_that_took_something_is_one() {
    // BC-11.62
    let mut ledger = WriteQueue::new(true, 1_000);
    let now = Timestamp::ZERO;
    for request in 1..3 {
        ledger.add(put(1), Some(()));
        ledger.poll(now, || RequestId(request));
        let result = if request == 1 { Ok(()) } else { Err(Failure::Unsupported) };
        ledger.on_answer(now, RequestId(request), result);
    }
    assert!(ledger.is_failing() && !ledger.is_idle() && ledger.take_unstored().is_empty());
}

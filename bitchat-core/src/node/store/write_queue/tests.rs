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
    let mut queue = WriteQueue::new(true, 1_000);
    let now = Timestamp::ZERO;
    queue.add(put(1), Some("one"));
    assert_eq!(keys(queue.poll(now, || RequestId(1))), [1]);
    queue.add(put(2), Some("two"));
    queue.add(put(3), None);
    assert_eq!(queue.poll(now, || RequestId(2)), None);
    assert_eq!(queue.on_answer(now, RequestId(9), Ok(())), None, "an answer to nothing");
    let stored = Outcome::Stored(vec!["one"]);
    assert_eq!(queue.on_answer(now, RequestId(1), Ok(())), Some(stored));
    assert_eq!(keys(queue.poll(now, || RequestId(2))), [2, 3]);
    queue.on_answer(now, RequestId(2), Ok(()));
    assert!(queue.is_idle());
}

#[test]
fn a_refused_batch_is_kept_and_tried_again_ever_more_slowly() {
    // BC-11.16
    let mut queue = WriteQueue::new(true, 1_000);
    let mut now = Timestamp::ZERO;
    queue.add(put(1), Some(()));
    assert_eq!(keys(queue.poll(now, || RequestId(0))), [1]);
    let full = || Err(Failure::Other("disk full".into()));
    let mut waits = Vec::new();
    for try_no in 0..8 {
        let outcome = queue.on_answer(now, RequestId(try_no), full()).unwrap();
        assert!(matches!(outcome, Outcome::Refused(_)) && queue.is_failing());
        assert_eq!(queue.poll(now, || RequestId(99)), None, "not before its time");
        let at = queue.poll_timeout().unwrap();
        waits.push(at.saturating_since(now).as_secs());
        now = at;
        assert_eq!(keys(queue.poll(now, || RequestId(try_no + 1))), [1]);
        assert_eq!(queue.poll_timeout(), None, "no deadline while the answer is out");
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    let stored = Outcome::Stored(vec![()]);
    assert_eq!(queue.on_answer(now, RequestId(8), Ok(())), Some(stored));
    assert!(!queue.is_failing());
}

#[test]
fn it_says_when_it_is_full_and_without_a_store_everything_counts_as_stored() {
    let mut queue = WriteQueue::new(true, 200);
    for key in 0..4 {
        queue.add(put(key), Some(key));
    }
    assert!(queue.is_full());
    let mut none = WriteQueue::new(false, 200);
    none.add(put(1), Some(1));
    assert_eq!(none.take_unstored(), [1]);
    assert!(none.is_idle() && none.poll(Timestamp::ZERO, || RequestId(0)).is_none());
}

#[test]
fn a_store_that_turns_out_not_to_be_there_has_stored_everything_in_its_order() {
    // BC-11.61
    let mut queue = WriteQueue::new(true, 1_000);
    let now = Timestamp::ZERO;
    queue.add(put(1), Some(1));
    queue.poll(now, || RequestId(1));
    queue.add(put(2), Some(2));
    let answer = queue.on_answer(now, RequestId(1), Err(Failure::Unsupported));
    assert_eq!(answer, Some(Outcome::Stored(vec![1, 2])));
    assert!(queue.is_idle() && !queue.is_full() && !queue.is_failing());
    queue.add(put(3), Some(3));
    assert_eq!(queue.poll(now, || RequestId(2)), None);
    assert_eq!(queue.take_unstored(), [3]);
}

#[test]
fn a_store_that_took_something_is_one() {
    // BC-11.62
    let mut queue = WriteQueue::new(true, 1_000);
    let now = Timestamp::ZERO;
    for request in 1..3 {
        queue.add(put(1), Some(()));
        queue.poll(now, || RequestId(request));
        let result = if request == 1 { Ok(()) } else { Err(Failure::Unsupported) };
        queue.on_answer(now, RequestId(request), result);
    }
    assert!(queue.is_failing() && !queue.is_idle() && queue.take_unstored().is_empty());
}

use super::*;

/// BC-07.16
#[test]
fn both_sides_begin_with_stream_0_and_the_same_limit() {
    let responder = StreamCount::new(Side::Responder, 200);
    assert_eq!((responder.opened, responder.peer_opened), (0, 1), "stream 0 is the initiator's");
    let initiator = StreamCount::new(Side::Initiator, 200);
    assert_eq!((initiator.opened, initiator.peer_opened), (1, 0));
    assert_eq!((initiator.open_limit, responder.peer_open_limit), (16, 16));
}

/// BC-07.18, BC-07.19
#[test]
fn a_peer_names_streams_that_exist_or_that_it_may_open() {
    let count = StreamCount::new(Side::Responder, 200);
    let stream = TransportStreamId::new;
    assert_eq!(count.check(stream(Side::Initiator, 15)), Ok(()));
    let above = count.check(stream(Side::Initiator, 16));
    assert_eq!(above, Err(TransportError::StreamLimit));
    let not_opened = count.check(stream(Side::Responder, 0));
    assert_eq!(not_opened, Err(TransportError::StreamState));
}

#[test]
fn who_waits_to_open_a_stream_is_told_once() {
    let mut count = StreamCount::new(Side::Initiator, 200);
    assert_eq!(core::iter::from_fn(|| count.open()).count(), 15, "stream 0 is one of sixteen");
    assert!(!count.raise_limit(16), "no more than before");
    assert!(count.raise_limit(17));
    assert!(!count.raise_limit(18), "nobody waits");
}

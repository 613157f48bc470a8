use super::*;
use crate::transport::config::Side;

const CONTROL: TransportStreamId = TransportStreamId::CONTROL;
const OTHER: TransportStreamId = TransportStreamId::new(Side::Initiator, 1);

/// BC-07.16, BC-07.26
#[test]
fn the_control_stream_takes_no_part() {
    let mut credit = LinkCredit::new(&TransportConfig::default());
    assert_eq!((credit.sendable(CONTROL), credit.sendable(OTHER)), (u64::MAX, 262_144));
    credit.on_sent(CONTROL, 1_000);
    credit.on_sent(OTHER, 144);
    assert_eq!((credit.sendable(CONTROL), credit.sendable(OTHER)), (u64::MAX, 262_000));
    assert_eq!(credit.on_received(CONTROL, u64::MAX), Ok(()));
    assert_eq!(credit.on_received(OTHER, 262_144), Ok(()));
    assert_eq!(credit.on_received(OTHER, 1), Err(TransportError::FlowControl));
}

/// BC-07.27
#[test]
fn credit_is_not_taken_back() {
    let mut credit = LinkCredit::new(&TransportConfig::default());
    assert!(!credit.raise_limit(INITIAL_MAX_DATA - 1));
    assert_eq!(credit.sendable(OTHER), INITIAL_MAX_DATA);
    assert!(credit.raise_limit(INITIAL_MAX_DATA + 1));
    assert_eq!(credit.sendable(OTHER), INITIAL_MAX_DATA + 1);
}

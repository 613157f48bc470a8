use super::*;

#[test]
fn arithmetic_saturates_at_both_ends() {
    assert_eq!(Timestamp::FAR_FUTURE + Duration::MAX, Timestamp::FAR_FUTURE);
    assert_eq!(Timestamp::ZERO - Duration::from_secs(1), Timestamp::ZERO);
    assert_eq!(Timestamp::ZERO.saturating_since(Timestamp::from_millis(5)), Duration::ZERO);
    assert_eq!(
        Timestamp::from_millis(7).saturating_since(Timestamp::from_micros(6_500)),
        Duration::from_micros(500)
    );
}

#[test]
fn a_day_begins_at_midnight_utc() {
    assert_eq!(UnixMillis(86_399_999).day(), 0);
    assert_eq!(UnixMillis(86_400_000).day(), 1);
}

use super::*;
use crate::transport::congestion::NewReno;
use core::time::Duration;

fn recovery() -> Recovery {
    let config = TransportConfig::default();
    Recovery::new(&config, Box::new(NewReno::new(1_200)), Timestamp::ZERO)
}

fn send(recovery: &mut Recovery, pn: u64, at: Timestamp) {
    let packet = NewPacket { pn, sent_at: at, size: 1_200, ect: false };
    recovery.on_sent(packet, &[SentFrame::MaxData]);
}

#[test]
fn the_window_and_the_pacer_hold_back() {
    let mut recovery = recovery();
    let now = Timestamp::from_millis(1);
    for pn in 0..10 {
        assert_eq!(recovery.permission(now), Permission::Granted);
        send(&mut recovery, pn, now);
    }
    assert_eq!(recovery.permission(now), Permission::Congested);
    let mut lost = Vec::new();
    let at = recovery.deadline().expect("a probe timer");
    recovery.handle_timeout(at, &mut lost);
    assert_eq!(lost.len(), 2, "what the two oldest carried goes out again");
    for pn in 10..12 {
        assert_eq!(recovery.permission(at), Permission::Granted);
        send(&mut recovery, pn, at);
    }
    assert_eq!(recovery.permission(at), Permission::Congested);
    assert!(recovery.deadline().is_some_and(|next| next > at));
}

#[test]
fn small_packets_are_counted_too() {
    let mut recovery = recovery();
    for pn in 0..16_384 {
        let packet = NewPacket { pn, sent_at: Timestamp::ZERO, size: 0, ect: false };
        recovery.on_sent(packet, &[]);
    }
    assert_eq!(recovery.permission(Timestamp::from_millis(1)), Permission::Congested);
}

#[test]
fn a_timer_handled_late_does_not_stay_in_the_past() {
    let mut recovery = recovery();
    send(&mut recovery, 0, Timestamp::ZERO);
    let late = Timestamp::ZERO + Duration::from_secs(86_400);
    recovery.handle_timeout(late, &mut Vec::new());
    assert!(recovery.deadline().is_some_and(|next| next > late));
    assert_eq!(recovery.probe_timeouts, 1);
}

use super::*;
use core::time::Duration;

fn acked(pn: u64, sent_at: Timestamp) -> AckedPacket {
    AckedPacket { pn, sent_at, bytes: 1_000, app_limited: false }
}

fn rtt() -> Rtt {
    Rtt::new(Duration::from_millis(50))
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn loss(sent_at: Timestamp) -> Congestion {
    Congestion { sent_at, bytes: 1_000, ..Congestion::default() }
}

/// BC-07.30
#[test]
fn slow_start_then_one_packet_a_round() {
    let mut reno = NewReno::new(1_000);
    (0..10).for_each(|pn| reno.on_acked(at(50), acked(pn, at(0)), &rtt()));
    assert_eq!(reno.window(), 20_000);
    reno.on_congestion(at(60), loss(at(50)));
    assert_eq!(reno.window(), 10_000);
    (0..9).for_each(|pn| reno.on_acked(at(120), acked(pn, at(61)), &rtt()));
    assert_eq!(reno.window(), 10_000);
    reno.on_acked(at(120), acked(9, at(61)), &rtt());
    assert_eq!(reno.window(), 11_000);
}

/// BC-07.30
#[test]
fn losses_of_one_flight_are_one_event() {
    let mut reno = NewReno::new(1_000);
    reno.on_congestion(at(60), loss(at(10)));
    reno.on_congestion(at(61), loss(at(20)));
    reno.on_acked(at(62), acked(1, at(30)), &rtt());
    assert_eq!(reno.window(), 5_000);
    reno.on_congestion(at(130), loss(at(61)));
    assert_eq!(reno.window(), 2_500);
    reno.on_congestion(at(300), loss(at(200)));
    assert_eq!(reno.window(), 2_000, "never below two packets");
}

#[test]
fn persistent_congestion_starts_over() {
    let mut reno = NewReno::new(1_000);
    reno.on_congestion(at(900), Congestion { persistent: true, ..loss(at(800)) });
    assert_eq!(reno.window(), 2_000);
    reno.on_acked(at(950), acked(1, at(901)), &rtt());
    assert_eq!(reno.window(), 3_000, "slow start up to the threshold");
    assert_eq!(reno.anew(1_000).window(), 10_000);
}

#[test]
fn an_idle_application_does_not_widen_the_window() {
    let mut reno = NewReno::new(1_000);
    reno.on_acked(at(50), AckedPacket { app_limited: true, ..acked(0, at(0)) }, &rtt());
    assert_eq!(reno.window(), 10_000);
    assert_eq!(reno.pacing_rate(&rtt()), 250_000);
}

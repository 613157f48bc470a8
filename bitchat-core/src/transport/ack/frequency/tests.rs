use super::*;
use crate::wire::frame::Frames;

const PACKET: u64 = 1_200;

fn rtt() -> Rtt {
    let mut rtt = Rtt::new(Duration::from_millis(40));
    rtt.update(Duration::from_millis(40), Duration::ZERO);
    rtt
}

fn full(bytes: u64) -> Flight {
    Flight { bytes, packet_size: PACKET, app_limited: false }
}

/// What is written into a packet, if anything.
fn told(ask: &mut AckAsk) -> Option<AckFrequency> {
    let (mut buf, mut record) = ([0; 1_171], Vec::new());
    let mut packet = PacketBuilder::new(&mut buf, &mut record);
    ask.write(&mut packet);
    let len = packet.len();
    let frame = Frames::new(&buf[..len]).next()?.expect("a frame");
    let Frame::AckFrequency(ask) = frame else { panic!("{frame:?}") };
    Some(ask)
}

/// BC-07.43
#[test]
fn a_share_of_the_flight_is_asked_for_and_little_changes_are_not_told() {
    let mut ask = AckAsk::default();
    for packets in [1, 31] {
        ask.update(full(packets * PACKET), 3, &rtt());
        assert_eq!(told(&mut ask), None);
    }
    ask.update(full(80 * PACKET), 3, &rtt());
    let first = told(&mut ask).expect("news");
    let expected =
        AckFrequency { sequence: 1, packets: 10, max_delay_micros: 10_000, reordering: 3 };
    assert_eq!(first, expected);
    for packets in [48, 80, 159] {
        ask.update(full(packets * PACKET), 3, &rtt());
        assert_eq!(told(&mut ask), None, "{packets}");
    }
    ask.on_lost(1);
    assert_eq!(told(&mut ask), Some(first), "again, as it was lost");
    ask.update(full(4_000 * PACKET), 3, &rtt());
    assert_eq!(told(&mut ask).map(|ask| (ask.sequence, ask.packets)), Some((2, 32)));
    ask.on_lost(1);
    assert_eq!(told(&mut ask), None, "the newer one counts");
    ask.update(full(4_000 * PACKET), 9, &rtt());
    assert_eq!(told(&mut ask).map(|ask| ask.reordering), Some(9));
    ask.update(full(PACKET), 9, &rtt());
    let last = AckFrequency { sequence: 4, packets: 2, max_delay_micros: 25_000, reordering: 1 };
    assert_eq!(told(&mut ask), Some(last), "as at the beginning");
}

/// BC-07.43
#[test]
fn on_a_short_path_one_ack_reports_several_packets_that_leave_the_window_unfilled() {
    let mut short = Rtt::new(Duration::from_micros(200));
    short.update(Duration::from_micros(200), Duration::ZERO);
    let few = Flight { app_limited: true, ..full(127) };
    let mut ask = AckAsk::default();
    ask.update(few, 3, &rtt());
    assert_eq!(told(&mut ask), None, "the path is long");
    ask.update(full(127), 3, &short);
    assert_eq!(told(&mut ask), None, "the window is full");
    ask.update(few, 3, &short);
    let expected =
        AckFrequency { sequence: 1, packets: 16, max_delay_micros: 2_000, reordering: 3 };
    assert_eq!(told(&mut ask), Some(expected));
    ask.update(full(4 * PACKET), 3, &short);
    let last = AckFrequency { sequence: 2, packets: 2, max_delay_micros: 25_000, reordering: 1 };
    assert_eq!(told(&mut ask), Some(last), "each second one, as at the beginning");
}

/// BC-07.41
#[test]
fn a_receiver_goes_along_within_bounds() {
    let extreme = |value| AckFrequency {
        sequence: 1,
        packets: value,
        max_delay_micros: value,
        reordering: value,
    };
    let (least, most) = (AckPolicy::asked(&extreme(0)), AckPolicy::asked(&extreme(u64::MAX)));
    assert_eq!((least.packets, least.reordering), (1, 1));
    assert_eq!(least.max_delay, Duration::from_millis(1));
    assert_eq!((most.packets, most.reordering), (64, 1_024));
    assert_eq!(most.max_delay, MAX_ACK_DELAY);
}

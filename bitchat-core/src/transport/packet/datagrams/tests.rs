use super::*;

/// What packets of this path carry.
const MAX: usize = 498;

fn write(datagrams: &mut Datagrams, now: Timestamp, room: usize) -> (usize, bool) {
    let (mut buf, mut record) = (vec![0; room], Vec::new());
    let mut packet = PacketBuilder::new(&mut buf, &mut record);
    datagrams.write(now, MAX, &mut packet);
    let len = packet.len();
    assert!(record.is_empty(), "a lost datagram is not repeated");
    (len, datagrams.is_empty())
}

/// BC-07.28
#[test]
fn written_once_and_in_order() {
    let mut datagrams = Datagrams::new(4);
    let later = Timestamp::from_millis(10);
    for len in [400, 400, 400] {
        datagrams.push(Timestamp::ZERO, vec![0; len].into(), 997, later).expect("room");
    }
    assert_eq!(write(&mut datagrams, Timestamp::ZERO, 1_000), (806, false));
    assert_eq!(write(&mut datagrams, Timestamp::ZERO, 1_000), (403, true));
    assert_eq!(datagrams.dropped, 0);
}

#[test]
fn what_is_late_or_never_fits_makes_way() {
    let mut datagrams = Datagrams::new(3);
    let (now, later) = (Timestamp::from_millis(5), Timestamp::from_millis(10));
    datagrams.push(Timestamp::ZERO, vec![0; 10].into(), 997, now).expect("room");
    datagrams.push(Timestamp::ZERO, vec![0; 900].into(), 997, later).expect("room");
    datagrams.push(Timestamp::ZERO, vec![0; 20].into(), 997, later).expect("room");
    assert_eq!(datagrams.push(Timestamp::ZERO, Bytes::new(), 997, later), Err(QueueError::Full));
    // A packet that is full already, or a short one, drops nothing that another would carry.
    assert_eq!(write(&mut datagrams, now, 10), (0, false));
    assert_eq!(write(&mut datagrams, now, 501), (22, true));
    assert_eq!(datagrams.dropped, 2);
}

use super::*;

fn written(announcements: &mut Announcements, room: usize) -> Vec<SentFrame> {
    let (mut buf, mut record) = (vec![0; room], Vec::new());
    announcements.write(&mut PacketBuilder::new(&mut buf, &mut record));
    record
}

#[test]
fn repeated_until_acknowledged() {
    let mut announcements = Announcements::default();
    let retire = Announcement::RetireConnectionId(7);
    announcements.push(retire).expect("room");
    announcements.push(retire).expect("said once");
    assert_eq!(written(&mut announcements, 1), []);
    assert_eq!(written(&mut announcements, 100), [SentFrame::Announcement(retire)]);
    assert!(announcements.is_empty());
    announcements.on_lost(retire);
    announcements.on_lost(retire);
    assert_eq!(written(&mut announcements, 100), [SentFrame::Announcement(retire)]);
    announcements.on_acked(retire);
    announcements.on_lost(retire);
    assert!(announcements.is_empty());
}

#[test]
fn only_the_newest_address_is_repeated() {
    let mut announcements = Announcements::default();
    let old = Announcement::ObservedAddress(([192, 0, 2, 1], 1).into());
    let new = Announcement::ObservedAddress(([192, 0, 2, 1], 2).into());
    announcements.push(old).expect("room");
    written(&mut announcements, 100);
    announcements.push(new).expect("room");
    announcements.on_lost(old);
    assert_eq!(written(&mut announcements, 100), [SentFrame::Announcement(new)]);
}

/// BC-07.12
#[test]
fn bounded_whether_queued_or_in_flight() {
    let mut announcements = Announcements::default();
    for sequence in 0..32 {
        announcements.push(Announcement::RetireConnectionId(sequence)).expect("room");
    }
    written(&mut announcements, 1_000);
    let more = announcements.push(Announcement::RetireConnectionId(99));
    assert_eq!(more, Err(QueueError::Full));
}

use super::*;

#[test]
fn the_defaults_are_in_range_and_what_is_not_is_named_with_its_range() {
    assert_eq!(Limits::default().check(), Ok(()));
    let none = Limits::with(|limits| limits.node.links = 0);
    assert_eq!(none.check(), Err("limits.links: choose 1 to 65_536"));
    let most = Limits::with(|limits| limits.node.links = 65_536);
    assert_eq!(most.check(), Ok(()));
    let more = Limits::with(|limits| limits.link.receive_window = 1_073_741_825);
    assert_eq!(more.check(), Err("limits.receive_window: choose 16_384 to 1_073_741_824"));
    for (change, name) in [
        ((|limits| limits.channel.authors = 0) as fn(&mut AllLimits), "limits.authors"),
        (|limits| limits.tracker.tracker_reply_bytes = 0, "limits.tracker_reply_bytes"),
        (|limits| limits.file.link_bytes = 0, "limits.link_bytes"),
    ] {
        let complaint = Limits::with(change).check().expect_err("out of its range");
        assert!(complaint.starts_with(name), "{complaint}");
    }
}

#[test]
fn clones_share_memory_until_one_is_changed() {
    let node = Limits::default();
    let mut link = node.clone();
    assert!(core::ptr::eq(&*node, &*link), "one block of memory");
    link.link.streams = 7;
    assert_eq!((node.link.streams, link.link.streams), (200, 7));
    assert_eq!(node, Limits::default());
}

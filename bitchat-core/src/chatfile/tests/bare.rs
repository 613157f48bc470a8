use super::*;

fn complete(link: &JoinLink, bytes: &[u8]) -> Result<ChatFile, InfoError> {
    link.complete(bytes, &Limits::default())
}

// BC-02.30
#[test]
fn a_link_and_what_a_member_sends_make_a_file() {
    for access in [Access::Public, Access::Keyed] {
        let file = create(&draft(access), Some(&owner())).expect("a sound draft");
        let link = JoinLink::from(&file);
        let read = JoinLink::parse(&link.to_text(), &Limits::default(), TargetPolicy::PublicOnly);
        let made = complete(&read.expect("a sound link"), &file.encode_bare()).expect("they fit");
        assert_eq!((made.info(), made.channel_id()), (file.info(), file.channel_id()));
        assert_eq!(made.raw_info(), file.raw_info());
        let trackers: Vec<_> = made.outside().trackers.iter().flatten().cloned().collect();
        assert_eq!((trackers, &made.outside().peers), (link.trackers, &link.peers));
        assert_eq!(made.encode_bare(), file.encode_bare(), "it can be passed on");
        assert_eq!(parse(&made.encode()), Ok(made), "and kept");
    }
}

// BC-02.30
#[test]
fn what_else_a_member_says_is_left_out() {
    let file = create(&draft(Access::Keyed), None).expect("a sound draft");
    let link = JoinLink { trackers: Vec::new(), peers: Vec::new(), ..JoinLink::from(&file) };
    let made = complete(&link, &file.encode()).expect("more than is needed");
    assert_eq!(made.outside(), &Outside::default());
    assert_eq!(made.encode(), file.encode_bare());
}

// BC-02.31
#[test]
fn the_info_of_another_channel_is_refused() {
    let file = create(&draft(Access::Keyed), Some(&owner())).expect("a sound draft");
    let link = JoinLink::from(&file);
    let changed = with_info(&file, "salt", Some(Encoded::bytes(&[1; 32])));
    let signature_gone = with_outer(&file, "signature", None);
    let fault = complete(&link, &signature_gone);
    assert_eq!(fault, Err(InfoError::File(ChatFileError::SignatureMissing)));
    let fault = complete(&link, &changed);
    assert_eq!(fault, Err(InfoError::File(ChatFileError::SignatureInvalid)));
    assert!(matches!(complete(&link, b"no file"), Err(InfoError::File(_))));
    let other = Draft { name: "Coffee".into(), ..draft(Access::Keyed) };
    let other = create(&other, None).expect("a sound draft");
    assert_eq!(complete(&link, &other.encode_bare()), Err(InfoError::OtherChannel));
}

// BC-02.32
#[test]
fn a_link_that_contradicts_info_is_refused() {
    let file = create(&draft(Access::Keyed), None).expect("a sound draft");
    let bare = file.encode_bare();
    let link = JoinLink::from(&file);
    let fault = |link: JoinLink| complete(&link, &bare).expect_err("the link lies");
    let other_key = JoinLink { key: Some(Secret([1; 32])), ..link.clone() };
    assert_eq!(fault(other_key), InfoError::Contradiction("key"));
    let no_key = JoinLink { key: None, ..link.clone() };
    assert_eq!(fault(no_key), InfoError::Contradiction("key"));
    assert_eq!(fault(JoinLink { rotate: true, ..link }), InfoError::Contradiction("rotate"));
    let invited = create(&draft(Access::InviteOnly), Some(&owner())).expect("a sound draft");
    let fault = complete(&JoinLink::from(&invited), &invited.encode_bare());
    assert_eq!(fault, Err(InfoError::InviteOnly));
}

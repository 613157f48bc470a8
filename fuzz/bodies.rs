//! What the fuzz targets do with their input. The core's test `corpora` runs the same functions over
//! the committed corpora, on any toolchain.

use bitchat_core::base::limits::Limits;
use bitchat_core::base::target::TargetPolicy;
use bitchat_core::chatfile::{ChatFile, JoinLink};
use bitchat_core::wire::bencode::{self, Encoded, MAX_DEPTH, Value};

mod nodes;
mod peers;
mod trackers;

pub(crate) use nodes::dht;
pub(crate) use peers::{channel_message, frames, meeting, store};
pub(crate) use trackers::{gzip, http_response, tracker_reply};

/// A target: its name, which is that of its corpus too, and what it does with an input.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All of them.
pub(crate) const TARGETS: &[Target] = &[
    ("bencode", bencode),
    ("channel_message", channel_message),
    ("chatfile", chatfile),
    ("dht", dht),
    ("frames", frames),
    ("gzip", gzip),
    ("http_response", http_response),
    ("join_link", join_link),
    ("meeting", meeting),
    ("store", store),
    ("tracker_reply", tracker_reply),
];

/// What passes the check has one encoding, and the view shows all of it.
pub(crate) fn bencode(data: &[u8]) {
    let limit = 64 * 1024;
    if let Ok(value) = bencode::check(data, limit) {
        assert_eq!(encode_again(value, 0).as_slice(), data);
        assert!(bencode::check_foreign(data, limit).is_ok());
    }
    if let Ok((value, rest)) = bencode::check_prefix(data, limit) {
        assert_eq!(value.raw().len() + rest.len(), data.len());
        assert!(bencode::check(value.raw(), limit).is_ok());
    }
    if let Ok((value, _)) = bencode::check_foreign(data, limit) {
        let _ = encode_again(value, 0);
    }
}

fn encode_again(value: Value<'_>, depth: usize) -> Encoded {
    assert!(depth <= MAX_DEPTH);
    if let Some(number) = value.as_int() {
        Encoded::int(number)
    } else if let Some(bytes) = value.as_bytes() {
        Encoded::bytes(bytes)
    } else if let Some(list) = value.as_list() {
        Encoded::list(list.map(|value| encode_again(value, depth + 1)))
    } else {
        let entries = value.as_dict().expect("one of four kinds").into_iter();
        Encoded::dict(entries.map(|(key, value)| (key, encode_again(value, depth + 1))))
    }
}

/// What is read is written the same, and still the same channel after a change of its trackers.
pub(crate) fn chatfile(data: &[u8]) {
    let (limits, policy) = (Limits::default(), TargetPolicy::PublicOnly);
    let Ok(file) = ChatFile::parse(data, &limits, policy) else { return };
    assert_eq!(file.encode(), data);
    let same = file.with_outside(file.outside(), &limits, policy).expect("nothing changes");
    assert_eq!(same.encode(), data);
    let bare = file.with_outside(&Default::default(), &limits, policy).expect("less is fine");
    assert_eq!((bare.channel_id(), bare.raw_info()), (file.channel_id(), file.raw_info()));
    let link = JoinLink::from(&file);
    assert_eq!(JoinLink::parse(&link.to_text(), &limits, policy), Ok(link));
    assert!(!file.to_string().is_empty());
}

/// What is read is read the same after it was written; keyed links have one form.
pub(crate) fn join_link(data: &[u8]) {
    let (limits, policy) = (Limits::default(), TargetPolicy::PublicOnly);
    let Ok(text) = core::str::from_utf8(data) else { return };
    let Ok(link) = JoinLink::parse(text, &limits, policy) else { return };
    let written = link.to_text();
    if link.key.is_some() && link.unusable.is_empty() {
        // The scheme may be the old one, and people's tools put blanks and brackets around a link.
        let (_, payload) = written.split_once('/').expect("a link");
        assert!(text.to_ascii_lowercase().contains(payload));
    }
    let link = JoinLink { unusable: Vec::new(), ..link };
    assert_eq!(JoinLink::parse(&written, &limits, policy), Ok(link));
}

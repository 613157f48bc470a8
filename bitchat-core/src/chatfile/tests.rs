use super::*;
use crate::base::ids::ChannelId;
use crate::base::limits::Limits;
use crate::base::rng::{Rng, Seed};
use crate::base::target::TargetPolicy;
use crate::base::time::UnixMillis;
use crate::crypto::channel_keys::Epoch;
use crate::crypto::identity::Identity;
use crate::crypto::suite::Secret;
use crate::wire::bencode::{self, Encoded, Value};
use crate::wire::url::TrackerUrl;
use std::collections::BTreeMap;

mod bare;
mod hostile;
mod links;

const HOUR: u64 = 3_600_000;

fn rng() -> Rng {
    Rng::new(&Seed([7; 32]))
}

fn owner() -> Identity {
    Identity::from_bytes(&Secret([9; 32]))
}

fn url(text: &str) -> TrackerUrl {
    TrackerUrl::parse(text).expect("a URL")
}

fn outside() -> Outside {
    Outside {
        trackers: vec![
            vec![url("http://a.example/announce"), url("udp://b.example:6969/announce")],
            vec![url("https://c.example/announce?key=1")],
        ],
        unusable: Vec::new(),
        nodes: vec![
            Node { host: bencode_host("router.example.org"), port: 6881 },
            Node { host: bencode_host("2.2.2.2"), port: 6881 },
        ],
        peers: vec![
            PeerHint { addr: "1.2.3.4:5".parse().expect("an address"), peer: None },
            PeerHint {
                addr: "[2a00::1]:65535".parse().expect("an address"),
                peer: Some(owner().peer_id()),
            },
        ],
        created_by: Some("Bit Chat 0.1".into()),
        created: Some(UnixMillis(1_700_000_000_000)),
        comment: Some("Grüße an alle 👋🏽".into()),
    }
}

fn bencode_host(text: &str) -> crate::wire::url::Host {
    crate::wire::url::Host::parse(text).expect("a host")
}

fn draft(access: Access) -> Draft {
    Draft { name: "Tea & cake".into(), access, outside: outside(), ..Draft::default() }
}

fn create(draft: &Draft, owner: Option<&Identity>) -> Result<ChatFile, ChatFileError> {
    draft.create(owner, &mut rng().secret, &Limits::default())
}

fn parse(bytes: &[u8]) -> Result<ChatFile, ChatFileError> {
    ChatFile::parse(bytes, &Limits::default(), TargetPolicy::PublicOnly)
}

/// The dictionary in `bytes` as a map, for changing it.
fn entries(bytes: &[u8]) -> BTreeMap<Vec<u8>, Encoded> {
    let value = bencode::check(bytes, 1 << 20).expect("canonical");
    let dict = value.as_dict().expect("a dictionary");
    dict.into_iter().map(|(key, value)| (key.to_vec(), value.into())).collect()
}

/// The file with an outer value replaced, or removed.
fn with_outer(file: &ChatFile, key: &str, value: Option<Encoded>) -> Vec<u8> {
    let mut map = entries(&file.encode());
    map.remove(key.as_bytes());
    map.extend(value.map(|value| (key.into(), value)));
    Encoded::dict(map).into_vec()
}

/// An unsigned file with a value of `info` replaced, or removed.
fn with_info(file: &ChatFile, key: &str, value: Option<Encoded>) -> Vec<u8> {
    let mut map = entries(file.raw_info());
    map.remove(key.as_bytes());
    map.extend(value.map(|value| (key.into(), value)));
    with_outer(file, "info", Some(Encoded::dict(map)))
}

// BC-02.01, BC-02.02, BC-02.03, BC-02.05, BC-02.06, BC-02.07
#[test]
fn every_kind_of_file_is_read_back_as_it_was_made() {
    let keyed = draft(Access::Keyed);
    let owner = owner();
    for (draft, owner) in [
        (keyed.clone(), None),
        (keyed.clone(), Some(&owner)),
        (Draft { rotate: true, ..keyed.clone() }, None),
        (draft(Access::Public), None),
        (draft(Access::InviteOnly), Some(&owner)),
        (Draft { history: History::None, ..keyed.clone() }, None),
        (Draft { history: History::Messages(100), ..keyed.clone() }, None),
        (Draft { history: History::Days(30), ..keyed.clone() }, None),
        (Draft { outside: Outside::default(), ..keyed }, None),
    ] {
        let file = create(&draft, owner).expect("a sound draft");
        let again = parse(&file.encode()).expect("a sound file");
        assert_eq!(again, file);
        assert_eq!(again.encode(), file.encode());
        assert_eq!(again.outside(), &draft.outside);
        assert_eq!(again.info().history, draft.history);
        assert_eq!(again.info().owner, owner.map(Identity::peer_id));
        assert_eq!(again.is_public(), draft.access == Access::Public);
        assert_eq!(again.info().rotate, draft.rotate);
    }
}

// BC-02.11
#[test]
fn the_channel_is_named_by_the_raw_info_and_nothing_else() {
    let file = create(&draft(Access::Keyed), None).expect("a sound draft");
    let moved = file
        .with_outside(&Outside::default(), &Limits::default(), TargetPolicy::PublicOnly)
        .expect("nothing can be wrong with nothing");
    assert_eq!(moved.channel_id(), file.channel_id());
    assert_eq!(moved.raw_info(), file.raw_info());
    let other = with_info(&file, "name", Some(Encoded::bytes(b"Tea")));
    assert_ne!(parse(&other).expect("unsigned").channel_id(), file.channel_id());
    let mut stream = rng().secret;
    let limits = Limits::default();
    let twice: Vec<_> = (0..2)
        .map(|_| draft(Access::Public).create(None, &mut stream, &limits).expect("sound"))
        .collect();
    assert_ne!(twice[0].channel_id(), twice[1].channel_id(), "the salt differs");
}

// BC-02.04
#[test]
fn unknown_keys_survive_byte_for_byte_outside_and_in_info() {
    let odd = || Encoded::dict([("\u{0}zz", Encoded::list([Encoded::int(-3)]))]);
    let file = create(&draft(Access::Keyed), None).expect("a sound draft");
    let file = parse(&with_info(&file, "x-later", Some(odd()))).expect("unknown keys are kept");
    let file = parse(&with_outer(&file, "azureus", Some(odd()))).expect("unknown keys are kept");
    let info = file.raw_info().to_vec();
    let trackers = vec![vec![url("http://new.example/announce")]];
    let new = Outside { trackers, ..file.outside().clone() };
    let new = file
        .with_outside(&new, &Limits::default(), TargetPolicy::PublicOnly)
        .expect("a sound change");
    assert_eq!(new.raw_info(), info);
    let map = entries(&new.encode());
    assert_eq!(map.get(b"azureus".as_slice()), Some(&odd()));
    assert_eq!(map.get(b"announce-list".as_slice()), None);
    let before = entries(&file.encode());
    for key in ["nodes", "peers", "comment", "created by", "creation date", "info"] {
        assert_eq!(map.get(key.as_bytes()), before.get(key.as_bytes()), "{key}");
    }
}

#[test]
fn an_unusual_spelling_of_a_known_value_survives_until_it_is_changed() {
    let file = create(&draft(Access::Keyed), None).expect("a sound draft");
    let odd = Encoded::bytes(b"HTTP://A.example:80/announce");
    let bytes = with_outer(&file, "announce", Some(odd.clone()));
    let file = parse(&bytes).expect("the same tracker");
    assert_eq!(file.encode(), bytes);
    let changed = Outside { comment: None, ..file.outside().clone() };
    let changed = file
        .with_outside(&changed, &Limits::default(), TargetPolicy::PublicOnly)
        .expect("a sound change");
    assert_eq!(entries(&changed.encode()).get(b"announce".as_slice()), Some(&odd));
}

// BC-02.05
#[test]
fn announce_list_replaces_announce_and_both_are_replaced() {
    let bare = Draft { outside: Outside::default(), ..draft(Access::Keyed) };
    let file = create(&bare, None).expect("a sound draft");
    let text = |text: &str| Encoded::bytes(text.as_bytes());
    let tiers = Encoded::list([Encoded::list([]), Encoded::list([text("http://list.example/")])]);
    let file = parse(&with_outer(&file, "announce-list", Some(tiers))).expect("sound");
    let bytes = with_outer(&file, "announce", Some(text("http://single.example/")));
    let file = parse(&bytes).expect("sound");
    assert_eq!(file.outside().trackers, [[url("http://list.example/")]]);
    let trackers = vec![vec![url("http://new.example/")]];
    let new = Outside { trackers, ..Outside::default() };
    let new = file
        .with_outside(&new, &Limits::default(), TargetPolicy::PublicOnly)
        .expect("a sound change");
    assert_eq!(new.outside().trackers, [[url("http://new.example/")]]);
    let map = entries(&new.encode());
    assert_eq!(map.get(b"announce".as_slice()), Some(&text("http://new.example/")));
    assert_eq!(map.get(b"announce-list".as_slice()), None);
    let bytes = with_outer(&file, "announce", Some(text("gopher://a.example/")));
    let file = parse(&bytes).expect("sound without it");
    assert_eq!(file.outside().trackers, [[url("http://list.example/")]]);
    assert_eq!(file.outside().unusable.len(), 1);
}

// BC-02.10
#[test]
fn the_owner_s_signature_covers_info() {
    let file = create(&draft(Access::InviteOnly), Some(&owner())).expect("a sound draft");
    let renamed = with_info(&file, "name", Some(Encoded::bytes(b"Trap")));
    assert_eq!(parse(&renamed), Err(ChatFileError::SignatureInvalid));
    assert_eq!(parse(&with_outer(&file, "signature", None)), Err(ChatFileError::SignatureMissing));
    let forged = with_outer(&file, "signature", Some(Encoded::bytes(&[1; 64])));
    assert_eq!(parse(&forged), Err(ChatFileError::SignatureInvalid));
    let short = with_outer(&file, "signature", Some(Encoded::bytes(&[1; 63])));
    assert!(matches!(parse(&short), Err(ChatFileError::Shape { field: "signature", .. })));
    let free = create(&draft(Access::Keyed), None).expect("a sound draft");
    let signed = with_outer(&free, "signature", Some(Encoded::bytes(&[1; 64])));
    assert_eq!(parse(&signed), Err(ChatFileError::SignatureUnowned));
    // A signature by somebody else over the same bytes.
    let other = Identity::from_bytes(&Secret([10; 32]));
    let foreign = other.sign(file::SIGNATURE_LABEL, &[file.raw_info()]);
    let foreign = with_outer(&file, "signature", Some(Encoded::bytes(&foreign)));
    assert_eq!(parse(&foreign), Err(ChatFileError::SignatureInvalid));
}

// BC-02.08, BC-02.09
#[test]
fn combinations_that_make_no_sense_are_refused() {
    assert_eq!(create(&draft(Access::InviteOnly), None), Err(ChatFileError::OwnerMissing));
    let rotating = Draft { rotate: true, ..draft(Access::Public) };
    assert_eq!(create(&rotating, None), Err(ChatFileError::NotInPublic("rotate")));
    let file = create(&draft(Access::InviteOnly), Some(&owner())).expect("a sound draft");
    let public = with_info(&file, "key", None);
    assert_eq!(parse(&public), Err(ChatFileError::NotInPublic("mode invite")));
}

// BC-02.02, BC-02.03, BC-02.07, BC-02.20
#[test]
fn every_field_of_info_is_checked_by_name() {
    let file = create(&draft(Access::Keyed), None).expect("a sound draft");
    let int = |number| Some(Encoded::int(number));
    let text = |text: &str| Some(Encoded::bytes(text.as_bytes()));
    let count = |key: &str, number| Some(Encoded::dict([(key, Encoded::int(number))]));
    for (key, value, error) in [
        ("version", None, "Missing(\"info.version\")"),
        ("version", int(2), "Version(2)"),
        ("version", text("1"), "Shape { field: \"info.version\""),
        ("name", None, "Missing(\"info.name\")"),
        ("name", int(1), "Shape { field: \"info.name\""),
        ("name", text(""), "Text { field: \"info.name\", fault: Blank"),
        ("name", text(" a"), "Text { field: \"info.name\", fault: Blank"),
        ("name", text("a\nb"), "Text { field: \"info.name\", fault: Control(10)"),
        ("name", text("a\u{202e}b"), "Text { field: \"info.name\", fault: Control(8238)"),
        ("name", text("a\u{2066}b"), "Text { field: \"info.name\", fault: Control(8294)"),
        ("name", text("a\u{9b}b"), "Text { field: \"info.name\", fault: Control(155)"),
        ("name", text(&"x".repeat(129)), "Text { field: \"info.name\", fault: TooLong(128)"),
        ("name", Some(Encoded::bytes(b"\xff")), "Shape { field: \"info.name\""),
        ("salt", None, "Missing(\"info.salt\")"),
        ("salt", text("short"), "Shape { field: \"info.salt\""),
        ("key", Some(Encoded::bytes(&[0; 33])), "Shape { field: \"info.key\""),
        ("mode", None, "Missing(\"info.mode\")"),
        ("mode", text("closed"), "Shape { field: \"info.mode\""),
        ("owner", int(1), "Shape { field: \"info.owner\""),
        ("history", text("all"), "Shape { field: \"info.history\""),
        (
            "history",
            Some(Encoded::dict([("", Encoded::int(1))])),
            "Shape { field: \"info.history\"",
        ),
        ("history", count("messages", -1), "Shape { field: \"info.history\""),
        ("history", count("messages", 1 << 32), "Shape { field: \"info.history\""),
        ("history", count("days", 0), "Shape { field: \"info.history\""),
        ("history", count("weeks", 1), "Shape { field: \"info.history\""),
        ("rotate", int(2), "Shape { field: \"info.rotate\""),
    ] {
        let found = format!("{:?}", parse(&with_info(&file, key, value)).expect_err(key));
        assert!(found.starts_with(error), "{key}: {found}");
    }
}

// BC-02.12, BC-02.13
#[test]
fn channels_that_do_not_rotate_announce_one_hash_and_need_no_clock() {
    let public = create(&draft(Access::Public), None).expect("a sound draft");
    let hashes = public.infohashes(None).expect("no clock needed");
    assert_eq!(hashes.iter().map(|hash| hash.0).collect::<Vec<_>>(), [public.channel_id().0]);
    let keyed = create(&draft(Access::Keyed), None).expect("a sound draft");
    let hashes = keyed.infohashes(None).expect("no clock needed");
    assert_eq!(hashes, [keyed.keys(Epoch::default()).infohash(0)]);
    assert_ne!(hashes[0].0, keyed.channel_id().0);
    assert_eq!(keyed.announced().next_change(&keyed.keys(Epoch::default()), UnixMillis(0)), None);
}

// BC-02.14, BC-02.15
#[test]
fn a_rotating_channel_changes_once_a_day_with_three_hours_of_overlap_on_either_side() {
    let draft = Draft { rotate: true, ..draft(Access::Keyed) };
    let file = create(&draft, None).expect("a sound draft");
    assert_eq!(file.infohashes(None), Err(WallTimeUnknown));
    let keys = file.keys(Epoch::default());
    let at = |now: UnixMillis| file.infohashes(Some(now)).expect("a clock");
    let change = |now| file.announced().next_change(&keys, now).expect("it rotates");
    let mut now = UnixMillis(1_700_000_000_000);
    let mut lengths = Vec::new();
    for _ in 0..12 {
        let next = change(now);
        assert_eq!(at(UnixMillis(next.0 - 1)), at(now), "nothing changes before it should");
        assert_ne!(at(next), at(now));
        lengths.push((next.0 - now.0, at(now).len()));
        now = next;
    }
    let cycle = [(3 * HOUR, 2), (18 * HOUR, 1), (3 * HOUR, 2)];
    assert!(lengths[1..].windows(3).any(|three| three == cycle), "{lengths:?}");
    assert_eq!(lengths[1..].iter().map(|(length, _)| length).sum::<u64>() / 24 / HOUR, 3);
    // Two members whose clocks differ by up to six hours always have a hash in common.
    for step in 0..48 {
        let one = UnixMillis(now.0 + step * HOUR);
        let two = UnixMillis(one.0 + 6 * HOUR - 1);
        assert!(at(one).iter().any(|hash| at(two).contains(hash)), "{step}");
    }
    // Another channel changes at another time.
    let other = Draft { name: "Other".into(), ..draft };
    let other = create(&other, None).expect("a sound draft");
    let other_keys = other.keys(Epoch::default());
    assert_ne!(other.announced().next_change(&other_keys, now), Some(change(now)));
}

#[test]
fn the_summary_says_what_matters_and_no_secret() {
    let file = create(&draft(Access::InviteOnly), Some(&owner())).expect("a sound draft");
    let text = format!("{file}\n{file:?}");
    for part in ["Tea & cake", "invite-only", "tier 2", "everything", "(signed)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let key = file.info().key.as_ref().expect("keyed");
    let hex: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!text.contains(&hex) && !text.contains(&format!("{:?}", key.0)));
    let public = create(&draft(Access::Public), None).expect("a sound draft");
    assert!(public.to_string().contains("public"));
}

#[test]
fn the_outer_fields_have_the_shapes_that_torrents_have() {
    let file = create(&draft(Access::Keyed), None).expect("a sound draft");
    let map = entries(&file.encode());
    let raw = |key: &str| map.get(key.as_bytes()).map(Encoded::value).map(Value::raw);
    assert_eq!(raw("announce"), Some(&b"25:http://a.example/announce"[..]));
    assert_eq!(raw("creation date"), Some(&b"i1700000000e"[..]));
    let nodes = b"ll18:router.example.orgi6881eel7:2.2.2.2i6881eee";
    assert_eq!(raw("nodes"), Some(&nodes[..]));
    assert_eq!(ChannelId::LEN, 20);
}

//! The log of a channel: entries, their ids and order, what is refused, and a whole exchange
//! between two members.

mod common;

use bitchat_core::base::ids::{ChannelId, Device, DeviceId, EntryId, LinkId};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::time::{Now, Timestamp, UnixMillis};
use bitchat_core::channel::{
    Candidate, Channel, ChannelConfig, ChannelEvent, ChannelFault, ChannelInfo, ChannelSink,
    Priority, Record, Ticket,
};
use bitchat_core::crypto::channel_keys::Epoch;
use bitchat_core::crypto::identity::Identity;
use bitchat_core::crypto::suite::{Secret, Suite};
use bitchat_core::log::{AuthorId, BINDING_LABEL, Draft, Entry, Kind, MAX_ENTRY};
use bitchat_core::wire::reader::Reader;
use common::{hex, unhex};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::SocketAddr;

const CHAN: ChannelId = ChannelId([0xc0; 20]);
/// The type of messages that hold entries.
const ENTRIES: u8 = 5;
const LINK: LinkId = LinkId(1);
const WALL: UnixMillis = UnixMillis(1_700_000_000_000);

/// A member whose keys, device id and address all follow from one byte.
#[derive(Clone, Copy)]
struct Member(u8);

impl Member {
    fn identity(self) -> Identity {
        Identity::from_bytes(&Secret([self.0; 32]))
    }
    fn log_key(self) -> Secret {
        Secret([self.0 | 0x80; 32])
    }
    fn device(self) -> Device {
        Device { peer: self.identity().peer_id(), id: DeviceId([self.0; 16]) }
    }
    fn address(self) -> SocketAddr {
        ([198, 51, 100, self.0], 6_881).into()
    }
    fn author(self) -> AuthorId {
        AuthorId(Identity::from_bytes(&self.log_key()).peer_id().0)
    }
    fn draft(self, kind: Kind, body: &[u8]) -> Draft<'_> {
        let (epoch, prev, cited) = (Epoch::default(), EntryId([0; 32]), Vec::new());
        Draft { chan: CHAN, epoch, seq: 0, prev, cited, lamport: 1, wall: WALL, kind, body }
    }
    fn binding_body(self) -> Vec<u8> {
        let (device, epoch, author) = (self.device(), Epoch::default(), self.author());
        let parts: [&[u8]; 4] = [&CHAN.0, &epoch.0, &device.id.0, &author.0];
        let signature = self.identity().sign(BINDING_LABEL, &parts);
        [&device.peer.0[..], &device.id.0, &signature].concat()
    }
    fn bind(self) -> Entry {
        self.draft(Kind::Bind, &self.binding_body())
            .sign(&Identity::from_bytes(&self.log_key()))
            .expect("a valid draft")
    }
}

const ALICE: Member = Member(1);
const BOB: Member = Member(2);

fn next<'a>(draft: &Draft<'a>, prev: &Entry, cited: &[&Entry]) -> Draft<'a> {
    let mut ids: Vec<_> = cited.iter().map(|entry| entry.id()).collect();
    ids.sort();
    let latest = cited
        .iter()
        .map(|entry| entry.lamport())
        .chain([prev.lamport()])
        .max()
        .expect("prev is one");
    Draft { seq: prev.seq() + 1, prev: prev.id(), cited: ids, lamport: latest + 1, ..draft.clone() }
}

/// A short chat of two, in the order in which it is shown.
fn chat() -> Vec<(&'static str, Entry)> {
    let text = |member: Member, text: &'static str, prev: &Entry, cited: &[&Entry]| {
        let draft = member.draft(Kind::Text, text.as_bytes());
        next(&draft, prev, cited)
            .sign(&Identity::from_bytes(&member.log_key()))
            .expect("a valid draft")
    };
    let (alice, bob) = (ALICE.bind(), BOB.bind());
    let hello = text(ALICE, "hello", &alice, &[]);
    let hi = text(BOB, "hi, Alice \u{1f44b}", &bob, &[&hello]);
    let later = next(&BOB.draft(Kind::Unknown(200), b"\x00\xff"), &hi, &[]);
    let later = later.sign(&Identity::from_bytes(&BOB.log_key())).expect("a valid draft");
    let bye = text(ALICE, "bye", &hello, &[&later]);
    vec![
        ("Alice's binding", alice),
        ("Bob's binding", bob),
        ("a text", hello),
        ("a text that cites another author", hi),
        ("a kind for later versions", later),
        ("a text behind it", bye),
    ]
}

fn describe(name: &str, entry: &Entry) -> Value {
    json!({
        "name": name,
        "author": hex(&entry.author().0),
        "seq": entry.seq(),
        "prev": hex(&entry.prev().0),
        "cited": entry.cited().map(|id| hex(&id.0)).collect::<Vec<_>>(),
        "lamport": entry.lamport(),
        "wall": entry.wall().0,
        "kind": entry.kind().code(),
        "body": hex(entry.body()),
        "bytes": hex(entry.raw()),
        "id": hex(&entry.id().0),
    })
}

/// Entries that are no entries, each by one change.
fn invalid() -> Vec<(&'static str, Vec<u8>)> {
    let bind = ALICE.bind();
    let raw = bind.raw().to_vec();
    // version 1, chan 20, epoch 32, author 32, seq 1, prev 32, cited count 1, lamport 1, wall 8, …
    let (seq_at, prev_at, cited_at, kind_at) = (85, 86, 118, 128);
    let changed = |at: usize, byte: u8| {
        let mut raw = raw.clone();
        raw[at] = byte;
        raw
    };
    let text = next(&ALICE.draft(Kind::Text, b"hello"), &bind, &[])
        .sign(&Identity::from_bytes(&ALICE.log_key()))
        .expect("a valid draft");
    let mut not_utf8 = text.raw().to_vec();
    let body_at = not_utf8.len() - 64 - 5;
    not_utf8[body_at] = 0xff;
    let mut long_varint = raw.clone();
    long_varint.splice(seq_at..=seq_at, [0x40, 0x00]);
    let mut stolen = ALICE
        .draft(Kind::Bind, &BOB.binding_body())
        .sign(&Identity::from_bytes(&ALICE.log_key()))
        .expect("a valid draft");
    let mut cited_twice = text.raw().to_vec();
    cited_twice.splice(cited_at..=cited_at, [&[2][..], &[7; 64]].concat());
    let mut citing = raw.clone();
    citing.splice(cited_at..=cited_at, [&[1][..], &[7; 32]].concat());
    let stolen = core::mem::replace(&mut stolen, bind.clone()).raw().to_vec();
    vec![
        ("another version", changed(0, 2)),
        ("cut short", raw[..raw.len() - 1].to_vec()),
        ("a byte too many", [&raw[..], &[0]].concat()),
        ("a varint longer than need be", long_varint),
        ("seventeen cited tips", changed(cited_at, 17)),
        ("the same tip cited twice", cited_twice),
        ("a first entry that is a text", changed(kind_at, 1)),
        ("a first entry with a prev", changed(prev_at, 1)),
        ("a binding that is not the first", changed(seq_at, 1)),
        ("not UTF-8", not_utf8),
        ("not signed by the author", changed(raw.len() - 1, raw[raw.len() - 1] ^ 1)),
        ("another's binding", stolen),
        ("a binding that cites", citing),
    ]
}

fn judge(raw: &[u8]) -> Result<Entry, String> {
    let judged = Entry::parse(raw).and_then(|entry| entry.verify(Suite::default()).map(|()| entry));
    judged.map_err(|error| error.to_string())
}

/// One side of an exchange.
struct Side {
    who: Member,
    channel: Channel,
    outside: Outside,
}

#[derive(Default)]
struct Outside {
    who: u8,
    sent: VecDeque<(Priority, Vec<u8>)>,
    asked: VecDeque<Ticket>,
}

impl ChannelSink for Outside {
    fn send(&mut self, _: LinkId, priority: Priority, message: &[u8]) -> bool {
        self.sent.push_back((priority, message.to_vec()));
        true
    }
    fn persist(&mut self, ticket: Ticket, _: Record) {
        self.asked.push_back(ticket);
    }
    fn forget(&mut self, _: &Record) {}
    fn event(&mut self, _: ChannelEvent) {}
    fn candidate(&mut self, _: Candidate) {}
    fn violation(&mut self, _: LinkId, fault: ChannelFault) {
        panic!("{fault}");
    }
    fn secret(&mut self) -> Secret {
        Member(self.who).log_key()
    }
    fn sign(&mut self, label: &'static [u8], parts: &[&[u8]]) -> Option<[u8; 64]> {
        Some(Member(self.who).identity().sign(label, parts))
    }
}

const NOW: Now = Now::new(Timestamp::from_millis(1), WALL);

impl Side {
    fn new(who: Member) -> Self {
        let (epoch, local, limits) = (Epoch::default(), who.device(), Limits::default());
        let channel = Channel::new(ChannelConfig {
            suite: Suite::default(),
            chan: CHAN,
            epoch,
            local,
            limits,
        });
        Self { who, channel, outside: Outside { who: who.0, ..Outside::default() } }
    }
    fn meet(&mut self, other: Member) {
        let addr = Some(other.address());
        self.channel.on_link_up(NOW, LINK, other.device(), addr, &mut self.outside);
    }
    fn say(&mut self, text: &str) {
        self.channel.send_text(NOW, text, &mut self.outside).expect("an honest side");
    }
    fn hear(&mut self, message: &[u8]) -> Result<(), ChannelFault> {
        self.channel.on_message(NOW, LINK, message, &mut self.outside)
    }
    fn store(&mut self) {
        while let Some(ticket) = self.outside.asked.pop_front() {
            self.channel.on_persisted(NOW, ticket, &mut self.outside);
        }
    }
}

/// Alice has written before Bob comes, states an address, and writes once more; then Bob writes for
/// the first time, in a log that is not empty. Every message in the order of its arrival. Each side
/// stores at once what it is asked to.
fn exchange(mut on_message: impl FnMut(Member, Priority, &[u8])) -> [Side; 2] {
    let mut sides = [Side::new(ALICE), Side::new(BOB)];
    let own = [ALICE.address()];
    let [alice, bob] = &mut sides;
    alice.channel.set_local_addresses(NOW, &own, &mut alice.outside);
    alice.say("hello");
    alice.store();
    alice.meet(BOB);
    bob.meet(ALICE);
    pass_on(&mut sides, &mut on_message);
    sides[0].say("and more");
    pass_on(&mut sides, &mut on_message);
    sides[1].say("me too");
    pass_on(&mut sides, &mut on_message);
    sides
}

fn pass_on(sides: &mut [Side; 2], on_message: &mut impl FnMut(Member, Priority, &[u8])) {
    sides.iter_mut().for_each(Side::store);
    while let Some(from) = sides.iter().position(|side| !side.outside.sent.is_empty()) {
        let (priority, message) = sides[from].outside.sent.pop_front().expect("an honest side");
        on_message(sides[from].who, priority, &message);
        sides[1 - from].hear(&message).expect("an honest side");
        sides[1 - from].store();
    }
}

/// An ENTRIES message.
fn entries_message(role: u8, entries: &[&Entry]) -> Vec<u8> {
    let mut message = vec![5, role];
    for entry in entries {
        let len = 0x4000 | u16::try_from(entry.raw().len()).expect("a short entry");
        message.extend_from_slice(&len.to_be_bytes());
        message.extend_from_slice(entry.raw());
    }
    message
}

/// The stub of an entry: `header ‖ body hash ‖ signature`, behind its length.
fn stub(entry: &Entry) -> Vec<u8> {
    let raw = entry.raw();
    let header = &raw[..raw.len() - entry.body().len() - 64];
    let hash = blake3::hash(entry.body());
    let stub = [header, hash.as_bytes(), &raw[raw.len() - 64..]].concat();
    let len = 0x4000 | u16::try_from(stub.len()).expect("a short stub");
    [&len.to_be_bytes()[..], &stub].concat()
}

/// Bob's channel has a file, so that somebody may ask for `info`.
fn bare_file() -> Vec<u8> {
    let info = format!("d4:name3:log4:salt32:{}7:versioni1ee", "s".repeat(32));
    format!("d4:info{info}e").into_bytes()
}

/// Messages that may come at any time, to a member that holds the whole chat: what they bring.
fn taken() -> Vec<(&'static str, Vec<u8>)> {
    let chat = chat();
    let [binding, hello] = [0, 2].map(|at| &chat[at].1);
    let other = next(&ALICE.draft(Kind::Text, b"something else"), &ALICE.bind(), &[])
        .sign(&Identity::from_bytes(&ALICE.log_key()))
        .expect("a valid draft");
    vec![
        ("WANT_IDS of two entries", [&[4][..], &binding.id().0, &hello.id().0].concat()),
        ("WANT_IDS of what nobody has", [&[4][..], &[7; 32]].concat()),
        ("WANT without heads before it", vec![3, 0]),
        ("WANT that resumes", vec![3, 1]),
        ("ENTRIES in the midst of an answer", entries_message(1, &[hello])),
        ("ENTRIES that end an answer nobody asked for", entries_message(2, &[])),
        ("ENTRIES that end a part of an answer", entries_message(3, &[binding])),
        ("PRUNE of Bob's author", [&[8][..], &BOB.author().0].concat()),
        ("WANT_INFO", vec![9]),
        ("INFO to who has it", [&[10][..], &bare_file()].concat()),
        ("a type for later versions", vec![200, 1, 2, 3]),
        ("PROOF that Alice signed two entries", [&[6][..], &stub(hello), &stub(&other)].concat()),
    ]
}

/// Bob hears a message of Alice when the whole chat is stored: what he answers, and his digest then.
fn answers(message: &[u8]) -> (Vec<Value>, [u8; 32]) {
    let mut bob = Side::new(BOB);
    bob.channel.set_info(ChannelInfo::Held(bare_file().into()));
    bob.meet(ALICE);
    let chat = chat();
    let entries: Vec<&Entry> = chat.iter().map(|(_, entry)| entry).collect();
    bob.hear(&entries_message(0, &entries)).expect("an honest side");
    bob.store();
    bob.outside.sent.clear();
    bob.hear(message).expect("a message that may come");
    bob.store();
    let sent = bob.outside.sent.iter().map(|(priority, answer)| {
        json!({ "priority": format!("{priority:?}").to_lowercase(), "bytes": hex(answer) })
    });
    (sent.collect(), bob.channel.digest())
}

fn describe_taken((name, message): &(&str, Vec<u8>)) -> Value {
    let (answers, digest) = answers(message);
    json!({ "name": name, "bytes": hex(message), "answers": answers, "digest": hex(&digest) })
}

/// Messages for which a link is closed.
fn faults() -> Vec<(&'static str, Vec<u8>)> {
    let far_head = [&[2][..], &[7; 32], &[0xff; 8], &[9; 32]].concat();
    let bind = ALICE.bind();
    let entry = |raw: &[u8]| {
        let len = 0x4000 | u16::try_from(raw.len()).expect("a short entry");
        [&[5, 0][..], &len.to_be_bytes(), raw].concat()
    };
    let hasty = next(&ALICE.draft(Kind::Text, b"x"), &bind, &[]);
    let hasty = Draft { lamport: 50, ..hasty }
        .sign(&Identity::from_bytes(&ALICE.log_key()))
        .expect("a valid draft");
    let both = [entry(bind.raw()), entry(hasty.raw())[2..].to_vec()].concat();
    let (header, signature) = (&bind.raw()[..131], &bind.raw()[bind.raw().len() - 64..]);
    let stub = [header, &[7; 32], signature].concat();
    let stub = &entry(&stub)[2..];
    let same = [&[6][..], stub, stub].concat();
    vec![
        ("empty", Vec::new()),
        ("a digest cut short", vec![1; 32]),
        ("a head at an impossible position", far_head),
        ("a want of neither form", vec![3, 2]),
        ("entries of no role", vec![5, 4]),
        ("a lamport time that does not follow", both),
        ("a proof that nobody signed", same),
        ("a route without an address", [&[7, 52][..], &[3; 48], &[0, 1, 1, 5]].concat()),
    ]
}

#[test]
fn the_vectors_are_what_the_code_produces() {
    let entries = chat();
    let mut messages = Vec::new();
    let [alice, bob] = exchange(|from, priority, message| {
        let from = if from.0 == ALICE.0 { "alice" } else { "bob" };
        let priority = format!("{priority:?}").to_lowercase();
        messages.push(json!({ "from": from, "priority": priority, "bytes": hex(message) }));
    });
    assert_eq!(alice.channel.digest(), bob.channel.digest());
    let fault = |message: &[u8]| {
        let mut bob = Side::new(BOB);
        bob.meet(ALICE);
        bob.hear(message).expect_err("the message is at fault").to_string()
    };
    let member = |member: Member| {
        json!({
            "identity_secret": hex(&[member.0; 32]),
            "device_id": hex(&member.device().id.0),
            "log_secret": hex(&member.log_key().0),
            "author": hex(&member.author().0),
        })
    };
    let refused = |(name, raw): &(&str, Vec<u8>)| {
        let error = judge(raw).expect_err(name);
        json!({ "name": name, "bytes": hex(raw), "error": error })
    };
    let value = json!({
        "chan": hex(&CHAN.0),
        "epoch": hex(&[0; 32]),
        "alice": member(ALICE),
        "bob": member(BOB),
        "entries": entries.iter().map(|(name, e)| describe(name, e)).collect::<Vec<_>>(),
        "invalid_entries": invalid().iter().map(refused).collect::<Vec<_>>(),
        "taken": taken().iter().map(describe_taken).collect::<Vec<_>>(),
        "exchange": { "messages": messages, "digest": hex(&alice.channel.digest()) },
        "faults": faults().iter().map(|(name, message)| {
            json!({ "name": name, "bytes": hex(message), "error": fault(message) })
        }).collect::<Vec<_>>(),
    });
    common::check("log", &value);
}

fn list<'a>(vectors: &'a Value, name: &str) -> &'a Vec<Value> {
    vectors[name].as_array().expect("a list")
}

// BC-09.01, BC-09.02, BC-09.03, BC-09.04, BC-09.05, BC-09.06, BC-09.20
#[test]
fn entries_read_as_the_vectors_say() {
    let vectors = common::load("log");
    for case in list(&vectors, "entries") {
        let raw = unhex(&case["bytes"]);
        let entry = judge(&raw).expect("a valid entry");
        assert_eq!(describe(case["name"].as_str().expect("an honest side"), &entry), *case);
    }
    for case in list(&vectors, "invalid_entries") {
        let error = judge(&unhex(&case["bytes"])).expect_err("an invalid entry");
        assert_eq!(case["error"], error, "{}", case["name"]);
    }
}

// BC-09.07, BC-09.08, BC-09.09, BC-09.23
#[test]
fn entries_in_any_order_are_shown_in_one() {
    let vectors = common::load("log");
    let raws: Vec<_> = list(&vectors, "entries").iter().map(|case| unhex(&case["bytes"])).collect();
    for rotation in 0..raws.len() {
        let mut reader = Side::new(Member(3));
        reader.meet(ALICE);
        for at in 0..raws.len() {
            let raw = &raws[(at * 5 + rotation) % raws.len()];
            let len = 0x4000 | u16::try_from(raw.len()).expect("a short entry");
            reader.hear(&[&[5, 0][..], &len.to_be_bytes(), raw].concat()).expect("an honest side");
            reader.store();
        }
        let shown: Vec<_> = reader.channel.messages().map(|message| message.id).collect();
        let messages = list(&vectors, "entries").iter().filter(|case| case["kind"] != 0);
        let ids: Vec<_> = messages.map(|case| unhex(&case["id"])).collect();
        assert_eq!(shown.iter().map(|id| id.0.to_vec()).collect::<Vec<_>>(), ids);
    }
}

// BC-09.14, BC-09.15
#[test]
fn the_exchange_of_the_vectors_is_followed() {
    let vectors = common::load("log");
    let mut expected = list(&vectors["exchange"], "messages").iter();
    let sides = exchange(|_, _, message| {
        assert_eq!(hex(message), expected.next().expect("no more messages")["bytes"]);
    });
    assert!(expected.next().is_none());
    // What Alice sent, and the entries that Bob sent, are enough for anybody.
    let mut reader = Side::new(Member(3));
    reader.meet(ALICE);
    for message in list(&vectors["exchange"], "messages") {
        let bytes = unhex(&message["bytes"]);
        if message["from"] == "alice" || bytes[0] == ENTRIES {
            reader.hear(&bytes).expect("an honest side");
            reader.store();
        }
    }
    for channel in [&reader.channel, &sides[0].channel, &sides[1].channel] {
        assert_eq!(hex(&channel.digest()), vectors["exchange"]["digest"]);
    }
}

// BC-09.10, BC-09.11, BC-09.13, BC-09.18, BC-09.41, BC-09.43
#[test]
fn messages_out_of_place_are_taken_as_the_vectors_say() {
    let vectors = common::load("log");
    let mut digests = Vec::new();
    for case in list(&vectors, "taken") {
        let (answers, digest) = answers(&unhex(&case["bytes"]));
        assert_eq!((&json!(answers), &json!(hex(&digest))), (&case["answers"], &case["digest"]));
        digests.push((case["name"].as_str().expect("a name"), digest));
    }
    // Only the proof changes what counts: of a frozen author what is below the frozen seq.
    let (last, others) = digests.split_last().expect("cases");
    assert!(last.0.starts_with("PROOF") && others.iter().all(|(_, digest)| *digest != last.1));
}

// BC-09.51, BC-09.60
#[test]
fn a_binding_cites_nothing_and_the_text_behind_it_what_was_there() {
    let vectors = common::load("log");
    let mut of_bob = Vec::new();
    for message in list(&vectors["exchange"], "messages") {
        let bytes = unhex(&message["bytes"]);
        if message["from"] == "bob" && bytes[0] == ENTRIES {
            let mut entries = Reader::new(&bytes[2..]);
            while !entries.is_empty() {
                let entry = entries.prefixed(MAX_ENTRY).expect("an entry");
                of_bob.push(Entry::parse(entry).expect("an entry"));
            }
        }
    }
    let [binding, text] = &of_bob[..] else { panic!("{} entries", of_bob.len()) };
    assert_eq!((binding.kind(), binding.cited().len(), binding.lamport()), (Kind::Bind, 0, 1));
    assert_eq!((text.prev(), text.cited().len(), text.lamport()), (binding.id(), 1, 4));
}

// BC-09.28, BC-09.29
#[test]
fn faulty_messages_are_refused_as_the_vectors_say() {
    let vectors = common::load("log");
    for case in list(&vectors, "faults") {
        let mut bob = Side::new(BOB);
        bob.meet(ALICE);
        let error = bob.hear(&unhex(&case["bytes"])).expect_err("the message is at fault");
        assert_eq!(case["error"], error.to_string(), "{}", case["name"]);
    }
}

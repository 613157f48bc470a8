//! A member that sends whatever it likes.

use super::world::{CHAN, World, device};
use crate::base::ids::{EntryId, LinkId};
use crate::base::limits::Limits;
use crate::base::time::UnixMillis;
use crate::base::via::Route;
use crate::channel::pex::{PeerHint, Statement};
use crate::channel::sync::message::{self, Inbound, Role};
use crate::channel::{CHAINS_PER_DEVICE, ChannelFault};
use crate::crypto::channel_keys::Epoch;
use crate::crypto::identity::Identity;
use crate::crypto::suite::Secret;
use crate::log::{
    AuthorId, BINDING_LABEL, Draft, Entry, EntryError, Head, Kind, MAX_ENTRY, bind_body,
    binding_parts,
};
use core::time::Duration;
use proptest::prelude::*;

/// Node 0 with a link to node 1, in whose name messages are made up, and one to an honest node 2.
pub(super) fn victim(limits: &Limits) -> (World, LinkId) {
    let mut world = World::with_limits(3, 40, limits);
    let link = world.link(0, 1);
    world.link(0, 2);
    world.say(0, "hello");
    world.run(Duration::from_secs(1));
    (world, link)
}

pub(super) fn feed(world: &mut World, link: LinkId, message: &[u8]) -> Result<(), ChannelFault> {
    let now = world.clock();
    let node = &mut world.nodes[0];
    node.channel.on_message(now, link, message, &mut node.out)
}

pub(super) fn draft<'a>(seq: u64, prev: EntryId, kind: Kind, body: &'a [u8]) -> Draft<'a> {
    let (cited, wall, epoch) = (Vec::new(), UnixMillis(5), Epoch::default());
    Draft { chan: CHAN, epoch, seq, prev, cited, lamport: seq + 1, wall, kind, body }
}

pub(super) fn binding(index: usize, key: &Secret) -> Vec<u8> {
    let author = AuthorId(Identity::from_bytes(key).peer_id().0);
    let (epoch, id) = (Epoch::default(), device(index).id);
    let parts = binding_parts(&CHAN, &epoch, &id, &author);
    let identity = Identity::from_bytes(&super::world::identity(index));
    bind_body(device(index), &identity.sign(BINDING_LABEL, &parts))
}

pub(super) fn push(raw: &[u8]) -> Vec<u8> {
    message::put_entries(Role::Push, core::iter::once(raw))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_messages_do_no_harm(
        kind in 0..11_u8,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let (mut world, link) = victim(&Limits::default());
        let mut message = vec![kind];
        message.extend(bytes);
        let _ = feed(&mut world, link, &message);
        world.run(Duration::from_secs(70));
        prop_assert_eq!(world.texts(0), ["hello"]);
    }

    #[test]
    fn a_changed_entry_is_refused(at in 0..300_usize, bit in 0..8_u8) {
        let key = Secret([9; 32]);
        let body = binding(1, &key);
        let raw = draft(0, EntryId([0; 32]), Kind::Bind, &body).sign(&Identity::from_bytes(&key)).unwrap();
        let mut changed = raw.raw().to_vec();
        let at = at % changed.len();
        changed[at] ^= 1 << bit;
        let (mut world, link) = victim(&Limits::default());
        prop_assert!(feed(&mut world, link, &push(&changed)).is_err());
        prop_assert_eq!(feed(&mut world, link, &push(raw.raw())), Ok(()));
    }
}

// BC-09.23
#[test]
fn entries_that_wait_for_nothing_are_bounded() {
    let limits = Limits::with(|limits| limits.channel.waiting_entries = 40);
    let (mut world, link) = victim(&limits);
    for number in 0..100_u8 {
        let raw = draft(7, EntryId([number; 32]), Kind::Text, b"x")
            .sign(&Identity::from_bytes(&Secret([number; 32])));
        if let Ok(raw) = raw {
            feed(&mut world, link, &push(raw.raw())).unwrap();
        }
    }
    assert_eq!(world.nodes[0].channel.log.waiting(), 10, "a quarter for one link");
    world.run(Duration::from_secs(70));
    assert_eq!(world.nodes[0].channel.log.waiting(), 0, "given up after a minute");
}

#[test]
fn heads_that_nobody_has_cost_little() {
    let (mut world, link) = victim(&Limits::with(|limits| limits.channel.authors = 50));
    for number in 0..200_u8 {
        let head = Head { author: AuthorId([number; 32]), seq: 1 << 20, id: EntryId([1; 32]) };
        feed(&mut world, link, &message::put_heads(&[head])).unwrap();
    }
    let before = world.nodes[0].out.sent_messages;
    world.run(Duration::from_secs(300));
    let asked = world.nodes[0].out.sent_messages - before;
    assert!(asked < 30, "{asked} messages for heads that lead nowhere");
    world.say(1, "still here");
    world.run(Duration::from_secs(40));
    assert_eq!(world.texts(0), ["hello", "still here"]);
}

// BC-09.13, BC-09.14, BC-09.19, BC-09.26, BC-09.29
#[test]
fn impossible_messages_close_the_link() {
    let (mut world, link) = victim(&Limits::default());
    let far = Head { author: AuthorId([1; 32]), seq: (1 << 62) - 1, id: EntryId([1; 32]) };
    let fault = feed(&mut world, link, &message::put_heads(&[far]));
    assert_eq!(fault, Err(ChannelFault::Position));
    let digest = message::put_digest(&[0; 32]);
    assert_eq!(feed(&mut world, link, &digest), Err(ChannelFault::SecondDigest));
    let long = vec![0; 128 * 1024 + 1];
    assert_eq!(feed(&mut world, link, &long), Err(ChannelFault::TooLong(long.len())));
    assert!(matches!(feed(&mut world, link, &[3, 7]), Err(ChannelFault::Decode(_))));
    assert!(matches!(feed(&mut world, link, &[]), Err(ChannelFault::Decode(_))));
    assert_eq!(
        feed(&mut world, link, &[200, 1, 2]),
        Ok(()),
        "unknown types are for later versions"
    );
    let ids = [EntryId([1; 32]); 65];
    assert!(feed(&mut world, link, &message::put_want_ids(ids[1..].iter())).is_ok());
    let many = feed(&mut world, link, &message::put_want_ids(ids.iter()));
    assert!(matches!(many, Err(ChannelFault::Decode(_))));
    let of = Statement {
        routes: vec![Route::Udp(([203, 0, 113, 1], 1).into()); 8],
        ..Statement::default()
    };
    let mut nine = message::put_peers(&[PeerHint { device: device(2), age: 0, of }]);
    let ninth = [1, 6, 203, 0, 113, 1, 2, 0];
    nine.extend(ninth);
    nine[2] += u8::try_from(ninth.len()).unwrap();
    world.now += Duration::from_secs(60);
    assert!(matches!(feed(&mut world, link, &nine), Err(ChannelFault::Decode(_))));
    let same = world.nodes[0].channel.messages().next().unwrap().id;
    let stub = world.nodes[0].channel.log.chains().entry(&same).unwrap().stub();
    let proof = message::put_proof(stub.raw(), stub.raw());
    assert_eq!(feed(&mut world, link, &proof), Err(ChannelFault::EmptyProof));
}

#[test]
fn a_chain_that_breaks_the_rules_closes_the_link() {
    let (mut world, link) = victim(&Limits::default());
    let key = Secret([9; 32]);
    let body = binding(1, &key);
    let first =
        draft(0, EntryId([0; 32]), Kind::Bind, &body).sign(&Identity::from_bytes(&key)).unwrap();
    feed(&mut world, link, &push(first.raw())).unwrap();
    let hasty = Draft { lamport: 90, ..draft(1, first.id(), Kind::Text, b"x") };
    let wrong = EntryError::WrongLamport { found: 90, expected: 2 };
    let refused =
        feed(&mut world, link, &push(hasty.sign(&Identity::from_bytes(&key)).unwrap().raw()));
    assert_eq!(refused, Err(wrong.into()));
    let skipping =
        draft(2, first.id(), Kind::Text, b"x").sign(&Identity::from_bytes(&key)).unwrap();
    let refused = feed(&mut world, link, &push(skipping.raw()));
    assert_eq!(refused, Err(EntryError::WrongPrev.into()));
    let stolen = draft(1, first.id(), Kind::Text, b"x")
        .sign(&Identity::from_bytes(&Secret([8; 32])))
        .unwrap();
    let refused = feed(&mut world, link, &push(stolen.raw()));
    assert_eq!(refused, Err(EntryError::WrongPrev.into()));
    let elsewhere = Draft {
        chan: crate::base::ids::ChannelId([1; 20]),
        ..draft(1, first.id(), Kind::Text, b"x")
    };
    let refused =
        feed(&mut world, link, &push(elsewhere.sign(&Identity::from_bytes(&key)).unwrap().raw()));
    assert_eq!(refused, Err(EntryError::WrongChannel.into()));
    let later =
        draft(1, first.id(), Kind::Unknown(77), b"\xff").sign(&Identity::from_bytes(&key)).unwrap();
    assert_eq!(feed(&mut world, link, &push(later.raw())), Ok(()));
    world.settle();
    assert_eq!(world.texts(0), ["hello", "kind 77"]);
    assert_eq!(world.texts(2), ["hello", "kind 77"], "what is not understood is passed on");
}

// BC-09.12
#[test]
fn one_device_does_not_fill_the_log_with_chains() {
    let (mut world, link) = victim(&Limits::default());
    for number in 0..CHAINS_PER_DEVICE + 10 {
        let key = Secret([u8::try_from(number).unwrap() + 100; 32]);
        let body = binding(1, &key);
        let first = draft(0, EntryId([0; 32]), Kind::Bind, &body)
            .sign(&Identity::from_bytes(&key))
            .unwrap();
        feed(&mut world, link, &push(first.raw())).unwrap();
        world.settle();
    }
    let authors = world.nodes[0].channel.log.chains().authors();
    assert_eq!(authors.filter(|(_, of)| *of == device(1)).count(), CHAINS_PER_DEVICE);
}

/// The entries in what a node sent on `link` as history, and the last message's role.
fn answer(world: &mut World, link: LinkId) -> (Vec<Entry>, Option<Role>) {
    let (mut entries, mut last) = (Vec::new(), None);
    for message in world.nodes[0].out.wires.remove(&(link, 2)).unwrap_or_default() {
        let Ok(Inbound::Entries(role, mut list)) = message::decode(&message) else {
            panic!("only entries travel as history");
        };
        last = Some(role);
        while !list.is_empty() {
            entries.push(Entry::parse(list.prefixed(MAX_ENTRY).unwrap()).unwrap());
        }
    }
    (entries, last)
}

// BC-09.18
#[test]
fn an_answer_is_bounded_and_in_the_order_of_the_log() {
    let mut world = World::new(4, 41);
    world.mesh();
    for round in 0..400 {
        world.say(round % 3, "a text");
        world.settle();
    }
    let link = world.link(0, 3);
    world.nodes[0].out.wires.clear();
    feed(&mut world, link, &message::put_heads(&[])).unwrap();
    let (mut place, mut total) = (None, 0);
    for (round, count) in [(0, 256), (1, 147), (2, 0)] {
        feed(&mut world, link, &message::put_want(round > 0)).unwrap();
        let (entries, role) = answer(&mut world, link);
        assert_eq!((entries.len(), role), (count, Some(Role::Last { more: round == 0 })));
        for entry in &entries {
            assert!(Some(entry.place()) > place, "out of order");
            place = Some(entry.place());
        }
        total += entries.len();
    }
    assert_eq!(total, 403, "400 texts and 3 bindings");
    feed(&mut world, link, &message::put_want(false)).unwrap();
    assert_eq!(answer(&mut world, link).0.len(), 256, "from the heads on again");
}

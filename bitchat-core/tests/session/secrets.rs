//! The secrets behind a captured session. What the nodes drew is found again among what equal
//! streams of randomness give, and proven by making the same messages and keys once more.

use super::layers::Capture;
use super::world::{ALICE, BOB, World, address, identity, seed};
use crate::common::hex;
use bitchat_core::base::rng::{Rng, SecretStream};
use bitchat_core::chatfile::ChatFile;
use bitchat_core::crypto::channel_keys::{ChannelKeys, Epoch};
use bitchat_core::crypto::identity::{Certificate, Identity};
use bitchat_core::crypto::noise::{HandshakeState, Params, Pattern, Role};
use bitchat_core::crypto::suite::{DhSecret, KemSecret, Secret, Suite};
use bitchat_core::handshake::SessionSecrets;
use bitchat_core::link::control::Control;
use bitchat_core::link::session::rekey::{NewKeys, Rekey};
use bitchat_core::link::slots::token;
use bitchat_core::log::AuthorId;
use serde_json::{Value, json};

/// The first draws of a node.
const DRAWS: usize = 64;

/// What the vector says beside the datagrams.
pub(crate) struct Secrets {
    pub(crate) alice: Value,
    pub(crate) bob: Value,
    pub(crate) handshake: Value,
    pub(crate) rekey: Value,
    pub(crate) slots: Value,
}

/// The keys of the channel that the file names.
pub(crate) fn channel(file: &ChatFile) -> Value {
    let keys = file.keys(Epoch::default());
    json!({
        "chan": hex(&file.channel_id().0),
        "psk": hex(&keys.psk.0),
        "mac": hex(&keys.mac.0),
        "mask": hex(&keys.mask.0),
        "infohash": hex(&keys.infohash(0).0),
    })
}

/// The secret stream of a node, after `draws` draws.
fn stream(side: usize, draws: usize) -> SecretStream {
    let mut stream = Rng::new(&seed(side)).secret;
    for _ in 0..draws {
        let _: [u8; 32] = stream.bytes();
    }
    stream
}

/// Which draw of a stream is wanted, and its bytes. What a draw leaves behind does not depend on
/// its length, and a short draw is the beginning of a long one.
fn find(stream: &mut SecretStream, wanted: impl Fn(&[u8; 64]) -> bool) -> (usize, [u8; 64]) {
    (0..DRAWS)
        .map(|at| (at, stream.bytes()))
        .find(|(_, draw)| wanted(draw))
        .expect("the node drew it")
}

fn secret(draw: &[u8; 64]) -> Secret {
    Secret(*draw.first_chunk().expect("64 bytes"))
}

fn dh(suite: Suite, draw: &[u8; 64]) -> DhSecret {
    DhSecret::from_bytes(suite, &secret(draw))
}

/// The draw that is the secret of an X25519 public key.
fn find_dh(suite: Suite, side: usize, public: &[u8]) -> (usize, DhSecret) {
    let (at, draw) = find(&mut stream(side, 0), |draw| dh(suite, draw).public().0 == public);
    (at, dh(suite, &draw))
}

/// The body of the handshake message of a kind.
fn body(captured: &[Capture], kind: u8) -> &[u8] {
    let found = captured.iter().find(|capture| capture.body.first() == Some(&kind));
    &found.expect("the handshake is there").body
}

/// The first control message of a side that `wanted` takes.
fn control(captured: &[Capture], from: usize, wanted: impl Fn(&Control<'_>) -> bool) -> Vec<u8> {
    let sent = captured.iter().filter(|capture| capture.from == from);
    let mut messages = sent.flat_map(|capture| &capture.messages);
    let is_wanted = |message: &[u8]| Control::decode(message).is_ok_and(|read| wanted(&read));
    let found = messages.find(|(stream, message)| *stream == 0 && is_wanted(message));
    found.expect("the message is there").1.clone()
}

/// A handshake made again from both sides' secrets.
struct Handshake {
    statics: [DhSecret; 2],
    ephemerals: [DhSecret; 2],
    hellos: [Vec<u8>; 2],
    cids: [Vec<u8>; 2],
    hash: [u8; 32],
    secrets: SessionSecrets,
}

fn prologue(keys: &ChannelKeys) -> Vec<u8> {
    [&b"bitchat-v1\x01"[..], &keys.chan().0, &keys.epoch().0].concat()
}

fn state(keys: &ChannelKeys, role: Role, of: &DhSecret) -> HandshakeState {
    let mut state = HandshakeState::new(Params {
        pattern: Pattern::Xx,
        psks: &[0, 3],
        role,
        prologue: &prologue(keys),
        local_static: Some(of.clone()),
        remote_static: None,
    })
    .expect("valid");
    state.set_psk(0, keys.psk.clone()).expect("awaited");
    state.set_psk(3, Secret([0; 32])).expect("awaited");
    state
}

/// What the initiator says in the first message, read without any static key: the responder's
/// matters only later.
fn connection_id(suite: Suite, keys: &ChannelKeys, message: &[u8]) -> Vec<u8> {
    let any = DhSecret::from_bytes(suite, &Secret([1; 32]));
    let mut cid = Vec::new();
    state(keys, Role::Responder, &any).read_message(message, &mut cid).expect("hs1");
    cid
}

/// Makes the handshake of the capture again.
fn handshake(suite: Suite, file: &ChatFile, captured: &[Capture]) -> Handshake {
    let keys = file.keys(Epoch::default());
    let (hs1, hs2, hs3) = (body(captured, 0x13), body(captured, 0x14), body(captured, 0x15));
    let noise = [&hs1[17..73], &hs2[9..298], &hs3[9..258]];
    let cid = connection_id(suite, &keys, noise[0]);
    let (_, of_alice) = find_dh(suite, ALICE, &noise[0][..32]);
    let (_, of_bob) = find_dh(suite, BOB, &noise[1][..32]);
    // Each writes the same `s` as in the capture only with its true static key.
    let writes = |side: usize, of: &DhSecret| -> bool {
        let (role, ephemeral) =
            if side == ALICE { (Role::Initiator, &of_alice) } else { (Role::Responder, &of_bob) };
        let (mut state, mut written) = (state(&keys, role, of), Vec::new());
        if side == ALICE {
            state.write_message(Some(ephemeral.clone()), &cid, &mut written).expect("hs1");
            state.read_message(noise[1], &mut Vec::new()).expect("hs2");
            written.clear();
            state.write_message(None, &[0; 185], &mut written).expect("hs3");
            return written[..48] == noise[2][..48];
        }
        state.read_message(noise[0], &mut Vec::new()).expect("hs1");
        state.write_message(Some(ephemeral.clone()), &[0; 193], &mut written).expect("hs2");
        written[..80] == noise[1][..80]
    };
    let statics = [ALICE, BOB].map(|side| {
        let (_, draw) = find(&mut stream(side, 0), |draw| writes(side, &dh(suite, draw)));
        dh(suite, &draw)
    });
    let mut alice = state(&keys, Role::Initiator, &statics[ALICE]);
    let mut bob = state(&keys, Role::Responder, &statics[BOB]);
    let (mut second, mut hello, mut written) = (Vec::new(), Vec::new(), Vec::new());
    bob.read_message(noise[0], &mut Vec::new()).expect("hs1");
    alice.write_message(Some(of_alice.clone()), &cid, &mut written).expect("hs1");
    assert_eq!(hex(&written), hex(noise[0]));
    alice.read_message(noise[1], &mut second).expect("hs2");
    written.clear();
    bob.write_message(Some(of_bob.clone()), &second, &mut written).expect("hs2");
    assert_eq!(hex(&written), hex(noise[1]));
    bob.read_message(noise[2], &mut hello).expect("hs3");
    Handshake {
        statics,
        ephemerals: [of_alice, of_bob],
        hellos: [hello, second[8..].to_vec()],
        cids: [cid, second[..8].to_vec()],
        hash: bob.handshake_hash(),
        secrets: SessionSecrets::derive(&bob).expect("finished"),
    }
}

/// The first rekey, made again by the machines from the same draws.
struct FirstRekey {
    init: Vec<u8>,
    response: Vec<u8>,
    kem_seed: [u8; 64],
    kem_message: [u8; 64],
    ephemerals: [[u8; 64]; 2],
    /// Draws of each side up to and with this rekey.
    draws: [usize; 2],
    keys: NewKeys,
}

fn first_rekey(suite: Suite, session: &Handshake, captured: &[Capture]) -> FirstRekey {
    let init = control(captured, ALICE, |read| matches!(read, Control::RekeyInit(_)));
    let response = control(captured, BOB, |read| matches!(read, Control::RekeyResponse(_)));
    // Type, rekey number and flags, then the ephemeral key; the encapsulation key behind the tag.
    let (of_alice, first) =
        find(&mut stream(ALICE, 0), |draw| dh(suite, draw).public().0 == init[3..35]);
    let (of_bob, second) =
        find(&mut stream(BOB, 0), |draw| dh(suite, draw).public().0 == response[3..35]);
    let (seeded, kem_seed) =
        find(&mut stream(ALICE, 0), |draw| KemSecret::from_seed(suite, draw).1 == init[51..]);
    let kem_message = stream(BOB, of_bob - 1).bytes();
    let rekey = |role: Role, of: usize, other: usize| {
        let remote = session.statics[other].public();
        let exporter = session.secrets.exporter.clone();
        Rekey::new(role, session.statics[of].clone(), remote, session.hash, exporter)
    };
    let mut alice = rekey(Role::Initiator, ALICE, BOB);
    let mut bob = rekey(Role::Responder, BOB, ALICE);
    let again = alice.start(true, &mut stream(ALICE, seeded.min(of_alice))).expect("its turn");
    assert_eq!(hex(&again), hex(&init[1..]));
    let (again, keys) = bob.on_init(&init[1..], &mut stream(BOB, of_bob - 1)).expect("genuine");
    assert_eq!(hex(&again), hex(&response[1..]));
    let same = alice.on_response(&response[1..]).expect("genuine");
    assert_eq!((&same.i2r, &same.r2i), (&keys.i2r, &keys.r2i));
    let draws = [seeded.max(of_alice) + 1, of_bob + 1];
    let ephemerals = [first, second];
    FirstRekey { init, response, kem_seed, kem_message, ephemerals, draws, keys }
}

/// The log key of a side, drawn after the first rekey had been mixed into its randomness
/// (BC-08.04).
fn log_key(side: usize, rekey: &FirstRekey, author: AuthorId) -> Secret {
    let mut drawn = stream(side, rekey.draws[side]);
    drawn.stir(&rekey.keys.i2r.0);
    let is_it = |draw: &[u8; 64]| Identity::from_bytes(&secret(draw)).peer_id().0 == author.0;
    secret(&find(&mut drawn, is_it).1)
}

/// The author of the first entry that a side sent.
fn author(captured: &[Capture], side: usize) -> AuthorId {
    let sent = captured.iter().filter(|capture| capture.from == side);
    let messages = sent
        .flat_map(|capture| capture.json["packet"]["messages"].as_array().into_iter().flatten());
    let mut entries =
        messages.flat_map(|message| message["entries"].as_array().into_iter().flatten());
    let name = &entries.next().expect("an entry")["author"];
    AuthorId(crate::common::unhex(name).try_into().expect("32 bytes"))
}

fn describe(side: usize, session: &Handshake, log: &Secret) -> Value {
    let hello = &session.hellos[side];
    let certificate = Certificate::decode(&hello[..161]).expect("a certificate");
    assert_eq!(certificate.static_key, session.statics[side].public());
    json!({
        "address": address(side).to_string(),
        "identity_secret": hex(&identity(side).0),
        "peer_id": hex(&certificate.peer.0),
        "device_id": hex(&certificate.device.0),
        "static_secret": hex(&session.statics[side].to_bytes().0),
        "certificate": hex(&hello[..161]),
        "features": hello[161],
        "boot": hex(&hello[169..]),
        "connection_id": hex(&session.cids[side]),
        "log_secret": hex(&log.0),
        "author": hex(&Identity::from_bytes(log).peer_id().0),
    })
}

/// Where a side shows the channel: its token, and the slot that it so has.
fn slot(file: &ChatFile, session: &Handshake, captured: &[Capture], side: usize) -> Value {
    let role = if side == ALICE { Role::Initiator } else { Role::Responder };
    let token = token(&file.keys(Epoch::default()).mac, &session.hash, role);
    let message = control(captured, side, |read| matches!(read, Control::SlotTokens { .. }));
    let Ok(Control::SlotTokens { base, tokens }) = Control::decode(&message) else {
        panic!("a list of tokens")
    };
    let at = tokens.iter().position(|shown| *shown == token).expect("the channel is shown");
    json!({ "role": side, "token": hex(&token), "slot": base + at as u64 })
}

/// All secrets of the run.
pub(crate) fn of(suite: Suite, world: &World, captured: &[Capture]) -> Secrets {
    let file = world.file();
    let session = handshake(suite, &file, captured);
    let rekey = first_rekey(suite, &session, captured);
    let [alice, bob] = [ALICE, BOB]
        .map(|side| describe(side, &session, &log_key(side, &rekey, author(captured, side))));
    let secrets = &session.secrets;
    let keys = &rekey.keys;
    let resumption = keys.resumption.as_ref().map(|secret| hex(&secret.0));
    let ephemeral = |draw: &[u8; 64]| hex(&draw[..32]);
    Secrets {
        alice,
        bob,
        handshake: json!({
            "psk3": hex(&[0; 32]),
            "initiator_ephemeral": hex(&session.ephemerals[ALICE].to_bytes().0),
            "responder_ephemeral": hex(&session.ephemerals[BOB].to_bytes().0),
            "handshake_hash": hex(&session.hash),
            "i2r": hex(&secrets.i2r.0),
            "r2i": hex(&secrets.r2i.0),
            "mask_i2r": hex(&secrets.mask_i2r.0),
            "mask_r2i": hex(&secrets.mask_r2i.0),
            "exporter": hex(&secrets.exporter.0),
        }),
        rekey: json!({
            "number": 1,
            "kem_seed": hex(&rekey.kem_seed),
            "initiator_ephemeral": ephemeral(&rekey.ephemerals[ALICE]),
            "rekey_init": hex(&rekey.init),
            "kem_message": ephemeral(&rekey.kem_message),
            "responder_ephemeral": ephemeral(&rekey.ephemerals[BOB]),
            "rekey_resp": hex(&rekey.response),
            "i2r": hex(&keys.i2r.0),
            "r2i": hex(&keys.r2i.0),
            "resumption": resumption,
        }),
        slots: json!({
            "alice": slot(&file, &session, captured, ALICE),
            "bob": slot(&file, &session, captured, BOB),
        }),
    }
}

//! Vectors of chapter 5: the datagrams of a handshake, and the session that comes of it.

mod common;

use bitchat_core::base::ids::{ChannelId, Device, DeviceId};
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::{Timestamp, UnixMillis};
use bitchat_core::crypto::channel_keys::{ChannelKeys, Epoch};
use bitchat_core::crypto::gate::{CookieJar, Envelope};
use bitchat_core::crypto::identity::{Certificate, Identity};
use bitchat_core::crypto::noise::{HandshakeState, Params, Pattern, Role};
use bitchat_core::crypto::suite::{DhPublic, DhSecret, Secret, Suite};
use bitchat_core::handshake::{
    BootId, Devices, Effect, Env, Established, Initiator, Local, Responder, SessionSecrets, Target,
};
use common::{hex, unhex};
use core::net::SocketAddr;
use serde_json::{Value, json};

const WALL: UnixMillis = UnixMillis(1_700_000_000_000);
const NOW: Timestamp = Timestamp::ZERO;

/// Every peer left this secret, or none.
struct Memory(Option<Secret>);

impl Devices for Memory {
    fn secrets(&self, _: &DhPublic) -> [Option<Secret>; 2] {
        [self.0.clone(), None]
    }

    fn is_linked(&self, _: &Device, _: &BootId) -> bool {
        false
    }
}

struct Side {
    address: SocketAddr,
    local: Local,
    rng: Rng,
    /// The key that the machine will draw, known beforehand from an equal stream.
    ephemeral: Secret,
    effects: Vec<Effect>,
}

fn keys() -> ChannelKeys {
    ChannelKeys::new(ChannelId([0x01; 20]), &Secret([0x11; 32]), Epoch::default())
}

fn side(suite: Suite, name: u8, address: &str) -> Side {
    let static_key = DhSecret::from_bytes(suite, &Secret([name; 32]));
    let identity = Identity::new(suite, &Secret([name + 1; 32]));
    let device = DeviceId([name + 2; 16]);
    let lifetime = Certificate::MAX_LIFETIME;
    let certificate = Certificate::issue(&identity, device, static_key.public(), WALL, lifetime);
    let local = Local {
        static_key,
        certificate: certificate.expect("a valid lifetime"),
        // Version 1 defines no bits.
        features: 0,
        boot: BootId([name + 3; 16]),
    };
    let seed = Seed([name + 4; 32]);
    Side {
        address: address.parse().expect("an address"),
        local,
        rng: Rng::new(&seed),
        ephemeral: Secret(Rng::new(&seed).secret.bytes()),
        effects: Vec::new(),
    }
}

impl Side {
    fn call<R>(
        &mut self,
        memory: &Memory,
        cookies: &CookieJar,
        act: impl FnOnce(&mut Env<'_>) -> R,
    ) -> R {
        act(&mut Env {
            now: NOW,
            wall: WALL,
            local: &self.local,
            keys: &keys(),
            cookies,
            devices: memory,
            rng: &mut self.rng,
            key_log: false,
            effects: &mut self.effects,
        })
    }

    fn sent(&mut self) -> Vec<u8> {
        let at = self.effects.iter().position(|effect| matches!(effect, Effect::Send { .. }));
        match self.effects.remove(at.expect("a datagram")) {
            Effect::Send { datagram, .. } => datagram,
            other => panic!("{other:?}"),
        }
    }

    fn session(&mut self) -> Box<Established> {
        match self.effects.pop() {
            Some(Effect::Established(session)) => session,
            other => panic!("{other:?}"),
        }
    }

    fn describe(&self, connection_id: &[u8]) -> Value {
        json!({
            "static_secret": hex(&self.local.static_key.to_bytes().0),
            "ephemeral_secret": hex(&self.ephemeral.0),
            "connection_id": hex(connection_id),
            "certificate": hex(&self.local.certificate.encode()),
            "features": self.local.features,
            "boot": hex(&self.local.boot.0),
        })
    }
}

fn body(datagram: &[u8]) -> Vec<u8> {
    let mut datagram = datagram.to_vec();
    let envelope = Envelope::new(&mut datagram).expect("long enough");
    assert!(envelope.proves(&keys(), WALL.day()));
    envelope.unmask(&keys()).to_vec()
}

/// Runs the machines against each other and writes down everything.
fn run(suite: Suite, secret: Option<Secret>) -> Value {
    let (mut alice, mut bob) =
        (side(suite, 0x20, "192.0.2.1:1001"), side(suite, 0x30, "198.51.100.2:2002"));
    let jar = CookieJar::new(&mut Rng::new(&Seed([0x40; 32])).secret);
    let (from, to) = (alice.address, bob.address);
    let cookie = jar.issue(NOW, from);
    let psk3 = secret.clone().unwrap_or(Secret([0; 32]));
    let memory = Memory(secret);
    let mut responder = Responder::new(1);
    let target = Target { remote: to, peer: None, cookie: Some(cookie) };
    let mut initiator = alice.call(&memory, &jar, |env| Initiator::start(env, target));
    let hs1 = alice.sent();
    bob.call(&memory, &jar, |env| responder.handle_hs1(env, from, &body(&hs1))).expect("valid");
    let hs2 = bob.sent();
    alice
        .call(&memory, &jar, |env| initiator.handle_datagram(env, to, &body(&hs2)))
        .expect("valid");
    let hs3 = alice.sent();
    bob.call(&memory, &jar, |env| responder.handle_hs3(env, from, &body(&hs3))).expect("valid");
    let (at_alice, at_bob) = (alice.session(), bob.session());
    assert_eq!(at_alice.handshake_hash, at_bob.handshake_hash);
    let secrets = &at_alice.secrets;
    json!({
        "day": WALL.day(),
        "channel": { "chan": hex(&[0x01; 20]), "key": hex(&[0x11; 32]), "epoch": hex(&[0; 32]) },
        "initiator": alice.describe(&at_alice.local_cid.0),
        "responder": bob.describe(&at_bob.local_cid.0),
        "cookie": hex(&cookie.0),
        "psk3": hex(&psk3.0),
        "hs1": { "datagram": hex(&hs1), "body": hex(&body(&hs1)) },
        "hs2": { "datagram": hex(&hs2), "body": hex(&body(&hs2)) },
        "hs3": { "datagram": hex(&hs3), "body": hex(&body(&hs3)) },
        "handshake_hash": hex(&at_alice.handshake_hash),
        "resumed": at_alice.resumed && at_bob.resumed,
        "secrets": describe(secrets),
    })
}

fn describe(secrets: &SessionSecrets) -> Value {
    json!({
        "i2r": hex(&secrets.i2r.0),
        "r2i": hex(&secrets.r2i.0),
        "mask_i2r": hex(&secrets.mask_i2r.0),
        "mask_r2i": hex(&secrets.mask_r2i.0),
        "exporter": hex(&secrets.exporter.0),
    })
}

/// Follows a vector by the letter of the specification, without the machines.
fn replay(suite: Suite, vector: &Value) {
    let secret = |value: &Value| Secret(unhex(value).try_into().expect("32 bytes"));
    let channel = &vector["channel"];
    let prologue =
        [b"bitchat-v1\x01".to_vec(), unhex(&channel["chan"]), unhex(&channel["epoch"])].concat();
    let chan = ChannelId(unhex(&channel["chan"]).try_into().expect("20 bytes"));
    let epoch = Epoch(unhex(&channel["epoch"]).try_into().expect("32 bytes"));
    let psk0 = ChannelKeys::new(chan, &secret(&channel["key"]), epoch).psk;
    let end = |role: Role, name: &str| {
        let key = DhSecret::from_bytes(suite, &secret(&vector[name]["static_secret"]));
        let mut state = HandshakeState::new(Params {
            pattern: Pattern::Xx,
            psks: &[0, 3],
            role,
            prologue: &prologue,
            local_static: Some(key),
            remote_static: None,
        })
        .expect("valid");
        state.set_psk(0, psk0.clone()).expect("awaited");
        state.set_psk(3, secret(&vector["psk3"])).expect("awaited");
        state
    };
    let ephemeral =
        |name: &str| Some(DhSecret::from_bytes(suite, &secret(&vector[name]["ephemeral_secret"])));
    let hello = |name: &str| {
        let features = vector[name]["features"].as_u64().expect("bits").to_le_bytes();
        let certificate = unhex(&vector[name]["certificate"]);
        [certificate, features.to_vec(), unhex(&vector[name]["boot"])].concat()
    };
    let cid = |name: &str| unhex(&vector[name]["connection_id"]);
    let (mut alice, mut bob) =
        (end(Role::Initiator, "initiator"), end(Role::Responder, "responder"));
    let mut exchange =
        |from_alice: bool, name: &str, kind: u8, address: Vec<u8>, payload: &[u8]| {
            let (writer, reader) =
                if from_alice { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
            let key = match name {
                "hs1" => ephemeral("initiator"),
                "hs2" => ephemeral("responder"),
                _ => None,
            };
            let mut message = Vec::new();
            writer.write_message(key, payload, &mut message).expect("valid");
            reader.read_message(&message, &mut Vec::new()).expect("valid");
            let fields = [vec![kind], address, message].concat();
            let found = unhex(&vector[name]["body"]);
            assert_eq!(hex(&fields), hex(&found[..fields.len()]), "{name}");
            assert_eq!(hex(&body(&unhex(&vector[name]["datagram"]))), hex(&found));
        };
    exchange(true, "hs1", 0x13, unhex(&vector["cookie"]), &cid("initiator"));
    let about_bob = [cid("responder"), hello("responder")].concat();
    exchange(false, "hs2", 0x14, cid("initiator"), &about_bob);
    exchange(true, "hs3", 0x15, cid("responder"), &hello("initiator"));
    assert_eq!(hex(&alice.handshake_hash()), vector["handshake_hash"].as_str().expect("hex"));
    let secrets = SessionSecrets::derive(&bob).expect("finished");
    assert_eq!(describe(&secrets), vector["secrets"]);
}

/// BC-05.20, BC-05.21, BC-05.22, BC-05.23, BC-05.24, BC-05.27, BC-05.30
#[test]
fn handshakes() {
    for &suite in Suite::ALL {
        let document = json!({
            "first_contact": run(suite, None),
            "resumed": run(suite, Some(Secret([0x99; 32]))),
        });
        common::check("handshake", &document);
        let document = common::load("handshake");
        for name in ["first_contact", "resumed"] {
            replay(suite, &document[name]);
            assert_eq!(document[name]["resumed"].as_bool(), Some(name == "resumed"));
            let len = |step: &str| unhex(&document[name][step]["datagram"]).len();
            assert!(len("hs2") <= len("hs1"));
        }
    }
}

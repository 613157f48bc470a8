//! Handshakes with `snow`, an implementation that others wrote.

use super::*;

/// One run: `ours` against snow.
struct Case {
    suite: Suite,
    pattern: Pattern,
    psks: &'static [u8],
    name: &'static str,
}

impl Case {
    /// Both sides with fresh keys, psks and prologue, ours in `role`.
    fn start(&self, role: Role, rng: &mut SecretStream) -> (HandshakeState, snow::HandshakeState) {
        let (local, remote) =
            (DhSecret::generate(self.suite, rng), DhSecret::generate(self.suite, rng));
        let prologue: [u8; 16] = rng.bytes();
        let psks: Vec<(u8, Secret)> =
            self.psks.iter().map(|&at| (at, Secret(rng.bytes()))).collect();
        let ours_known = match role {
            Role::Initiator => self.pattern != Pattern::Xx,
            Role::Responder => self.pattern == Pattern::Kk,
        };
        let theirs_known = match role {
            Role::Initiator => self.pattern == Pattern::Kk,
            Role::Responder => self.pattern != Pattern::Xx,
        };
        let mut ours = HandshakeState::new(Params {
            pattern: self.pattern,
            psks: self.psks,
            role,
            prologue: &prologue,
            local_static: Some(local.clone()),
            remote_static: ours_known.then(|| remote.public()),
        })
        .unwrap();
        let (secret, known, ephemeral) = (remote.to_bytes(), local.public(), rng.bytes::<32>());
        let mut theirs = snow::Builder::new(self.name.parse().unwrap())
            .local_private_key(&secret.0)
            .unwrap()
            .prologue(&prologue)
            .unwrap()
            .fixed_ephemeral_key_for_testing_only(&ephemeral);
        if theirs_known {
            theirs = theirs.remote_public_key(&known.0).unwrap();
        }
        for (at, psk) in &psks {
            ours.set_psk(*at, psk.clone()).unwrap();
            theirs = theirs.psk(*at, &psk.0).unwrap();
        }
        let theirs = match role {
            Role::Initiator => theirs.build_responder().unwrap(),
            Role::Responder => theirs.build_initiator().unwrap(),
        };
        (ours, theirs)
    }

    fn run(&self, role: Role, rng: &mut SecretStream) {
        let (mut ours, mut theirs) = self.start(role, rng);
        let mut buffer = [0; 1_024];
        while !ours.is_finished() {
            let payload = random_payload(rng);
            if ours.is_our_turn() {
                let third = self.pattern == Pattern::Xx && role == Role::Initiator;
                let third = third && ours.remote_static().is_some();
                let ephemeral = (!third).then(|| DhSecret::generate(self.suite, rng));
                let overhead = ours.message_overhead();
                let mut message = Vec::new();
                ours.write_message(ephemeral, &payload, &mut message).unwrap();
                assert_eq!(message.len(), payload.len() + overhead);
                let len = theirs.read_message(&message, &mut buffer).unwrap();
                assert_eq!(buffer[..len], payload);
            } else {
                let overhead = ours.message_overhead();
                let len = theirs.write_message(&payload, &mut buffer).unwrap();
                assert_eq!(len, payload.len() + overhead);
                let mut read = b"before".to_vec();
                ours.read_message(&buffer[..len], &mut read).unwrap();
                assert_eq!(read, [b"before", &payload[..]].concat());
            }
        }
        assert!(theirs.is_handshake_finished());
        assert_eq!(theirs.get_handshake_hash(), ours.handshake_hash());
        assert_eq!(theirs.get_remote_static().map(<[u8]>::len), Some(32));
        self.transport(role, &ours, theirs, rng);
    }

    /// Two messages in each direction that the pattern has.
    fn transport(
        &self,
        role: Role,
        ours: &HandshakeState,
        theirs: snow::HandshakeState,
        rng: &mut SecretStream,
    ) {
        let (first, second) = ours.split().unwrap();
        let (sending, receiving) = match role {
            Role::Initiator => (first, second),
            Role::Responder => (second, first),
        };
        let (mut sending, mut receiving) =
            (CipherState::new(self.suite, &sending), CipherState::new(self.suite, &receiving));
        let mut theirs = theirs.into_transport_mode().unwrap();
        let one_way = self.pattern == Pattern::X;
        let mut buffer = [0; 1_024];
        for _ in 0..2 {
            if !one_way || role == Role::Initiator {
                let payload = random_payload(rng);
                let mut message = Vec::new();
                sending.seal(&[], &payload, &mut message).unwrap();
                let len = theirs.read_message(&message, &mut buffer).unwrap();
                assert_eq!(buffer[..len], payload);
            }
            if !one_way || role == Role::Responder {
                let payload = random_payload(rng);
                let len = theirs.write_message(&payload, &mut buffer).unwrap();
                let mut read = Vec::new();
                receiving.open(&[], &buffer[..len], &mut read).unwrap();
                assert_eq!(read, payload);
            }
        }
    }
}

fn random_payload(rng: &mut SecretStream) -> Vec<u8> {
    let mut payload = vec![0; usize::from(rng.bytes::<1>()[0])];
    rng.fill(&mut payload);
    payload
}

/// BC-05.03, BC-05.10: a thousand runs, each side initiating half of them. Ten such tests: 10,000
/// handshakes on each back end.
fn thousand(pattern: Pattern, psks: &'static [u8], name: &'static str) {
    for &suite in Suite::ALL {
        let case = Case { suite, pattern, psks, name };
        let mut rng = stream(u8::try_from(name.len()).unwrap());
        for _ in 0..500 {
            case.run(Role::Initiator, &mut rng);
            case.run(Role::Responder, &mut rng);
        }
    }
}

#[test]
fn xx() {
    thousand(Pattern::Xx, &[], "Noise_XX_25519_ChaChaPoly_BLAKE2s");
}

#[test]
fn xxpsk0() {
    thousand(Pattern::Xx, &[0], "Noise_XXpsk0_25519_ChaChaPoly_BLAKE2s");
}

#[test]
fn xxpsk0_psk3() {
    thousand(Pattern::Xx, &[0, 3], "Noise_XXpsk0+psk3_25519_ChaChaPoly_BLAKE2s");
}

#[test]
fn xx_with_every_psk() {
    let name = "Noise_XXpsk0+psk1+psk2+psk3_25519_ChaChaPoly_BLAKE2s";
    thousand(Pattern::Xx, &[0, 1, 2, 3], name);
}

#[test]
fn kk() {
    thousand(Pattern::Kk, &[], "Noise_KK_25519_ChaChaPoly_BLAKE2s");
}

#[test]
fn kkpsk0_psk2() {
    thousand(Pattern::Kk, &[0, 2], "Noise_KKpsk0+psk2_25519_ChaChaPoly_BLAKE2s");
}

#[test]
fn kkpsk1() {
    thousand(Pattern::Kk, &[1], "Noise_KKpsk1_25519_ChaChaPoly_BLAKE2s");
}

#[test]
fn x() {
    thousand(Pattern::X, &[], "Noise_X_25519_ChaChaPoly_BLAKE2s");
}

#[test]
fn xpsk0() {
    thousand(Pattern::X, &[0], "Noise_Xpsk0_25519_ChaChaPoly_BLAKE2s");
}

#[test]
fn xpsk1() {
    thousand(Pattern::X, &[1], "Noise_Xpsk1_25519_ChaChaPoly_BLAKE2s");
}

use super::*;
use crate::base::rng::{Rng, SecretStream, Seed};
use crate::crypto::suite::{DhPublic, DhSecret, Secret, Suite};

mod misuse;
mod snow_peer;
mod tampering;

fn stream(seed: u8) -> SecretStream {
    Rng::new(&Seed([seed; 32])).secret
}

fn key(suite: Suite, byte: u8) -> DhSecret {
    DhSecret::from_bytes(suite, &Secret([byte; 32]))
}

/// Initiator and responder with the statics 1 and 2, and all psks set alike.
fn pair(suite: Suite, pattern: Pattern, psks: &[u8]) -> (HandshakeState, HandshakeState) {
    let side = |role, local, remote| {
        let known = match pattern {
            Pattern::Xx => false,
            Pattern::Kk => true,
            Pattern::X => role == Role::Initiator,
        };
        let mut state = HandshakeState::new(Params {
            pattern,
            psks,
            role,
            prologue: b"prologue",
            local_static: Some(key(suite, local)),
            remote_static: known.then(|| key(suite, remote).public()),
        })
        .unwrap();
        for &position in psks {
            state.set_psk(position, Secret([0x50 + position; 32])).unwrap();
        }
        state
    };
    (side(Role::Initiator, 1, 2), side(Role::Responder, 2, 1))
}

/// The next message of `writer`, which takes an ephemeral key unless it is the third.
fn write(suite: Suite, writer: &mut HandshakeState, number: u8) -> Vec<u8> {
    let ephemeral = (number < 2).then(|| key(suite, 0x10 + number));
    let mut message = Vec::new();
    writer.write_message(ephemeral, &[number; 5], &mut message).unwrap();
    message
}

fn read(reader: &mut HandshakeState, message: &[u8]) -> Result<Vec<u8>, NoiseError> {
    let mut payload = Vec::new();
    reader.read_message(message, &mut payload).map(|()| payload)
}

/// Brings both sides of XX to the point where message 3 is due.
fn until_third(suite: Suite, initiator: &mut HandshakeState, responder: &mut HandshakeState) {
    let first = write(suite, initiator, 0);
    read(responder, &first).unwrap();
    let second = write(suite, responder, 1);
    read(initiator, &second).unwrap();
}

//! Handshakes with the Python package `noiseprotocol`, an implementation that others wrote, running
//! as a process of its own.

mod common;

use bitchat_core::crypto::noise::{CipherState, HandshakeState, Params, Pattern, Role};
use bitchat_core::crypto::suite::{DhSecret, Secret, Suite};
use common::{hex, unhex};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/noise_peer.py");

/// The Python process and its pipes.
struct Peer {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new("python3")
            .arg(SCRIPT)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 started before");
        let input = process.stdin.take().expect("piped");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        Self { process, input, output }
    }

    fn send(&mut self, bytes: &[u8]) {
        writeln!(self.input, "{}", hex(bytes)).expect("the peer runs");
    }

    /// The next line, which starts with `word` (or nothing), as bytes.
    fn receive(&mut self, word: &str) -> Vec<u8> {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("text");
        let value = line.strip_prefix(word).unwrap_or_else(|| panic!("{word}, not {line}"));
        assert!(!value.trim().is_empty(), "the peer ended early");
        unhex(&value.trim().into())
    }

    /// Closes the pipe, upon which the peer ends without complaint.
    fn finish(mut self) {
        drop(self.input);
        assert!(self.process.wait().expect("it ran").success());
    }
}

fn is_installed() -> bool {
    Command::new("python3")
        .args(["-c", "import noise.connection"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn key(byte: u8) -> DhSecret {
    DhSecret::from_bytes(Suite::default(), &Secret([byte; 32]))
}

/// Our side in `role`, and the peer in the other.
fn start(pattern: Pattern, psks: &[u8], name: &str, role: Role) -> (HandshakeState, Peer) {
    let (local, remote) = (key(1), key(2));
    let known = pattern == Pattern::Kk;
    let mut ours = HandshakeState::new(Params {
        pattern,
        psks,
        role,
        prologue: b"a prologue",
        local_static: Some(local.clone()),
        remote_static: known.then(|| remote.public()),
    })
    .expect("valid");
    let mut psk_list = Vec::new();
    for &position in psks {
        let psk = [0x50 + position; 32];
        psk_list.push(hex(&psk));
        ours.set_psk(position, Secret(psk)).expect("valid");
    }
    let peer = Peer::start(&[
        if role == Role::Initiator { "responder" } else { "initiator" },
        name,
        &hex(b"a prologue"),
        &psk_list.join(","),
        &hex(&remote.to_bytes().0),
        &if known { hex(&local.public().0) } else { "-".into() },
    ]);
    (ours, peer)
}

fn run(pattern: Pattern, psks: &[u8], name: &str, role: Role) {
    let (mut ours, mut peer) = start(pattern, psks, name, role);
    for number in 0.. {
        if ours.is_finished() {
            break;
        }
        if ours.is_our_turn() {
            let (payload, mut message) = (vec![number; 10], Vec::new());
            let ephemeral = (number < 2).then(|| key(0x10 + number));
            ours.write_message(ephemeral, &payload, &mut message).expect("valid");
            peer.send(&message);
            assert_eq!(peer.receive("payload "), payload);
        } else {
            let mut payload = Vec::new();
            ours.read_message(&peer.receive(""), &mut payload).expect("valid");
            assert_eq!(payload, b"from python");
        }
    }
    assert_eq!(peer.receive("hash "), ours.handshake_hash());
    assert_eq!(ours.remote_static(), Some(key(2).public()));

    let (first, second) = ours.split().expect("finished");
    let (sending, receiving) = match role {
        Role::Initiator => (first, second),
        Role::Responder => (second, first),
    };
    let (mut sending, mut receiving) = (
        CipherState::new(Suite::default(), &sending),
        CipherState::new(Suite::default(), &receiving),
    );
    for number in 0..20_u8 {
        let (mut sealed, mut opened) = (Vec::new(), Vec::new());
        sending.seal(&[], &[number, 1, 2, 3], &mut sealed).expect("short");
        peer.send(&sealed);
        receiving.open(&[], &peer.receive(""), &mut opened).expect("authentic");
        assert_eq!(opened, [3, 2, 1, number]);
    }
    peer.finish();
}

#[test]
fn python_noiseprotocol() {
    if !is_installed() {
        eprintln!(
            "FOREIGN TEST SKIPPED: python noiseprotocol is not installed (pip install noiseprotocol)"
        );
        return;
    }
    for (pattern, psks, name) in [
        (Pattern::Xx, &[0][..], "Noise_XXpsk0_25519_ChaChaPoly_BLAKE2s"),
        (Pattern::Xx, &[0, 3], "Noise_XXpsk0+psk3_25519_ChaChaPoly_BLAKE2s"),
        (Pattern::Kk, &[0, 2], "Noise_KKpsk0+psk2_25519_ChaChaPoly_BLAKE2s"),
    ] {
        run(pattern, psks, name, Role::Initiator);
        run(pattern, psks, name, Role::Responder);
    }
    eprintln!("FOREIGN TEST RAN: python noiseprotocol");
}

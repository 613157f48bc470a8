//! Hostile messages and disagreeing sides.

use super::*;

/// BC-05.07: after every one-byte change of every message the true one still works, and the
/// handshake ends as if nothing had happened.
#[test]
fn a_failed_read_changes_nothing() {
    for &suite in Suite::ALL {
        for (pattern, psks) in [
            (Pattern::Xx, &[][..]),
            (Pattern::Xx, &[0]),
            (Pattern::Xx, &[0, 3]),
            (Pattern::Kk, &[0, 2]),
            (Pattern::X, &[1]),
        ] {
            let (mut initiator, mut responder) = pair(suite, pattern, psks);
            for number in 0.. {
                let (writer, reader) = if number % 2 == 0 {
                    (&mut initiator, &mut responder)
                } else {
                    (&mut responder, &mut initiator)
                };
                if writer.is_finished() {
                    break;
                }
                let message = write(suite, writer, number);
                // The first message of plain XX is in the clear; only what follows it would notice.
                if number > 0 || pattern != Pattern::Xx || !psks.is_empty() {
                    refuses_every_change(reader, &message);
                }
                assert_eq!(read(reader, &message), Ok(vec![number; 5]));
            }
            assert!(initiator.is_finished() && responder.is_finished());
            assert_eq!(initiator.handshake_hash(), responder.handshake_hash());
            assert_eq!(initiator.split(), responder.split());
        }
    }
}

fn refuses_every_change(reader: &mut HandshakeState, message: &[u8]) {
    let before = reader.handshake_hash();
    let mut payload = b"before".to_vec();
    for at in 0..message.len() {
        let mut changed = message.to_vec();
        changed[at] ^= 1 << (at % 8);
        // The top bit of a DH key does not count in X25519, but it does in the hash.
        reader.read_message(&changed, &mut payload).expect_err("a changed message");
        reader.read_message(&message[..at], &mut payload).expect_err("a cut message");
        assert_eq!(payload, b"before");
        assert_eq!(reader.handshake_hash(), before);
        assert!(!reader.is_our_turn() && !reader.is_finished());
    }
    let longer = [message, &[0]].concat();
    assert_eq!(reader.read_message(&longer, &mut payload), Err(NoiseError::Auth));
}

#[test]
fn a_wrong_psk_fails_at_its_message_and_may_be_replaced() {
    for &suite in Suite::ALL {
        let (mut initiator, mut responder) = pair(suite, Pattern::Xx, &[0, 3]);
        let first = write(suite, &mut initiator, 0);
        responder.set_psk(0, Secret([0; 32])).unwrap();
        assert_eq!(read(&mut responder, &first), Err(NoiseError::Auth));
        responder.set_psk(0, Secret([0x50; 32])).unwrap();
        read(&mut responder, &first).unwrap();

        let second = write(suite, &mut responder, 1);
        read(&mut initiator, &second).unwrap();
        let third = write(suite, &mut initiator, 2);
        responder.set_psk(3, Secret([0; 32])).unwrap();
        assert_eq!(read(&mut responder, &third), Err(NoiseError::Auth));
        responder.set_psk(3, Secret([0x53; 32])).unwrap();
        assert_eq!(read(&mut responder, &third), Ok(vec![2; 5]));
        assert_eq!(initiator.split(), responder.split());
    }
}

/// BC-05.02: the name and the prologue.
#[test]
fn another_prologue_or_pattern_does_not_connect() {
    for &suite in Suite::ALL {
        let (mut initiator, _) = pair(suite, Pattern::Xx, &[0]);
        let first = write(suite, &mut initiator, 0);
        for (psks, prologue) in [(&[0][..], &b"Prologue"[..]), (&[0, 3], b"prologue")] {
            let mut responder = HandshakeState::new(Params {
                pattern: Pattern::Xx,
                psks,
                role: Role::Responder,
                prologue,
                local_static: Some(key(suite, 2)),
                remote_static: None,
            })
            .unwrap();
            responder.set_psk(0, Secret([0x50; 32])).unwrap();
            assert_eq!(read(&mut responder, &first), Err(NoiseError::Auth));
        }
    }
}

/// BC-05.02: the known static keys.
#[test]
fn kk_refuses_another_static() {
    for &suite in Suite::ALL {
        let (mut initiator, _) = pair(suite, Pattern::Kk, &[]);
        let first = write(suite, &mut initiator, 0);
        let mut stranger = HandshakeState::new(Params {
            pattern: Pattern::Kk,
            psks: &[],
            role: Role::Responder,
            prologue: b"prologue",
            local_static: Some(key(suite, 2)),
            remote_static: Some(key(suite, 3).public()),
        })
        .unwrap();
        assert_eq!(read(&mut stranger, &first), Err(NoiseError::Auth));
    }
}

/// BC-05.06, when writing and when reading.
#[test]
fn small_order_keys_end_the_handshake() {
    for &suite in Suite::ALL {
        let one = core::array::from_fn(|at| u8::from(at == 0));
        for point in [[0; 32], one] {
            let (mut initiator, mut responder) = pair(suite, Pattern::Xx, &[]);
            let mut first = write(suite, &mut initiator, 0);
            first[..32].copy_from_slice(&point);
            read(&mut responder, &first).unwrap();
            let before = responder.handshake_hash();
            let mut out = b"before".to_vec();
            let written = responder.write_message(Some(key(suite, 0x11)), b"", &mut out);
            assert_eq!(written, Err(NoiseError::WeakKey));
            assert_eq!(out, b"before");
            assert_eq!(responder.handshake_hash(), before);

            let (mut initiator, mut responder) = pair(suite, Pattern::Kk, &[]);
            let mut first = write(suite, &mut initiator, 0);
            first[..32].copy_from_slice(&point);
            assert_eq!(read(&mut responder, &first), Err(NoiseError::WeakKey));
        }
    }
}

/// BC-05.05
#[test]
fn peeking_shows_the_static_key_before_its_psk_is_known() {
    for &suite in Suite::ALL {
        let (mut initiator, mut responder) = pair(suite, Pattern::Xx, &[0, 3]);
        until_third(suite, &mut initiator, &mut responder);
        let third = write(suite, &mut initiator, 2);
        responder.set_psk(3, Secret([9; 32])).unwrap();
        let before = responder.handshake_hash();
        assert_eq!(responder.peek_static(&third), Ok(key(suite, 1).public()));
        assert_eq!((responder.handshake_hash(), responder.remote_static()), (before, None));
        for at in 0..48 {
            let mut changed = third.clone();
            changed[at] ^= 1;
            assert_eq!(responder.peek_static(&changed), Err(NoiseError::Auth));
            assert_eq!(responder.peek_static(&third[..at]), Err(NoiseError::TooShort));
        }
        responder.set_psk(3, Secret([0x53; 32])).unwrap();
        read(&mut responder, &third).unwrap();
        assert_eq!(responder.remote_static(), Some(key(suite, 1).public()));
    }
}

#[test]
fn bytes_of_any_kind_are_refused_without_panic() {
    for &suite in Suite::ALL {
        let mut rng = stream(3);
        let patterns = [(Pattern::Xx, &[0, 3][..]), (Pattern::Kk, &[0, 2]), (Pattern::X, &[0, 1])];
        for (pattern, psks) in patterns {
            let (_, mut responder) = pair(suite, pattern, psks);
            for _ in 0..200 {
                let mut message = vec![0; usize::from(rng.bytes::<1>()[0])];
                rng.fill(&mut message);
                read(&mut responder, &message).expect_err("noise");
            }
            let huge = vec![0; MAX_MESSAGE_LEN + 1];
            assert_eq!(read(&mut responder, &huge), Err(NoiseError::TooLong));
            assert_eq!(responder.peek_static(&huge), Err(NoiseError::TooLong));
        }
    }
}

/// Messages open once and in order.
#[test]
fn cipher_states_keep_step() {
    for &suite in Suite::ALL {
        let key = Secret([7; 32]);
        let (mut sending, mut receiving) =
            (CipherState::new(suite, &key), CipherState::new(suite, &key));
        let (mut first, mut second, mut out) = (Vec::new(), Vec::new(), b"before".to_vec());
        sending.seal(b"aad", b"one", &mut first).unwrap();
        sending.seal(b"aad", b"two", &mut second).unwrap();
        assert_eq!(receiving.open(b"aad", &second, &mut out), Err(NoiseError::Auth));
        assert_eq!(receiving.open(b"", &first, &mut out), Err(NoiseError::Auth));
        assert_eq!(receiving.open(b"aad", &first[..15], &mut out), Err(NoiseError::TooShort));
        assert_eq!((out.as_slice(), receiving.nonce()), (&b"before"[..], 0));
        receiving.open(b"aad", &first, &mut out).unwrap();
        assert_eq!(receiving.open(b"aad", &first, &mut out), Err(NoiseError::Auth));
        receiving.open(b"aad", &second, &mut out).unwrap();
        assert_eq!((out.as_slice(), receiving.nonce()), (&b"beforeonetwo"[..], 2));
    }
}

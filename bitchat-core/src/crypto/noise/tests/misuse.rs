//! What the caller can do wrong: each time a typed error, and nothing has changed.

use super::*;

fn params(suite: Suite, pattern: Pattern, psks: &[u8]) -> Params<'_> {
    Params {
        pattern,
        psks,
        role: Role::Initiator,
        prologue: b"",
        local_static: Some(key(suite, 1)),
        remote_static: (pattern != Pattern::Xx).then(|| key(suite, 2).public()),
    }
}

#[test]
fn psk_positions_are_checked() {
    for &suite in Suite::ALL {
        let refused = [
            (Pattern::Xx, &[4][..], 4),
            (Pattern::Xx, &[255], 255),
            (Pattern::Xx, &[0, 0], 0),
            (Pattern::Xx, &[3, 0], 0),
            (Pattern::Kk, &[0, 3], 3),
            (Pattern::X, &[2], 2),
        ];
        for (pattern, psks, position) in refused {
            let error = HandshakeState::new(params(suite, pattern, psks)).unwrap_err();
            assert_eq!(error, NoiseError::PskPosition(position));
        }
        let mut state = HandshakeState::new(params(suite, Pattern::Xx, &[0, 3])).unwrap();
        for position in [1, 2, 4, 255] {
            let error = state.set_psk(position, Secret([0; 32]));
            assert_eq!(error, Err(NoiseError::PskPosition(position)));
        }
    }
}

#[test]
fn static_keys_are_checked() {
    let params = |pattern, psks| params(Suite::default(), pattern, psks);
    for pattern in [Pattern::Xx, Pattern::Kk, Pattern::X] {
        let none = Params { local_static: None, ..params(pattern, &[]) };
        assert_eq!(HandshakeState::new(none).unwrap_err(), NoiseError::LocalStaticMissing);
    }
    let known = Some(DhPublic([9; 32]));
    for (pattern, role, remote_static, error) in [
        (Pattern::Xx, Role::Initiator, known, NoiseError::RemoteStaticUnexpected),
        (Pattern::Xx, Role::Responder, known, NoiseError::RemoteStaticUnexpected),
        (Pattern::X, Role::Responder, known, NoiseError::RemoteStaticUnexpected),
        (Pattern::X, Role::Initiator, None, NoiseError::RemoteStaticMissing),
        (Pattern::Kk, Role::Initiator, None, NoiseError::RemoteStaticMissing),
        (Pattern::Kk, Role::Responder, None, NoiseError::RemoteStaticMissing),
    ] {
        let wrong = Params { role, remote_static, ..params(pattern, &[]) };
        assert_eq!(HandshakeState::new(wrong).unwrap_err(), error);
    }
}

#[test]
fn a_used_psk_cannot_be_set_and_a_missing_one_is_named() {
    for &suite in Suite::ALL {
        let (mut initiator, mut responder) = pair(suite, Pattern::Xx, &[0]);
        let mut without = HandshakeState::new(params(suite, Pattern::Xx, &[0])).unwrap();
        let mut out = Vec::new();
        let written = without.write_message(Some(key(suite, 3)), b"", &mut out);
        assert_eq!((written, out.len()), (Err(NoiseError::PskMissing(0)), 0));
        until_third(suite, &mut initiator, &mut responder);
        assert_eq!(initiator.set_psk(0, Secret([0; 32])), Err(NoiseError::PskPosition(0)));
    }
}

#[test]
fn turns_and_ephemerals_are_checked() {
    for &suite in Suite::ALL {
        let (mut initiator, mut responder) = pair(suite, Pattern::Xx, &[0]);
        let mut out = Vec::new();
        assert_eq!(read(&mut initiator, b"x"), Err(NoiseError::OutOfTurn));
        assert_eq!(
            responder.write_message(Some(key(suite, 3)), b"", &mut out),
            Err(NoiseError::OutOfTurn)
        );
        assert_eq!(initiator.write_message(None, b"", &mut out), Err(NoiseError::EphemeralMissing));
        assert_eq!(responder.peek_static(&[0; 100]), Err(NoiseError::NoStaticKey));
        assert_eq!(initiator.split(), Err(NoiseError::NotFinished));
        assert_eq!(initiator.export(b"label"), Err(NoiseError::NotFinished));

        until_third(suite, &mut initiator, &mut responder);
        let third = initiator.write_message(Some(key(suite, 3)), b"", &mut out);
        assert_eq!((third, out.len()), (Err(NoiseError::EphemeralUnexpected), 0));
        let third = write(suite, &mut initiator, 2);
        read(&mut responder, &third).unwrap();
        for finished in [&mut initiator, &mut responder] {
            assert!(finished.is_finished() && !finished.is_our_turn());
            assert_eq!(finished.message_overhead(), 0);
            assert_eq!(finished.write_message(None, b"", &mut out), Err(NoiseError::OutOfTurn));
            assert_eq!(read(finished, &third), Err(NoiseError::OutOfTurn));
            assert_eq!(finished.peek_static(&third), Err(NoiseError::OutOfTurn));
        }
    }
}

/// BC-05.04: the table of the specification.
#[test]
fn messages_have_their_sizes() {
    for &suite in Suite::ALL {
        for (pattern, psks, sizes) in [
            (Pattern::Xx, &[0, 3][..], &[48, 96, 64][..]),
            (Pattern::Kk, &[0, 2], &[48, 48]),
            (Pattern::X, &[0], &[96]),
            (Pattern::X, &[1], &[96]),
        ] {
            let (mut initiator, mut responder) = pair(suite, pattern, psks);
            for (number, &size) in (0..).zip(sizes) {
                assert_eq!(initiator.message_overhead(), size);
                assert_eq!(responder.message_overhead(), size);
                let first_writes = number % 2 == 0;
                let (writer, reader) = if first_writes {
                    (&mut initiator, &mut responder)
                } else {
                    (&mut responder, &mut initiator)
                };
                let message = write(suite, writer, number);
                assert_eq!(message.len(), size + 5);
                read(reader, &message).unwrap();
            }
            assert!(initiator.is_finished() && responder.is_finished());
        }
    }
}

/// BC-05.08: the longest message passes, a byte more does not.
#[test]
fn the_length_limit_is_exact() {
    for &suite in Suite::ALL {
        let (mut initiator, mut responder) = pair(suite, Pattern::Xx, &[0]);
        let room = MAX_MESSAGE_LEN - initiator.message_overhead();
        let mut out = Vec::new();
        let long = vec![1; room + 1];
        assert_eq!(
            initiator.write_message(Some(key(suite, 3)), &long, &mut out),
            Err(NoiseError::TooLong)
        );
        initiator.write_message(Some(key(suite, 3)), &long[..room], &mut out).unwrap();
        assert_eq!(out.len(), MAX_MESSAGE_LEN);
        assert_eq!(read(&mut responder, &out).unwrap().len(), room);

        let mut cipher = CipherState::new(suite, &Secret([0; 32]));
        assert_eq!(cipher.seal(b"", &long[..], &mut out), Ok(()));
        let long = vec![1; MAX_MESSAGE_LEN - 15];
        assert_eq!(cipher.seal(b"", &long, &mut out), Err(NoiseError::TooLong));
        assert_eq!(cipher.nonce(), 1);
    }
}

/// BC-05.11
#[test]
fn the_last_nonce_is_reserved() {
    for &suite in Suite::ALL {
        let mut sending = CipherState::new(suite, &Secret([0; 32]));
        sending.nonce = u64::MAX - 1;
        let mut receiving = sending.clone();
        let (mut message, mut out) = (Vec::new(), Vec::new());
        sending.seal(b"", b"last", &mut message).unwrap();
        receiving.open(b"", &message, &mut out).unwrap();
        assert_eq!(sending.seal(b"", b"", &mut out), Err(NoiseError::NonceExhausted));
        assert_eq!(receiving.open(b"", &message, &mut out), Err(NoiseError::NonceExhausted));
        assert_eq!(out, b"last");
    }
}

/// BC-05.09: labels and handshakes give unrelated secrets, and both sides the same.
#[test]
fn exported_secrets_depend_on_label_and_handshake() {
    for &suite in Suite::ALL {
        let (mut initiator, mut responder) = pair(suite, Pattern::Kk, &[0, 2]);
        let first = write(suite, &mut initiator, 0);
        read(&mut responder, &first).unwrap();
        let checkpoint = responder.clone();
        let second = write(suite, &mut responder, 1);
        read(&mut initiator, &second).unwrap();
        assert_eq!(initiator.export(b"root"), responder.export(b"root"));
        let mut other = checkpoint;
        other.write_message(Some(key(suite, 0x77)), b"", &mut Vec::new()).unwrap();
        let (forth, back) = initiator.split().unwrap();
        let secrets = [
            initiator.export(b"root").unwrap(),
            initiator.export(b"psk0").unwrap(),
            initiator.export(b"").unwrap(),
            other.export(b"root").unwrap(),
            forth,
            back,
        ];
        for (at, secret) in secrets.iter().enumerate() {
            assert!(!secrets[..at].contains(secret));
        }
    }
}

#[test]
fn nothing_secret_prints() {
    for &suite in Suite::ALL {
        let (initiator, _) = pair(suite, Pattern::Xx, &[0]);
        let printed = format!("{initiator:?}");
        assert!(printed.contains("Secret"), "{printed}");
        for secret in ["80, 80, 80", "1, 1, 1"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}

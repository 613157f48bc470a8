use super::*;
use crate::base::rng::Seed;
use crate::base::time::UnixMillis;
use crate::crypto::suite::DhPublic;
use crate::wire::reader::DecodeError;
use core::time::Duration;
use ed25519_dalek::{Signature, Verifier, VerifyingKey};

const DAY: u64 = 86_400_000;
const START: UnixMillis = UnixMillis(1_700_000_000_000);

fn identity(suite: Suite) -> Identity {
    Identity::new(suite, &Secret([7; 32]))
}

fn certificate(suite: Suite) -> Certificate {
    Certificate::issue(
        &identity(suite),
        DeviceId([2; 16]),
        DhPublic([3; 32]),
        START,
        Certificate::MAX_LIFETIME,
    )
    .unwrap()
}

/// BC-03.01, BC-03.02
#[test]
fn a_signature_is_bound_to_key_label_and_message() {
    for &suite in Suite::ALL {
        let (alice, bob) = (identity(suite), Identity::new(suite, &Secret([8; 32])));
        let signature = alice.sign(b"bitchat-v1 a", &[b"x", b"y"]);
        let check =
            |peer: &PeerId, label, parts: &[&[u8]]| verify(suite, peer, label, parts, &signature);
        assert_eq!(check(&alice.peer_id(), b"bitchat-v1 a", &[b"xy"]), Ok(()));
        assert_eq!(check(&alice.peer_id(), b"bitchat-v1 b", &[b"xy"]), Err(AuthError));
        assert_eq!(check(&alice.peer_id(), b"bitchat-v1 a", &[b"xz"]), Err(AuthError));
        assert_eq!(check(&bob.peer_id(), b"bitchat-v1 a", &[b"xy"]), Err(AuthError));
    }
}

/// BC-03.01: with the neutral element as key, R = neutral and s = 0 satisfy the lax equation for
/// every message.
#[test]
fn a_key_of_small_order_signs_nothing() {
    for &suite in Suite::ALL {
        let neutral: [u8; 32] = core::array::from_fn(|at| u8::from(at == 0));
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&neutral);
        assert_eq!(
            verify(suite, &PeerId(neutral), b"bitchat-v1 a", &[b"x"], &signature),
            Err(AuthError)
        );
        let key = VerifyingKey::from_bytes(&neutral).unwrap();
        assert!(
            key.verify(b"anything", &Signature::from_bytes(&signature)).is_ok(),
            "the lax check"
        );
    }
}

/// BC-03.03, BC-03.04
#[test]
fn a_certificate_survives_encoding_and_nothing_else() {
    for &suite in Suite::ALL {
        let certificate = certificate(suite);
        let bytes = certificate.encode();
        assert_eq!(Certificate::decode(&bytes), Ok(certificate));
        assert_eq!(certificate.verify(suite, START), Ok(()));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes;
                changed[at] ^= 1 << bit;
                let verdict =
                    Certificate::decode(&changed).and_then(|found| found.verify(suite, START));
                assert!(verdict.is_err(), "bit {bit} of byte {at}");
            }
            assert_eq!(
                Certificate::decode(&bytes[..at]),
                Err(CertificateError::Malformed(DecodeError::UnexpectedEnd)),
            );
        }
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert_eq!(
            Certificate::decode(&longer),
            Err(CertificateError::Malformed(DecodeError::TrailingBytes(1)))
        );
    }
}

/// BC-03.05
#[test]
fn nobody_is_certified_for_longer_than_ninety_days() {
    for &suite in Suite::ALL {
        for (lifetime, expected) in [
            (Duration::ZERO, false),
            (Duration::from_millis(1), true),
            (Certificate::MAX_LIFETIME, true),
            (Certificate::MAX_LIFETIME + Duration::from_millis(1), false),
        ] {
            let key = DhPublic([3; 32]);
            let issued =
                Certificate::issue(&identity(suite), DeviceId([2; 16]), key, START, lifetime);
            assert_eq!(issued.is_ok(), expected, "{lifetime:?}");
        }
        // A dishonest owner signs more than `issue` allows: the receiver refuses as well.
        let mut bytes = certificate(suite).encode();
        bytes[89..97].copy_from_slice(&(START.0 + 91 * DAY).to_le_bytes());
        let signature = identity(suite).sign(b"bitchat-v1 cert", &[&bytes[..97]]);
        bytes[97..].copy_from_slice(&signature);
        let verdict = Certificate::decode(&bytes).unwrap().verify(suite, START);
        assert_eq!(verdict, Err(CertificateError::Lifetime));
    }
}

/// BC-03.06
#[test]
fn clocks_may_be_a_day_apart() {
    for &suite in Suite::ALL {
        let certificate = certificate(suite);
        let end = START.0 + 90 * DAY;
        for (now, expected) in [
            (START.0 - DAY - 1, Err(CertificateError::NotYetValid)),
            (START.0 - DAY, Ok(())),
            (end + DAY, Ok(())),
            (end + DAY + 1, Err(CertificateError::Expired)),
        ] {
            assert_eq!(certificate.verify(suite, UnixMillis(now)), expected);
        }
    }
}

/// BC-03.07, BC-03.08
#[test]
fn a_link_leads_back_and_typing_errors_are_found() {
    for &suite in Suite::ALL {
        let peer = identity(suite).peer_id();
        let link = peer_link(&peer);
        assert_eq!(link.len(), 13 + 56);
        assert_eq!(parse_peer_link(&link), Ok(peer));
        assert_eq!(parse_peer_link(&format!(" {}\n", link.to_uppercase())), Ok(peer));
        let old = link.replacen("dotchat:", "bitchat:", 1);
        assert_eq!(parse_peer_link(&old), Ok(peer), "the old scheme is read");
        for at in 13..link.len() {
            let mut typo = link.clone().into_bytes();
            typo[at] = if typo[at] == b'a' { b'b' } else { b'a' };
            let typo = String::from_utf8(typo).unwrap();
            assert_eq!(parse_peer_link(&typo), Err(LinkError::Checksum), "{typo}");
        }
        assert_eq!(parse_peer_link("dotchat:join/x"), Err(LinkError::Scheme));
        assert_eq!(parse_peer_link("dotchat:peer"), Err(LinkError::Scheme));
        assert_eq!(parse_peer_link("dotchat:pee\u{e9}\u{e9}\u{e9}"), Err(LinkError::Scheme));
        assert_eq!(parse_peer_link(&link[..60]), Err(LinkError::Length(47)));
        assert_eq!(
            parse_peer_link(&format!("{}1{}", &link[..13], &link[14..])),
            Err(LinkError::Character)
        );
        let no_point = PeerId(core::array::from_fn(|at| u8::from(at == 0) * 2));
        assert_eq!(parse_peer_link(&peer_link(&no_point)), Err(LinkError::Key));
    }
}

#[test]
fn fingerprints_are_short_and_differ() {
    for &suite in Suite::ALL {
        let print = fingerprint(&identity(suite).peer_id());
        assert_eq!(print.len(), 19);
        assert!(print.split('-').all(|group| group.len() == 4));
        assert_ne!(print, fingerprint(&Identity::new(suite, &Secret([8; 32])).peer_id()));
    }
}

#[test]
fn devices_and_identities_are_random_and_print_no_secret() {
    for &suite in Suite::ALL {
        let mut rng = Rng::new(&Seed([1; 32]));
        let (a, b) = (DeviceKeys::generate(suite, &mut rng), DeviceKeys::generate(suite, &mut rng));
        assert!(a.id != b.id && a.static_key.public() != b.static_key.public());
        let identity = Identity::generate(&mut rng.secret);
        assert_eq!(Identity::new(suite, &identity.to_bytes()).peer_id(), identity.peer_id());
        assert_eq!(format!("{identity:?}"), format!("Identity({:?})", identity.peer_id()));
    }
}

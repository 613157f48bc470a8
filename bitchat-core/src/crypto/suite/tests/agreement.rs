//! All back ends give the same bytes and refuse the same inputs: each against the first.

use super::*;
use crate::base::rng::Rng;
use proptest::prelude::*;

fn others() -> impl Iterator<Item = (Suite, Suite)> {
    Suite::ALL.iter().map(|&other| (Suite::ALL[0], other))
}

/// Some of the bytes that arithmetic goes wrong at.
fn edge_bytes() -> impl Strategy<Value = [u8; 32]> {
    let plain = any::<[u8; 32]>();
    let edge = (prop::sample::select(vec![0_u8, 1, 2, 0xec, 0xed, 0xee, 0xff]), any::<bool>());
    let edge = edge.prop_map(|(low, high)| {
        let mut bytes = if high { [0xff; 32] } else { [0; 32] };
        bytes[0] = low;
        if high {
            bytes[31] = 0x7f;
        }
        bytes
    });
    prop_oneof![plain, edge]
}

proptest! {
    #[test]
    fn aead(
        key in any::<[u8; 32]>(),
        counter in any::<u64>(),
        aad in prop::collection::vec(any::<u8>(), 0..80),
        data in prop::collection::vec(any::<u8>(), 0..1_500),
        flip in any::<prop::sample::Index>(),
    ) {
        for (one, other) in others() {
            let (one, other) = (AeadKey::new(one, &Secret(key)), AeadKey::new(other, &Secret(key)));
            let (mut a, mut b) = (data.clone(), data.clone());
            let tag = one.seal(counter, &aad, &mut a);
            prop_assert_eq!(other.seal(counter, &aad, &mut b), tag);
            prop_assert_eq!(&a, &b);
            let mut forged = [&a[..], &tag].concat();
            let bit = flip.index(forged.len() * 8);
            forged[bit / 8] ^= 1 << (bit % 8);
            for key in [&one, &other] {
                let mut opened = a.clone();
                prop_assert_eq!(key.open(counter, &aad, &mut opened, &tag), Ok(()));
                prop_assert_eq!(&opened, &data);
                let (mut body, tag) = (forged[..a.len()].to_vec(), &forged[a.len()..]);
                let result = key.open(counter, &aad, &mut body, tag.try_into().unwrap());
                prop_assert_eq!(result, Err(AuthError));
                prop_assert!(body.iter().all(|&byte| byte == 0));
            }
        }
    }

    #[test]
    fn dh(secret in edge_bytes(), public in edge_bytes()) {
        for (one, other) in others() {
            let one = DhSecret::from_bytes(one, &Secret(secret));
            let other = DhSecret::from_bytes(other, &Secret(secret));
            prop_assert_eq!(one.public(), other.public());
            prop_assert_eq!(one.to_bytes(), other.to_bytes());
            prop_assert_eq!(one.dh(&DhPublic(public)), other.dh(&DhPublic(public)));
        }
    }

    #[test]
    fn signatures(
        seed in any::<[u8; 32]>(),
        message in prop::collection::vec(any::<u8>(), 0..300),
        flip in any::<prop::sample::Index>(),
        foreign in edge_bytes(),
    ) {
        for (one, other) in others() {
            let key = SigningKey::from_seed(one, &Secret(seed));
            let same = SigningKey::from_seed(other, &Secret(seed));
            prop_assert_eq!(key.public(), same.public());
            let signature = key.sign(&message);
            prop_assert_eq!(same.sign(&message), signature);
            let mut changed = signature;
            let bit = flip.index(512);
            changed[bit / 8] ^= 1 << (bit % 8);
            let mut with_r = signature;
            with_r[..32].copy_from_slice(&foreign);
            for (public, signature, expected) in [
                (key.public(), &signature, Ok(())),
                (key.public(), &changed, Err(AuthError)),
                (key.public(), &with_r, Err(AuthError)),
                (foreign, &signature, Err(AuthError)),
            ] {
                prop_assert_eq!(verify(one, &public, &message, signature), expected);
                prop_assert_eq!(verify(other, &public, &message, signature), expected);
            }
        }
    }

    /// Implicit rejection included: a changed ciphertext gives the same unrelated secret.
    #[test]
    fn kem(seed in any::<[u8; 32]>(), flip in any::<prop::sample::Index>()) {
        let mut rng = Rng::new(&Seed(seed)).secret;
        let seed = rng.bytes();
        for (one, other) in others() {
            let (one, public) = KemSecret::from_seed(one, &seed);
            let (other, same) = KemSecret::from_seed(other, &seed);
            prop_assert_eq!(public, same);
            let (mut ciphertext, shared) = kem_encapsulate(&public, &mut rng).unwrap();
            prop_assert_eq!(&one.decapsulate(&ciphertext), &shared);
            prop_assert_eq!(&other.decapsulate(&ciphertext), &shared);
            let bit = flip.index(KEM_CIPHERTEXT_LEN * 8);
            ciphertext[bit / 8] ^= 1 << (bit % 8);
            let rejected = one.decapsulate(&ciphertext);
            prop_assert_ne!(&rejected, &shared);
            prop_assert_eq!(other.decapsulate(&ciphertext), rejected);
        }
    }
}

#[test]
fn the_choice_by_name() {
    assert_eq!(Backend::RustCrypto.suite().map(Suite::backend), Ok(Backend::RustCrypto));
    assert_eq!(Backend::AwsLc.suite().is_ok(), cfg!(feature = "aws-lc-rs"));
    assert_eq!(Backend::default().suite(), Ok(Suite::default()));
    assert_eq!(Suite::ALL.last(), Some(&Suite::default()));
    for &suite in Suite::ALL {
        assert_eq!(suite.backend().suite(), Ok(suite));
        let secret = Secret([1; 32]);
        assert_eq!(DhSecret::from_bytes(suite, &secret).suite(), suite);
        assert_eq!(SigningKey::from_seed(suite, &secret).suite(), suite);
    }
}

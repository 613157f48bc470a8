//! Signatures about which libraries disagree: built from points of small order, as in "Taming the
//! many EdDSAs" (Chalkias, Garillot, Nikolaenko 2020) and the tables of speccheck and
//! ed25519vectors.

use super::*;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as B, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest, Sha512};

/// 2^255 - 19.
const FIELD_ORDER: [u8; 32] = {
    let mut order = [0xff; 32];
    (order[0], order[31]) = (0xed, 0x7f);
    order
};

/// `k` of RFC 8032 §5.1.7.
fn challenge(r: &[u8; 32], a: &[u8; 32], message: &[u8]) -> Scalar {
    let digest = Sha512::new_with_prefix(r).chain_update(a).chain_update(message);
    Scalar::from_bytes_mod_order_wide(&digest.finalize().into())
}

fn join(r: &[u8; 32], s: &[u8; 32]) -> [u8; 64] {
    core::array::from_fn(|at| if at < 32 { r[at] } else { s[at - 32] })
}

/// Every encoding of every point of small order: `y` and `y + p` where that fits, both signs where
/// `x = 0`.
fn small_order() -> Vec<[u8; 32]> {
    let mut all: Vec<[u8; 32]> = EIGHT_TORSION.iter().map(|point| point.compress().0).collect();
    for point in EIGHT_TORSION {
        let mut canonical = point.compress().0;
        let sign = canonical[31] & 0x80;
        canonical[31] &= 0x7f;
        for sign in [sign, 0x80] {
            for y in [Some(canonical), plus_field_order(&canonical)].into_iter().flatten() {
                let mut encoded = y;
                encoded[31] |= sign;
                if CompressedEdwardsY(encoded).decompress() == Some(point) {
                    all.push(encoded);
                }
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// `y + p`, if it has 255 bits.
fn plus_field_order(y: &[u8; 32]) -> Option<[u8; 32]> {
    let mut carry = 0;
    let sum = core::array::from_fn(|at| {
        let sum = u16::from(y[at]) + u16::from(FIELD_ORDER[at]) + carry;
        carry = sum >> 8;
        u8::try_from(sum & 0xff).unwrap()
    });
    (sum[31] & 0x80 == 0).then_some(sum)
}

/// What `verify_strict` of dalek says, which does not look at how the key is encoded.
fn dalek_strict(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    ed25519_dalek::VerifyingKey::from_bytes(public).is_ok_and(|key| {
        key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    })
}

/// BC-03.01
#[test]
fn points_of_small_order_are_no_keys_and_no_nonces() {
    let small = small_order();
    assert_eq!(small.len(), 14, "8 canonical encodings, 6 others");
    let honest = SigningKey::from_seed(Suite::default(), &Secret([1; 32])).public();
    let mut lax = 0;
    for public in small.iter().chain([&honest]) {
        assert_eq!(is_public_key(public), *public == honest);
        for r in &small {
            for number in 0..16_u8 {
                let signature = join(r, &[0; 32]);
                let key = ed25519_dalek::VerifyingKey::from_bytes(public).unwrap();
                let parsed = ed25519_dalek::Signature::from_bytes(&signature);
                lax += u32::from(ed25519_dalek::Verifier::verify(&key, &[number], &parsed).is_ok());
                for &suite in Suite::ALL {
                    assert_eq!(verify(suite, public, &[number], &signature), Err(AuthError));
                }
            }
        }
    }
    assert!(lax > 100, "lax verifiers accept {lax} of them");
}

/// BC-03.01: `8([s]B - [k]A - R) = 0` is not enough: keys and nonces with a part of small order.
#[test]
fn the_cofactor_is_not_cleared() {
    let (secret, nonce) = (Scalar::from(12_345_u64), Scalar::from(67_890_u64));
    let (mut accepted, mut refused) = (0, 0);
    for torsion_a in EIGHT_TORSION {
        for torsion_r in EIGHT_TORSION {
            let a = (EdwardsPoint::mul_base(&secret) + torsion_a).compress().0;
            let r = (EdwardsPoint::mul_base(&nonce) + torsion_r).compress().0;
            for number in 0..8_u8 {
                let k = challenge(&r, &a, &[number]);
                let signature = join(&r, &(nonce + k * secret).to_bytes());
                let left = B * (nonce + k * secret);
                let a_point = CompressedEdwardsY(a).decompress().unwrap();
                let exact = (left - a_point * k).compress().0 == r;
                assert_eq!(dalek_strict(&a, &[number], &signature), exact);
                for &suite in Suite::ALL {
                    let verified = verify(suite, &a, &[number], &signature).is_ok();
                    assert_eq!(verified, exact, "on {suite:?}");
                }
                *(if exact { &mut accepted } else { &mut refused }) += 1;
            }
        }
    }
    assert!(accepted > 40 && refused > 300, "{accepted} and {refused}");
}

/// BC-03.01: `s + L` would be a second signature.
#[test]
fn s_is_below_the_group_order() {
    let order = (-Scalar::ONE).to_bytes();
    for &suite in Suite::ALL {
        let key = SigningKey::from_seed(suite, &Secret([1; 32]));
        let signature = key.sign(b"message");
        assert_eq!(verify(suite, &key.public(), b"message", &signature), Ok(()));
        let (r, s) = (signature[..32].try_into().unwrap(), &signature[32..]);
        let mut carry = 1;
        let beyond: [u8; 32] = core::array::from_fn(|at| {
            let sum = u16::from(s[at]) + u16::from(order[at]) + carry;
            carry = sum >> 8;
            u8::try_from(sum & 0xff).unwrap()
        });
        assert_eq!(Scalar::from_bytes_mod_order(beyond).to_bytes(), s);
        for s in [beyond, [0xff; 32]] {
            assert_eq!(verify(suite, &key.public(), b"message", &join(&r, &s)), Err(AuthError));
        }
    }
}

/// BC-03.01: `y + p` for each `y` that fits is no key, although many decode.
#[test]
fn encodings_of_keys_are_canonical() {
    let mut decode = 0;
    for low in 0..19_u8 {
        let mut y = [0; 32];
        y[0] = low;
        let mut public = plus_field_order(&y).unwrap();
        for sign in [0, 0x80] {
            public[31] = public[31] & 0x7f | sign;
            assert!(!is_public_key(&public));
            let Some(a) = CompressedEdwardsY(public).decompress() else { continue };
            decode += 1;
            // Nobody knows such a key's secret, but a forger who could choose k needs none.
            let r = B.compress().0;
            let k = challenge(&r, &public, b"message");
            let forged = join(&r, &(Scalar::ONE + k).to_bytes());
            assert_ne!(B * (Scalar::ONE + k) - a * k, B);
            for &suite in Suite::ALL {
                assert_eq!(verify(suite, &public, b"message", &forged), Err(AuthError));
            }
        }
    }
    assert!(decode > 10, "{decode}");
}

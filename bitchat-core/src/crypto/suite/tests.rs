use super::*;
use crate::base::rng::{Rng, Seed};

mod agreement;
mod published;
mod strict;
mod vectors;

#[test]
fn blake2s_of_rfc_7693_appendix_b() {
    assert_eq!(hash(&[b"a", b"bc"])[..8], [0x50, 0x8c, 0x5e, 0x8c, 0x32, 0x7c, 0x14, 0xe2]);
}

/// A keyed hash holds its key as its first block: it is erased when the hash is done.
#[test]
fn hashes_and_ciphers_erase_what_they_were_given() {
    fn erased<T: ZeroizeOnDrop>() {}
    erased::<blake2::Blake2sVarCore>();
    erased::<Blake2sMac<U32>>();
    erased::<Blake2sMac<U16>>();
    erased::<sha2::Sha256>();
    erased::<chacha20poly1305::ChaCha20Poly1305>();
}

#[test]
fn a_changed_message_does_not_open_and_is_wiped() {
    for &suite in Suite::ALL {
        let key = AeadKey::new(suite, &Secret([1; 32]));
        let mut data = *b"hello";
        let tag = key.seal(3, b"aad", &mut data);
        for (counter, aad) in [(4, b"aad"), (3, b"add")] {
            let mut forged = data;
            assert_eq!(key.open(counter, aad, &mut forged, &tag), Err(AuthError));
            assert_eq!(forged, [0; 5]);
        }
        assert_eq!(key.open(3, b"aad", &mut data, &tag), Ok(()));
        assert_eq!(&data, b"hello");
    }
}

#[test]
fn dh_agrees_and_refuses_points_of_small_order() {
    for &suite in Suite::ALL {
        let mut rng = Rng::new(&Seed([0; 32])).secret;
        let (a, b) = (DhSecret::generate(suite, &mut rng), DhSecret::generate(suite, &mut rng));
        assert_eq!(a.dh(&b.public()), b.dh(&a.public()));
        for small in [[0; 32], core::array::from_fn(|i| u8::from(i == 0))] {
            assert_eq!(a.dh(&DhPublic(small)), Err(AuthError));
        }
    }
}

#[test]
fn the_kem_agrees_and_refuses_keys_out_of_range() {
    for &suite in Suite::ALL {
        let mut rng = Rng::new(&Seed([0; 32])).secret;
        let (secret, public) = KemSecret::generate(suite, &mut rng);
        let (ciphertext, shared) = kem_encapsulate(&public, &mut rng).unwrap();
        assert_eq!(secret.decapsulate(&ciphertext), shared);
        assert!(kem_encapsulate(&[0xff; KEM_PUBLIC_LEN], &mut rng).is_err());
    }
}

#[test]
fn secrets_do_not_print() {
    for &suite in Suite::ALL {
        assert_eq!(format!("{:?}", Secret([65; 32])), "Secret");
        assert_eq!(format!("{:?}", AeadKey::new(suite, &Secret([65; 32]))), "AeadKey");
    }
}

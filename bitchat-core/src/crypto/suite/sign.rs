//! Ed25519 (RFC 8032), verified strictly.

use super::backend::{Compiled, Suite};
use super::{AuthError, Secret};
#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use core::fmt;
use ed25519_dalek::{Signature, Signer, Verifier, VerifyingKey};

/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = 64;

/// An Ed25519 key pair. The public half is computed once.
#[derive(Clone)]
pub struct SigningKey {
    seed: Secret,
    public: [u8; 32],
    key: Key,
}

#[derive(Clone)]
enum Key {
    RustCrypto(Box<ed25519_dalek::SigningKey>),
    #[cfg(feature = "aws-lc-rs")]
    AwsLc(Ed25519KeyPair),
}

impl SigningKey {
    /// The key pair of a seed (RFC 8032 §5.1.5).
    #[must_use]
    pub fn from_seed(suite: Suite, seed: &Secret) -> Self {
        let (public, key) = match suite.0 {
            Compiled::RustCrypto => {
                let key = ed25519_dalek::SigningKey::from_bytes(&seed.0);
                (key.verifying_key().to_bytes(), Key::RustCrypto(Box::new(key)))
            }
            #[cfg(feature = "aws-lc-rs")]
            Compiled::AwsLc => {
                let key = Ed25519KeyPair::from_seed_unchecked(&seed.0);
                let key = key.expect("any 32 bytes are a seed");
                let mut public = [0; 32];
                public.copy_from_slice(key.public_key().as_ref());
                (public, Key::AwsLc(key))
            }
        };
        Self { seed: seed.clone(), public, key }
    }

    /// The back end that computes with this key.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        match self.key {
            Key::RustCrypto(_) => Suite(Compiled::RustCrypto),
            #[cfg(feature = "aws-lc-rs")]
            Key::AwsLc(_) => Suite(Compiled::AwsLc),
        }
    }

    /// The seed.
    #[must_use]
    pub fn to_seed(&self) -> Secret {
        self.seed.clone()
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> [u8; 32] {
        self.public
    }

    /// The one signature of this key over `message`: signing draws no randomness.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        match &self.key {
            Key::RustCrypto(key) => key.sign(message).to_bytes(),
            #[cfg(feature = "aws-lc-rs")]
            Key::AwsLc(key) => {
                let mut signature = [0; SIGNATURE_LEN];
                signature.copy_from_slice(key.sign(message).as_ref());
                signature
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// Checks a signature strictly (BC-03.01). What libraries disagree about is decided here, before
/// one of them is asked: encodings that are not canonical, and points of small order. Both then
/// check that `s` is below the group order and that `[s]B - [k]A` encodes as `R`, byte by byte,
/// without the cofactor.
///
/// # Errors
/// [`AuthError`] if the key is no key or the signature is not its own.
pub fn verify(
    suite: Suite,
    public: &[u8; 32],
    message: &[u8],
    signature: &[u8; SIGNATURE_LEN],
) -> Result<(), AuthError> {
    let [r, _] = [signature.first_chunk(), signature.last_chunk()];
    if !may_be_strict(public) || !r.is_some_and(may_be_strict) {
        return Err(AuthError);
    }
    match suite.0 {
        Compiled::RustCrypto => VerifyingKey::from_bytes(public)
            .and_then(|key| key.verify(message, &Signature::from_bytes(signature)))
            .map_err(|_| AuthError),
        #[cfg(feature = "aws-lc-rs")]
        Compiled::AwsLc => UnparsedPublicKey::new(&ED25519, public)
            .verify(message, signature)
            .map_err(|_| AuthError),
    }
}

/// Whether `public` is the canonical encoding of a point that is not of small order.
#[must_use]
pub fn is_public_key(public: &[u8; 32]) -> bool {
    may_be_strict(public) && VerifyingKey::from_bytes(public).is_ok()
}

/// 2^255 - 19, the order of the field, little-endian.
const FIELD_ORDER: [u8; 32] = {
    let mut order = [0xff; 32];
    order[0] = 0xed;
    order[31] = 0x7f;
    order
};

/// The `y` of the eight points of small order: of order 4, 1 and 2, and of order 8 twice.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    {
        let mut minus_one = FIELD_ORDER;
        minus_one[0] -= 1;
        minus_one
    },
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// Whether `point` has a `y` below the field's order that no point of small order has. The two
/// points with `x = 0`, whose sign bit could be set against the rules, are among those.
fn may_be_strict(point: &[u8; 32]) -> bool {
    let mut y = *point;
    y[31] &= 0x7f;
    y.iter().rev().lt(FIELD_ORDER.iter().rev()) && !SMALL_ORDER.contains(&y)
}

//! ML-KEM-768 (FIPS 203).

use super::backend::{Compiled, Suite};
use super::{AuthError, Secret};
use crate::base::rng::SecretStream;
#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::kem::{AlgorithmId, DecapsulationKey as AwsKey, ML_KEM_768};
use core::fmt;
use ml_kem::kem::{self, Decapsulate, Encapsulate, FromSeed, KeyExport};
use ml_kem::{DecapsulationKey, EncapsulationKey, MlKem768};

/// Bytes of an ML-KEM-768 encapsulation key.
pub const KEM_PUBLIC_LEN: usize = 1_184;
/// Bytes of an ML-KEM-768 ciphertext.
pub const KEM_CIPHERTEXT_LEN: usize = 1_088;

/// An ML-KEM-768 decapsulation key.
pub struct KemSecret(Key);

enum Key {
    RustCrypto(Box<DecapsulationKey<MlKem768>>),
    #[cfg(feature = "aws-lc-rs")]
    AwsLc(AwsKey<AlgorithmId>),
}

impl KemSecret {
    /// A new key pair: the secret half, and the public half as bytes.
    #[must_use]
    pub fn generate(suite: Suite, secret: &mut SecretStream) -> (Self, [u8; KEM_PUBLIC_LEN]) {
        Self::from_seed(suite, &secret.bytes())
    }

    /// The key pair of the seed `d ‖ z` (FIPS 203, algorithm 16).
    #[must_use]
    pub fn from_seed(suite: Suite, seed: &[u8; 64]) -> (Self, [u8; KEM_PUBLIC_LEN]) {
        let (key, public) = MlKem768::from_seed(&(*seed).into());
        let key = match suite.0 {
            Compiled::RustCrypto => Key::RustCrypto(Box::new(key)),
            #[cfg(feature = "aws-lc-rs")]
            Compiled::AwsLc => Key::AwsLc(to_aws_lc(&key)),
        };
        (Self(key), public.to_bytes().into())
    }

    /// The shared secret in `ciphertext`. A forged one gives an unrelated secret (implicit
    /// rejection).
    #[must_use]
    pub fn decapsulate(&self, ciphertext: &[u8; KEM_CIPHERTEXT_LEN]) -> Secret {
        match &self.0 {
            Key::RustCrypto(key) => Secret(key.decapsulate(&(*ciphertext).into()).into()),
            #[cfg(feature = "aws-lc-rs")]
            Key::AwsLc(key) => {
                let shared = key.decapsulate(ciphertext.as_slice().into());
                let mut secret = Secret([0; 32]);
                secret.0.copy_from_slice(shared.expect("the length is right").as_ref());
                secret
            }
        }
    }
}

/// AWS-LC takes no seed but the expanded key (FIPS 203, the output of algorithm 16).
#[cfg(feature = "aws-lc-rs")]
fn to_aws_lc(key: &DecapsulationKey<MlKem768>) -> AwsKey<AlgorithmId> {
    #[expect(deprecated, reason = "the one form that both libraries know")]
    let expanded = ml_kem::ExpandedKeyEncoding::to_expanded_bytes(key);
    let expanded = zeroize::Zeroizing::new(expanded);
    AwsKey::new(&ML_KEM_768, &expanded).expect("the length is right")
}

impl fmt::Debug for KemSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KemSecret")
    }
}

/// A new shared secret and its ciphertext for the holder of `public`.
///
/// # Errors
/// [`AuthError`] if `public` is not a valid encapsulation key (FIPS 203 §7.2).
pub fn kem_encapsulate(
    public: &[u8; KEM_PUBLIC_LEN],
    secret: &mut SecretStream,
) -> Result<([u8; KEM_CIPHERTEXT_LEN], Secret), AuthError> {
    let key = kem::Key::<EncapsulationKey<MlKem768>>::from(*public);
    let key = EncapsulationKey::<MlKem768>::new(&key).map_err(|_| AuthError)?;
    let (ciphertext, shared) = key.encapsulate_with_rng(secret);
    Ok((ciphertext.into(), Secret(shared.into())))
}

//! X25519 (RFC 7748).

use super::backend::{Compiled, Suite};
use super::{AuthError, Secret};
use crate::base::rng::SecretStream;
#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use core::fmt;
#[cfg(feature = "aws-lc-rs")]
use std::sync::Arc;
use x25519_dalek::{PublicKey, StaticSecret};

/// An X25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DhPublic(pub [u8; 32]);

/// An X25519 key pair. The public half is computed once.
#[derive(Clone)]
pub struct DhSecret {
    secret: Secret,
    public: DhPublic,
    key: Key,
}

#[derive(Clone)]
enum Key {
    /// Computes with the secret bytes as they are.
    RustCrypto,
    #[cfg(feature = "aws-lc-rs")]
    AwsLc(Arc<PrivateKey>),
}

impl DhSecret {
    /// The key pair of 32 secret bytes (clamped as RFC 7748 says).
    #[must_use]
    pub fn from_bytes(suite: Suite, bytes: &Secret) -> Self {
        let secret = bytes.clone();
        match suite.0 {
            Compiled::RustCrypto => {
                let public = PublicKey::from(&StaticSecret::from(secret.0));
                Self { secret, public: DhPublic(public.to_bytes()), key: Key::RustCrypto }
            }
            #[cfg(feature = "aws-lc-rs")]
            Compiled::AwsLc => {
                let key = PrivateKey::from_private_key(&X25519, &secret.0);
                let key = key.expect("any 32 bytes are a key");
                let mut public = DhPublic([0; 32]);
                let computed = key.compute_public_key().expect("every key has a public half");
                public.0.copy_from_slice(computed.as_ref());
                Self { secret, public, key: Key::AwsLc(Arc::new(key)) }
            }
        }
    }

    /// A new key pair.
    #[must_use]
    pub fn generate(suite: Suite, secret: &mut SecretStream) -> Self {
        Self::from_bytes(suite, &Secret(secret.bytes()))
    }

    /// The back end that computes with this key.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        match self.key {
            Key::RustCrypto => Suite(Compiled::RustCrypto),
            #[cfg(feature = "aws-lc-rs")]
            Key::AwsLc(_) => Suite(Compiled::AwsLc),
        }
    }

    /// The 32 secret bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Secret {
        self.secret.clone()
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> DhPublic {
        self.public
    }

    /// The shared secret with `other`.
    ///
    /// # Errors
    /// [`AuthError`] if `other` is of small order, which would give a secret everybody knows.
    pub fn dh(&self, other: &DhPublic) -> Result<Secret, AuthError> {
        match &self.key {
            Key::RustCrypto => {
                let secret = StaticSecret::from(self.secret.0);
                let shared = secret.diffie_hellman(&PublicKey::from(other.0));
                if shared.was_contributory() {
                    Ok(Secret(shared.to_bytes()))
                } else {
                    Err(AuthError)
                }
            }
            #[cfg(feature = "aws-lc-rs")]
            Key::AwsLc(key) => {
                let other = UnparsedPublicKey::new(&X25519, other.0);
                agree(key, other, AuthError, |shared| {
                    shared.try_into().map(Secret).map_err(|_| AuthError)
                })
            }
        }
    }
}

impl fmt::Debug for DhSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DhSecret({:?})", self.public())
    }
}

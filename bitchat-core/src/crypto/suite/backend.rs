//! Who computes: named in settings by [`Backend`], carried through the core by [`Suite`].

/// A library that computes AEAD, Diffie-Hellman and signatures, and opens ML-KEM ciphertexts.
///
/// The choice is about speed only: every back end accepts the same inputs and gives the same bytes
/// (spec 03). RustCrypto is always compiled in. It also computes hashes, ML-KEM keys and
/// ML-KEM ciphertexts for the others: aws-lc-rs offers no BLAKE2s, and draws the randomness of the
/// other two itself, where this library must be given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// Pure Rust: the crates of RustCrypto and dalek.
    RustCrypto,
    /// [AWS-LC](https://github.com/aws/aws-lc): C and assembly. Needs the cargo feature
    /// `aws-lc-rs`.
    AwsLc,
}

impl Backend {
    /// The fastest back end that is compiled in.
    #[must_use]
    pub const fn fastest() -> Self {
        if cfg!(feature = "aws-lc-rs") { Self::AwsLc } else { Self::RustCrypto }
    }

    /// Takes the back end into use.
    ///
    /// # Errors
    /// [`NotCompiledIn`] if this build lacks it.
    pub const fn suite(self) -> Result<Suite, NotCompiledIn> {
        match self {
            Self::RustCrypto => Ok(Suite(Compiled::RustCrypto)),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLc => Ok(Suite(Compiled::AwsLc)),
            #[cfg(not(feature = "aws-lc-rs"))]
            Self::AwsLc => Err(NotCompiledIn(self)),
        }
    }
}

impl Default for Backend {
    /// [`Self::fastest`].
    fn default() -> Self {
        Self::fastest()
    }
}

/// The back end that was named is not part of this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not compiled in: build with its cargo feature, or name another back end")]
pub struct NotCompiledIn(pub Backend);

/// A back end that is compiled in. Keys remember theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Suite(pub(super) Compiled);

/// What a [`Suite`] can be in this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Compiled {
    RustCrypto,
    #[cfg(feature = "aws-lc-rs")]
    AwsLc,
}

impl Suite {
    /// All back ends that are compiled in, the slowest first.
    pub const ALL: &'static [Self] = &[
        Self(Compiled::RustCrypto),
        #[cfg(feature = "aws-lc-rs")]
        Self(Compiled::AwsLc),
    ];

    /// Its name in settings.
    #[must_use]
    pub const fn backend(self) -> Backend {
        match self.0 {
            Compiled::RustCrypto => Backend::RustCrypto,
            #[cfg(feature = "aws-lc-rs")]
            Compiled::AwsLc => Backend::AwsLc,
        }
    }
}

impl Default for Suite {
    /// The fastest that is compiled in.
    fn default() -> Self {
        Self::ALL[Self::ALL.len() - 1]
    }
}

//! The identity file: the one secret of a person, readable by its owner alone.
//!
//! Layout: `"bitchat-identity"` (16 bytes), version 1 (one byte), the 32-byte seed of the Ed25519
//! key, and the first 8 bytes of `BLAKE2s(all before)`, so that a damaged file is an error and not
//! silently another person.

use crate::private::{self, write_new};
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::crypto::identity::Identity;
use bitchat_core::crypto::suite::{Secret, hash};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

const MAGIC: &[u8; 16] = b"bitchat-identity";
const VERSION: u8 = 1;
const SEED_AT: usize = MAGIC.len() + 1;
const CHECK_AT: usize = SEED_AT + 32;
const FILE_LEN: usize = CHECK_AT + 8;
/// How often to look, a moment after another, whether another process has written the file.
const WRITTEN_AFTER: u32 = 50;
const A_MOMENT: Duration = Duration::from_millis(10);

/// Why there is no identity, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The file is something else.
    #[error("{} is not an identity file; name another file, or move this one away", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version of this program.
    #[error(
        "the identity file {} has version {version}, which this program does not know; update it",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u8,
    },
    /// The file has lost bytes or has changed.
    #[error("the identity file {} is damaged; restore it from your copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Others may read the file.
    #[error("other users may access {} (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system refused.
    #[error("cannot {doing} the identity file {}: {source}; check the path and its permissions", path.display())]
    Io {
        /// Read or create.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system has no randomness to make a key of.
    #[error("the system gives no random numbers ({0}); an identity cannot be made here")]
    Entropy(getrandom::Error),
}

/// Fresh entropy from the system, for one start of a node (BC-11.03).
///
/// # Errors
/// What the system says if it has none.
pub fn fresh_seed() -> Result<Seed, getrandom::Error> {
    let mut seed = Seed([0; 32]);
    getrandom::fill(&mut seed.0)?;
    Ok(seed)
}

/// Reads the identity in the file at `path`; if there is no such file, makes an identity and the
/// file. Of two processes that do so at once, both get the identity of the one that came first.
///
/// # Errors
/// [`IdentityError`] says what is wrong with the file and what to do.
pub fn load_or_create(path: &Path) -> Result<Identity, IdentityError> {
    match load(path) {
        Err(IdentityError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create(path)
        }
        Err(IdentityError::Foreign { .. }) => load_when_written(path),
        result => result,
    }
}

/// Reads the identity in the file at `path`.
///
/// # Errors
/// [`IdentityError`] says what is wrong with the file and what to do.
pub fn load(path: &Path) -> Result<Identity, IdentityError> {
    let io = |source| IdentityError::Io { doing: "read", path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    // BC-11.28
    if let Some(mode) = private::exposed_mode(path).map_err(io)? {
        return Err(IdentityError::Exposed { path: path.to_owned(), mode });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_LEN + 1));
    file.take(FILE_LEN as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
    decode(&bytes).map_err(|flaw| match flaw {
        Flaw::Foreign => IdentityError::Foreign { path: path.to_owned() },
        Flaw::Newer(version) => IdentityError::Newer { path: path.to_owned(), version },
        Flaw::Damaged => IdentityError::Damaged { path: path.to_owned() },
    })
}

fn create(path: &Path) -> Result<Identity, IdentityError> {
    let seed = fresh_seed().map_err(IdentityError::Entropy)?;
    let identity = Identity::generate(&mut Rng::new(&seed).secret);
    // BC-11.27
    match write_new(path, &encode(&identity)) {
        Ok(()) => Ok(identity),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => load_when_written(path),
        Err(source) => Err(IdentityError::Io { doing: "create", path: path.to_owned(), source }),
    }
}

/// Reads what another process is just writing: where the file system is a poor one, the name is
/// there a moment before the bytes.
fn load_when_written(path: &Path) -> Result<Identity, IdentityError> {
    for _ in 0..WRITTEN_AFTER {
        match std::fs::metadata(path) {
            Ok(file) if file.len() == 0 => std::thread::sleep(A_MOMENT),
            _ => break,
        }
    }
    load(path)
}

fn encode(identity: &Identity) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_LEN));
    bytes.extend_from_slice(MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&identity.to_bytes().0);
    let check = hash(&[&bytes]);
    bytes.extend_from_slice(&check[..FILE_LEN - CHECK_AT]);
    bytes
}

#[derive(Debug, PartialEq, Eq)]
enum Flaw {
    Foreign,
    Newer(u8),
    Damaged,
}

fn decode(bytes: &[u8]) -> Result<Identity, Flaw> {
    let (&version, _) =
        bytes.strip_prefix(MAGIC).ok_or(Flaw::Foreign)?.split_first().ok_or(Flaw::Damaged)?;
    // BC-11.26
    if version != VERSION {
        return Err(Flaw::Newer(version));
    }
    if bytes.len() != FILE_LEN {
        return Err(Flaw::Damaged);
    }
    let (body, check) = bytes.split_at(CHECK_AT);
    if !hash(&[body]).starts_with(check) {
        return Err(Flaw::Damaged);
    }
    let seed = body[SEED_AT..].try_into().map_err(|_| Flaw::Damaged)?;
    Ok(Identity::from_bytes(&Secret(seed)))
}

#[cfg(test)]
mod tests;

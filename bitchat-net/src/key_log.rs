//! The key log's file: secrets as text, which only their owner may read (spec 13).

use bitchat_core::crypto::key_log::KeyLogLine;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a key log cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyLogError {
    /// It cannot be opened.
    #[error("cannot open the key log {}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Others could read the secrets.
    #[error(
        "the key log {} can be read by others than its owner (mode {mode:03o}); \
         delete it, or run chmod 600 on it",
        .path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is a device, a pipe or a directory.
    #[error("the key log {} is not a regular file", .path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
}

/// An open key log. Lines are appended, so that several nodes may share a file.
pub(crate) struct KeyLogFile {
    file: File,
    failed: bool,
}

impl KeyLogFile {
    /// Opens `path`, or makes it for its owner alone; refuses one that others may read (BC-13.02).
    pub(crate) fn open(path: &Path) -> Result<Self, KeyLogError> {
        let fail = |error| KeyLogError::Io { path: path.to_owned(), error };
        // To open a pipe would wait for its reader, and for ever.
        if path.metadata().is_ok_and(|found| !found.is_file()) {
            return Err(KeyLogError::NotAFile { path: path.to_owned() });
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options.open(path).map_err(fail)?;
        // Of what was opened, not of what the name stands for by now.
        let metadata = file.metadata().map_err(fail)?;
        if !metadata.is_file() {
            return Err(KeyLogError::NotAFile { path: path.to_owned() });
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = metadata.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(KeyLogError::Exposed { path: path.to_owned(), mode });
            }
        }
        Ok(Self { file, failed: false })
    }

    /// Appends a line. A full disk is said once; chat goes on without the log.
    pub(crate) fn write(&mut self, line: &KeyLogLine) {
        let mut text = zeroize::Zeroizing::new(Vec::with_capacity(line.as_str().len() + 1));
        text.extend_from_slice(line.as_str().as_bytes());
        text.push(b'\n');
        // One write a line, so that lines of several processes do not mix.
        if let Err(error) = self.file.write_all(&text)
            && !core::mem::replace(&mut self.failed, true)
        {
            tracing::error!(%error, "the key log cannot be written; lines are missing");
        }
    }
}

#[cfg(test)]
mod tests;

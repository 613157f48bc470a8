//! Files that only their owner may read.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use tempfile::{NamedTempFile, PersistError};

/// Writes a file that only its owner may read: it is there as a whole, durably, or not at all, and
/// never replaces one.
///
/// # Errors
/// `AlreadyExists` where something has that name; else what the system says.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Only its owner may read a `NamedTempFile`.
    let mut file = NamedTempFile::new_in(directory_of(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => return Err(taken.error),
        Err(PersistError { file, .. }) => claim_and_replace(file, path)?,
    }
    sync_directory_of(path)
}

/// For file systems without hard links that cannot rename without replacing either: an empty file
/// takes the name, and is replaced by the whole one.
fn claim_and_replace(file: NamedTempFile, path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?;
    file.persist(path).map(drop).map_err(|failed| {
        let _ = std::fs::remove_file(path);
        failed.error
    })
}

fn directory_of(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// The permission bits of the file at `path` that let others than its owner in; `None` if only the
/// owner may read and write it, or where the system has no such bits.
pub(crate) fn exposed_mode(path: &Path) -> io::Result<Option<u32>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path)?.permissions().mode() & 0o777;
        Ok((mode & 0o077 != 0).then_some(mode))
    }
    #[cfg(not(unix))]
    {
        std::fs::metadata(path)?;
        Ok(None)
    }
}

/// Creates an empty file that only its owner may read; an existing one is left as it is.
pub(crate) fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    match options.open(path) {
        Ok(file) => file.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes the names in the directory of `path` as durable as the files behind them.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    // Windows cannot open a directory as a file, and makes renames durable by itself.
    if cfg!(windows) {
        return Ok(());
    }
    match File::open(directory_of(path))?.sync_all() {
        // Nor do some network and shared file systems know how.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        result => result,
    }
}

#[cfg(test)]
mod tests;

//! Files of traces (spec 13): one for each link, in the format that qlog tools read.

use bitchat_core::node::QlogRecord;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Stands before each record (RFC 7464).
const RECORD_SEPARATOR: u8 = 0x1e;
/// Files open at once; a link that is quiet for long may have its own opened again.
const MAX_OPEN: usize = 64;

/// Why traces cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write traces to {}: {error}", .path.display())]
pub struct QlogError {
    /// The directory.
    pub path: PathBuf,
    /// What the system says.
    pub error: io::Error,
}

/// The traces of a node.
pub(crate) struct TraceFiles {
    directory: PathBuf,
    open: BTreeMap<String, File>,
    failed: bool,
}

impl TraceFiles {
    /// Makes `directory` where it is missing.
    pub(crate) fn open(directory: PathBuf) -> Result<Self, QlogError> {
        match std::fs::create_dir_all(&directory) {
            Ok(()) => Ok(Self { directory, open: BTreeMap::new(), failed: false }),
            Err(error) => Err(QlogError { path: directory, error }),
        }
    }

    /// Appends a record to its trace. A full disk is said once; chat goes on without the trace.
    pub(crate) fn write(&mut self, record: &QlogRecord) {
        if record.lost > 0 {
            tracing::warn!(trace = %record.trace, lost = record.lost, "a trace has gaps");
        }
        if let Err(error) = self.append(record)
            && !core::mem::replace(&mut self.failed, true)
        {
            tracing::error!(%error, "traces cannot be written; records are missing");
        }
    }

    fn append(&mut self, record: &QlogRecord) -> io::Result<()> {
        let trace = &*record.trace;
        if !self.open.contains_key(trace) {
            if self.open.len() >= MAX_OPEN {
                self.open.pop_first();
            }
            self.open.insert(trace.to_owned(), open(&self.directory, trace)?);
        }
        let Some(file) = self.open.get_mut(trace) else { return Ok(()) };
        let mut line = Vec::with_capacity(record.text.len() + 2);
        line.push(RECORD_SEPARATOR);
        line.extend_from_slice(record.text.as_bytes());
        line.push(b'\n');
        file.write_all(&line)
    }
}

/// Addresses stand in it: it is for its owner alone.
fn open(directory: &Path, trace: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(directory.join(format!("{trace}.sqlog")))
}

#[cfg(test)]
mod tests;

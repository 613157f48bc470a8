//! The node's memory on disk: one SQLite file, one thread of its own.
//!
//! A batch of changes is applied as a whole and is durable before it is answered. The file is held
//! by one process at a time, readable by its owner alone. It must never be restored from a backup
//! beside a living copy: two nodes would then write one author's log.

mod db;

use bitchat_core::base::ids::RequestId;
use bitchat_core::base::time::UnixMillis;
use bitchat_core::node::{Change, Record};
use db::Db;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{mpsc, oneshot};

/// How often records past their date are swept out.
const SWEEP_INTERVAL: Duration = Duration::from_secs(3_600);
/// Batches that may share one transaction, and so one wait for the disk.
const GROUP: usize = 64;

/// Why the store cannot be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process (or another node of this one) holds the store.
    #[error(
        "the store {} is in use by another running instance; stop that one, or use another directory",
        path.display()
    )]
    Locked {
        /// The store's file.
        path: PathBuf,
    },
    /// The file was written by something else.
    #[error(
        "{} is not a Bit Chat store; move that file away, or use another directory",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version of this program.
    #[error(
        "the store {} has layout {version}, which this version does not know; update the program",
        path.display()
    )]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// Its layout's number.
        version: i32,
    },
    /// The file is damaged.
    #[error(
        "the store {} is damaged ({detail}); move it away and start again: other members still hold \
         the history",
        path.display()
    )]
    Corrupt {
        /// The store's file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// There is no room left.
    #[error("no room left on the disk of {}; free some space", path.display())]
    Full {
        /// The store's file.
        path: PathBuf,
    },
    /// Others may read the file, which holds keys.
    #[error("other users may access {} (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    Exposed {
        /// The store's file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file cannot be opened or created.
    #[error("cannot open the store {}: {source}; check the path and its permissions", path.display())]
    Io {
        /// The store's file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// SQLite reports something else.
    #[error("the store {} failed: {source}; check the disk", path.display())]
    Sqlite {
        /// The store's file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The store was closed, or its thread has died.
    #[error("the store is closed; start again")]
    Closed,
}

/// What the store has done.
#[derive(Debug)]
pub enum Answer {
    /// The batch is durable.
    Persisted {
        /// Names the batch.
        request: RequestId,
    },
    /// The records that were asked for, in ascending order of their keys.
    Loaded {
        /// Names the question.
        request: RequestId,
        /// Up to as many as were asked for.
        records: Vec<Record>,
        /// More follow.
        more: bool,
    },
    /// It did not work; nothing of the batch was applied.
    Failed {
        /// Names the batch or the question.
        request: RequestId,
        /// Why.
        error: StoreError,
    },
}

impl Answer {
    /// What it is an answer to.
    #[must_use]
    pub fn request(&self) -> RequestId {
        let (Self::Persisted { request }
        | Self::Loaded { request, .. }
        | Self::Failed { request, .. }) = self;
        *request
    }
}

enum Job {
    Persist { request: RequestId, changes: Vec<Change> },
    Load { request: RequestId, prefix: Vec<u8>, after: Vec<u8>, limit: usize },
}

/// An open store, and where its answers arrive.
pub type Opened = (Store, mpsc::UnboundedReceiver<Answer>);

/// A store and its thread. Dropping it lets the thread finish what it was given and close the file.
#[derive(Debug)]
pub struct Store {
    jobs: Sender<Job>,
    closed: oneshot::Receiver<()>,
}

impl Store {
    /// Opens (or creates) the store at `path` and starts its thread. Answers arrive on the returned
    /// channel, in the order of the questions (BC-11.13). The channels are unbounded because the node bounds
    /// what it asks: `Limits::actions` questions, `NodeLimits::persist_bytes` bytes.
    ///
    /// # Errors
    /// [`StoreError`] says what is wrong with the file and what to do.
    pub async fn open(path: &Path) -> Result<Opened, StoreError> {
        let (jobs, work) = channel();
        let (answers, answered) = mpsc::unbounded_channel();
        let (opened, result) = oneshot::channel();
        let (closing, closed) = oneshot::channel();
        let file = path.to_owned();
        let thread = thread::Builder::new().name("bitchat-store".into());
        let started = thread.spawn(move || {
            match Db::open(&file) {
                Ok(db) => {
                    // An opener that has gone away wants no store.
                    if opened.send(Ok(())).is_ok() {
                        Worker { db, work, answers }.run();
                    }
                }
                Err(error) => drop(opened.send(Err(error))),
            }
            drop(closing);
        });
        started.map_err(|source| StoreError::Io { path: path.to_owned(), source })?;
        result.await.unwrap_or(Err(StoreError::Closed))?;
        Ok((Self { jobs, closed }, answered))
    }

    /// Asks for `changes` to be applied as a whole and made durable.
    ///
    /// # Errors
    /// [`StoreError::Closed`] if the thread has died; there will be no answer.
    pub fn persist(&self, request: RequestId, changes: Vec<Change>) -> Result<(), StoreError> {
        self.jobs.send(Job::Persist { request, changes }).map_err(|_| StoreError::Closed)
    }

    /// Asks for up to `limit` records whose keys begin with `prefix` and sort behind `after`.
    ///
    /// # Errors
    /// [`StoreError::Closed`] if the thread has died; there will be no answer.
    pub fn load(
        &self,
        request: RequestId,
        prefix: Vec<u8>,
        after: Vec<u8>,
        limit: usize,
    ) -> Result<(), StoreError> {
        let job = Job::Load { request, prefix, after, limit };
        self.jobs.send(job).map_err(|_| StoreError::Closed)
    }

    /// Finishes what was asked, closes the file and lets go of its lock.
    pub async fn close(self) {
        let Self { jobs, closed } = self;
        drop(jobs);
        // The thread drops its end once the file is closed.
        let _ = closed.await;
    }
}

struct Worker {
    db: Db,
    work: Receiver<Job>,
    answers: mpsc::UnboundedSender<Answer>,
}

impl Worker {
    fn run(self) {
        let mut next_sweep = Instant::now();
        loop {
            let now = Instant::now();
            if now >= next_sweep {
                self.sweep();
                next_sweep = now + SWEEP_INTERVAL;
            }
            match self.work.recv_timeout(next_sweep.saturating_duration_since(now)) {
                Ok(job) => self.work_on(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Does `first` and what is waiting behind it; batches next to each other share a transaction.
    fn work_on(&self, first: Job) {
        let mut next = Some(first);
        while let Some(job) = next.take() {
            match job {
                Job::Load { request, prefix, after, limit } => {
                    let page = self.db.load(&prefix, &after, limit);
                    self.answer(match page {
                        Ok((records, more)) => Answer::Loaded { request, records, more },
                        Err(error) => Answer::Failed { request, error },
                    });
                }
                Job::Persist { request, changes } => {
                    let mut group = vec![(request, changes)];
                    while group.len() < GROUP {
                        match self.work.try_recv() {
                            Ok(Job::Persist { request, changes }) => group.push((request, changes)),
                            Ok(other) => {
                                next = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.persist(&group);
                }
            }
        }
    }

    fn persist(&self, group: &[(RequestId, Vec<Change>)]) {
        if self.db.apply(group.iter().map(|(_, changes)| changes.as_slice())).is_ok() {
            for &(request, _) in group {
                self.answer(Answer::Persisted { request });
            }
            return;
        }
        // One batch may be at fault for all: each gets its own chance, and its own verdict.
        for (request, changes) in group {
            let request = *request;
            self.answer(match self.db.apply([changes.as_slice()]) {
                Ok(()) => Answer::Persisted { request },
                Err(error) => Answer::Failed { request, error },
            });
        }
    }

    fn answer(&self, answer: Answer) {
        // Nobody listens any more when the node was dropped; what was asked is done all the same.
        let _ = self.answers.send(answer);
    }

    fn sweep(&self) {
        let Some(now) = wall_clock() else { return };
        match self.db.expire(now) {
            Ok(0) => {}
            Ok(records) => tracing::debug!(records, "expired"),
            Err(error) => tracing::warn!(%error, "expired records not deleted"),
        }
    }
}

/// The system's wall clock; `None` if it is set before 1970.
pub(crate) fn wall_clock() -> Option<UnixMillis> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok().map(UnixMillis)
}

#[cfg(test)]
mod tests;

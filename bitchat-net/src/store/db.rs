//! The table on disk: keys and values in one SQLite file.

use super::StoreError;
use crate::private;
use bitchat_core::base::time::UnixMillis;
use bitchat_core::node::{Change, Record};
use rusqlite::{Connection, ErrorCode, OpenFlags, params};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `bcst`: tells our files from other programs' SQLite files.
const APPLICATION_ID: i32 = 0x6263_7374;
/// The layout of the table below.
const SCHEMA_VERSION: i32 = 1;
/// How long to wait for another process that is just closing the store.
const LOCK_WAIT: Duration = Duration::from_secs(1);

const SCHEMA: &str = "
    CREATE TABLE record (
        key     BLOB PRIMARY KEY NOT NULL,
        value   BLOB NOT NULL,
        secret  INTEGER NOT NULL,
        expires INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX record_expires ON record (expires) WHERE expires IS NOT NULL;
";

/// One page of records, and whether more follow.
pub(super) type Page = (Vec<Record>, bool);

/// An open store, held by this process alone.
pub(super) struct Db {
    connection: Connection,
    path: PathBuf,
}

impl Db {
    /// Opens the store at `path`, creating it if there is none.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        private::create(path).map_err(io)?;
        // BC-11.17: the file is its owner's alone; SQLite gives its journal the same mode.
        if let Some(mode) = private::exposed_mode(path).map_err(io)? {
            return Err(StoreError::Exposed { path: path.to_owned(), mode });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // SQLite takes `file:` and `:memory:` at the beginning of a name for something else than a
        // name.
        let connection = Connection::open_with_flags(Path::new(".").join(path), flags)
            .map_err(|error| StoreError::from_sqlite(path, error))?;
        let db = Self { connection, path: path.to_owned() };
        db.prepare()?;
        private::sync_directory_of(path).map_err(io)?;
        Ok(db)
    }

    fn prepare(&self) -> Result<(), StoreError> {
        self.sql(|c| {
            c.busy_timeout(LOCK_WAIT)?;
            // The lock is taken with the first read and kept until the file is closed (BC-11.15).
            c.pragma_update(None, "locking_mode", "EXCLUSIVE")
        })?;
        let tables = self.sql(|c| {
            c.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
        })?;
        let pragma = |name| self.sql(|c| c.pragma_query_value(None, name, |row| row.get(0)));
        let (application, version): (i32, i32) =
            (pragma("application_id")?, pragma("user_version")?);
        // BC-11.20: what is not ours is left as it is.
        let fresh = tables == 0 && application == 0 && version == 0;
        if !fresh && application != APPLICATION_ID {
            return Err(StoreError::Foreign { path: self.path.clone() });
        }
        if version > SCHEMA_VERSION {
            return Err(StoreError::Newer { path: self.path.clone(), version });
        }
        self.sql(|c| {
            // BC-11.12: FULL makes every commit of the write-ahead log durable before it returns.
            c.pragma_update(None, "journal_mode", "WAL")?;
            c.pragma_update(None, "synchronous", "FULL")?;
            c.pragma_update(None, "fullfsync", true)?;
            c.pragma_update(None, "checkpoint_fullfsync", true)?;
            // BC-11.19: what is deleted is overwritten: old keys must not linger in free pages.
            c.pragma_update(None, "secure_delete", true)?;
            c.pragma_update(None, "temp_store", "MEMORY")
        })?;
        if fresh { self.create() } else { self.check() }?;
        // BC-11.19: a crash came between a batch and the emptying of the log behind it.
        self.forget_log();
        Ok(())
    }

    fn create(&self) -> Result<(), StoreError> {
        self.sql(|c| {
            let transaction = c.unchecked_transaction()?;
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            transaction.commit()
        })
    }

    fn check(&self) -> Result<(), StoreError> {
        let verdict: String =
            self.sql(|c| c.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)))?;
        if verdict == "ok" {
            Ok(())
        } else {
            Err(StoreError::Corrupt { path: self.path.clone(), detail: verdict })
        }
    }

    /// Applies the batches in order: all of them, or none (BC-11.11, BC-11.16).
    pub(super) fn apply<'a>(
        &self,
        batches: impl IntoIterator<Item = &'a [Change]>,
    ) -> Result<(), StoreError> {
        let mut secrets_replaced = false;
        self.sql(|c| {
            let transaction = c.unchecked_transaction()?;
            {
                let mut put = transaction.prepare_cached(
                    "INSERT INTO record (key, value, secret, expires) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (key) DO UPDATE SET
                         value = excluded.value, secret = excluded.secret, expires = excluded.expires",
                )?;
                let mut delete = transaction
                    .prepare_cached("DELETE FROM record WHERE key = ?1 RETURNING secret")?;
                for change in batches.into_iter().flatten() {
                    match change {
                        Change::Put(record) => {
                            secrets_replaced |= record.secret;
                            let expires = record.expires.map(to_sql);
                            put.execute(params![record.key, &record.value[..], record.secret, expires])?;
                        }
                        Change::Delete(key) => {
                            let mut rows = delete.query([key])?;
                            while let Some(row) = rows.next()? {
                                secrets_replaced |= row.get::<_, bool>(0)?;
                            }
                        }
                    }
                }
            }
            transaction.commit()
        })?;
        if secrets_replaced {
            self.forget_log();
        }
        Ok(())
    }

    /// Empties the write-ahead log, where replaced secrets would otherwise live on for a while. The
    /// batch is already durable, so a failure costs nothing but that.
    fn forget_log(&self) {
        let emptied = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = emptied {
            tracing::debug!(%error, "write-ahead log not emptied");
        }
    }

    /// Up to `limit` records whose keys begin with `prefix` and sort behind `after`, ascending
    /// (BC-11.14).
    pub(super) fn load(
        &self,
        prefix: &[u8],
        after: &[u8],
        limit: usize,
    ) -> Result<Page, StoreError> {
        let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let (floor, inclusive) = if after < prefix { (prefix, true) } else { (after, false) };
        let mut records = self.sql(|c| {
            let mut select = c.prepare_cached(if inclusive {
                "SELECT key, value, secret, expires FROM record WHERE key >= ?1
                 ORDER BY key LIMIT ?2"
            } else {
                "SELECT key, value, secret, expires FROM record WHERE key > ?1
                 ORDER BY key LIMIT ?2"
            })?;
            let mut rows = select.query(params![floor, one_more])?;
            let mut records = Vec::new();
            while let Some(row) = rows.next()? {
                let record = to_record(row)?;
                if !record.key.starts_with(prefix) {
                    break;
                }
                records.push(record);
            }
            Ok(records)
        })?;
        let more = records.len() > limit;
        records.truncate(limit);
        Ok((records, more))
    }

    /// Deletes what has expired (BC-11.25); how many records that were.
    pub(super) fn expire(&self, now: UnixMillis) -> Result<usize, StoreError> {
        let secrets: Vec<bool> = self.sql(|c| {
            c.prepare_cached("DELETE FROM record WHERE expires < ?1 RETURNING secret")?
                .query_map([to_sql(now)], |row| row.get(0))?
                .collect()
        })?;
        // BC-11.19
        if secrets.contains(&true) {
            self.forget_log();
        }
        Ok(secrets.len())
    }

    fn sql<T>(
        &self,
        run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        run(&self.connection).map_err(|error| StoreError::from_sqlite(&self.path, error))
    }

    /// Lets the file grow to `pages` pages and no further, as a full disk would.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: u32) {
        self.connection
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
            .expect("a plain pragma");
    }
}

impl StoreError {
    fn from_sqlite(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::NotADatabase) => Self::Foreign { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, detail: error.to_string() },
            _ => Self::Sqlite { path, source: error },
        }
    }
}

fn to_sql(moment: UnixMillis) -> i64 {
    i64::try_from(moment.0).unwrap_or(i64::MAX)
}

fn to_record(row: &rusqlite::Row<'_>) -> rusqlite::Result<Record> {
    let expires: Option<i64> = row.get(3)?;
    Ok(Record {
        key: row.get(0)?,
        value: row.get::<_, Vec<u8>>(1)?.into(),
        secret: row.get(2)?,
        expires: expires.map(|moment| UnixMillis(u64::try_from(moment).unwrap_or(0))),
    })
}

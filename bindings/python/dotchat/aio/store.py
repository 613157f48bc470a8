"""The store: keys and values in one SQLite file, the same that the Rust driver keeps (spec 11.5)."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable, List, Optional, Sequence, Union

from .. import private
from ..actions import Change, Load, Persist
from ..errors import FileError
from ..values import Record

APPLICATION_ID = 0x62637374
"""`bcst`: tells our files from other programs' SQLite files."""
SCHEMA_VERSION = 1
EXPIRE_EVERY = 3600.0
"""Seconds between two looks for what has expired."""
_NEVER = (1 << 63) - 1

# STRICT is a check that older SQLites do not have; what is stored is the same without it.
_STRICT = "STRICT, " if sqlite3.sqlite_version_info >= (3, 37, 0) else ""
_SCHEMA = f"""
    CREATE TABLE record (
        key     BLOB PRIMARY KEY NOT NULL,
        value   BLOB NOT NULL,
        secret  INTEGER NOT NULL,
        expires INTEGER
    ) {_STRICT}WITHOUT ROWID;
"""
_INDEX = "CREATE INDEX record_expires ON record (expires) WHERE expires IS NOT NULL"
_PUT = "INSERT OR REPLACE INTO record (key, value, secret, expires) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True)
class Persisted:
    request: int


@dataclass(frozen=True)
class Loaded:
    request: int
    records: List[Record]
    more: bool


@dataclass(frozen=True)
class Failed:
    request: int
    reason: str


Job = Union[Persist, Load]
Answer = Union[Persisted, Loaded, Failed]


class Store:
    """An open store, held by this process alone. One thread makes it and uses it."""

    def __init__(self, path: Path) -> None:
        """FileError if the file is somebody else's, damaged, in use, or open to others."""
        self._path = path
        private.create(path)
        private.refuse_exposed(path)  # BC-11.17
        # SQLite takes `file:` and `:memory:` at the beginning of a name for something else.
        self._db = sqlite3.connect(str(path.absolute()), timeout=1.0, isolation_level=None)
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._db.close()
            locked = "locked" in str(error)
            told = "in use by another node" if locked else f"no store, or damaged ({error})"
            raise FileError(f"{path}: {told}") from error
        except BaseException:
            self._db.close()
            raise
        private.sync_directory_of(path.absolute())

    def _pragma(self, text: str) -> int:
        row = self._db.execute(f"PRAGMA {text}").fetchone()
        return row[0] if row and isinstance(row[0], int) else 0

    def _prepare(self) -> None:
        # The lock is taken with the first read and kept until the file is closed (BC-11.15).
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application, version = self._pragma("application_id"), self._pragma("user_version")
        # BC-11.20: what is not ours is left as it is.
        fresh = tables == 0 and application == 0 and version == 0
        if not fresh and application != APPLICATION_ID:
            raise FileError(f"{self._path} is another program's file; name another store")
        if version > SCHEMA_VERSION:
            raise FileError(f"{self._path} has version {version}, which this package does not know")
        # BC-11.12: FULL makes every commit durable. BC-11.19: what is deleted is overwritten.
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "fullfsync = ON",
            "checkpoint_fullfsync = ON",
            "secure_delete = ON",
            "temp_store = MEMORY",
        ):
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        if fresh:
            self._transact(self._create)
        elif self._db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise FileError(f"{self._path} is damaged")
        # BC-11.19: a crash came between a batch and the emptying of the log behind it.
        self._forget_log()
        self._expire()

    def _create(self) -> None:
        self._db.execute(_SCHEMA)
        self._db.execute(_INDEX)
        self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _transact(self, work: Callable[[], None]) -> None:
        """All of it or nothing (BC-11.11, BC-11.16)."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            work()
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def run(self, jobs: Sequence[Job]) -> List[Answer]:
        """Carries jobs out in their order (BC-11.13). Batches behind each other share a commit."""
        answers: List[Answer] = []
        batches: List[Persist] = []
        for job in [*jobs, None]:
            if isinstance(job, Persist):
                batches.append(job)
                continue
            if batches:
                answers += self._persist(batches)
                batches = []
            if job is not None:
                answers.append(self._load(job))
        if time.monotonic() - self._expired_at > EXPIRE_EVERY:
            self._expire()
        return answers

    def _persist(self, batches: List[Persist]) -> Iterable[Answer]:
        secrets: List[bool] = []

        def work() -> None:
            for batch in batches:
                for change in batch.changes:
                    secrets.append(self._apply(change))

        try:
            self._transact(work)
        except (sqlite3.Error, OSError) as error:
            return [Failed(batch.request, str(error)) for batch in batches]
        if any(secrets):
            self._forget_log()
        return [Persisted(batch.request) for batch in batches]

    def _apply(self, change: Change) -> bool:
        """Gives whether a secret may have been replaced or deleted."""
        if change.record is None:
            row = self._db.execute(
                "SELECT secret FROM record WHERE key = ?", (change.key,)
            ).fetchone()
            self._db.execute("DELETE FROM record WHERE key = ?", (change.key,))
            return bool(row and row[0])
        record = change.record
        expires = min(record.expires_ms, _NEVER) or None
        self._db.execute(_PUT, (record.key, record.value, int(record.secret), expires))
        return record.secret

    def _load(self, job: Load) -> Answer:
        """BC-11.14"""
        sign, floor = (">=", job.prefix) if job.after < job.prefix else (">", job.after)
        select = (
            "SELECT key, value, secret, expires FROM record "
            f"WHERE key {sign} ? ORDER BY key LIMIT ?"
        )
        records = []
        try:
            for key, value, secret, expires in self._db.execute(select, (floor, job.limit + 1)):
                if not key.startswith(job.prefix):
                    break
                records.append(Record(key, value, bool(secret), expires or 0))
        except (sqlite3.Error, OSError) as error:
            return Failed(job.request, str(error))
        return Loaded(job.request, records[: job.limit], len(records) > job.limit)

    def _expire(self) -> None:
        """Deletes what has expired (BC-11.25)."""
        self._expired_at = time.monotonic()
        now = time.time_ns() // 1_000_000
        where = "FROM record WHERE expires < ?"
        try:
            row = self._db.execute(f"SELECT max(secret) {where}", (now,)).fetchone()
            secret: Optional[int] = row[0]
            self._db.execute(f"DELETE {where}", (now,))
        except sqlite3.OperationalError:
            return  # a full disk: the next look deletes it
        if secret:
            self._forget_log()

    def _forget_log(self) -> None:
        """Empties the write-ahead log, where replaced secrets would live on for a while."""
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.OperationalError:
            pass  # the batch is durable; the next one tries again

    def close(self) -> None:
        self._db.close()

"""The store in SQLite: what chapter 11.5 of the specification asks of one."""

from __future__ import annotations

import sqlite3
import tempfile
import unittest
from pathlib import Path
from typing import List, Optional

import dotchat
from dotchat import Change, Load, Persist, Record
from dotchat.aio.store import APPLICATION_ID, Failed, Loaded, Persisted, Store


def put(key: bytes, value: bytes, secret: bool = False, expires_ms: int = 0) -> Change:
    return Change(key, Record(key, value, secret, expires_ms))


class StoreCase(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "store.db"
        self.store: Optional[Store] = None
        self.addCleanup(lambda: self.store and self.store.close())

    def open(self) -> Store:
        if self.store is not None:
            self.store.close()
        self.store = Store(self.path)
        return self.store

    def load(self, prefix: bytes, after: bytes = b"", limit: int = 99) -> Loaded:
        assert self.store is not None
        answer, = self.store.run([Load(1, prefix, after, limit)])
        assert isinstance(answer, Loaded)
        return answer

    def keys(self, *what: object) -> List[bytes]:
        return [record.key for record in self.load(*what).records]  # type: ignore[arg-type]

    def test_pages_in_the_order_of_the_bytes(self) -> None:
        """BC-11.14"""
        keys = [b"a/", b"a/1", b"a/1\0", b"a/\xff", b"a0", b"b/1"]
        self.open().run([Persist(1, tuple(put(key, b"v") for key in keys))])
        self.open()
        self.assertEqual(self.keys(b"a/"), [b"a/", b"a/1", b"a/1\0", b"a/\xff"])
        self.assertEqual(self.keys(b"a/", b"a/1"), [b"a/1\0", b"a/\xff"])
        page = self.load(b"a/", b"", 2)
        self.assertEqual(([r.key for r in page.records], page.more), ([b"a/", b"a/1"], True))
        self.assertFalse(self.load(b"a/", b"a/1", 2).more)
        self.assertEqual(self.keys(b"a/", b"b"), [])
        self.assertEqual(len(self.keys(b"")), 6)

    def test_batches_in_order_and_seen_by_loads(self) -> None:
        """BC-11.13"""
        store = self.open()
        answers = store.run([
            Persist(1, (put(b"k", b"old"),)),
            Persist(2, (Change(b"k", None), put(b"l", b"x", True, 1 << 62))),
            Load(3, b"", b"", 9),
            Persist(4, (put(b"k", b"new"),)),
        ])
        self.assertEqual([type(a) for a in answers], [Persisted, Persisted, Loaded, Persisted])
        self.assertEqual([a.request for a in answers], [1, 2, 3, 4])
        assert isinstance(answers[2], Loaded)
        self.assertEqual(answers[2].records, [Record(b"l", b"x", True, 1 << 62)])
        self.assertEqual(self.load(b"k").records[0].value, b"new")

    def test_all_or_nothing(self) -> None:
        """BC-11.11, BC-11.16"""
        store = self.open()
        store.run([Persist(1, (put(b"k", b"kept"),))])
        store._db.execute("PRAGMA max_page_count = 8")
        answer, = store.run([Persist(2, (Change(b"k", None), put(b"big", bytes(1 << 20))))])
        self.assertIsInstance(answer, Failed)
        self.assertEqual(self.keys(b""), [b"k"])
        answer, = store.run([Persist(3, (put(b"k", b"new"),))])
        self.assertIsInstance(answer, Persisted)

    def test_replaced_secrets_are_in_no_file(self) -> None:
        """BC-11.19"""
        store = self.open()
        for number in range(3):
            store.run([Persist(1, (put(b"k", b"a secret %d" % number, True),))])
        store.run([Persist(1, (put(b"gone", b"a secret that goes", True),))])
        store.run([Persist(1, (Change(b"gone", None),))])
        store.run([Persist(1, (put(b"late", b"a secret that ends", True, 1),))])
        store._expire()
        found = b"".join(path.read_bytes() for path in self.path.parent.iterdir())
        self.assertIn(b"a secret 2", found)
        for old in (b"a secret 0", b"a secret 1", b"that goes", b"that ends"):
            self.assertNotIn(old, found)

    def test_nothing_is_deleted_before_its_date(self) -> None:
        """BC-11.25"""
        late = dotchat.now().wall_ms + 3_600_000
        self.open().run([Persist(1, (put(b"a", b"", False, late), put(b"b", b"", False, 1)))])
        self.open()
        self.assertEqual(self.keys(b""), [b"a"])

    def test_what_is_not_ours_is_refused_and_left(self) -> None:
        """BC-11.20"""
        with sqlite3.connect(str(self.path)) as other:
            other.execute("CREATE TABLE theirs (a)")
        other.close()
        self.path.chmod(0o600)
        before = self.path.read_bytes()
        with self.assertRaisesRegex(dotchat.FileError, "another program"):
            Store(self.path)
        self.assertEqual(self.path.read_bytes(), before)
        self.path.unlink()
        self.open()
        assert self.store is not None
        self.assertEqual(self.store._pragma("application_id"), APPLICATION_ID)
        self.store._db.execute("PRAGMA user_version = 2")
        with self.assertRaisesRegex(dotchat.FileError, "version 2"):
            self.open()
        self.store = None


if __name__ == "__main__":
    unittest.main()

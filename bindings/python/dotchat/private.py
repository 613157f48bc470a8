"""Files that only their owner may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from .errors import FileError


def refuse_exposed(path: Path) -> None:
    """FileError if others than its owner may read or write the file, where the system knows users."""
    mode = os.stat(path).st_mode & 0o777
    if os.name == "posix" and mode & 0o077:
        raise FileError(f"other users may access {path} (mode {mode:03o}); run: chmod 600 {path}")


def create(path: Path) -> None:
    """Creates an empty file; an existing one is left as it is."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        pass


def write_new(path: Path, data: bytes) -> None:
    """Writes a file that is there as a whole, durably, or not at all. FileExistsError if it was."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        _name(part, path)
    finally:
        if part.exists():
            part.unlink()
    sync_directory_of(path)


def _name(part: Path, path: Path) -> None:
    try:
        # A link, unlike a rename, never takes the place of a file that is there.
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links: an empty file takes the name, and is replaced.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.replace(part, path)


def sync_directory_of(path: Path) -> None:
    """Makes the names in the directory of `path` survive, where directories can be opened."""
    if os.name != "posix":
        return
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    except OSError:
        # Some network and shared file systems cannot.
        pass
    finally:
        os.close(directory)

"""Who somebody is: secret keys, peer ids, and the file that keeps a secret key."""

from __future__ import annotations

import ctypes
import hashlib
import os
from pathlib import Path
from typing import Union

from . import private
from ._native import check, exactly, grown, lib, new
from ._structs import bitchat_error
from .errors import FileError
from .owned import Owned

_MAGIC = b"bitchat-identity"
_VERSION = 1


class Identity(Owned):
    """A person's secret key."""

    def __init__(self, pointer: int) -> None:
        super().__init__(pointer, lib.bitchat_identity_free)

    @classmethod
    def generate(cls) -> Identity:
        """A new one, from the operating system's entropy."""
        out = ctypes.c_void_p()
        check(lib.bitchat_identity_generate(ctypes.byref(out)))
        return cls(out.value or 0)

    @classmethod
    def from_secret(cls, secret: bytes) -> Identity:
        """The one whose 32 bytes `secret` gave."""
        out = ctypes.c_void_p()
        check(lib.bitchat_identity_from_secret(exactly(secret, 32, "secret"), ctypes.byref(out)))
        return cls(out.value or 0)

    def secret(self) -> bytes:
        """The 32 secret bytes: whoever has them is this person."""
        out = ctypes.create_string_buffer(32)
        check(lib.bitchat_identity_secret(self._handle(), out))
        return out.raw

    @property
    def peer_id(self) -> bytes:
        """The public key, 32 bytes."""
        out = ctypes.create_string_buffer(32)
        check(lib.bitchat_identity_peer_id(self._handle(), out))
        return out.raw

    @classmethod
    def load_or_create(cls, path: Union[str, "os.PathLike[str]"]) -> Identity:
        """The identity of a file (spec 11.7); if there is no such file, a new one and the file.

        FileError if the file is damaged, something else, or open to others than its owner.
        """
        path = Path(path)
        try:
            return cls._load(path)
        except FileNotFoundError:
            pass
        made = cls.generate()
        body = _MAGIC + bytes([_VERSION]) + made.secret()
        try:
            # BC-11.27: there as a whole or not at all, and never in the place of another.
            private.write_new(path, body + hashlib.blake2s(body).digest()[:8])
        except FileExistsError:
            made.close()
            return cls._load(path)
        return made

    @classmethod
    def _load(cls, path: Path) -> Identity:
        # BC-11.28
        private.refuse_exposed(path)
        data = path.read_bytes()
        if not data.startswith(_MAGIC):
            raise FileError(f"{path} is not an identity file; name another, or move this one away")
        # BC-11.26
        if len(data) > 16 and data[16] != _VERSION:
            raise FileError(f"{path} has version {data[16]}, which this package does not know")
        body = data[:49]
        if len(data) != 57 or hashlib.blake2s(body).digest()[:8] != data[49:]:
            raise FileError(f"{path} is damaged; restore it from your copy")
        return cls.from_secret(body[17:])


def fingerprint(peer_id: bytes) -> str:
    """A peer id, short enough to be read aloud."""
    exactly(peer_id, 32, "peer_id")
    return grown(lib.bitchat_peer_fingerprint, peer_id).split(b"\0")[0].decode()


def peer_link(peer_id: bytes) -> str:
    """The `bitchat:peer/` link of a peer id."""
    exactly(peer_id, 32, "peer_id")
    return grown(lib.bitchat_peer_link, peer_id).split(b"\0")[0].decode()


def parse_peer_link(link: str) -> bytes:
    """The peer id of a link. InvalidError says what is wrong with it."""
    out, why = ctypes.create_string_buffer(32), new(bitchat_error)
    check(lib.bitchat_peer_link_parse(link.encode(), out, ctypes.byref(why)), why)
    return out.raw

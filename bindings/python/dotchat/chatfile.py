"""`.chat` files: each names a channel and lets whoever has it join."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Optional, Sequence, Union

from . import constants, private
from ._native import check, exactly, grown, lib, new
from ._structs import bitchat_draft, bitchat_error
from .errors import InvalidError
from .identity import Identity
from .owned import Owned

_LONGEST = 1 << 24
"""Bytes of a file that are read at most; a `.chat` file is far shorter."""


class ChatFile(Owned):
    """A `.chat` file."""

    def __init__(self, pointer: int) -> None:
        super().__init__(pointer, lib.bitchat_chatfile_free)

    @classmethod
    def parse(cls, data: bytes, allow_local: bool = False) -> ChatFile:
        """Reads the bytes of a file. InvalidError says what is wrong with them.

        `allow_local` accepts trackers and peers on loopback and private addresses.
        """
        out, why = ctypes.c_void_p(), new(bitchat_error)
        status = lib.bitchat_chatfile_parse(
            data, len(data), int(allow_local), ctypes.byref(out), ctypes.byref(why)
        )
        check(status, why)
        return cls(out.value or 0)

    @classmethod
    def open(cls, path: Union[str, "os.PathLike[str]"], allow_local: bool = False) -> ChatFile:
        """Reads a file."""
        with open(path, "rb") as file:
            return cls.parse(file.read(_LONGEST), allow_local)

    @classmethod
    def create(
        cls,
        name: str,
        trackers: Sequence[str] = (),
        *,
        comment: Optional[str] = None,
        access: int = constants.ACCESS_KEYED,
        history: int = constants.HISTORY_ALL,
        history_amount: int = 0,
        rotate: bool = False,
        owner: Optional[Identity] = None,
        seed: Optional[bytes] = None,
    ) -> ChatFile:
        """The file of a new channel, signed by `owner` if there is one.

        `access` is `constants.ACCESS_...`, `history` is `constants.HISTORY_...` with
        `history_amount` messages or days; `rotate`: announced under another hash every day. `seed`
        is 32 bytes of fresh entropy; None takes the operating system's.
        """
        texts = [ctypes.create_string_buffer(_text(url)) for url in trackers]
        urls = (ctypes.c_void_p * len(texts))(*(ctypes.addressof(text) for text in texts))
        named = ctypes.create_string_buffer(_text(name))
        said = None if comment is None else ctypes.create_string_buffer(_text(comment))
        draft = new(bitchat_draft)
        draft.name = ctypes.addressof(named)
        draft.trackers = ctypes.addressof(urls) if texts else None
        draft.tracker_count = len(texts)
        draft.comment = None if said is None else ctypes.addressof(said)
        draft.access, draft.history = access, history
        draft.history_amount, draft.rotate = history_amount, int(rotate)
        out, why = ctypes.c_void_p(), new(bitchat_error)
        status = lib.bitchat_chatfile_create(
            ctypes.byref(draft),
            None if owner is None else owner._handle(),
            None if seed is None else exactly(seed, 32, "seed"),
            ctypes.byref(out),
            ctypes.byref(why),
        )
        check(status, why)
        return cls(out.value or 0)

    def encode(self) -> bytes:
        """The file's bytes. Whoever has them can join: a secret, unless the channel is public."""
        return grown(lib.bitchat_chatfile_encode, self._handle())

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes a new file that only its owner may read. FileExistsError if there is one."""
        private.write_new(Path(path), self.encode())

    @property
    def name(self) -> str:
        """The channel's name, for people."""
        return grown(lib.bitchat_chatfile_name, self._handle()).split(b"\0")[0].decode()

    @property
    def link(self) -> str:
        """The channel's link: `magnet:` if it is public, `dotchat:join/` if not."""
        return grown(lib.bitchat_chatfile_link, self._handle()).split(b"\0")[0].decode()

    @property
    def channel_id(self) -> bytes:
        """The channel's id, 20 bytes."""
        out = ctypes.create_string_buffer(20)
        check(lib.bitchat_chatfile_channel_id(self._handle(), out))
        return out.raw


def _text(value: str) -> bytes:
    """The library reads up to a zero byte: one within would cut the text."""
    if "\0" in value:
        raise InvalidError("a text with a zero byte", constants.ERR_INVALID)
    return value.encode("utf-8")

"""Finds the library and declares its functions."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from pathlib import Path
from typing import Any, Iterator, Optional, Type, TypeVar

from . import constants
from ._functions import FUNCTIONS
from ._structs import bitchat_error
from .errors import LibraryError, of_status

S = TypeVar("S", bound=ctypes.Structure)

FILE_NAME = {"darwin": "libbitchat.dylib", "win32": "bitchat.dll"}.get(
    sys.platform, "libbitchat.so"
)


def _candidates() -> Iterator[str]:
    """Where the library may be: what the user names, beside this package, what the system knows."""
    named = os.environ.get("DOTCHAT_LIBRARY")
    if named:
        yield named
        return
    beside = Path(__file__).resolve().parent / FILE_NAME
    if beside.exists():
        yield str(beside)
        return
    known = ctypes.util.find_library("bitchat")
    if known:
        yield known
    yield FILE_NAME


def _load() -> ctypes.PyDLL:
    failure: Optional[OSError] = None
    for path in _candidates():
        try:
            # PyDLL: calls are short, and no other thread may come between a call and the reading of
            # what it lends.
            return ctypes.PyDLL(path)
        except OSError as error:
            failure = error
    raise LibraryError(f"{FILE_NAME} cannot be loaded ({failure}): set DOTCHAT_LIBRARY to its path")


def _declare(library: ctypes.PyDLL) -> ctypes.PyDLL:
    for name, (result, arguments) in FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise LibraryError(f"the library has no {name}: it is of another version") from None
        function.restype = result
        function.argtypes = arguments
    version = library.bitchat_version()
    # Before 1.0 a minor version may change the interface.
    if version >> 8 != constants.VERSION_MAJOR << 8 | constants.VERSION_MINOR:
        found = library.bitchat_version_text().decode()
        wanted = f"{constants.VERSION_MAJOR}.{constants.VERSION_MINOR}"
        raise LibraryError(f"the library has version {found}, this package needs {wanted}")
    return library


lib: Any = _declare(_load())


def new(kind: Type[S]) -> S:
    """A struct of zeros that says its size."""
    made = kind()
    made.struct_size = ctypes.sizeof(kind)
    return made


def check(status: int, why: Optional[bitchat_error] = None) -> int:
    """Gives a status that is no error; raises the others."""
    if status >= 0:
        return status
    text = why.text.decode("utf-8", "replace") if why is not None else ""
    raise of_status(status, text or lib.bitchat_status_text(status).decode())


def text_at(pointer: Optional[int], length: int = -1) -> Optional[str]:
    """The text that a struct lends; None for NULL. Without a length it ends at the zero byte."""
    if not pointer:
        return None
    return ctypes.string_at(pointer, length).decode("utf-8", "replace")


def bytes_at(pointer: Optional[int], length: int) -> bytes:
    """The bytes that a struct lends; none for NULL."""
    return ctypes.string_at(pointer, length) if pointer and length else b""


def grown(function: Any, *arguments: Any) -> bytes:
    """Calls a function that ends with a buffer and its length, with as much room as it needs."""
    length = ctypes.c_size_t(256)
    while True:
        buffer = ctypes.create_string_buffer(length.value)
        status = function(*arguments, buffer, ctypes.byref(length))
        if status != constants.ERR_SHORT:
            check(status)
            return buffer.raw[: length.value]


def exactly(value: bytes, length: int, what: str) -> bytes:
    """The value, if it has as many bytes as the library will read."""
    if not isinstance(value, bytes) or len(value) != length:
        raise of_status(constants.ERR_INVALID, f"{what} is not {length} bytes")
    return value


def log_text(pointer: Optional[int]) -> str:
    """A text that is always there."""
    return text_at(pointer) or ""

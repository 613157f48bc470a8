"""Handles of the library: who owns one, who may use it, and when it is freed."""

from __future__ import annotations

import os
import threading
import weakref
from types import TracebackType
from typing import Any, Optional, Type, TypeVar

from .errors import ClosedError, ForkedError, WrongThreadError

T = TypeVar("T", bound="Owned")


class Owned:
    """A handle. It is freed by `close`, at the end of a `with`, or when nobody holds it any more."""

    def __init__(self, pointer: int, free: Any) -> None:
        self._pointer: Optional[int] = pointer
        self._thread = threading.get_ident()
        self._process = os.getpid()
        # Runs at the end of the interpreter as well, while the library is still there.
        self._finalizer = weakref.finalize(self, free, pointer)

    def _handle(self) -> int:
        """The pointer, if this thread of this process may use it now."""
        name = type(self).__name__
        if self._pointer is None:
            raise ClosedError(f"this {name} was closed")
        if self._process != os.getpid():
            raise ForkedError(f"this {name} belongs to process {self._process}, which forked this one")
        if self._thread != threading.get_ident():
            raise WrongThreadError(f"this {name} belongs to the thread that made it")
        return self._pointer

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._pointer is None

    def close(self) -> None:
        """Frees it at once. Twice does no harm."""
        if self._pointer is None:
            return
        if self._process == os.getpid():
            self._handle()
        self._pointer = None
        self._finalizer()

    def __enter__(self: T) -> T:
        self._handle()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def __reduce__(self) -> Any:
        raise TypeError(f"a {type(self).__name__} cannot be copied or pickled")

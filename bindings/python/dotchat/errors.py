"""Exceptions: one for each status below zero, and what only Python can do wrong."""

from __future__ import annotations

from typing import Dict, Type

from . import constants


class Error(Exception):
    """A call that failed. `status` is the library's number, 0 if the call never got there."""

    status = 0

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class MisuseError(Error):
    """The program uses an object in a way that cannot work."""


class ClosedError(MisuseError):
    """The object was closed before."""


class WrongThreadError(MisuseError):
    """The object belongs to the thread that made it."""


class ForkedError(MisuseError):
    """The object belongs to the process that forked this one."""


class EventsUnreadError(MisuseError):
    """As many events wait as may: read them."""


class LibraryError(Error):
    """The library is missing, or is of another version than this package."""


class FileError(Error):
    """A file is damaged, foreign, or open to others; the text says what to do."""


class NullError(Error):
    """A pointer that must not be NULL was: a mistake of this package."""


class ShortError(Error):
    """An output buffer was too short: a mistake of this package."""


class InvalidError(Error, ValueError):
    """An argument is outside its range or malformed."""


class EntropyError(Error):
    """The operating system gave no entropy."""


class BusyError(Error):
    """The node is in another call."""


class UnknownError(Error, LookupError):
    """There is no such channel, message or element."""


class NotReadyError(Error):
    """The channel is still being read back: wait for `ChannelReady`."""


class StoreBusyError(Error):
    """Too much waits for the store: try again when messages have been stored."""


class JoinedError(Error):
    """The node is in the channel already."""


class TooManyError(Error):
    """As many of these exist as may."""


class InviteOnlyError(Error):
    """The channel admits invited members only, and this version knows no invitations."""


class ShuttingDownError(Error):
    """The node is shutting down."""


class LogFullError(Error):
    """The channel's log is as large as it may be."""


class FatalError(Error):
    """The library failed inside: the object can only be closed."""


class PoisonedError(FatalError):
    """An earlier call on this object failed inside: the object can only be closed."""


BY_STATUS: Dict[int, Type[Error]] = {
    constants.ERR_NULL: NullError,
    constants.ERR_SHORT: ShortError,
    constants.ERR_INVALID: InvalidError,
    constants.ERR_ENTROPY: EntropyError,
    constants.ERR_BUSY: BusyError,
    constants.ERR_UNKNOWN: UnknownError,
    constants.ERR_NOT_READY: NotReadyError,
    constants.ERR_STORE_BUSY: StoreBusyError,
    constants.ERR_JOINED: JoinedError,
    constants.ERR_TOO_MANY: TooManyError,
    constants.ERR_INVITE_ONLY: InviteOnlyError,
    constants.ERR_SHUTTING_DOWN: ShuttingDownError,
    constants.ERR_LOG_FULL: LogFullError,
    constants.ERR_PANIC: FatalError,
    constants.ERR_POISONED: PoisonedError,
}


def of_status(status: int, text: str) -> Error:
    """The exception of a status; of one that is newer than this package, the nearest."""
    fatal = -1099 <= status <= constants.ERR_PANIC
    return BY_STATUS.get(status, FatalError if fatal else Error)(text, status)

"""What the node asks for: one dataclass for each kind, and how it is answered."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Callable, Dict, Optional, Tuple

from . import constants
from ._native import bytes_at, check, lib, new, text_at
from ._structs import bitchat_action, bitchat_change
from .values import Address, Record, address_of


class Action:
    """Something that the node asks for."""


@dataclass(frozen=True)
class UnknownAction(Action):
    """A newer library asks for something: answer with `Node.failed` if there is a request."""

    kind: int
    request: Optional[int]


@dataclass(frozen=True)
class BindUdp(Action):
    """Open a UDP socket on all addresses of `family` (4; or 6, and IPv6 only): `Node.bound`."""

    request: int
    family: int
    port: int


@dataclass(frozen=True)
class Resolve(Action):
    """Look up a host name, which may be an address: `Node.resolved`."""

    request: int
    host: str


@dataclass(frozen=True)
class OpenTcp(Action):
    """Open a TCP connection, with TLS for `server_name` unless that is None: `Node.opened`."""

    request: int
    address: Address
    server_name: Optional[str]


@dataclass(frozen=True)
class Write(Action):
    """Write all of `data`. Not answered; a failure is `Node.closed`."""

    stream: int
    data: bytes


@dataclass(frozen=True)
class Close(Action):
    """Close a stream after what was written. Not answered."""

    stream: int


@dataclass(frozen=True)
class Change:
    """One change of the store: `record` is stored, or its key deleted."""

    key: bytes
    record: Optional[Record]


@dataclass(frozen=True)
class Persist(Action):
    """Put all changes on stable storage or none, in the order of the actions: `Node.persisted`."""

    request: int
    changes: Tuple[Change, ...]


@dataclass(frozen=True)
class Load(Action):
    """Read back records whose keys begin with `prefix` and sort behind `after`: `Node.loaded`."""

    request: int
    prefix: bytes
    after: bytes
    limit: int


def _open_tcp(native: bitchat_action) -> Action:
    address = address_of(native.address)
    if address is None:
        return UnknownAction(native.kind, native.request)
    return OpenTcp(native.request, address, text_at(native.text))


def _persist(native: bitchat_action) -> Action:
    count, pointer = native.change_count, native.changes
    lent = new(bitchat_change)
    changes = []
    for index in range(count):
        check(lib.bitchat_changes_get(pointer, index, ctypes.byref(lent)))
        key = bytes_at(lent.key, lent.key_len)
        record = None
        if lent.kind == constants.CHANGE_PUT:
            value = bytes_at(lent.value, lent.value_len)
            record = Record(key, value, lent.secret == 1, lent.expires_ms)
        elif lent.kind != constants.CHANGE_DELETE:
            return UnknownAction(native.kind, native.request)
        changes.append(Change(key, record))
    return Persist(native.request, tuple(changes))


def _load(native: bitchat_action) -> Action:
    prefix = bytes_at(native.prefix, native.prefix_len)
    after = bytes_at(native.after, native.after_len)
    return Load(native.request, prefix, after, native.limit)


DECODERS: Dict[int, Callable[[bitchat_action], Action]] = {
    constants.ACTION_BIND_UDP: lambda a: BindUdp(a.request, a.family, a.port),
    constants.ACTION_RESOLVE: lambda a: Resolve(a.request, text_at(a.text) or ""),
    constants.ACTION_OPEN_TCP: _open_tcp,
    constants.ACTION_WRITE: lambda a: Write(a.stream, bytes_at(a.data, a.data_len)),
    constants.ACTION_CLOSE: lambda a: Close(a.stream),
    constants.ACTION_PERSIST: _persist,
    constants.ACTION_LOAD: _load,
}


def action_of(native: bitchat_action) -> Action:
    """Copies what the library lends."""
    decode = DECODERS.get(native.kind)
    if decode is not None:
        return decode(native)
    request = None if native.request == constants.NO_REQUEST else native.request
    return UnknownAction(native.kind, request)

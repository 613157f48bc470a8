"""The node without an event loop: you hand in what happened and when, and carry out what it asks for.

1. Make a `Node`, then `join` a channel.
2. After this and after every call that hands something in, drain it: `poll_transmit`, `poll_action`
   and `poll_event`, until each gives None.
3. Sleep until something happens or `deadline` is reached.
4. Hand in what happened, or `tick` at the deadline. Go to 2.

`dotchat.aio.Node` does all this on asyncio.
"""

from __future__ import annotations

import ctypes
from typing import Any, Iterable, List, Optional

from . import constants
from ._native import bytes_at, check, exactly, lib, log_text, new
from ._structs import (
    bitchat_action,
    bitchat_address,
    bitchat_datagram,
    bitchat_device,
    bitchat_dht_stats,
    bitchat_error,
    bitchat_event,
    bitchat_link,
    bitchat_log,
    bitchat_message,
    bitchat_qlog,
    bitchat_record,
    bitchat_stats,
    bitchat_transmit,
)
from .actions import Action, action_of
from .chatfile import ChatFile
from .config import Config
from .errors import InvalidError
from .events import Event, event_of
from .identity import Identity
from .owned import Owned
from .values import (
    Address,
    Device,
    DhtStats,
    Link,
    LogRecord,
    Message,
    Moment,
    QlogRecord,
    Record,
    Stats,
    Transmit,
    address_of,
    device_of,
    link_of,
    message_of,
)

BUFFER = 65_536
"""Bytes for what is sent: room for the largest datagram, or for several small ones."""


class Node(Owned):
    """A chat node. It has no socket, clock, thread or file; the thread that made it uses it."""

    def __init__(
        self,
        identity: Identity,
        at: Moment,
        config: Optional[Config] = None,
        seed: Optional[bytes] = None,
    ) -> None:
        """`seed`: 32 bytes of fresh entropy, never used twice; None takes the operating system's.

        InvalidError names a setting that is out of its range.
        """
        settings, limits = (config or Config()).native()
        out, why = ctypes.c_void_p(), new(bitchat_error)
        status = lib.bitchat_node_new(
            ctypes.byref(settings),
            identity._handle(),
            None if seed is None else exactly(seed, 32, "seed"),
            at.mono_ns,
            at.wall_ms,
            ctypes.byref(out),
            ctypes.byref(why),
        )
        check(status, why)
        del limits
        super().__init__(out.value or 0, lib.bitchat_node_free)
        self._buffer = ctypes.create_string_buffer(BUFFER)
        self._arrived = ctypes.create_string_buffer(BUFFER)
        self._transmit = new(bitchat_transmit)
        self._datagram = new(bitchat_datagram)
        self._action = new(bitchat_action)
        self._event = new(bitchat_event)

    # ---- Channels ----

    def join(self, at: Moment, file: ChatFile) -> int:
        """Joins a channel and gives the number that names it. `ChannelReady` says when it is live."""
        channel, why = ctypes.c_uint32(), new(bitchat_error)
        status = lib.bitchat_node_join(
            self._handle(), *at, file._handle(), ctypes.byref(channel), ctypes.byref(why)
        )
        check(status, why)
        return channel.value

    def join_link(self, at: Moment, link: str, allow_local: bool = False) -> int:
        """Joins by a link. The first member met says what the channel is; only then it is ready."""
        channel, why = ctypes.c_uint32(), new(bitchat_error)
        if "\0" in link:
            raise InvalidError("a link with a zero byte", constants.ERR_INVALID)
        status = lib.bitchat_node_join_link(
            self._handle(), *at, link.encode(), int(allow_local), ctypes.byref(channel),
            ctypes.byref(why),
        )
        check(status, why)
        return channel.value

    def chat_file(self, channel: int) -> ChatFile:
        """The channel's file. NotReadyError if it was joined by a link and nobody was met yet."""
        out = ctypes.c_void_p()
        check(lib.bitchat_node_chat_file(self._handle(), channel, ctypes.byref(out)))
        return ChatFile(out.value or 0)

    def leave(self, at: Moment, channel: int) -> None:
        """Leaves a channel. What is stored of it stays."""
        check(lib.bitchat_node_leave(self._handle(), *at, channel))

    def send_text(self, at: Moment, channel: int, text: str) -> bytes:
        """Writes a text of 1 to 65,536 bytes of UTF-8 to everybody; gives the message's name.

        StoreBusyError: nothing was written; try again when messages have been stored.
        """
        data = text.encode("utf-8")
        entry_id, why = ctypes.create_string_buffer(32), new(bitchat_error)
        status = lib.bitchat_node_send_text(
            self._handle(), *at, channel, data, len(data), entry_id, ctypes.byref(why)
        )
        check(status, why)
        return entry_id.raw

    def add_peer(
        self, at: Moment, channel: int, address: Address, peer_id: Optional[bytes] = None
    ) -> None:
        """Names an address where a member may be, and who is expected there."""
        named = None if peer_id is None else exactly(peer_id, 32, "peer_id")
        native = address.native()
        check(
            lib.bitchat_node_add_peer(self._handle(), *at, channel, ctypes.byref(native), named)
        )

    def messages(
        self,
        channel: int,
        page: int = constants.PAGE_LAST,
        entry_id: Optional[bytes] = None,
        limit: int = 256,
    ) -> List[Message]:
        """Up to `limit` messages in the order that everybody shows; none until the channel is ready.

        `page` is `constants.PAGE_FIRST` or `PAGE_LAST`; or `PAGE_AFTER` or `PAGE_BEFORE`, and
        `entry_id` names a message.
        """
        named = None if entry_id is None else exactly(entry_id, 32, "entry_id")
        pages, count = ctypes.c_void_p(), ctypes.c_size_t()
        check(
            lib.bitchat_node_messages(
                self._handle(), channel, page, named, limit, ctypes.byref(pages),
                ctypes.byref(count),
            )
        )
        return self._listed(
            lib.bitchat_messages_get, new(bitchat_message), pages, count.value, message_of
        )

    def delivered(self, channel: int, entry_id: bytes) -> List[Device]:
        """The devices that have stored a message of this node, as far as they said."""
        exactly(entry_id, 32, "entry_id")
        count = ctypes.c_size_t(16)
        while True:
            room = (bitchat_device * count.value)()
            status = lib.bitchat_node_delivered(
                self._handle(), channel, entry_id, room, ctypes.byref(count)
            )
            if status != constants.ERR_SHORT:
                check(status)
                return [device_of(room[at]) for at in range(count.value)]

    # ---- The node as a whole ----

    def device(self) -> Optional[Device]:
        """Who this node is; None until its device was read back from the store."""
        out = bitchat_device()
        status = check(lib.bitchat_node_device(self._handle(), ctypes.byref(out)))
        return None if status == constants.PENDING else device_of(out)

    def links(self) -> List[Link]:
        """The links that carry chat."""
        links, count = ctypes.c_void_p(), ctypes.c_size_t()
        check(lib.bitchat_node_links(self._handle(), ctypes.byref(links), ctypes.byref(count)))
        return self._listed(lib.bitchat_links_get, new(bitchat_link), links, count.value, link_of)

    def stats(self) -> Stats:
        """The counters since the start."""
        out = new(bitchat_stats)
        check(lib.bitchat_node_stats(self._handle(), ctypes.byref(out)))
        return Stats(**{name: getattr(out, name) for name in Stats.__dataclass_fields__})

    def dht_stats(self) -> Optional[DhtStats]:
        """How the node stands in the DHT; None while it has nobody to ask there."""
        out = new(bitchat_dht_stats)
        status = check(lib.bitchat_node_dht_stats(self._handle(), ctypes.byref(out)))
        if status == constants.PENDING:
            return None
        return DhtStats(**{name: getattr(out, name) for name in DhtStats.__dataclass_fields__})

    def dht_nodes(self) -> List[Address]:
        """Where the nodes of the DHT are that this one knows."""
        count = ctypes.c_size_t(64)
        while True:
            room = (bitchat_address * count.value)()
            status = lib.bitchat_node_dht_nodes(self._handle(), room, ctypes.byref(count))
            if status != constants.ERR_SHORT:
                check(status)
                found = (address_of(room[at]) for at in range(count.value))
                return [address for address in found if address is not None]

    def renew_keys(self, at: Moment) -> int:
        """Starts a key renewal on every link; gives on how many."""
        links = ctypes.c_size_t()
        check(lib.bitchat_node_renew_keys(self._handle(), *at, ctypes.byref(links)))
        return links.value

    def reseed(self, at: Moment, seed: Optional[bytes] = None) -> None:
        """Mixes fresh entropy in, as after a resumed virtual machine; all links are dropped."""
        entropy = None if seed is None else exactly(seed, 32, "seed")
        check(lib.bitchat_node_reseed(self._handle(), *at, entropy))

    def shutdown(self, at: Moment) -> None:
        """Begins to end. Go on driving the node until `is_drained`, then `close` it."""
        check(lib.bitchat_node_shutdown(self._handle(), *at))

    def is_drained(self) -> bool:
        """Whether, after `shutdown`, everything has been said and stored."""
        return check(lib.bitchat_node_is_drained(self._handle())) == constants.OK

    # ---- Time ----

    def tick(self, at: Moment) -> None:
        """Does what is due. Too early or too often does no harm."""
        check(lib.bitchat_node_tick(self._handle(), *at))

    def deadline(self) -> Optional[int]:
        """When to call `tick`, in `mono_ns`; None if only an input can bring news."""
        out = ctypes.c_uint64()
        check(lib.bitchat_node_deadline(self._handle(), ctypes.byref(out), None))
        return None if out.value == constants.NO_DEADLINE else out.value

    # ---- What the node says ----

    def poll_transmit(self, at: Moment, max_segments: int = 1) -> Optional[Transmit]:
        """The next datagrams to send; None if there are none."""
        out = self._transmit
        while True:
            status = lib.bitchat_node_poll_transmit(
                self._handle(), *at, max_segments, self._buffer, len(self._buffer),
                ctypes.byref(out),
            )
            if status != constants.ERR_SHORT:
                break
            self._buffer = ctypes.create_string_buffer(out.len)
        if check(status) == constants.PENDING:
            return None
        address = address_of(out.address)
        assert address is not None
        data = bytes_at(out.data, out.len)
        local = address_of(out.local)
        return Transmit(out.socket, address, data, out.segment_size, out.ecn, local)

    def poll_action(self) -> Optional[Action]:
        """The next thing that the node asks for."""
        status = lib.bitchat_node_poll_action(self._handle(), ctypes.byref(self._action))
        return None if check(status) == constants.PENDING else action_of(self._action)

    def poll_event(self) -> Optional[Event]:
        """The next thing that the application is told."""
        status = lib.bitchat_node_poll_event(self._handle(), ctypes.byref(self._event))
        return None if check(status) == constants.PENDING else event_of(self._event)

    def poll_log(self) -> Optional[LogRecord]:
        """The next thing that the node says of its work, as far as `Config.log` asks for it."""
        out = new(bitchat_log)
        if check(lib.bitchat_node_poll_log(self._handle(), ctypes.byref(out))) == constants.PENDING:
            return None
        part, text = log_text(out.part), log_text(out.text)
        return LogRecord(out.at_ns, out.level, part, text, out.lost)

    def poll_qlog(self) -> Optional[QlogRecord]:
        """The next record of a trace, with `Config.qlog`."""
        out = new(bitchat_qlog)
        if check(lib.bitchat_node_poll_qlog(self._handle(), ctypes.byref(out))) == constants.PENDING:
            return None
        return QlogRecord(out.link, log_text(out.trace), log_text(out.text), out.lost)

    def poll_key_log(self) -> Optional[str]:
        """The next line of the key log, with `Config.insecure_key_log`: a secret."""
        out = ctypes.c_void_p()
        status = lib.bitchat_node_poll_key_log(self._handle(), ctypes.byref(out))
        return None if check(status) == constants.PENDING else log_text(out.value)

    # ---- What happened ----

    def datagram(
        self,
        at: Moment,
        socket: int,
        sender: Address,
        data: bytes,
        ecn: int = constants.ECN_NONE,
        local: Optional[Address] = None,
    ) -> None:
        """A datagram arrived, which may be empty, at the host's address `local` if that is known."""
        pointer = self._handle()
        if len(data) > len(self._arrived):
            self._arrived = ctypes.create_string_buffer(len(data))
        # A copy: the library decrypts in place, and Python's bytes must not change.
        ctypes.memmove(self._arrived, data, len(data))
        native = self._datagram
        native.data = ctypes.addressof(self._arrived)
        native.len, native.socket, native.ecn = len(data), socket, ecn
        native.from_ = sender.native()
        native.local = bitchat_address() if local is None else local.native()
        check(lib.bitchat_node_datagram(pointer, *at, ctypes.byref(native)))

    def bound(self, at: Moment, request: int, socket: int, local: Address) -> None:
        """`BindUdp` is done: `socket` is your name for it, never reused."""
        native = local.native()
        check(
            lib.bitchat_node_bound(self._handle(), *at, request, socket, ctypes.byref(native))
        )

    def interfaces(self, at: Moment, addresses: Iterable[Address]) -> None:
        """The host's own addresses, at start and whenever they change."""
        listed = _addresses(addresses)
        check(lib.bitchat_node_interfaces(self._handle(), *at, listed, len(listed)))

    def resumed(self, at: Moment) -> None:
        """The host slept, or the process was suspended, and goes on: call it before anything else.

        Nobody needs to where the clock runs in sleep and `Config.clock` says so.
        """
        check(lib.bitchat_node_resumed(self._handle(), *at))

    def resolved(self, at: Moment, request: int, addresses: Iterable[Address]) -> None:
        """`Resolve` is done."""
        listed = _addresses(addresses)
        check(lib.bitchat_node_resolved(self._handle(), *at, request, listed, len(listed)))

    def opened(self, at: Moment, request: int, stream: int) -> None:
        """`OpenTcp` is done: `stream` is your name for it, never reused."""
        check(lib.bitchat_node_opened(self._handle(), *at, request, stream))

    def readable(self, at: Moment, stream: int, data: bytes) -> None:
        """Bytes arrived on a stream, in order."""
        check(lib.bitchat_node_readable(self._handle(), *at, stream, data, len(data)))

    def stream_closed(self, at: Moment, stream: int) -> None:
        """A stream ended: the other side closed it, or it broke."""
        check(lib.bitchat_node_closed(self._handle(), *at, stream))

    def persisted(self, at: Moment, request: int) -> None:
        """`Persist` is done: everything is on stable storage."""
        check(lib.bitchat_node_persisted(self._handle(), *at, request))

    def loaded(self, at: Moment, request: int, records: Iterable[Record], more: bool) -> None:
        """`Load` is done: records in ascending order of their keys, and whether others follow."""
        held = []
        listed = list(records)
        natives = (bitchat_record * len(listed))()
        for native, record in zip(natives, listed):
            key = ctypes.create_string_buffer(record.key, len(record.key) or 1)
            value = ctypes.create_string_buffer(record.value, len(record.value) or 1)
            held.append((key, value))
            native.struct_size = ctypes.sizeof(bitchat_record)
            native.key, native.key_len = ctypes.addressof(key), len(record.key)
            native.value, native.value_len = ctypes.addressof(value), len(record.value)
            native.expires_ms, native.secret = record.expires_ms, int(record.secret)
        check(
            lib.bitchat_node_loaded(
                self._handle(), *at, request, natives, len(listed), int(more)
            )
        )

    def failed(self, at: Moment, request: int, reason: Optional[str]) -> None:
        """An action failed; None: you do not offer this kind, and the node goes without it."""
        text = None if reason is None else reason.replace("\0", " ").encode("utf-8", "replace")
        check(lib.bitchat_node_failed(self._handle(), *at, request, text))

    def _listed(self, get: Any, lent: Any, pages: Any, count: int, copy: Any) -> List[Any]:
        found = []
        for index in range(count):
            check(get(pages, index, ctypes.byref(lent)))
            found.append(copy(lent))
        return found


def _addresses(addresses: Iterable[Address]) -> "ctypes.Array[bitchat_address]":
    listed = [address.native() for address in addresses]
    return (bitchat_address * len(listed))(*listed)

"""What the application is told: one dataclass for each kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, Optional

from . import constants
from ._native import bytes_at, text_at
from ._structs import bitchat_event
from .values import Address, Content, Device, Message, address_of, device_of


class Event:
    """Something that the application is told."""


@dataclass(frozen=True)
class UnknownEvent(Event):
    """A newer library tells something that this package does not know: skip it."""

    kind: int


@dataclass(frozen=True)
class NodeListening(Event):
    """A UDP socket is open."""

    address: Optional[Address]


@dataclass(frozen=True)
class NodeListenFailed(Event):
    """A UDP socket of `family` (4 or 6) could not be opened. The other family goes on."""

    family: int
    reason: str


@dataclass(frozen=True)
class NodeWallTimeNeeded(Event):
    """The wall clock is needed and unknown: the node waits."""


@dataclass(frozen=True)
class NodeDht(Event):
    """The node came to know somebody in the DHT; or, if `count` is 0, nobody any more."""

    count: int


@dataclass(frozen=True)
class StoreFailing(Event):
    """The store could not read or write. What waits for it is tried again."""

    reason: str


@dataclass(frozen=True)
class StoreRecovered(Event):
    """The store works again."""


@dataclass(frozen=True)
class StoreDamaged(Event):
    """The record of this key is damaged, or not this node's. It was not used."""

    key: bytes


@dataclass(frozen=True)
class LinkUp(Event):
    """A link is up: encrypted, ready for chat."""

    link: int
    device: Device
    address: Optional[Address]


@dataclass(frozen=True)
class LinkRekeyed(Event):
    """A link has new keys."""

    link: int
    renewals: int


@dataclass(frozen=True)
class LinkMoved(Event):
    """A link moved to another address of the peer."""

    link: int
    address: Optional[Address]


@dataclass(frozen=True)
class LinkClosed(Event):
    """A link ended. `why` is `constants.CLOSE_...`; `code` the peer's, if the peer closed it."""

    link: int
    device: Device
    why: int
    code: int
    reason: str


@dataclass(frozen=True)
class ChannelReady(Event):
    """A channel is live; `messages` were read back."""

    channel: int
    messages: int


@dataclass(frozen=True)
class MemberUp(Event):
    """A device can be reached in a channel."""

    channel: int
    device: Device


@dataclass(frozen=True)
class MemberDown(Event):
    """A device cannot be reached in a channel any more."""

    channel: int
    device: Device


@dataclass(frozen=True)
class MessageStored(Event):
    """A message, own or another's, is stored and part of a channel's log."""

    channel: int
    message: Message
    after: Optional[bytes]
    """The message that it is shown next behind; None if it is the first. It may be an early one."""


@dataclass(frozen=True)
class Delivered(Event):
    """A device has stored this own message, and all earlier ones."""

    channel: int
    device: Device
    entry_id: bytes


@dataclass(frozen=True)
class Equivocation(Event):
    """A device signed two entries with one number. Nothing more of it is accepted in the channel."""

    channel: int
    device: Device


@dataclass(frozen=True)
class StoreWentBack(Event):
    """Others hold messages of this device that its store does not, as after a restored backup."""

    channel: int


@dataclass(frozen=True)
class LogFull(Event):
    """The channel's log is as large as it may be: nothing more is accepted."""

    channel: int


@dataclass(frozen=True)
class Tracker(Event):
    """A tracker is in another state, `constants.TRACKER_...`; it is asked again after `delay_ns`."""

    channel: int
    url: str
    state: int
    peers: int
    reason: Optional[str]
    """Why it failed; of one that works, what it tells people, if anything."""
    delay_ns: int


def _text(native: bitchat_event) -> str:
    return text_at(native.text, native.text_len) or ""


def _message(native: bitchat_event) -> Event:
    is_text = native.content == constants.CONTENT_TEXT
    after = bytes(native.after)
    message = Message(
        entry_id=bytes(native.entry_id),
        author=device_of(native.device),
        text=_text(native) if is_text else None,
        content=None if is_text else Content(native.content, _key(native)),
        own=native.own == 1,
        wall_ms=native.wall_ms,
        lamport=native.lamport,
        chain=bytes(native.chain),
        seq=native.seq,
    )
    return MessageStored(native.channel, message, after if any(after) else None)


def _key(native: bitchat_event) -> bytes:
    return bytes_at(native.key, native.key_len)


def _closed(native: bitchat_event) -> Event:
    device = device_of(native.device)
    return LinkClosed(native.link, device, native.state, native.count, _text(native))


def _tracker(native: bitchat_event) -> Event:
    reason = text_at(native.text, native.text_len)
    url = text_at(native.url) or ""
    return Tracker(
        native.channel, url, native.state, native.count, reason, native.delay_ns
    )


DECODERS: Dict[int, Callable[[bitchat_event], Event]] = {
    constants.EVENT_NODE_LISTENING: lambda e: NodeListening(address_of(e.address)),
    constants.EVENT_NODE_LISTEN_FAILED: lambda e: NodeListenFailed(e.family, _text(e)),
    constants.EVENT_NODE_WALL_TIME_NEEDED: lambda e: NodeWallTimeNeeded(),
    constants.EVENT_NODE_DHT: lambda e: NodeDht(e.count),
    constants.EVENT_STORE_FAILING: lambda e: StoreFailing(_text(e)),
    constants.EVENT_STORE_RECOVERED: lambda e: StoreRecovered(),
    constants.EVENT_STORE_DAMAGED: lambda e: StoreDamaged(_key(e)),
    constants.EVENT_LINK_UP: lambda e: LinkUp(e.link, device_of(e.device), address_of(e.address)),
    constants.EVENT_LINK_REKEYED: lambda e: LinkRekeyed(e.link, e.count),
    constants.EVENT_LINK_MOVED: lambda e: LinkMoved(e.link, address_of(e.address)),
    constants.EVENT_LINK_CLOSED: _closed,
    constants.EVENT_CHANNEL_READY: lambda e: ChannelReady(e.channel, e.count),
    constants.EVENT_CHANNEL_MEMBER_UP: lambda e: MemberUp(e.channel, device_of(e.device)),
    constants.EVENT_CHANNEL_MEMBER_DOWN: lambda e: MemberDown(e.channel, device_of(e.device)),
    constants.EVENT_CHANNEL_MESSAGE: _message,
    constants.EVENT_CHANNEL_DELIVERED: lambda e: Delivered(
        e.channel, device_of(e.device), bytes(e.entry_id)
    ),
    constants.EVENT_CHANNEL_EQUIVOCATION: lambda e: Equivocation(e.channel, device_of(e.device)),
    constants.EVENT_CHANNEL_STORE_WENT_BACK: lambda e: StoreWentBack(e.channel),
    constants.EVENT_CHANNEL_LOG_FULL: lambda e: LogFull(e.channel),
    constants.EVENT_TRACKER: _tracker,
}


def event_of(native: bitchat_event) -> Event:
    """Copies what the library lends."""
    decode = DECODERS.get(native.kind)
    return decode(native) if decode is not None else UnknownEvent(native.kind)

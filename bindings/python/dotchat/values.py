"""Plain values: addresses, devices, messages, links, moments."""

from __future__ import annotations

import ctypes
import ipaddress
import sys
import time
from dataclasses import dataclass
from typing import NamedTuple, Optional, Tuple

from . import constants
from ._structs import bitchat_address, bitchat_device, bitchat_link, bitchat_message
from ._native import bytes_at


class Moment(NamedTuple):
    """When something happens."""

    mono_ns: int
    """Nanoseconds of a clock that never goes back."""
    wall_ms: int
    """Milliseconds since 1970; 0 while that is unknown."""


_BOOTTIME: Optional[int] = getattr(time, "CLOCK_BOOTTIME", None)

CLOCK = (
    constants.CLOCK_STOPS_IN_SLEEP
    if _BOOTTIME is None and sys.platform != "win32"
    else constants.CLOCK_RUNS_IN_SLEEP
)
"""What the clock of `now` does while the host sleeps: what `Config.clock` is to be."""


def now() -> Moment:
    """This moment by the clocks of this machine."""
    mono = time.monotonic_ns() if _BOOTTIME is None else time.clock_gettime_ns(_BOOTTIME)
    return Moment(mono, time.time_ns() // 1_000_000)


@dataclass(frozen=True)
class Address:
    """An IP address and a port."""

    host: str
    port: int

    @property
    def family(self) -> int:
        """`constants.FAMILY_V4` or `FAMILY_V6`."""
        return constants.FAMILY_V6 if ":" in self.host else constants.FAMILY_V4

    @classmethod
    def of_sockaddr(cls, sockaddr: Tuple[object, ...]) -> Address:
        """Of what Python's sockets give: two values for IPv4, four for IPv6."""
        host, port = str(sockaddr[0]), sockaddr[1]
        assert isinstance(port, int)
        # Some loops leave the zone in the host; it is the fourth value's business.
        return cls(host.split("%", 1)[0], port)

    def native(self) -> bitchat_address:
        """As the library has it. ValueError if the host is no IP address."""
        ip = ipaddress.ip_address(self.host).packed
        made = bitchat_address(family=self.family, port=self.port)
        ctypes.memmove(made.ip, ip, len(ip))
        return made


def address_of(native: bitchat_address) -> Optional[Address]:
    """None where the library left the address out."""
    if native.family == constants.FAMILY_V4:
        return Address(str(ipaddress.IPv4Address(bytes(native.ip)[:4])), native.port)
    if native.family == constants.FAMILY_V6:
        return Address(str(ipaddress.IPv6Address(bytes(native.ip))), native.port)
    return None


@dataclass(frozen=True)
class Device:
    """Somebody's device."""

    peer_id: bytes
    """The person's public key, 32 bytes."""
    device_id: bytes
    """Which of the person's devices, 16 bytes."""


def device_of(native: bitchat_device) -> Device:
    return Device(bytes(native.peer_id), bytes(native.device_id))


@dataclass(frozen=True)
class Content:
    """Something that only a later version can show."""

    kind: int
    data: bytes


@dataclass(frozen=True)
class Message:
    """A message. The order that everybody shows is that of `order`."""

    entry_id: bytes
    """Names the message: 32 bytes."""
    author: Device
    text: Optional[str]
    """What it says; None if it is not a text."""
    content: Optional[Content]
    """What it holds, if it is not a text: show that there is something."""
    own: bool
    """Whether this node wrote it."""
    wall_ms: int
    """The author's clock in milliseconds since 1970, 0 if unknown. For display only."""
    lamport: int
    chain: bytes
    """The public log key that signed it: 32 bytes."""
    seq: int
    """The author's number of it."""

    @property
    def order(self) -> Tuple[int, bytes, int]:
        return (self.lamport, self.chain, self.seq)


def message_of(native: bitchat_message) -> Message:
    """A message of a list."""
    is_text = native.content == constants.CONTENT_TEXT
    held = bytes_at(native.text, native.text_len)
    return Message(
        entry_id=bytes(native.entry_id),
        author=device_of(native.author),
        text=held.decode("utf-8", "replace") if is_text else None,
        content=None if is_text else Content(native.content, held),
        own=native.own == 1,
        wall_ms=native.wall_ms,
        lamport=native.lamport,
        chain=bytes(native.chain),
        seq=native.seq,
    )


@dataclass(frozen=True)
class Link:
    """A link that carries chat."""

    link: int
    device: Device
    address: Optional[Address]
    generation: int
    """How many key renewals it has had."""
    rtt_ns: int
    """Smoothed round-trip time; 0 until it was measured."""
    min_rtt_ns: int
    path_mtu: int
    """Bytes of the largest UDP payload that its path is known to carry."""
    paths: int
    """How many paths to the peer are known to work."""
    channel_ids: Tuple[bytes, ...]
    rate: int
    """Bytes a second that the path carries by estimate; 0 until it was measured."""
    window: int
    """Bytes that may be in flight."""
    loss: int
    """Packets lost lately, in thousandths."""


def link_of(native: bitchat_link) -> Link:
    """A link of a list."""
    ids = bytes_at(native.channel_ids, 20 * native.channel_count)
    return Link(
        link=native.link,
        device=device_of(native.device),
        address=address_of(native.address),
        generation=native.generation,
        rtt_ns=native.rtt_ns,
        min_rtt_ns=native.min_rtt_ns,
        path_mtu=native.path_mtu,
        paths=native.paths,
        channel_ids=tuple(ids[at : at + 20] for at in range(0, len(ids), 20)),
        rate=native.rate,
        window=native.window,
        loss=native.loss,
    )


@dataclass(frozen=True)
class Transmit:
    """Datagrams to send to one address: pieces of `segment_size` bytes, the last may be shorter."""

    socket: int
    address: Address
    data: bytes
    segment_size: int
    ecn: int
    """`constants.ECN_...`: how to mark the IP headers, where that can be done."""
    local: Optional[Address] = None
    """The host's address to send from, its port aside; None leaves the choice to the system."""

    def datagrams(self) -> Tuple[bytes, ...]:
        size = self.segment_size or len(self.data) or 1
        return tuple(self.data[at : at + size] for at in range(0, len(self.data), size))


@dataclass(frozen=True)
class LogRecord:
    """Something that the node did or saw, for people who look for a fault."""

    at_ns: int
    level: int
    part: str
    text: str
    lost: int
    """Records before this one that were lost."""


@dataclass(frozen=True)
class QlogRecord:
    """One record of the trace of a link: a JSON text."""

    link: int
    trace: str
    text: str
    lost: int
    """Records behind this one that were lost."""


@dataclass(frozen=True)
class Record:
    """A record of the store."""

    key: bytes
    value: bytes
    secret: bool
    expires_ms: int
    """After this moment it may be deleted; 0: never."""


@dataclass(frozen=True)
class Stats:
    """Counters since the node started."""

    datagrams_in: int
    datagrams_out: int
    dropped_unknown: int
    dropped_auth: int
    dropped_replay: int
    probes_answered: int
    handshakes_started: int
    handshakes_failed: int


@dataclass(frozen=True)
class DhtStats:
    """How a node stands in the DHT."""

    nodes_v4: int
    nodes_v6: int
    queries: int
    searches: int
    hashes: int
    served: int
    ignored: int



"""UDP sockets: how they are opened, and what asyncio makes of them."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections import OrderedDict
from typing import Callable, List, Optional, Tuple, cast

from .. import constants
from ..values import Address

# From linux/in.h and linux/in6.h; the `socket` module has no names for them.
_LINUX_MTU_DISCOVER = ((socket.IPPROTO_IP, 10), (socket.IPPROTO_IPV6, 23))
_LINUX_PROBE = 3
_RECEIVE_BUFFER = 1 << 21
_SCOPES = 256
"""Link-local peers whose network is remembered."""


def open_socket(family: int, port: int, wanted: Optional[int]) -> socket.socket:
    """A socket on all addresses; `wanted` is the port to try first where the system may choose.

    OSError if there is none.
    """
    if port == 0 and wanted is not None:
        # BC-11.29: a tracker is told one port, whichever family it is asked over.
        try:
            return open_socket(family, wanted, None)
        except OSError:
            pass
    v6 = family == constants.FAMILY_V6
    made = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if v6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # BC-11.18
        _dont_fragment(made, v6)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        except OSError:
            pass
        made.setblocking(False)
        made.bind(("::" if v6 else "0.0.0.0", port))
    except BaseException:
        made.close()
        raise
    return made


def _dont_fragment(made: socket.socket, v6: bool) -> None:
    """BC-11.60: the node finds out how large datagrams may be; some systems may cut them."""
    level, option = _LINUX_MTU_DISCOVER[v6]
    try:
        if sys.platform.startswith("linux"):
            made.setsockopt(level, option, _LINUX_PROBE)
        elif sys.platform == "darwin":
            made.setsockopt(level, 62 if v6 else 28, 1)  # IPV6_DONTFRAG, IP_DONTFRAG
        elif sys.platform == "win32":
            made.setsockopt(level, 14, 1)  # IPV6_DONTFRAG, IP_DONTFRAGMENT
    except OSError:
        pass


class Socket(asyncio.DatagramProtocol):
    """A socket of the node."""

    def __init__(
        self,
        family: int,
        port: int,
        arrived: Callable[[Address, bytes], None],
        writable: Callable[[], None],
    ) -> None:
        self.family, self.port = family, port
        self.paused = False
        self.transport: Optional[asyncio.DatagramTransport] = None
        self._arrived = arrived
        self._writable = writable
        self._scopes: "OrderedDict[str, int]" = OrderedDict()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not all that asyncio and other loops give here is an instance of `DatagramTransport`.
        self.transport = cast(asyncio.DatagramTransport, transport)
        # The first datagram that the system does not take stops the polling: what is behind it waits
        # in the node, which knows what matters.
        cast(asyncio.WriteTransport, transport).set_write_buffer_limits(high=0)

    def datagram_received(self, data: bytes, addr: Tuple[object, ...]) -> None:
        if addr[1] == 0:
            return  # BC-11.64
        sender = Address.of_sockaddr(addr)
        if len(addr) == 4 and isinstance(addr[3], int) and addr[3] != 0:
            self._remember(sender.host, addr[3])
        self._arrived(sender, data)

    def _remember(self, host: str, scope: int) -> None:
        """A link-local address means nothing without its network, which the node does not know."""
        self._scopes[host] = scope
        self._scopes.move_to_end(host)
        if len(self._scopes) > _SCOPES:
            self._scopes.popitem(last=False)

    def sockaddr(self, to: Address) -> Optional[Tuple[object, ...]]:
        """As this socket takes it: a four-tuple would close an IPv4 transport for good."""
        if to.family != self.family or to.port == 0:  # BC-11.51
            return None
        if self.family == constants.FAMILY_V4:
            return (to.host, to.port)
        return (to.host, to.port, 0, self._scopes.get(to.host, 0))

    def send(self, datagrams: Tuple[bytes, ...], to: Address) -> None:
        """Sends them, or keeps them until the system takes them. What it refuses is lost."""
        address = self.sockaddr(to)
        if address is None or self.transport is None or self.transport.is_closing():
            return
        for datagram in datagrams:
            # Some versions of asyncio pass an empty one over, others send it: it says nothing.
            if datagram:
                self.transport.sendto(datagram, address)

    def error_received(self, exc: Exception) -> None:
        """A datagram that the system refused is lost, as any may be."""

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self._writable()


def own_addresses() -> Optional[List[Address]]:
    """The addresses that this host uses towards others, one for each family; None if it cannot be told.

    Python's standard library lists no interfaces. A socket that is connected, which sends nothing,
    knows from where it would send.
    """
    found = []
    # Addresses for documentation: nobody has them, but there is a way to them if there is one at all.
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                address = Address.of_sockaddr(probe.getsockname())
        except OSError as error:
            if error.errno in _OUT_OF_FILES:
                return None  # BC-11.54
            continue
        if not address.host.startswith(("127.", "169.254.", "fe80:")) and address.host != "::1":
            found.append(Address(address.host, 0))
    return found


_OUT_OF_FILES = {errno.ENFILE, errno.EMFILE}
"""They say nothing about networks."""

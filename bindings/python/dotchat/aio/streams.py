"""TCP connections, with TLS where the node says so: how trackers are asked."""

from __future__ import annotations

import asyncio
import ssl
from typing import Callable, Dict, Optional, Set

from ..actions import OpenTcp

OPEN_WITHIN = 10.0
"""Seconds in which a connection has to be open, its TLS handshake included (BC-11.21)."""
MOST_UNSENT = 1 << 20
"""Bytes that may wait for a peer who takes nothing."""
_PIECE = 16_384


class Streams:
    """The connections of a node, by names that are never used again."""

    def __init__(
        self,
        tls: Optional[ssl.SSLContext],
        opened: Callable[[int, int], None],
        failed: Callable[[int, Optional[str]], None],
        readable: Callable[[int, bytes], None],
        ended: Callable[[int], None],
    ) -> None:
        self._tls = tls
        self._opened, self._failed = opened, failed
        self._readable, self._ended = readable, ended
        self._writers: Dict[int, asyncio.StreamWriter] = {}
        self._next = 0
        self._tasks: "Set[asyncio.Task[None]]" = set()

    def open(self, action: OpenTcp) -> None:
        task = asyncio.get_running_loop().create_task(self._live(action))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, action: OpenTcp) -> "tuple[asyncio.StreamReader, asyncio.StreamWriter]":
        tls = None
        if action.server_name is not None:
            # BC-11.23: the server proves its name with a certificate that the host trusts.
            if self._tls is None:
                # Reads all certificates of the host: a thread does it meanwhile.
                loop = asyncio.get_running_loop()
                self._tls = await loop.run_in_executor(None, ssl.create_default_context)
            tls = self._tls
        opening = asyncio.open_connection(
            action.address.host, action.address.port, ssl=tls, server_hostname=action.server_name
        )
        return await asyncio.wait_for(opening, OPEN_WITHIN)

    async def _live(self, action: OpenTcp) -> None:
        try:
            reader, writer = await self._connect(action)
        except asyncio.TimeoutError:
            self._failed(action.request, "not open in time")
            return
        except (OSError, ValueError) as error:
            self._failed(action.request, str(error) or type(error).__name__)
            return
        name = self._next
        self._next += 1
        self._writers[name] = writer
        self._opened(action.request, name)
        try:
            while True:
                piece = await reader.read(_PIECE)
                if not piece or name not in self._writers:
                    break
                self._readable(name, piece)
        except OSError:
            pass
        finally:
            self._end(name)

    def _end(self, name: int) -> None:
        writer = self._writers.pop(name, None)
        if writer is not None:
            writer.transport.abort()
            self._ended(name)

    def write(self, name: int, data: bytes) -> None:
        writer = self._writers.get(name)
        if writer is None or writer.is_closing():
            return
        writer.write(data)
        if writer.transport.get_write_buffer_size() > MOST_UNSENT:
            self._end(name)

    def close(self, name: int) -> None:
        """Closes behind what was written (BC-11.22), for as long as opening may take."""
        writer = self._writers.pop(name, None)
        if writer is not None:
            writer.close()
            asyncio.get_running_loop().call_later(OPEN_WITHIN, writer.transport.abort)

    async def abort(self) -> None:
        """Ends all at once; nothing is told."""
        for writer in self._writers.values():
            writer.transport.abort()
        self._writers.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

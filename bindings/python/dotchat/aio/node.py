"""The node on asyncio, as an application uses it."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import AsyncIterator, Deque, Dict, List, Optional, Type, Union

from .. import constants
from ..chatfile import ChatFile
from ..config import Config
from ..errors import ClosedError, Error, EventsUnreadError, MisuseError, StoreBusyError
from ..events import ChannelReady, Event
from ..identity import Identity
from ..values import Address, Device, Link, Message, Stats, now
from .driver import Driver

PATIENCE = 2.0
"""Seconds that a good-bye may take (BC-11.09)."""

LINKS = ("dotchat:", "magnet:", "bitchat:")


class Node:
    """A node that runs in the event loop of who starts it.

    ::

        async with dotchat.aio.Node("directory") as node:
            channel = await node.join("family.chat")
            await node.send_text(channel, "hello")
            async for event in node:
                print(event)
    """

    def __init__(
        self,
        directory: Union[None, str, "os.PathLike[str]"],
        config: Optional[Config] = None,
        *,
        identity: Optional[Identity] = None,
        tls: Optional[ssl.SSLContext] = None,
        most_events: int = 1024,
    ) -> None:
        """`directory` keeps who this is (`identity`, unless one is given) and what was said
        (`store.db`); None keeps nothing. `tls` is for trackers; None trusts whom the host trusts.
        `most_events` wait for the application here; others wait in the node, which slows its peers.
        """
        self._directory = None if directory is None else Path(directory)
        self._config = config or Config()
        self._identity = identity
        self._tls = tls
        self._most_events = max(most_events, 1)
        self._events: Deque[Event] = deque()
        self._reader: Optional[asyncio.Future[None]] = None
        self._joining: Dict[int, asyncio.Future[None]] = {}
        self._driver: Optional[Driver] = None
        self._closing: Optional[asyncio.Task[None]] = None
        self._started = False
        self._failure: Optional[BaseException] = None

    # ---- Beginning and end ----

    async def start(self) -> None:
        """Opens the files and begins. FileError says what is wrong with one."""
        if self._started:
            raise MisuseError("this node was started before")
        self._started = True
        made: Optional[Identity] = None
        if self._directory is not None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._identity is None:
            if self._directory is None:
                made = Identity.generate()
            else:
                made = Identity.load_or_create(self._directory / "identity")
        self._driver = Driver(self._config, self._tls, self._take, self._failed)
        path = None if self._directory is None else self._directory / "store.db"
        try:
            await self._driver.start(made or self._identity, path)
        except BaseException:
            self._driver = None
            raise
        finally:
            if made is not None:
                made.close()

    async def close(self) -> None:
        """Says good-bye to everybody, for two seconds at most, and frees the node."""
        if self._closing is None:
            if self._driver is None:
                return
            self._closing = asyncio.get_running_loop().create_task(self._close(self._driver))
        # Who is cancelled while waiting does not cancel the good-bye.
        await asyncio.shield(self._closing)

    async def _close(self, driver: Driver) -> None:
        await driver.close(PATIENCE)
        self._driver = None
        self._end_waits(ClosedError("this node was closed"))

    async def __aenter__(self) -> Node:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.close()

    def _running(self) -> Driver:
        if self._failure is not None:
            raise self._failure
        if self._driver is None or self._closing is not None:
            was = "closed" if self._started else "not started: use `async with`, or `await start()`"
            raise ClosedError(f"this node was {was}")
        return self._driver

    def _failed(self, error: BaseException) -> None:
        """The driver cannot go on."""
        self._failure = self._failure or error
        self._end_waits(error)

    def _end_waits(self, error: BaseException) -> None:
        for waiting in self._joining.values():
            if not waiting.done():
                waiting.set_exception(error)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # ---- Events ----

    def _take(self, driver: Driver) -> bool:
        """Takes events out of the node, as many as may wait here; gives whether there were some."""
        took = False
        while len(self._events) < self._most_events:
            event = driver.node.poll_event()
            if event is None:
                break
            took = True
            self._events.append(event)
            if isinstance(event, ChannelReady):
                self._settle(event.channel, None)
        else:
            # BC-11.08: the rest waits in the node. What somebody waits for may be among it.
            for channel in list(self._joining):
                told = f"{self._most_events} events wait: read them while joining"
                self._settle(channel, EventsUnreadError(told))
        if took and self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
        return took

    def _settle(self, channel: int, error: Optional[Error]) -> None:
        waiting = self._joining.get(channel)
        if waiting is None or waiting.done():
            return
        if error is None:
            waiting.set_result(None)
        else:
            waiting.set_exception(error)

    def __aiter__(self) -> Node:
        return self

    async def __anext__(self) -> Event:
        """The next event; after `close`, what was left, and then the end."""
        while not self._events:
            if self._failure is not None:
                raise self._failure
            if self._driver is None:
                raise StopAsyncIteration
            if self._reader is not None:
                raise MisuseError("another task reads the events of this node")
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        event = self._events.popleft()
        if len(self._events) == self._most_events - 1 and self._driver is not None:
            self._driver.wake()
        return event

    # ---- Channels ----

    async def join(self, source: Union[ChatFile, str, "os.PathLike[str]"]) -> int:
        """Joins by a `.chat` file, its path or a link; gives the channel's number when it is live.

        By a link it is live when the first member was met, which may be never: use
        `asyncio.wait_for`. Who stops waiting leaves the channel again.
        """
        driver, local = self._running(), bool(self._config.local_trackers)
        if isinstance(source, str) and source.startswith(LINKS):
            channel = driver.node.join_link(now(), source, local)
        elif isinstance(source, ChatFile):
            channel = driver.node.join(now(), source)
        else:
            with ChatFile.open(source, local) as file:
                channel = driver.node.join(now(), file)
        waiting = self._joining[channel] = asyncio.get_running_loop().create_future()
        driver.wake()
        try:
            await waiting
        except BaseException:
            if self._driver is not None and self._closing is None and self._failure is None:
                self.leave(channel)
            raise
        finally:
            del self._joining[channel]
        return channel

    def leave(self, channel: int) -> None:
        """Leaves a channel. What is stored of it stays."""
        driver = self._running()
        driver.node.leave(now(), channel)
        driver.wake()

    async def send_text(self, channel: int, text: str) -> bytes:
        """Writes a text to everybody and gives the message's name; waits while the store is busy."""
        while True:
            driver = self._running()
            try:
                entry_id = driver.node.send_text(now(), channel, text)
            except StoreBusyError:
                await driver.stored()
                continue
            driver.wake()
            return entry_id

    def messages(
        self,
        channel: int,
        *,
        first: bool = False,
        after: Optional[bytes] = None,
        before: Optional[bytes] = None,
        limit: int = 256,
    ) -> List[Message]:
        """A page of the history: the latest messages, the first, or those next to a message."""
        if first + (after is not None) + (before is not None) > 1:
            raise MisuseError("a page is the first, or after, or before a message")
        page, entry_id = constants.PAGE_LAST, None
        if first:
            page = constants.PAGE_FIRST
        elif after is not None:
            page, entry_id = constants.PAGE_AFTER, after
        elif before is not None:
            page, entry_id = constants.PAGE_BEFORE, before
        return self._running().node.messages(channel, page, entry_id, limit)

    async def history(self, channel: int, limit: int = 256) -> AsyncIterator[Message]:
        """All messages from the first on, read in pages of `limit`; others run between the pages."""
        page = self.messages(channel, first=True, limit=limit)
        while page:
            for message in page:
                yield message
            await asyncio.sleep(0)
            page = self.messages(channel, after=page[-1].entry_id, limit=limit)

    def chat_file(self, channel: int) -> ChatFile:
        """The channel's file. NotReadyError if it was joined by a link and nobody was met yet."""
        return self._running().node.chat_file(channel)

    def add_peer(self, channel: int, address: Address, peer_id: Optional[bytes] = None) -> None:
        """Names an address where a member may be."""
        driver = self._running()
        driver.node.add_peer(now(), channel, address, peer_id)
        driver.wake()

    def delivered(self, channel: int, entry_id: bytes) -> List[Device]:
        """The devices that have stored a message of this node."""
        return self._running().node.delivered(channel, entry_id)

    # ---- The node as a whole ----

    @property
    def ports(self) -> Dict[int, int]:
        """The UDP ports that are open, by family (4, 6)."""
        return self._running().ports()

    def resumed(self) -> None:
        """The host slept and goes on. Needed only on macOS, whose clock stops in sleep."""
        driver = self._running()
        driver.node.resumed(now())
        driver.wake()

    def device(self) -> Optional[Device]:
        """Who this node is; None until its device was read back from the store."""
        return self._running().node.device()

    def links(self) -> List[Link]:
        """The links that carry chat."""
        return self._running().node.links()

    def stats(self) -> Stats:
        """The counters since the start."""
        return self._running().node.stats()

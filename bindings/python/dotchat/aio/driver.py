"""What the node asks for, done by asyncio (spec 11)."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Callable, Coroutine, Dict, List, Optional, Set

from ..actions import (
    Action,
    BindUdp,
    Close,
    Load,
    OpenTcp,
    Persist,
    Resolve,
    UnknownAction,
    Write,
)
from ..config import Config
from ..errors import Error, StoreBusyError
from ..identity import Identity
from ..node import Node
from ..values import CLOCK, Address, now
from .store import Failed, Job, Loaded, Persisted, Store
from .streams import Streams
from .udp import Socket, open_socket, own_addresses

INTERFACES_EVERY = 30.0
"""Seconds between two looks at the host's addresses (BC-11.24)."""
MOST_SEGMENTS = 16
"""Datagrams that one call takes out of the node."""
MOST_RESOLVED = 16


class Driver:
    """Drives a node. `take` takes its events, `broken` is told why it cannot go on."""

    node: Node

    def __init__(
        self,
        config: Config,
        tls: Optional[ssl.SSLContext],
        take: Callable[["Driver"], bool],
        broken: Callable[[BaseException], None],
    ) -> None:
        self._config, self._take, self._broken = config, take, broken
        self._loop = asyncio.get_running_loop()
        self._streams = Streams(
            tls, self._opened, self._not_done, self._readable, self._stream_ended
        )
        self._sockets: Dict[int, Socket] = {}
        self._tasks: "Set[asyncio.Task[None]]" = set()
        self._thread: Optional[ThreadPoolExecutor] = None
        self._store: Optional[Store] = None
        self._jobs: List[Job] = []
        self._storing = False
        self._stored: Optional[asyncio.Future[None]] = None
        self._woken = False
        self._timer: Optional[asyncio.TimerHandle] = None
        self._addresses: List[Address] = []
        self._drained: Optional[asyncio.Future[None]] = None
        self._over = False

    async def start(self, identity: Optional[Identity], path: Optional[Path]) -> None:
        assert identity is not None
        config = self._config
        if config.clock is None:
            config = dataclasses.replace(config, clock=CLOCK)
        if path is None or config.store is False:
            config = dataclasses.replace(config, store=False)
        else:
            self._thread = ThreadPoolExecutor(1, "dotchat-store")
            opening = self._loop.run_in_executor(self._thread, Store, path)
            try:
                self._store = await asyncio.shield(opening)
            except BaseException:
                self._thread.shutdown(wait=False)
                raise
        try:
            self.node = Node(identity, now(), config)
        except BaseException:
            await self._close_store()
            raise
        self._tell_interfaces()
        self._drain()
        # The sockets that the node wanted at once.
        await asyncio.gather(*self._tasks)
        self._task(self._watch_interfaces())

    async def close(self, patience: float) -> None:
        """Says good-bye, and ends."""
        if not self._over:
            self._drained = self._loop.create_future()
            self.node.shutdown(now())
            self.wake()
            try:
                await asyncio.wait_for(self._drained, patience)
            except asyncio.TimeoutError:
                pass
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await self._streams.abort()
        for one in self._sockets.values():
            if one.transport is not None:
                one.transport.close()  # what it kept is sent first (BC-11.53)
        await self._close_store()
        self.node.close()

    async def _close_store(self) -> None:
        if self._thread is not None:
            if self._store is not None:
                await self._loop.run_in_executor(self._thread, self._store.close)
            self._thread.shutdown(wait=False)

    def ports(self) -> Dict[int, int]:
        return {one.family: one.port for one in self._sockets.values()}

    def _task(self, work: "Coroutine[Any, Any, None]") -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._look_at)

    def _look_at(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None:
            self._break(task.exception())

    def _break(self, error: Optional[BaseException]) -> None:
        """A call that must not fail did: the node ends, and whoever waits is told why."""
        if not self._over and error is not None:
            self._over = True
            if self._drained is not None and not self._drained.done():
                self._drained.set_result(None)
            self._wake_storers()
            self._broken(error)

    # ---- The loop ----

    def wake(self) -> None:
        """Drains the node when all that came in together was handed in (BC-11.50)."""
        if not self._woken and not self._over:
            self._woken = True
            self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        self._woken = False
        if self._over:
            return
        try:
            # BC-11.05
            while self._send() | self._carry_out_all() | self._take(self):
                pass
            self._set_timer()
            if self._drained is not None and not self._drained.done() and self.node.is_drained():
                self._drained.set_result(None)
        except Exception as error:
            self._break(error)

    def _full(self) -> bool:
        return any(one.paused for one in self._sockets.values())

    def _send(self) -> bool:
        sent = False
        while not self._full():
            transmit = self.node.poll_transmit(now(), MOST_SEGMENTS)
            if transmit is None:
                break
            sent = True
            one = self._sockets.get(transmit.socket)
            if one is not None:
                one.send(transmit.datagrams(), transmit.address)
        return sent

    def _set_timer(self) -> None:
        deadline = self.node.deadline()
        if deadline is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return
        wait = max(deadline - now().mono_ns, 0) / 1e9
        if self._full():
            wait = max(wait, 0.001)  # BC-11.52
        when = self._loop.time() + wait
        if self._timer is not None:
            if self._timer.when() <= when:
                return  # it looks again when it is woken too early
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._over:
            return
        try:
            deadline = self.node.deadline()
            if deadline is not None and deadline <= now().mono_ns:  # BC-11.04
                self.node.tick(now())
        except Error as error:
            self._break(error)
            return
        if not self._woken:
            self._drain()

    # ---- Actions ----

    def _carry_out_all(self) -> bool:
        some = False
        while True:
            action = self.node.poll_action()
            if action is None:
                return some
            some = True
            self._carry_out(action)

    def _carry_out(self, action: Action) -> None:
        if isinstance(action, BindUdp):
            self._task(self._bind(action))
        elif isinstance(action, Resolve):
            self._task(self._resolve(action))
        elif isinstance(action, OpenTcp):
            self._streams.open(action)
        elif isinstance(action, Write):
            self._streams.write(action.stream, action.data)
        elif isinstance(action, Close):
            self._streams.close(action.stream)
        elif isinstance(action, (Persist, Load)):
            self._jobs.append(action)
            self._store_next()
        elif isinstance(action, UnknownAction) and action.request is not None:
            self._not_done(action.request, None)

    def _not_done(self, request: int, reason: Optional[str]) -> None:
        if not self._over:
            self.node.failed(now(), request, reason)
            self.wake()

    async def _bind(self, action: BindUdp) -> None:
        taken = next(iter(self.ports().values()), None)
        name = len(self._sockets)
        try:
            made = open_socket(action.family, action.port, taken)
        except OSError as error:
            self._not_done(action.request, str(error))
            return
        local = Address.of_sockaddr(made.getsockname())
        one = Socket(action.family, local.port, partial(self._arrived, name), self.wake)
        # The name is taken before the loop runs others.
        self._sockets[name] = one
        await self._loop.create_datagram_endpoint(lambda: one, sock=made)
        if self._over:
            if one.transport is not None:
                one.transport.abort()
            return
        self.node.bound(now(), action.request, name, local)
        self.wake()

    def _arrived(self, name: int, sender: Address, data: bytes) -> None:
        if self._over:
            return
        try:
            self.node.datagram(now(), name, sender, data)
        except Error as error:
            self._break(error)
        self.wake()

    async def _resolve(self, action: Resolve) -> None:
        try:
            found = await self._loop.getaddrinfo(action.host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._not_done(action.request, str(error))
            return
        known = (socket.AF_INET, socket.AF_INET6)
        addresses = [Address.of_sockaddr(one[4]) for one in found if one[0] in known]
        if not self._over:
            self.node.resolved(now(), action.request, addresses[:MOST_RESOLVED])
            self.wake()

    def _opened(self, request: int, name: int) -> None:
        if not self._over:
            self.node.opened(now(), request, name)
            self.wake()

    def _readable(self, name: int, data: bytes) -> None:
        if not self._over:
            self.node.readable(now(), name, data)
            self.wake()

    def _stream_ended(self, name: int) -> None:
        if not self._over:
            self.node.stream_closed(now(), name)
            self.wake()

    # ---- The store ----

    def _store_next(self) -> None:
        """One thread carries out what waits, in order, while the loop goes on."""
        if self._storing or not self._jobs:
            return
        jobs, self._jobs = self._jobs, []
        if self._store is None or self._thread is None:
            for job in jobs:
                self._not_done(job.request, None)
            return
        self._storing = True
        done = self._loop.run_in_executor(self._thread, self._store.run, jobs)
        done.add_done_callback(self._answer)

    def _answer(self, done: "asyncio.Future[List[Persisted | Loaded | Failed]]") -> None:
        self._storing = False
        if self._over or done.cancelled():
            return
        try:
            for answer in done.result():
                if isinstance(answer, Persisted):
                    self.node.persisted(now(), answer.request)
                elif isinstance(answer, Loaded):
                    self.node.loaded(now(), answer.request, answer.records, answer.more)
                else:
                    self.node.failed(now(), answer.request, answer.reason)
        except Exception as error:
            self._break(error)
            return
        self._wake_storers()
        self._store_next()
        self.wake()

    def _wake_storers(self) -> None:
        if self._stored is not None and not self._stored.done():
            self._stored.set_result(None)
        self._stored = None

    async def stored(self) -> None:
        """Waits until something more is stored."""
        if self._over:
            raise StoreBusyError("the node ended")
        if self._stored is None:
            self._stored = self._loop.create_future()
        self.wake()
        await asyncio.shield(self._stored)

    # ---- The host's addresses ----

    def _tell_interfaces(self) -> None:
        found = own_addresses()
        if found is not None and found != self._addresses:
            self._addresses = found
            self.node.interfaces(now(), found)
            self.wake()

    async def _watch_interfaces(self) -> None:
        while not self._over:
            await asyncio.sleep(INTERFACES_EVERY)
            if not self._over:
                self._tell_interfaces()

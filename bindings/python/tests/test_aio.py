"""Nodes on asyncio: real sockets on loopback, real files, trackers with and without TLS."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any, Callable, List, Optional

import dotchat
from dotchat import aio, constants, events
from dotchat.aio import udp

PATIENCE = 30.0
LOCAL = dotchat.Config(local_trackers=True)


async def next_of(node: aio.Node, kind: Any, wanted: Callable[[Any], bool] = lambda e: True) -> Any:
    async def look() -> Any:
        async for event in node:
            if isinstance(event, kind) and wanted(event):
                return event
        raise AssertionError(f"the node ended without {kind}")

    return await asyncio.wait_for(look(), PATIENCE)


class Case(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.file = dotchat.ChatFile.create("family")


class Talk(Case):
    async def test_two_nodes_meet_through_a_hint_talk_and_remember(self) -> None:
        async with aio.Node(self.directory / "a") as alice, aio.Node(None) as bob:
            ours, theirs = await alice.join(self.file), await bob.join(self.file)
            alice.add_peer(ours, dotchat.Address("127.0.0.1", bob.ports[4]))
            named = await alice.send_text(ours, "hello")
            heard = await next_of(bob, events.MessageStored)
            self.assertEqual((heard.message.text, heard.message.entry_id), ("hello", named))
            await next_of(alice, events.Delivered)
            self.assertEqual(alice.delivered(ours, named), [bob.device()])
            for number in range(20):
                await bob.send_text(theirs, str(number))
            await next_of(alice, events.MessageStored, lambda e: e.message.text == "19")
            told = [message.text async for message in alice.history(ours, limit=3)]
            self.assertEqual(told, ["hello", *map(str, range(20))])
            self.assertEqual(alice.messages(ours, limit=1)[0].text, "19")
            second = alice.messages(ours, after=named, limit=1)[0]
            self.assertEqual(second.text, "0")
            self.assertEqual(alice.messages(ours, before=second.entry_id)[-1].text, "hello")
            self.assertEqual(alice.links()[0].device, bob.device())
            device = alice.device()
            # The good-bye is said before `close` returns: the other need not wait for silence.
            await alice.close()
            down = await next_of(bob, events.MemberDown)
            self.assertEqual(down.device, device)
        async with aio.Node(self.directory / "a") as alice:
            ours = await alice.join(self.file)
            self.assertEqual(alice.device(), device)
            self.assertEqual(len(alice.messages(ours)), 21)
        for name in ("identity", "store.db"):
            mode = (self.directory / "a" / name).stat().st_mode & 0o777
            self.assertEqual(mode, 0o600, name)

    async def test_over_ipv6(self) -> None:
        async with aio.Node(None) as alice, aio.Node(None) as bob:
            if 6 not in bob.ports:
                self.skipTest("no IPv6")
            ours = await alice.join(self.file)
            await bob.join(self.file)
            alice.add_peer(ours, dotchat.Address("::1", bob.ports[6]))
            up = await next_of(alice, events.LinkUp)
            self.assertEqual(up.address.host, "::1")

    async def test_by_a_link(self) -> None:
        async with aio.Node(None) as alice, aio.Node(None) as bob:
            await alice.join(self.file)
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(bob.join(self.file.link), 0.2)
            # Who stopped waiting has left, and can join again.
            joining = asyncio.ensure_future(bob.join(self.file.link))
            await asyncio.sleep(0)
            alice.add_peer(0, dotchat.Address("127.0.0.1", bob.ports[4]))
            theirs = await asyncio.wait_for(joining, PATIENCE)
            with bob.chat_file(theirs) as file:
                self.assertEqual(file.name, "family")

    async def test_leaving(self) -> None:
        async with aio.Node(None) as node:
            path = self.directory / "family.chat"
            self.file.save(path)
            channel = await node.join(path)
            with self.assertRaises(dotchat.JoinedError):
                await node.join(self.file)
            node.leave(channel)
            with self.assertRaises(dotchat.UnknownError):
                await node.send_text(channel, "a")


class Ends(Case):
    async def test_what_is_used_before_or_after_its_time(self) -> None:
        node = aio.Node(None)
        with self.assertRaisesRegex(dotchat.ClosedError, "not started"):
            await node.join(self.file)
        await node.start()
        with self.assertRaises(dotchat.MisuseError):
            await node.start()
        reading = asyncio.ensure_future(next_of(node, events.LogFull))
        await asyncio.sleep(0.05)
        with self.assertRaisesRegex(dotchat.MisuseError, "another task"):
            async for event in node:
                pass
        joining = asyncio.ensure_future(node.join("magnet:?xt=urn:btih:" + "a" * 40))
        await asyncio.sleep(0)
        await asyncio.gather(node.close(), node.close())
        with self.assertRaisesRegex(AssertionError, "ended"):
            await reading
        with self.assertRaises(dotchat.ClosedError):
            await joining
        with self.assertRaises(dotchat.ClosedError):
            node.links()

    async def test_a_store_has_one_node_and_must_be_ours(self) -> None:
        async with aio.Node(self.directory / "a"):
            with self.assertRaisesRegex(dotchat.FileError, "in use"):
                await aio.Node(self.directory / "a").start()
        store = self.directory / "a" / "store.db"
        store.chmod(0o644)
        with self.assertRaisesRegex(dotchat.FileError, "chmod 600"):
            await aio.Node(self.directory / "a").start()
        store.write_bytes(b"no SQLite file at all, but long enough to be looked at" * 99)
        store.chmod(0o600)
        kept = store.read_bytes()
        with self.assertRaisesRegex(dotchat.FileError, "store"):
            await aio.Node(self.directory / "a").start()
        self.assertEqual(store.read_bytes(), kept)

    async def test_events_that_nobody_reads_wait_in_the_node(self) -> None:
        async with aio.Node(None, most_events=1) as node:
            with self.assertRaises(dotchat.EventsUnreadError):
                await node.join(self.file)
            # Reading makes room, and joining works.
            reading = asyncio.ensure_future(next_of(node, events.ChannelReady))
            await asyncio.sleep(0.05)
            self.assertEqual(len(node._events), 0)
            joining = asyncio.ensure_future(node.join(self.file))
            await reading
            await asyncio.gather(joining, return_exceptions=True)

    async def test_a_fatal_error_reaches_whoever_waits(self) -> None:
        node = aio.Node(None)
        await node.start()
        reading = asyncio.ensure_future(next_of(node, events.LogFull))
        await asyncio.sleep(0.05)
        driver = node._running()

        def broken() -> Any:
            raise dotchat.FatalError("broken", constants.ERR_PANIC)

        driver.node.poll_action = broken  # type: ignore[method-assign]
        driver.wake()
        with self.assertRaises(dotchat.FatalError):
            await reading
        with self.assertRaises(dotchat.FatalError):
            node.links()
        await node.close()


class Sockets(Case):
    async def test_families_zones_port_zero_and_empty_datagrams(self) -> None:
        arrived: List[Any] = []
        loop = asyncio.get_running_loop()
        for family, host, other in ((4, "127.0.0.1", "::1"), (6, "::1", "127.0.0.1")):
            try:
                made = udp.open_socket(family, 0, None)
            except OSError:
                continue
            port = made.getsockname()[1]
            one = udp.Socket(family, port, lambda *what: arrived.append(what), lambda: None)
            await loop.create_datagram_endpoint(lambda: one, sock=made)
            # What would close the transport, or confuse it, does nothing.
            one.send((b"x",), dotchat.Address(other, port))
            one.send((b"x",), dotchat.Address(host, 0))
            one.send((b"", b"y"), dotchat.Address(host, port))
            made_v = socket.AF_INET6 if family == 6 else socket.AF_INET
            with socket.socket(made_v, socket.SOCK_DGRAM) as raw:
                raw.sendto(b"", (host, port))
                raw.sendto(b"z", (host, port))
            await asyncio.sleep(0.2)
            self.assertEqual(sorted(data for _, data in arrived), [b"", b"y", b"z"])
            self.assertTrue(all(sender.host == host for sender, _ in arrived))
            assert one.transport is not None
            self.assertFalse(one.transport.is_closing())
            one.transport.close()
            arrived.clear()

    def test_a_link_local_peer_is_answered_on_its_network(self) -> None:
        arrived: List[Any] = []
        one = udp.Socket(6, 7, lambda *what: arrived.append(what), lambda: None)
        one.datagram_received(b"a", ("fe80::1", 5, 0, 3))
        one.datagram_received(b"a", ("fe80::2%eth0", 5, 0, 4))
        one.datagram_received(b"a", ("2001:db8::1", 0, 0, 0))
        self.assertEqual([a.host for a, _ in arrived], ["fe80::1", "fe80::2"])
        self.assertEqual(one.sockaddr(dotchat.Address("fe80::1", 5)), ("fe80::1", 5, 0, 3))
        self.assertEqual(one.sockaddr(dotchat.Address("fe80::2", 5)), ("fe80::2", 5, 0, 4))
        for number in range(1000):
            one.datagram_received(b"a", (f"fe80::{number + 9:x}", 5, 0, 4))
        self.assertLessEqual(len(one._scopes), 256)

    async def test_a_full_socket_stops_the_polling_until_it_is_writable(self) -> None:
        async with aio.Node(None) as alice, aio.Node(None) as bob:
            ours, theirs = await alice.join(self.file), await bob.join(self.file)
            alice.add_peer(ours, dotchat.Address("127.0.0.1", bob.ports[4]))
            await next_of(alice, events.MemberUp)
            driver = alice._running()
            full = next(s for s in driver._sockets.values() if s.family == 4)
            full.pause_writing()
            polled: List[Any] = []
            poll, tick = driver.node.poll_transmit, driver.node.tick
            ticks: List[Any] = []
            driver.node.poll_transmit = lambda *a: polled.append(a) or poll(*a)  # type: ignore
            driver.node.tick = lambda at: ticks.append(at) or tick(at)  # type: ignore
            await alice.send_text(ours, "later")
            await asyncio.sleep(0.3)
            self.assertEqual(polled, [])
            self.assertLess(len(ticks), 400)  # BC-11.52: no busy loop
            full.resume_writing()
            heard = await next_of(bob, events.MessageStored)
            self.assertEqual(heard.message.text, "later")

    async def test_what_the_system_does_not_take_pauses_asyncio_too(self) -> None:
        made = udp.open_socket(4, 0, None)
        one = udp.Socket(4, made.getsockname()[1], lambda *what: None, lambda: None)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: one, sock=made)

        class Full:
            """The system's socket, which takes nothing at first."""

            def __getattr__(self, name: str) -> Any:
                return getattr(made, name)

            def sendto(self, *what: Any) -> int:
                raise BlockingIOError

        transport._sock = Full()  # type: ignore[attr-defined]
        one.send((b"a",), dotchat.Address("127.0.0.1", one.port))
        self.assertTrue(one.paused)
        transport._sock = made  # type: ignore[attr-defined]
        for _ in range(100):
            await asyncio.sleep(0.01)
        self.assertFalse(one.paused)
        transport.close()


class Tracker:
    """Answers announces with everybody who announced."""

    def __init__(self) -> None:
        self.peers: List[bytes] = []
        self.asked: List[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
            return
        self.asked.append(head)
        port = int(head.split("port=")[1].split("&")[0])
        peer = bytes([127, 0, 0, 1]) + port.to_bytes(2, "big")
        if peer not in self.peers:
            self.peers.append(peer)
        peers = b"".join(self.peers)
        body = b"d8:intervali60e12:min intervali1e5:peers%d:%be" % (len(peers), peers)
        head_out = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
        writer.write(head_out + body)
        writer.close()


class Trackers(Case):
    async def start(self, tls: Optional[ssl.SSLContext] = None) -> "tuple[Tracker, int]":
        tracker = Tracker()
        server = await asyncio.start_server(tracker.serve, "127.0.0.1", 0, ssl=tls)
        self.addCleanup(server.close)
        return tracker, server.sockets[0].getsockname()[1]

    async def test_nodes_find_each_other_through_a_tracker(self) -> None:
        tracker, port = await self.start()
        file = dotchat.ChatFile.create("t", [f"http://127.0.0.1:{port}/announce"])
        async with aio.Node(None, LOCAL) as alice, aio.Node(None, LOCAL) as bob:
            await alice.join(file)
            await next_of(alice, events.Tracker, lambda e: e.state == constants.TRACKER_WORKING)
            await bob.join(file)
            await next_of(bob, events.MemberUp)
        self.assertIn("event=stopped", tracker.asked[-1])

    @unittest.skipUnless(shutil.which("openssl"), "no openssl to make a certificate with")
    async def test_tls_is_proven_or_refused(self) -> None:
        key, certificate = self.directory / "key", self.directory / "certificate"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        command += ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(certificate, key)
        _, port = await self.start(serving)
        # The server complains of who refuses it.
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        file = dotchat.ChatFile.create("t", [f"https://localhost:{port}/announce"])
        trusting = ssl.create_default_context(cafile=str(certificate))
        settled = (constants.TRACKER_WORKING, constants.TRACKER_FAILED)
        told = []
        for tls in (None, trusting):
            async with aio.Node(None, LOCAL, tls=tls) as node:
                await node.join(file)
                event = await next_of(node, events.Tracker, lambda e: e.state in settled)
                told.append((event.state, event.reason))
        self.assertEqual([state for state, _ in told], list(reversed(settled)), told)
        self.assertRegex(told[0][1] or "", "(?i)certificate")

    async def test_a_tracker_that_is_not_there(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        file = dotchat.ChatFile.create("t", [f"http://localhost:{port}/announce"])
        async with aio.Node(None, LOCAL) as node:
            await node.join(file)
            event = await next_of(
                node, events.Tracker, lambda e: e.state == constants.TRACKER_FAILED
            )
            self.assertEqual(event.url, f"http://localhost:{port}/announce")


if __name__ == "__main__":
    unittest.main()

"""The node without a loop, and every way to use an object wrongly."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

import dotchat
from dotchat import constants, events

from .world import START, Peer, World


class Talk(unittest.TestCase):
    def test_two_nodes_meet_and_talk_without_a_socket(self) -> None:
        alice, bob = Peer("10.0.0.1"), Peer("10.0.0.2")
        world = World(alice, bob)
        with dotchat.ChatFile.create("family") as file:
            ours = alice.node.join(START, file)
            theirs = bob.node.join(START, file)
        world.run(0.1)
        alice.node.add_peer(world.at, ours, dotchat.Address("10.0.0.2", 7000))
        named = alice.node.send_text(world.at, ours, "hello\0 \u00fc")
        world.run(5)
        said = [e for e in bob.events if isinstance(e, events.MessageStored)]
        self.assertEqual([e.message.text for e in said], ["hello\0 \u00fc"])
        message = said[0].message
        self.assertEqual((message.entry_id, message.own), (named, False))
        self.assertEqual(message.author, alice.node.device())
        # The event and the page say the same of the message.
        self.assertEqual(bob.node.messages(theirs), [message])
        self.assertEqual(alice.node.delivered(ours, named), [bob.node.device()])
        self.assertIn(events.Delivered(ours, bob.node.device(), named), alice.events)
        link, = alice.node.links()
        self.assertEqual(link.device, bob.node.device())
        self.assertEqual(link.address, dotchat.Address("10.0.0.2", 7000))
        self.assertEqual(alice.node.renew_keys(world.at), 1)
        for number in range(5):
            bob.node.send_text(world.at, theirs, str(number))
        world.run(2)
        texts = [m.text for m in alice.node.messages(ours, constants.PAGE_AFTER, named)]
        self.assertEqual(texts, ["0", "1", "2", "3", "4"])
        last, = alice.node.messages(ours, constants.PAGE_LAST, limit=1)
        before = alice.node.messages(ours, constants.PAGE_BEFORE, last.entry_id, 2)
        self.assertEqual([m.text for m in before], ["2", "3"])
        alice.node.resumed(world.at)
        world.run(1)
        self.assertEqual(len(alice.node.links()), 1)
        alice.node.shutdown(world.at)
        world.run(1)
        self.assertTrue(alice.node.is_drained())
        self.assertTrue(any(isinstance(e, events.MemberDown) for e in bob.events))
        self.assertGreater(bob.node.stats().datagrams_in, 0)
        self.assertIsNone(bob.node.dht_stats())
        self.assertEqual(bob.node.dht_nodes(), [])

    def test_the_dht_is_asked_where_a_node_of_it_is_named(self) -> None:
        config = dotchat.Config(store=False, local_trackers=True, dht_routers="10.0.0.9:6881")
        alice, bob = Peer("10.0.0.1", config), Peer("10.0.0.2")
        World(alice, bob).run(0.1)
        stats = alice.node.dht_stats()
        assert stats is not None
        self.assertEqual((stats.queries, stats.nodes_v4), (1, 0))
        self.assertIsNone(bob.node.dht_stats())
        with self.assertRaises(dotchat.InvalidError):
            Peer("10.0.0.3", dotchat.Config(dht_routers="nowhere"))

    def test_log_qlog_and_key_log(self) -> None:
        config = dotchat.Config(
            store=False,
            log=constants.LOG_DEBUG,
            qlog=True,
            insecure_key_log=constants.INSECURE_KEY_LOG,
        )
        alice, bob = Peer("10.0.0.1", config), Peer("10.0.0.2")
        world = World(alice, bob)
        with dotchat.ChatFile.create("family") as file:
            channel = alice.node.join(START, file)
            bob.node.join(START, file)
        world.run(0.1)
        alice.node.add_peer(world.at, channel, dotchat.Address("10.0.0.2", 7000))
        world.run(3)
        logged = list(iter(alice.node.poll_log, None))
        self.assertTrue(logged and all(one.text and one.part for one in logged))
        traced = list(iter(alice.node.poll_qlog, None))
        self.assertTrue(traced and traced[0].text.startswith("{"))
        line = alice.node.poll_key_log()
        self.assertTrue(line is not None and line.endswith("\n"))


class Values(unittest.TestCase):
    def test_chat_files_say_what_they_were_made_of(self) -> None:
        with dotchat.Identity.generate() as owner, dotchat.ChatFile.create(
            "f\u00e4mily", ["http://tracker.example/announce"], comment="hi", owner=owner
        ) as file, dotchat.ChatFile.parse(file.encode()) as again:
            self.assertEqual(again.name, "f\u00e4mily")
            self.assertEqual(again.channel_id, file.channel_id)
            self.assertEqual(again.link, file.link)
            self.assertTrue(file.link.startswith("dotchat:join/"))
            with tempfile.TemporaryDirectory() as directory:
                path = Path(directory) / "f.chat"
                file.save(path)
                self.assertEqual(path.stat().st_mode & 0o777, 0o600)
                with self.assertRaises(FileExistsError):
                    file.save(path)
                with dotchat.ChatFile.open(path) as opened:
                    self.assertEqual(opened.encode(), file.encode())
                self.assertEqual(len(list(Path(directory).iterdir())), 1)

    def test_errors_say_the_status_and_what_is_wrong(self) -> None:
        with self.assertRaisesRegex(dotchat.InvalidError, "not a .chat file") as raised:
            dotchat.ChatFile.parse(b"x")
        self.assertEqual(raised.exception.status, constants.ERR_INVALID)
        for call in (
            lambda: dotchat.ChatFile.create(""),
            lambda: dotchat.ChatFile.create("a\0b"),
            lambda: dotchat.Identity.from_secret(b"short"),
            lambda: dotchat.fingerprint(b""),
            lambda: dotchat.parse_peer_link("bitchat:peer/no"),
            lambda: Peer("x", dotchat.Config(rekey_interval_ms=1)),
            lambda: Peer("x", dotchat.Config(port=70_000)),
            lambda: Peer("x", dotchat.Config(limits={"no_such": 1})),
        ):
            self.assertRaises(dotchat.InvalidError, call)
        Peer("x", dotchat.Config(store=False, limits={"channels": 3}))

    def test_peer_links_and_identities(self) -> None:
        with dotchat.Identity.generate() as one:
            self.assertEqual(dotchat.parse_peer_link(dotchat.peer_link(one.peer_id)), one.peer_id)
            with dotchat.Identity.from_secret(one.secret()) as same:
                self.assertEqual(same.peer_id, one.peer_id)

    def test_addresses(self) -> None:
        four = dotchat.Address.of_sockaddr(("fe80::1%eth0", 5, 0, 3))
        self.assertEqual(four, dotchat.Address("fe80::1", 5))
        self.assertRaises(ValueError, dotchat.Address("no address", 1).native)


class IdentityFile(unittest.TestCase):
    def test_it_stays_the_same_and_is_refused_when_something_is_wrong(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "identity"
            made = dotchat.Identity.load_or_create(path)
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            self.assertEqual(dotchat.Identity.load_or_create(path).peer_id, made.peer_id)
            whole = path.read_bytes()
            for data, told in (
                (whole[:-1], "damaged"),
                (whole[:20] + b"x" + whole[21:], "damaged"),
                (whole[:16] + b"\2" + whole[17:], "version"),
                (b"something else", "not an identity"),
            ):
                path.write_bytes(data)
                with self.assertRaisesRegex(dotchat.FileError, told):
                    dotchat.Identity.load_or_create(path)
                self.assertEqual(path.read_bytes(), data)
            path.write_bytes(whole)
            path.chmod(0o640)
            with self.assertRaisesRegex(dotchat.FileError, "chmod 600"):
                dotchat.Identity.load_or_create(path)


class Misuse(unittest.TestCase):
    def test_closed(self) -> None:
        peer = Peer("x")
        peer.node.close()
        peer.node.close()
        self.assertTrue(peer.node.closed)
        self.assertRaises(dotchat.ClosedError, peer.node.tick, START)
        self.assertRaises(dotchat.ClosedError, peer.node.datagram, START, 0, None, b"")
        with dotchat.Identity.generate() as one:
            pass
        self.assertRaises(dotchat.ClosedError, one.secret)
        self.assertRaises(dotchat.ClosedError, dotchat.Node, one, START)

    def test_another_thread(self) -> None:
        node = Peer("x").node
        raised = []

        def use() -> None:
            for call in (lambda: node.tick(START), node.poll_event, node.close):
                try:
                    call()
                except dotchat.Error as error:
                    raised.append(type(error))

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        self.assertEqual(raised, [dotchat.WrongThreadError] * 3)
        node.tick(START)

    @unittest.skipUnless(hasattr(os, "fork"), "no fork")
    def test_a_forked_process_may_not_use_it(self) -> None:
        program = """
import os, dotchat
from tests.world import Peer, START
node = Peer("x").node
child = os.fork()
try:
    node.tick(START)
    os.write(1, b"used\\n")
except dotchat.ForkedError as error:
    os.write(1, b"refused\\n")
    node.close()
if child:
    os.waitpid(child, 0)
"""
        self.assertEqual(sorted(run(program).split()), ["refused", "used"])

    def test_an_interpreter_that_ends_with_everything_open(self) -> None:
        program = """
import dotchat, sys
from tests.world import Peer, START
node, file = Peer("x").node, dotchat.ChatFile.create("a")
sys.modules["kept"] = node
node.me = node
print("end")
"""
        self.assertEqual(run(program), "end\n")

    def test_dropped_objects_are_freed(self) -> None:
        finalizers = []
        for _ in range(3):
            node = Peer("x").node
            finalizers.append(node._finalizer)
            node.itself = node  # type: ignore[attr-defined]
            del node
        gc.collect()
        self.assertEqual([one.alive for one in finalizers], [False] * 3)

    def test_no_copies(self) -> None:
        node = Peer("x").node
        self.assertRaises(TypeError, copy.copy, node)
        self.assertRaises(TypeError, pickle.dumps, node)

    def test_unknown_channels_and_messages(self) -> None:
        peer = Peer("x")
        self.assertRaises(dotchat.UnknownError, peer.node.leave, START, 9)
        self.assertRaises(dotchat.UnknownError, peer.node.send_text, START, 9, "a")
        with dotchat.ChatFile.create("a") as file:
            channel = peer.node.join(START, file)
            self.assertRaises(dotchat.JoinedError, peer.node.join, START, file)
        World(peer).run(0.1)
        with self.assertRaises(dotchat.InvalidError):
            peer.node.send_text(START, channel, "")
        with self.assertRaises(dotchat.UnknownError):
            peer.node.messages(channel, constants.PAGE_AFTER, bytes(32))

    def test_datagrams_that_nobody_sent(self) -> None:
        peer = Peer("x")
        for size in (0, 1, 1200, 65_507, 70_000):
            peer.node.datagram(START, 0, dotchat.Address("192.0.2.1", 9), bytes(size))
        kept = b"\1" * 100
        peer.node.datagram(START, 0, dotchat.Address("2001:db8::1", 9), kept)
        self.assertEqual(kept, b"\1" * 100)


def run(program: str) -> str:
    here = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        cwd=here,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        timeout=60,
    )
    return done.stdout.decode()


if __name__ == "__main__":
    unittest.main()

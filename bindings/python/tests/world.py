"""Nodes without sockets: what one sends, the other is handed, at a time of the test's own."""

from __future__ import annotations

from typing import Dict, List, Optional

import dotchat
from dotchat import events

START = dotchat.Moment(1_000_000_000, 1_700_000_000_000)


class Peer:
    """A node and what a driver has to know."""

    def __init__(self, host: str, config: Optional[dotchat.Config] = None) -> None:
        self.host = host
        with dotchat.Identity.generate() as identity:
            self.node = dotchat.Node(identity, START, config or dotchat.Config(store=False))
        self.events: List[events.Event] = []

    def drain(self, at: dotchat.Moment, world: "World") -> None:
        busy = True
        while busy:
            busy = False
            for action in iter(self.node.poll_action, None):
                busy = True
                if isinstance(action, dotchat.BindUdp) and action.family == 4:
                    self.node.bound(at, action.request, 0, dotchat.Address("0.0.0.0", 7000))
                elif isinstance(action, dotchat.BindUdp):
                    self.node.failed(at, action.request, "no IPv6 here")
                else:
                    self.node.failed(at, action.request, None)  # type: ignore[attr-defined]
            for event in iter(self.node.poll_event, None):
                busy = True
                self.events.append(event)
            for transmit in iter(lambda: self.node.poll_transmit(at, 8), None):
                busy = True
                for datagram in transmit.datagrams():
                    world.wire.append((self, transmit.address, datagram))


class World:
    def __init__(self, *peers: Peer) -> None:
        self.peers: Dict[str, Peer] = {peer.host: peer for peer in peers}
        self.wire: list = []
        self.at = START

    def run(self, seconds: float) -> None:
        end = self.at.mono_ns + int(seconds * 1e9)
        while self.at.mono_ns < end:
            for peer in self.peers.values():
                peer.drain(self.at, self)
            arriving, self.wire = self.wire, []
            step = 10_000_000
            self.at = dotchat.Moment(self.at.mono_ns + step, self.at.wall_ms + step // 1_000_000)
            for sender, to, datagram in arriving:
                if to.host in self.peers:
                    source = dotchat.Address(sender.host, 7000)
                    self.peers[to.host].node.datagram(self.at, 0, source, datagram)
            for peer in self.peers.values():
                due = peer.node.deadline()
                if due is not None and due <= self.at.mono_ns:
                    peer.node.tick(self.at)
